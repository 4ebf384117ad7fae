/** The popup in real Chromium, with scripted answers of the worker: every state as a person sees it. */

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { checkLooks, launchWithExtension, openScripted, pastedInto } from './pages.mjs';
import { SESSION_ID, observedState, settings } from './states.mjs';

const NARROW = { width: 320, height: 568 };
const POPUP = { width: 368, height: 560 };
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
 * @param {Partial<import('../../extension/messages.js').State>} [differences]
 * @param {Record<string, unknown>} [answers]
 */
async function openPopup(differences = {}, answers = {}) {
  const state = observedState(differences, Date.now());
  const scripted = { 'get-state': state, 'check-collector': state.collector, 'find-timeline': '', ...answers };
  page = await openScripted(browser.context, `${browser.base}/popup/popup.html`, scripted);
  await page.setViewportSize(POPUP);
  await page.waitForFunction(() => window.asked.some(({ type }) => type === 'check-collector'));
  await page.locator('#check:enabled').waitFor();
  return state;
}

const asked = () => page.evaluate(() => window.asked);
const said = () => page.locator('#announcement').textContent();

const AWAY = 'Nothing listens on 127.0.0.1:4318. Start the collector: gasoline serve';
const away = { endpoint: settings.endpoint, reachable: false, reason: AWAY, checkedAt: 1 };
const LONG_ORIGIN = `https://${'a-rather-long-name.'.repeat(6)}example:8443`;
const STATES = {
  on: {},
  off: { enabled: false, connected: false, session: null },
  reload: { connected: false, session: null },
  nothing: { tabId: 3, origin: null, permitted: false, enabled: false, connected: false, session: null },
  trouble: {
    origin: LONG_ORIGIN,
    counts: { requests: 128340, failedRequests: 17, errors: 240, events: 1284310 },
    collector: away,
    export: {
      queuedRecords: 812,
      queuedBytes: 700_000,
      queueBytesMax: 4 * 1024 * 1024,
      exportedRecords: 90,
      droppedRecords: 3,
      rejectedRecords: 1,
      lastError: { message: `503 from ${settings.endpoint}/v1/traces: the queue is full`, at: Date.now() - 90_000 },
      lastExportAt: null,
    },
  },
};

for (const [name, differences] of Object.entries(STATES)) {
  test(`${name}: accessible in light and dark, at its own width and at 320 pixels`, async () => {
    await openPopup(differences);
    await checkLooks(page, `popup-${name}`);
    await page.setViewportSize(NARROW);
    await checkLooks(page, `popup-${name}-narrow`);
  });
}

test('everything can be reached and used with the keyboard, and the focus is seen', async () => {
  await openPopup({}, { 'new-session': observedState({}, Date.now()) });
  const reached = [];
  for (let presses = 0; presses < 6; presses += 1) {
    await page.keyboard.press('Tab');
    reached.push(
      await page.evaluate(() => {
        const { id } = document.activeElement ?? {};
        const { outlineStyle, outlineWidth } = getComputedStyle(/** @type {Element} */ (document.activeElement));
        return `${id} ${outlineStyle} ${outlineWidth}`;
      }),
    );
  }
  const order = ['options', 'switch', 'copy-id', 'new-session', 'copy-call', 'check'];
  assert.deepEqual(reached, order.map((id) => `${id} solid 2px`));
  await page.locator('#new-session').focus();
  await page.keyboard.press('Enter');
  await page.getByText('The session has ended.').waitFor({ state: 'attached' });
});

test('the switch is a switch, named and described', async () => {
  await openPopup();
  const onOff = page.getByRole('switch', { name: 'Gasoline' });
  assert.equal(await onOff.getAttribute('aria-checked'), 'true');
  const described = await onOff.getAttribute('aria-describedby');
  assert.equal(described, 'site-name site-note');
});

test('switching off tells the worker which origin, and shows its answer', async () => {
  const off = observedState({ enabled: false, connected: false, session: null });
  await openPopup({}, { 'set-enabled': off });
  await page.getByRole('switch').click();
  await page.getByText('Off. This site is left exactly as it is.').waitFor();
  const message = { type: 'set-enabled', origin: 'https://shop.example', enabled: false };
  assert.deepEqual((await asked()).at(-1), message);
  assert.equal(await said(), 'Gasoline is off for https://shop.example.');
  assert.equal(await page.locator('#session').isVisible(), false);
});

test('switching on asks the browser for the origin without its port, then the worker', async () => {
  const origin = 'https://shop.example:8443';
  await openPopup({ origin, enabled: false, permitted: false, session: null }, { 'set-enabled': observedState() });
  await page.evaluate(() => {
    chrome.permissions.request = async (permissions) =>
      window.asked.push({ permissions, inClick: navigator.userActivation.isActive }) > 0;
  });
  await page.getByRole('switch').click();
  await page.getByText('On. Clicks, requests and errors').waitFor();
  assert.deepEqual((await asked()).filter(({ type }) => type !== 'get-state').slice(-2), [
    { permissions: { origins: ['https://shop.example/*', 'wss://shop.example/*'] }, inClick: true },
    { type: 'set-enabled', origin, enabled: true },
  ]);
});

test('a refused permission is told, and the switch stays off', async () => {
  await openPopup({ enabled: false, permitted: false, session: null });
  await page.evaluate(() => {
    chrome.permissions.request = async () => false;
  });
  await page.getByRole('switch').click();
  await page.getByRole('alert').waitFor();
  const message = 'The browser was not allowed to let Gasoline on https://shop.example, so it stays off.';
  assert.equal(await page.getByRole('alert').textContent(), message);
  assert.equal(await page.getByRole('switch').getAttribute('aria-checked'), 'false');
  assert.equal((await asked()).some(({ type }) => type === 'set-enabled'), false);
});

const OFF = { enabled: false, connected: false, session: null };

test('what is wanted is noted while the browser asks, for it may close the popup', async () => {
  await openPopup({ ...OFF, permitted: false });
  const noted = await page.evaluate(() => {
    chrome.permissions.request = async () => new Promise(() => undefined);
    return new Promise((resolve) => {
      chrome.storage.session.onChanged.addListener((changes) => resolve(changes['switching-on']?.newValue?.origin));
      document.querySelector('#switch').click();
    });
  });
  assert.equal(noted, 'https://shop.example');
  await page.evaluate(() => chrome.storage.session.remove('switching-on'));
});

test('a collector with a page: the timeline of the session is one click away', async () => {
  await openPopup({}, { 'find-timeline': settings.queryEndpoint });
  await page.evaluate(() => {
    chrome.tabs.create = async ({ url }) => window.asked.push({ opened: url });
  });
  const open = page.getByRole('button', { name: 'Open timeline' });
  await open.waitFor();
  await checkLooks(page, 'popup-timeline');
  await page.setViewportSize(NARROW);
  await checkLooks(page, 'popup-timeline-narrow');
  await open.press('Enter');
  assert.deepEqual((await asked()).at(-1), { opened: `${settings.queryEndpoint}/sessions/${SESSION_ID}` });
});

test('the session id and the call are copied whole', async () => {
  await openPopup();
  await page.getByRole('button', { name: 'Copy id' }).click();
  await page.getByText('Copied the session id.').waitFor({ state: 'attached' });
  assert.equal(await pastedInto(page), SESSION_ID);
  await page.getByRole('button', { name: 'Copy timeline call' }).click();
  await page.getByText('Copied the call.').waitFor({ state: 'attached' });
  assert.equal(await pastedInto(page), `observe(what="session-trace", session_id="${SESSION_ID}")`);
  assert.equal(await page.locator('#copy-call').textContent(), 'Copied');
  await page.locator('#copy-call', { hasText: 'Copy timeline call' }).waitFor();
});

test('what the worker cannot do is told where it is seen and heard', async () => {
  await openPopup({}, { 'new-session': { error: 'there is no page to start a new session for' } });
  await page.getByRole('button', { name: 'New session' }).click();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByRole('alert').textContent(), 'There is no page to start a new session for');
});

test('what went wrong stays told while figures change, until something else is tried', async () => {
  const state = await openPopup({}, { 'new-session': { error: 'there is no page to start a new session for' } });
  await page.getByRole('button', { name: 'New session' }).click();
  await page.getByRole('alert').waitFor();
  await page.evaluate((latest) => {
    window.answers['get-state'] = latest;
    return chrome.storage.session.set({ changed: true });
  }, { ...state, counts: { ...state.counts, requests: 7 } });
  await page.locator('#requests', { hasText: /^7$/ }).waitFor();
  assert.equal(await page.getByRole('alert').isVisible(), true);
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByRole('alert').waitFor({ state: 'hidden' });
  await page.evaluate(() => chrome.storage.session.remove('changed'));
});

test('the focus goes on where its button goes away', async () => {
  const focused = () => page.evaluate(() => document.activeElement?.id);
  await openPopup({}, { 'new-session': observedState({ session: null }) });
  await page.getByRole('button', { name: 'New session' }).press('Enter');
  await page.getByText('The next one begins when the page is used.').first().waitFor();
  assert.equal(await focused(), 'session-missing');
  await page.close();
  await openPopup({ connected: false });
  await page.evaluate(() => {
    chrome.tabs.reload = async (tabId) => window.asked.push({ reloaded: tabId });
  });
  await page.getByRole('button', { name: 'Reload the page' }).press('Enter');
  await page.waitForFunction(() => window.asked.some(({ reloaded }) => reloaded === 7));
  assert.equal(await focused(), 'switch');
});

test('a worker that cannot answer is told, not waited for', async () => {
  page = await openScripted(browser.context, `${browser.base}/popup/popup.html`, {
    'get-state': { error: 'out of order' },
  });
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByRole('alert').textContent(), 'Out of order');
});

test('the collector is asked when the popup opens, and again by its button', async () => {
  await openPopup({ collector: { ...away, reachable: null, reason: '' } }, { 'check-collector': away });
  await page.getByText(AWAY).waitFor();
  await page.evaluate((endpoint) => {
    window.answers['check-collector'] = { endpoint, reachable: true, reason: '', checkedAt: Date.now() };
  }, settings.endpoint);
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByRole('heading', { name: 'Collector reachable' }).waitFor();
  assert.equal(await said(), 'Collector reachable');
});

test('figures follow the worker while the popup is open', async () => {
  const state = await openPopup();
  const counts = { requests: 1300, failedRequests: 1, errors: 0, events: 4400 };
  await page.evaluate((latest) => {
    window.answers['get-state'] = latest;
    return chrome.storage.session.set({ changed: latest.counts.requests });
  }, { ...state, counts });
  await page.locator('#requests', { hasText: '1,300' }).waitFor();
  assert.deepEqual(await page.locator('dd').allTextContents(), ['1,300', '1', '0', '4,400']);
  await page.evaluate(() => chrome.storage.session.remove('changed'));
});

test('what a page or service says is shown as text, never as markup', async () => {
  const lastError = { message: '<img src=x onerror=alert(1)>', at: Date.now() };
  await openPopup({ export: { ...observedState().export, lastError } });
  assert.match((await page.locator('#last-error').textContent()) ?? '', /<img src=x onerror=alert\(1\)>$/);
  assert.equal(await page.locator('img').count(), 1);
});
