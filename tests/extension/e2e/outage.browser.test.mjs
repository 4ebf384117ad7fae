/** The collector is away for a minute of real time, and for as long as it takes to fill the queue. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { QUEUE_BYTES_MAX } from '../../../extension/worker/export-queue.js';
import { sessionTrace, startCollector, storedId, until } from './stage.mjs';
import { answerSimply, useStage } from './use-stage.mjs';

const OUTAGE_MS = 60_000;
const FETCH_INTERVAL_MS = 200;
/** The longest pause between two attempts is 30 s: so long it may take until the collector's return is noticed. */
const RETURN_STEPS_MAX = 1000;
const LONG_MESSAGES = 1500;
const LONG_MESSAGE_CHARS = 4000;
/** Records that the page makes beside them, which may be lost, too: a request with its timing, web vitals. */
const OTHERS_MAX = 10;

const stage = useStage(answerSimply);
/** @type {import('./stage.mjs').Browser} */
let browser;
/** @type {import('./stage.mjs').Collector} */
let collector;
/** @type {import('./stage.mjs').Site} */
let site;
beforeEach(() => ({ browser, collector, site } = stage));

async function comeBack() {
  const http = new URL(collector.endpoint).host;
  collector = stage.collector = await startCollector({ dataDir: collector.dataDir, http });
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
  const state = () => browser.ask('get-state', { origin: site.origin });
  const isSettled = async () => (await exported()).queuedRecords === 0;
  const before = await until(async () => {
    const found = await state();
    return found.counts.requests > 0 && found.export.queuedRecords === 0 && found;
  }, 'the page load to be sent');
  const lostSince = ({ droppedRecords }) => droppedRecords - before.export.droppedRecords;
  await collector.stop();
  await page.evaluate(
    async ([count, chars]) => {
      for (let number = 0; number < count; number += 1) console.info(`${number} ${'long message '.repeat(chars / 13)}`);
      await fetch('/api/last');
    },
    [LONG_MESSAGES, LONG_MESSAGE_CHARS],
  );
  const { export: full } = await until(async () => {
    const found = await state();
    return found.counts.requests > before.counts.requests && found;
  }, 'word of the request after them');
  const isFull = lostSince(full) > 0 && full.queuedBytes <= QUEUE_BYTES_MAX;
  assert.ok(isFull, `${lostSince(full)} lost, ${full.queuedBytes} bytes wait`);
  const inUse = await browser.console.evaluate(() => chrome.storage.session.getBytesInUse());
  assert.ok(inUse < 1.5 * QUEUE_BYTES_MAX, `${inUse} bytes of storage`);
  const popup = await browser.context.newPage();
  await popup.goto(`${browser.base}/popup/popup.html`);
  await until(async () => {
    const told = `${(await exported()).droppedRecords.toLocaleString('en')} records lost.`;
    return popup.getByText(told).isVisible();
  }, 'the popup to say how many are lost');
  await popup.getByText(/^[\d,]+ records wait to be sent/).waitFor();
  await popup.close();
  await comeBack();
  assert.equal((await browser.ask('check-collector')).reachable, true);
  await until(isSettled, 'an empty queue', RETURN_STEPS_MAX);
  const { total } = await collector.observe({ what: 'logs', session_id: sessionId, query: 'long message', limit: 1 });
  const unarrived = LONG_MESSAGES - total;
  const lost = lostSince(await exported());
  assert.ok(unarrived > 0 && lost >= unarrived, `${lost} are counted of ${unarrived}`);
  assert.ok(lost <= unarrived + OTHERS_MAX, `${lost} are counted of ${unarrived}`);
});
