/** The popup: asks the worker for its state, shows it, and hands over what the person wants. */

import {
  CHECK_COLLECTOR,
  FIND_TIMELINE,
  GET_STATE,
  NEW_SESSION,
  SET_ENABLED,
  SWITCHING_ON_KEY,
  ask,
  permissionPatterns,
} from '../messages.js';
import { byId, messageOf, setShown, setText } from '../ui/dom.js';
import { sentence } from '../ui/words.js';
import { popupView } from './view.js';

/** @import { State } from '../messages.js' */
/** @import { Figure, PopupView } from './view.js' */

/** Between two looks at the clock for `40 s ago`, in milliseconds. */
const CLOCK_INTERVAL_MS = 1000;
/** For which a button says that it has copied, in milliseconds. */
const COPIED_SHOWN_MS = 2000;

const elements = {
  problem: byId('problem', HTMLElement),
  siteName: byId('site-name', HTMLElement),
  siteNote: byId('site-note', HTMLElement),
  onOff: byId('switch', HTMLButtonElement),
  reload: byId('reload', HTMLButtonElement),
  session: byId('session', HTMLElement),
  sessionMissing: byId('session-missing', HTMLElement),
  sessionFacts: byId('session-facts', HTMLElement),
  sessionId: byId('session-id', HTMLElement),
  sessionTimes: byId('session-times', HTMLElement),
  newSession: byId('new-session', HTMLButtonElement),
  copyId: byId('copy-id', HTMLButtonElement),
  openTimeline: byId('open-timeline', HTMLButtonElement),
  copyCall: byId('copy-call', HTMLButtonElement),
  call: byId('call', HTMLElement),
  requests: byId('requests', HTMLElement),
  failedRequests: byId('failed-requests', HTMLElement),
  errors: byId('errors', HTMLElement),
  events: byId('events', HTMLElement),
  collectorHeadline: byId('collector-headline', HTMLElement),
  collectorNote: byId('collector-note', HTMLElement),
  queue: byId('queue', HTMLElement),
  lost: byId('lost', HTMLElement),
  lastError: byId('last-error', HTMLElement),
  check: byId('check', HTMLButtonElement),
  options: byId('options', HTMLButtonElement),
  announcement: byId('announcement', HTMLElement),
};

const tabId = new URLSearchParams(location.search).get('tabId');
const fields = tabId === null ? {} : { tabId: Number(tabId) };

/** @type {State | null} */
let state = null;
let timelineBase = '';
let refreshing = false;
let stale = false;

/** @param {State} latest */
function take(latest) {
  state = latest;
  show();
}

function show() {
  if (!state) return;
  const view = popupView(state, Date.now(), timelineBase);
  showSite(view);
  showSession(view);
  showCollector(view);
}

/** @param {PopupView} view */
function showSite({ site }) {
  setText(elements.siteName, site.name);
  setText(elements.siteNote, site.note);
  elements.onOff.disabled = !site.switchable;
  elements.onOff.setAttribute('aria-checked', String(site.on));
  setShown(elements.reload, site.reloadable);
}

/** @param {PopupView} view */
function showSession({ session, sessionMissing, counts }) {
  setShown(elements.session, session !== null || sessionMissing !== '');
  setShown(elements.sessionFacts, session !== null);
  setShown(elements.copyId, session !== null);
  setShown(elements.newSession, session !== null);
  showIfAny(elements.sessionMissing, sessionMissing);
  if (!session) return;
  setText(elements.sessionId, session.id);
  setText(elements.sessionTimes, session.times);
  setText(elements.call, session.shortCall);
  setShown(elements.openTimeline, session.timeline !== '');
  elements.copyCall.classList.toggle('main', session.timeline === '');
  showFigure(elements.requests, counts.requests);
  showFigure(elements.failedRequests, counts.failedRequests);
  showFigure(elements.errors, counts.errors);
  showFigure(elements.events, counts.events);
}

/** @param {PopupView} view */
function showCollector({ collector }) {
  elements.collectorHeadline.dataset.tone = collector.tone;
  setText(elements.collectorHeadline, collector.headline);
  setText(elements.collectorNote, collector.note);
  showIfAny(elements.queue, collector.queue);
  showIfAny(elements.lost, collector.lost);
  showIfAny(elements.lastError, collector.lastError);
}

/**
 * @param {HTMLElement} element
 * @param {Figure} figure
 */
function showFigure(element, figure) {
  setText(element, figure.value);
  element.classList.toggle('bad', figure.bad);
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function showIfAny(element, text) {
  setText(element, text);
  setShown(element, text !== '');
}

/** @param {unknown} error */
function tell(error) {
  setText(elements.problem, sentence(messageOf(error)));
  setShown(elements.problem, true);
}

/**
 * Run what a button starts, and tell what went wrong with it. That stays until something else is tried.
 * @param {() => Promise<void>} step
 */
async function attempt(step) {
  setShown(elements.problem, false);
  try {
    await step();
  } catch (error) {
    tell(error);
  }
}

async function refresh() {
  take(await ask(GET_STATE, fields));
}

/** Whatever changes while the answer is under way leads to one more question, not to one for each change. */
async function refreshLater() {
  stale = true;
  if (refreshing) return;
  refreshing = true;
  while (stale) {
    stale = false;
    await refresh().catch(tell);
  }
  refreshing = false;
}

async function begin() {
  await refresh();
  await Promise.all([findTimeline(), checkCollector()]);
}

async function switchOnOrOff() {
  const origin = state?.origin;
  if (!origin) return;
  const enabled = elements.onOff.getAttribute('aria-checked') !== 'true';
  if (enabled && !(await permissionFor(origin))) {
    throw new Error(`The browser was not allowed to let Gasoline on ${origin}, so it stays off.`);
  }
  await setEnabled(origin, enabled);
}

/**
 * Ask before anything is awaited: the browser wants that inside the click. It may close the popup to ask, so what was
 * wanted is noted for the worker, which then finishes.
 * @param {string} origin
 * @returns {Promise<boolean>}
 */
async function permissionFor(origin) {
  const asked = chrome.permissions.request({ origins: permissionPatterns(origin) });
  const noted = chrome.storage.session.set({ [SWITCHING_ON_KEY]: { origin, at: Date.now() } });
  try {
    return await asked;
  } finally {
    await noted;
    await chrome.storage.session.remove(SWITCHING_ON_KEY);
  }
}

/**
 * @param {string} origin
 * @param {boolean} enabled
 */
async function setEnabled(origin, enabled) {
  take(await ask(SET_ENABLED, { ...fields, origin, enabled }));
  setText(elements.announcement, `Gasoline is ${enabled ? 'on' : 'off'} for ${origin}.`);
}

async function beginSession() {
  take(await ask(NEW_SESSION, { ...fields, ...(state?.origin ? { origin: state.origin } : {}) }));
  setText(elements.announcement, 'The session has ended. The next one begins when the page is used.');
  if (!state?.session) elements.sessionMissing.focus();
}

async function checkCollector() {
  elements.check.disabled = true;
  try {
    const collector = await ask(CHECK_COLLECTOR);
    if (state) take({ ...state, collector });
    setText(elements.announcement, elements.collectorHeadline.textContent ?? '');
  } finally {
    elements.check.disabled = false;
  }
}

async function findTimeline() {
  timelineBase = await ask(FIND_TIMELINE);
  show();
}

async function openTimeline() {
  const url = shownSession()?.timeline;
  if (url) await chrome.tabs.create({ url });
}

async function reloadPage() {
  if (state?.tabId === null || state?.tabId === undefined) return;
  elements.onOff.focus();
  await chrome.tabs.reload(state.tabId);
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} text
 * @param {string} announcement
 */
async function copy(button, text, announcement) {
  await navigator.clipboard.writeText(text);
  const label = button.dataset.label ?? button.textContent ?? '';
  button.dataset.label = label;
  setText(button, 'Copied');
  setText(elements.announcement, announcement);
  setTimeout(() => setText(button, label), COPIED_SHOWN_MS);
}

/** @returns {import('./view.js').SessionView | null} */
function shownSession() {
  return state && popupView(state, Date.now(), timelineBase).session;
}

elements.onOff.addEventListener('click', () => attempt(switchOnOrOff));
elements.reload.addEventListener('click', () => attempt(reloadPage));
elements.newSession.addEventListener('click', () => attempt(beginSession));
elements.check.addEventListener('click', () => attempt(checkCollector));
elements.options.addEventListener('click', () => attempt(() => chrome.runtime.openOptionsPage()));
elements.openTimeline.addEventListener('click', () => attempt(openTimeline));
elements.copyId.addEventListener('click', () =>
  attempt(() => copy(elements.copyId, shownSession()?.id ?? '', 'Copied the session id.')),
);
elements.copyCall.addEventListener('click', () =>
  attempt(() => copy(elements.copyCall, shownSession()?.call ?? '', 'Copied the call.')),
);
chrome.storage.session.onChanged.addListener(refreshLater);
setInterval(show, CLOCK_INTERVAL_MS);

await attempt(begin);
