/** Popup and options against the real worker, a real page and a real collector. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { html, startAll, startCollector, startSite } from './e2e/stage.mjs';
import { launchWithExtension, pastedInto } from './pages.mjs';
import { ToolbarPopup } from './toolbar.mjs';

const SESSION_ID = /^session-[0-9a-f]{32}$/;
const PAGE = '<button onclick="fetch(\'/api/price\')">Price</button>';

/** @type {Awaited<ReturnType<typeof launchWithExtension>>} */
let browser;
/** @type {Awaited<ReturnType<typeof startCollector>>} */
let collector;
/** @type {Awaited<ReturnType<typeof startSite>>} */
let shop;

before(async () => {
  shop = await startSite((_, response) => html(response, PAGE));
  [collector, browser] = await startAll(startCollector(), launchWithExtension());
});
after(async () => {
  await browser?.close();
  await collector?.stop();
  await collector?.remove();
  await shop?.stop();
});

/** @returns {unknown[]} X-Session-ID of each request for a price */
const pricesAsked = () =>
  shop.seen.filter(({ url }) => url === '/api/price').map(({ headers }) => headers['x-session-id']);

/**
 * @param {import('playwright-core').Page} page that the popup stands for
 * @returns {Promise<import('playwright-core').Page>}
 */
async function openPopupFor(page) {
  const popup = await browser.context.newPage();
  await popup.goto(`${browser.base}/options/options.html`);
  const tabId = await popup.evaluate(
    async (url) => (await chrome.tabs.query({})).find((tab) => tab.url === url)?.id,
    page.url(),
  );
  await popup.goto(`${browser.base}/popup/popup.html?tabId=${tabId}`);
  return popup;
}

test('from the first click to the session in the collector', async (t) => {
  const page = await browser.context.newPage();
  await page.goto(`${shop.origin}/`);

  await t.test('the options take the address of the collector, and reach it', async () => {
    const options = await browser.context.newPage();
    await options.goto(`${browser.base}/options/options.html`);
    await options.locator('#endpoint').fill(collector.endpoint);
    await options.getByRole('button', { name: 'Save' }).click();
    await options.getByText('Saved.').waitFor();
    await options.getByRole('button', { name: 'Check the collector' }).click();
    await options.getByText(`The collector at ${collector.endpoint} is reachable.`).waitFor();
    await options.reload();
    await options.waitForFunction(
      (endpoint) => document.querySelector('#endpoint')?.value === endpoint,
      collector.endpoint,
    );
    await options.close();
  });

  const popup = await openPopupFor(page);

  await t.test('off is told; on asks for a reload, and offers it', async () => {
    await popup.getByText('Off. This site is left exactly as it is.').waitFor();
    assert.equal(await popup.locator('#site-name').textContent(), shop.origin);
    await popup.getByRole('switch').click();
    await popup.getByRole('button', { name: 'Reload the page' }).click();
    await popup.getByText('On. Clicks, requests and errors of this site go to your collector.').waitFor();
    await popup.locator('#session-id').waitFor();
    assert.match((await popup.locator('#session-id').textContent()) ?? '', SESSION_ID);
  });

  const sessionId = (await popup.locator('#session-id').textContent()) ?? '';

  await t.test('the page holds the session that the popup shows, and its requests carry it', async () => {
    assert.equal(await page.evaluate(() => localStorage.getItem('gasoline:session-id')), sessionId);
    const answered = page.waitForResponse('**/api/price');
    await page.getByRole('button', { name: 'Price' }).click();
    await answered;
    assert.deepEqual(pricesAsked(), [sessionId]);
  });

  await t.test('the figures count while the popup is open', async () => {
    await popup.waitForFunction(() => Number(document.querySelector('#requests')?.textContent) > 0);
    assert.equal(await popup.locator('#failed-requests').textContent(), '0');
  });

  await t.test('the call that is copied is answered by the collector', async () => {
    await popup.getByRole('button', { name: 'Copy timeline call' }).click();
    const [, what, id] = /^observe\(what="(.+)", session_id="(.+)"\)$/.exec(await pastedInto(popup)) ?? [];
    assert.deepEqual([what, id], ['session-trace', sessionId]);
    const answer = await collector.observe({ what, session_id: id, wait_for: 20 });
    assert.equal(answer.session_id, sessionId);
    assert.ok(answer.events.some(({ name }) => name === 'session.start'), JSON.stringify(answer).slice(0, 2000));
  });

  await t.test('where a page answers at the query port, the timeline is opened there', async () => {
    /** @param {string} queryEndpoint */
    const reloadedWith = async (queryEndpoint) => {
      await popup.evaluate(
        (settings) => chrome.runtime.sendMessage({ type: 'set-settings', settings }),
        { queryEndpoint },
      );
      await popup.reload();
    };
    await reloadedWith(collector.query);
    const open = popup.getByRole('button', { name: 'Open timeline' });
    const [opened] = await Promise.all([browser.context.waitForEvent('page'), open.click()]);
    await opened.waitForURL(`${collector.query}/sessions/${sessionId}`);
    await opened.locator(`code[title="${sessionId}"]`).waitFor();
    await opened.close();
    const away = await startSite((_, response) => html(response, ''));
    await away.stop();
    await reloadedWith(away.origin);
    await popup.getByRole('heading', { name: 'Collector reachable' }).waitFor();
    assert.equal(await open.isVisible(), false);
  });

  await t.test('opened from the toolbar, it is as large as what it shows', async () => {
    const opened = await ToolbarPopup.open(browser.context, browser.base, page);
    const sizes = await opened.evaluate(
      `(({ scrollWidth, scrollHeight }) => {
        const isWhole = document.querySelector('#session-id').textContent && scrollHeight <= innerHeight;
        return isWhole && { innerWidth, scrollWidth, rest: innerHeight - scrollHeight };
      })(document.documentElement)`,
    );
    await opened.close();
    assert.deepEqual(sizes, { innerWidth: 368, scrollWidth: 368, rest: 0 });
  });

  await t.test('a new session has another id, on the page too', async () => {
    await popup.getByRole('button', { name: 'New session' }).click();
    await popup.getByText('The next one begins when the page is used.').first().waitFor();
    await page.getByRole('button', { name: 'Price' }).click();
    await popup.locator('#session-facts').waitFor();
    const next = (await popup.locator('#session-id').textContent()) ?? '';
    assert.match(next, SESSION_ID);
    assert.notEqual(next, sessionId);
    await page.waitForFunction((id) => localStorage.getItem('gasoline:session-id') === id, next);
  });

  await t.test('a collector that is away is told, and that it is back', async () => {
    const { dataDir, endpoint } = collector;
    await collector.stop();
    await popup.getByRole('button', { name: 'Check' }).click();
    await popup.getByRole('heading', { name: 'Collector not reachable' }).waitFor();
    assert.match((await popup.locator('#collector-note').textContent()) ?? '', /gasoline serve/);
    collector = await startCollector({ dataDir, http: new URL(endpoint).host });
    await popup.getByRole('button', { name: 'Check' }).click();
    await popup.getByRole('heading', { name: 'Collector reachable' }).waitFor();
  });

  await t.test('off again: no session, and after a reload nothing of ours is on the page', async () => {
    await popup.getByRole('switch').click();
    await popup.getByText('Off. This site is left exactly as it is.').waitFor();
    await page.reload();
    assert.match(await page.evaluate(() => String(fetch)), /\[native code\]/);
    const answered = page.waitForResponse('**/api/price');
    await page.getByRole('button', { name: 'Price' }).click();
    await answered;
    assert.equal(pricesAsked().at(-1), undefined);
  });
});
