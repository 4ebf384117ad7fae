/** The options in real Chromium, with scripted answers of the worker: what is asked, shown and told. */

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { checkLooks, launchWithExtension, openScripted } from './pages.mjs';
import { observedState, settings } from './states.mjs';

const NARROW = { width: 320, height: 568 };
const AWAY = 'Nothing listens on 127.0.0.1:4318. Start the collector: gasoline serve';
/** @type {Awaited<ReturnType<typeof launchWithExtension>>} */
let browser;
/** @type {import('playwright-core').Page} */
let page;

before(async () => {
  browser = await launchWithExtension();
});
after(() => browser.close());
afterEach(() => page.close());

/**
 * @param {Partial<typeof settings>} [differences]
 * @param {Record<string, unknown>} [answers]
 */
async function openOptions(differences = {}, answers = {}) {
  const state = observedState({ settings: { ...settings, ...differences } });
  const scripted = { 'get-state': state, 'check-collector': state.collector, ...answers };
  page = await openScripted(browser.context, `${browser.base}/options/options.html`, scripted);
  await page.waitForFunction(() => document.querySelector('#endpoint').value !== '');
}

const asked = () => page.evaluate(() => window.asked);
const outcome = () => page.locator('#outcome');

test('accessible in light and dark, wide and at 320 pixels', async () => {
  await openOptions({ targets: ['https://api.shop.example'], token: 'secret' });
  await checkLooks(page, 'options');
  await page.setViewportSize(NARROW);
  await checkLooks(page, 'options-narrow');
});

test('accessible with everything wrong', async () => {
  await openOptions({ origins: [] });
  await page.getByLabel('Address that takes OTLP').fill('127.0.0.1');
  await page.getByLabel('Bearer token').fill('two words');
  await page.getByLabel('Origins that get trace headers').fill('https://*.example');
  await page.getByLabel('Further names').fill('two words');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('#targets-error').waitFor();
  await page.setViewportSize(NARROW);
  await checkLooks(page, 'options-wrong-narrow');
});

test('what is written is checked, told beside its field, and nothing is sent', async () => {
  await openOptions();
  await page.getByLabel('Address that takes OTLP').fill('127.0.0.1:4318');
  await page.keyboard.press('Enter');
  const error = page.locator('#endpoint-error');
  await error.waitFor();
  assert.match((await error.textContent()) ?? '', /^Write it with http:\/\/ or https:\/\//);
  const field = page.getByLabel('Address that takes OTLP');
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  assert.equal(await field.evaluate((element) => element === document.activeElement), true);
  assert.equal((await asked()).some(({ type }) => type === 'set-settings'), false);
  await field.fill('http://127.0.0.1:9999');
  await page.keyboard.press('Enter');
  await error.waitFor({ state: 'hidden' });
  assert.equal(await field.getAttribute('aria-invalid'), null);
});

test('what is saved is what was changed in the form, and what the worker made of it is shown', async () => {
  const saved = { ...settings, endpoint: 'http://127.0.0.1:5318', scope: 'tab', idleTimeoutMs: 600_000 };
  saved.redactedNames = ['iban', 'order-note'];
  await openOptions({}, { 'set-settings': saved });
  await page.getByLabel('Address that takes OTLP').fill(' http://127.0.0.1:5318/ ');
  await page.getByLabel('One for each tab').check();
  await page.getByLabel('Ends without use').fill('10');
  await page.getByLabel('Further names').fill('iban\n\n order-note ');
  await page.getByRole('button', { name: 'Save' }).click();
  await outcome().getByText('Saved.').waitFor();
  const { endpoint, scope, idleTimeoutMs, maxAgeMs, redactedNames } = saved;
  const changed = { endpoint, scope, idleTimeoutMs, maxAgeMs, redactedNames };
  assert.deepEqual((await asked()).at(-1), { type: 'set-settings', settings: changed });
  assert.equal(await page.getByLabel('Address that takes OTLP').inputValue(), 'http://127.0.0.1:5318');
});

test('a collector on another machine needs the permission of the browser, targets need none', async () => {
  await openOptions();
  await page.evaluate(() => {
    chrome.permissions.request = async (permissions) => window.asked.push({ permissions }) < 0;
  });
  await page.getByLabel('Address that takes OTLP').fill('https://collector.example:4318');
  await page.getByLabel('Origins that get trace headers').fill('https://api.shop.example');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alert').waitFor();
  const message = 'The browser was not allowed to send to https://collector.example:4318, so nothing was saved.';
  assert.equal(await page.getByRole('alert').textContent(), message);
  assert.deepEqual((await asked()).at(-1), {
    permissions: { origins: ['https://collector.example/*', 'http://127.0.0.1/*'] },
  });
});

test('what the worker refuses is told', async () => {
  await openOptions({}, { 'set-settings': { error: 'endpoint: not there' } });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByRole('alert').textContent(), 'endpoint: not there');
});

test('whether the collector is reachable is told, and why not', async () => {
  await openOptions();
  await page.getByRole('button', { name: 'Check the collector' }).click();
  await outcome().getByText('The collector at http://127.0.0.1:4318 is reachable.').waitFor();
  await page.getByLabel('Address that takes OTLP').fill('http://127.0.0.1:5318');
  await page.getByRole('button', { name: 'Check the collector' }).click();
  await outcome().getByText('That is http://127.0.0.1:4318, which is saved.').waitFor();
  await page.getByLabel('Address that takes OTLP').fill('http://127.0.0.1:4318');
  await page.evaluate((reason) => {
    window.answers['check-collector'] = { endpoint: '', reachable: false, reason, checkedAt: 1 };
  }, AWAY);
  await page.getByRole('button', { name: 'Check the collector' }).click();
  await outcome().getByText(`Not reachable. ${AWAY}`).waitFor();
});

test('sites that are on are listed, and switched off one by one', async () => {
  await openOptions({ origins: ['https://shop.example', 'http://localhost:3000'] });
  const listed = page.locator('#origins code');
  assert.deepEqual(await listed.allTextContents(), ['https://shop.example', 'http://localhost:3000']);
  await page.evaluate((state) => Object.assign(window.answers, { 'get-state': state, 'set-enabled': state }), {
    ...observedState({ settings: { ...settings, origins: ['http://localhost:3000'] } }),
  });
  await page.getByRole('button', { name: 'Switch off https://shop.example' }).click();
  await outcome().getByText('https://shop.example is switched off.').waitFor();
  assert.deepEqual(await listed.allTextContents(), ['http://localhost:3000']);
  const message = { type: 'set-enabled', origin: 'https://shop.example', enabled: false };
  assert.deepEqual((await asked()).at(-2), message);
});

test('every control is reached with the keyboard, and the focus is seen', async () => {
  await openOptions();
  const reached = [];
  for (let presses = 0; presses < 11; presses += 1) {
    await page.keyboard.press('Tab');
    reached.push(
      await page.evaluate(() => {
        const element = /** @type {HTMLElement} */ (document.activeElement);
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return `${element.id || element.textContent} ${outlineStyle} ${outlineWidth}`;
      }),
    );
  }
  const fields = ['endpoint', 'queryEndpoint', 'token', 'scope-origin', 'idleTimeoutMs', 'maxAgeMs', 'targets'];
  const order = [...fields, 'redactedNames', 'save', 'check', 'Switch off'];
  assert.deepEqual(reached, order.map((name) => `${name} solid 2px`));
});
