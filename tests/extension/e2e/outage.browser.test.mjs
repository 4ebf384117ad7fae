/** The collector is away for a minute of real time, and for as long as it takes to fill the queue. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { QUEUE_BYTES_MAX } from '../../../extension/worker/export-queue.js';
import { Browser, html, sessionTrace, startAll, startCollector, startSite, storedId, until } from './stage.mjs';

const OUTAGE_MS = 60_000;
const FETCH_INTERVAL_MS = 200;
/** The longest pause between two attempts is 30 s: so long it may take until the collector's return is noticed. */
const RETURN_STEPS_MAX = 1000;
const LONG_MESSAGES = 1500;
const LONG_MESSAGE_CHARS = 4000;

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startCollector>>} */
let collector;
/** @type {Awaited<ReturnType<typeof startSite>>} */
let site;

before(async () => {
  [browser, collector] = await startAll(Browser.launch(), startCollector());
});
after(async () => {
  await Promise.all([browser?.close(), collector?.stop()]);
  await collector?.remove();
});
beforeEach(async () => {
  site = await startSite((request, response) => {
    if (request.url?.startsWith('/api')) response.end('{}');
    else html(response, '');
  });
  await browser.switchOn(site.origin, { endpoint: collector.endpoint });
});
afterEach(async () => {
  for (const page of browser.context.pages()) if (page !== browser.console) await page.close();
  await browser.ask('set-enabled', { origin: site.origin, enabled: false });
  await site.stop();
});

async function comeBack() {
  const http = new URL(collector.endpoint).host;
  collector = await startCollector({ dataDir: collector.dataDir, http });
}
const exported = async () => (await browser.ask('get-state', { origin: site.origin })).export;
/** @param {any[]} events */
const fetchedIn = (events) =>
  events
    .filter(({ signal, name }) => signal === 'span' && name === 'GET')
    .map(({ attributes }) => new URL(attributes['url.full']).pathname);

test('a minute without a collector, and the worker ended in it: all that the page did arrives, each once', async () => {
  const page = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(page);
  const lostBefore = (await exported()).droppedRecords;
  await collector.stop();
  const working = page.evaluate(
    async ([outageMs, intervalMs]) => {
      const paths = [];
      for (const start = performance.now(); performance.now() - start < outageMs; ) {
        const path = `/api/${paths.length}`;
        paths.push(path);
        await fetch(path).then((response) => response.text());
        await new Promise((resolve) => setTimeout(resolve, intervalMs));
      }
      return paths;
    },
    [OUTAGE_MS, FETCH_INTERVAL_MS],
  );
  await until(async () => (await exported()).queuedRecords > 20, 'records that wait');
  assert.equal(await until(() => browser.killWorker(), 'a worker to end'), 1);
  const paths = await working;
  assert.ok(paths.length > 50, String(paths.length));
  const waiting = await browser.ask('get-state', { origin: site.origin });
  assert.equal(waiting.collector.reachable, false);
  assert.ok(waiting.export.queuedRecords >= paths.length);
  await comeBack();
  await until(async () => (await exported()).queuedRecords === 0, 'an empty queue', RETURN_STEPS_MAX);
  const { events } = await sessionTrace(collector.observe, sessionId, (all) => fetchedIn(all).length >= paths.length);
  assert.deepEqual(fetchedIn(events).toSorted(), paths.toSorted());
  assert.equal((await exported()).droppedRecords, lostBefore);
});

test('what the queue has no room for is counted, and the popup says how much; the rest arrives', async () => {
  const page = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(page);
  const isSettled = async () => (await exported()).queuedRecords === 0;
  await until(isSettled, 'an empty queue');
  const before = await exported();
  await collector.stop();
  await page.evaluate(
    ([count, chars]) => {
      for (let number = 0; number < count; number += 1) console.info(`${number} ${'long message '.repeat(chars / 13)}`);
    },
    [LONG_MESSAGES, LONG_MESSAGE_CHARS],
  );
  const full = await until(async () => {
    const found = await exported();
    const [queued, lost] = [found.queuedRecords, found.droppedRecords - before.droppedRecords];
    return queued + lost >= LONG_MESSAGES && found;
  }, 'the queue to be full');
  const lost = full.droppedRecords - before.droppedRecords;
  assert.ok(lost > 0 && full.queuedBytes <= QUEUE_BYTES_MAX, `${lost} lost, ${full.queuedBytes} bytes wait`);
  const inUse = await browser.console.evaluate(() => chrome.storage.session.getBytesInUse());
  assert.ok(inUse < 1.5 * QUEUE_BYTES_MAX, `${inUse} bytes of storage`);
  const popup = await browser.context.newPage();
  await popup.goto(`${browser.base}/popup/popup.html`);
  await popup.getByText(`${full.droppedRecords.toLocaleString('en')} records lost.`).waitFor();
  await popup.getByText(/^[\d,]+ records wait to be sent/).waitFor();
  await popup.close();
  await comeBack();
  assert.equal((await browser.ask('check-collector')).reachable, true);
  await until(isSettled, 'an empty queue', RETURN_STEPS_MAX);
  const { total } = await until(async () => {
    const answer = await collector.observe({ what: 'logs', session_id: sessionId, query: 'long message', limit: 1 });
    return answer.total === LONG_MESSAGES - lost && answer;
  }, 'all that was not lost');
  assert.equal(total + lost, LONG_MESSAGES);
});
