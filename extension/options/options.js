/** The options page: shows the settings, checks what was written, and gives it to the worker, which keeps it. */

import {
  CHECK_COLLECTOR,
  GET_STATE,
  SETTINGS_KEY,
  SET_ENABLED,
  SET_SETTINGS,
  ask,
  permissionPattern,
} from '../messages.js';
import { byId, messageOf, setShown, setText } from '../ui/dom.js';
import { sentence } from '../ui/words.js';
import { changedFields, formFields, readForm } from './form.js';

/** @import { CollectorState, Settings } from '../messages.js' */
/** @import { FormErrors, FormFields } from './form.js' */

const problem = byId('problem', HTMLElement);
const outcome = byId('outcome', HTMLElement);
const save = byId('save', HTMLButtonElement);
const check = byId('check', HTMLButtonElement);
const originList = byId('origins', HTMLUListElement);
const scopes = { origin: byId('scope-origin', HTMLInputElement), tab: byId('scope-tab', HTMLInputElement) };
const texts = {
  endpoint: byId('endpoint', HTMLInputElement),
  queryEndpoint: byId('queryEndpoint', HTMLInputElement),
  token: byId('token', HTMLInputElement),
  idleTimeoutMs: byId('idleTimeoutMs', HTMLInputElement),
  maxAgeMs: byId('maxAgeMs', HTMLInputElement),
  targets: byId('targets', HTMLTextAreaElement),
  redactedNames: byId('redactedNames', HTMLTextAreaElement),
};
const textNames = /** @type {(keyof typeof texts)[]} */ (Object.keys(texts));

/** @param {FormFields} fields */
function fill(fields) {
  filled = fields;
  for (const name of textNames) texts[name].value = fields[name];
  scopes.origin.checked = fields.scope === 'origin';
  scopes.tab.checked = fields.scope === 'tab';
}

/** What the form was filled with: of the rest another window may know more. @type {FormFields} */
let filled;

/** @returns {FormFields} */
function written() {
  const values = /** @type {FormFields} */ ({ scope: scopes.tab.checked ? 'tab' : 'origin' });
  for (const name of textNames) values[name] = texts[name].value;
  return values;
}

/** @param {FormErrors} errors */
function showErrors(errors) {
  for (const name of textNames) {
    const line = byId(`${name}-error`, HTMLElement);
    const error = errors[name] ?? '';
    setText(line, error);
    setShown(line, error !== '');
    if (error) texts[name].setAttribute('aria-invalid', 'true');
    else texts[name].removeAttribute('aria-invalid');
  }
  const first = textNames.find((name) => errors[name]);
  if (first) texts[first].focus();
}

/** @param {Settings} settings */
function showOrigins({ origins }) {
  setShown(byId('no-origins', HTMLElement), origins.length === 0);
  const items = origins.map((origin) => {
    const item = document.createElement('li');
    const name = document.createElement('code');
    name.textContent = origin;
    const off = document.createElement('button');
    off.type = 'button';
    off.textContent = 'Switch off';
    off.setAttribute('aria-label', `Switch off ${origin}`);
    off.addEventListener('click', () => attempt(() => switchOff(origin)));
    item.append(name, off);
    return item;
  });
  originList.replaceChildren(...items);
}

/**
 * Run what a button starts, and tell what went wrong with it.
 * @param {() => Promise<void>} step
 */
async function attempt(step) {
  setShown(problem, false);
  setText(outcome, '');
  try {
    await step();
  } catch (error) {
    setText(problem, sentence(messageOf(error)));
    setShown(problem, true);
  }
}

/** @param {string} origin */
async function switchOff(origin) {
  await ask(SET_ENABLED, { origin, enabled: false });
  const { settings } = await ask(GET_STATE);
  showOrigins(settings);
  setText(outcome, `${origin} is switched off.`);
  save.focus();
}

/** The permission is asked for before anything is awaited: the browser wants that inside the click. */
async function saveForm() {
  const fields = written();
  const { settings, errors } = readForm(fields);
  showErrors(errors);
  if (Object.keys(errors).length > 0) return;
  const origins = [...new Set([settings.endpoint, settings.queryEndpoint].map(permissionPattern))];
  if (!(await chrome.permissions.request({ origins }))) {
    throw new Error(`The browser was not allowed to send to ${settings.endpoint}, so nothing was saved.`);
  }
  fill(formFields(await ask(SET_SETTINGS, { settings: changedFields(settings, fields, filled) })));
  setText(outcome, 'Saved.');
}

async function checkCollector() {
  check.disabled = true;
  try {
    /** @type {CollectorState} */
    const { endpoint, reachable, reason } = await ask(CHECK_COLLECTOR);
    const unsaved = written().endpoint === filled.endpoint ? '' : ` That is ${endpoint}, which is saved.`;
    const found = reachable ? `The collector at ${endpoint} is reachable.` : `Not reachable. ${sentence(reason)}`;
    setText(outcome, found + unsaved);
  } finally {
    check.disabled = false;
  }
}

byId('form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(saveForm);
});
check.addEventListener('click', () => attempt(checkCollector));
setText(byId('version', HTMLElement), `Version ${chrome.runtime.getManifest().version}`);
chrome.storage.local.onChanged.addListener((changes) => {
  const settings = changes[SETTINGS_KEY]?.newValue;
  if (settings) showOrigins(/** @type {Settings} */ (settings));
});

await attempt(async () => {
  const { settings } = await ask(GET_STATE);
  fill(formFields(settings));
  showOrigins(settings);
});
