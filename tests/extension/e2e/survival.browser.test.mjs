/** Nothing that a living page has recorded is lost: not when the worker ends, not when the collector is away. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { html, sessionTrace, startCollector, startSite, storedId, until } from './stage.mjs';
import { answerSimply, useStage } from './use-stage.mjs';

const KILLS = 5;
const FETCHES_BETWEEN = 20;
const stage = useStage(answerSimply);
/** @type {import('./stage.mjs').Browser} */
let browser;
/** @type {import('./stage.mjs').Collector} */
let collector;
/** @type {import('./stage.mjs').Site} */
let site;
beforeEach(() => ({ browser, collector, site } = stage));

/** @param {import('playwright-core').Page} page; @param {string[]} names */
const fetchAll = (page, names) =>
  page.evaluate((paths) => Promise.all(paths.map((path) => fetch(path).then((response) => response.text()))), names);
const spansOf = (events) =>
  events
    .filter(({ signal, name }) => signal === 'span' && name === 'GET')
    .map(({ attributes }) => new URL(attributes['url.full']).pathname);
const namesOf = (round) => Array.from({ length: FETCHES_BETWEEN }, (_, index) => `/api/${round}/${index}`);

test('the worker is ended again and again while a page works: each record arrives, and none twice', async () => {
  const page = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(page);
  const expected = [];
  for (let round = 0; round < KILLS; round += 1) {
    const names = namesOf(round);
    expected.push(...names);
    const fetched = fetchAll(page, names);
    assert.equal(await until(() => browser.killWorker(), 'a worker to end'), 1);
    await fetched;
  }
  await page.evaluate(() => console.warn('the end'));
  const isTiming = ({ name, attributes }) =>
    name === 'browser.resource_timing' && attributes['url.full'].includes('/api/');
  const timingsOf = (all) => all.filter(isTiming);
  const { events } = await sessionTrace(
    collector.observe,
    sessionId,
    (found) =>
      spansOf(found).length >= expected.length &&
      timingsOf(found).length >= expected.length &&
      found.some(({ body }) => body === 'the end'),
  );
  assert.deepEqual(spansOf(events).toSorted(), expected.toSorted());
  assert.equal(timingsOf(events).length, expected.length);
  const { export: exported } = await browser.ask('get-state', { origin: site.origin });
  assert.equal(exported.droppedRecords, 0);
});

test('the collector is away for a while: the popup says so, and all arrives when it is back', async () => {
  const page = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(page);
  const http = new URL(collector.endpoint).host;
  await collector.stop();
  await fetchAll(page, namesOf('away'));
  const state = await until(async () => {
    const found = await browser.ask('get-state', { origin: site.origin });
    return found.collector.reachable === false && found.export.queuedRecords >= FETCHES_BETWEEN && found;
  }, 'word of the failure');
  assert.match(state.collector.reason, /nothing answers at .*gasoline serve/);
  assert.equal(state.export.lastError.message, state.collector.reason);
  await browser.killWorker();
  collector = stage.collector = await startCollector({ dataDir: collector.dataDir, http });
  assert.equal((await browser.ask('check-collector')).reachable, true);
  const { events } = await sessionTrace(
    collector.observe,
    sessionId,
    (found) => spansOf(found).length >= FETCHES_BETWEEN,
  );
  assert.deepEqual(spansOf(events).toSorted(), namesOf('away').toSorted());
  await until(
    async () => (await browser.ask('get-state', { origin: site.origin })).export.queuedRecords === 0,
    'an empty queue',
  );
});

test('a page that goes away tells of what it had in flight', async () => {
  const slow = await startSite((request, response) => {
    if (request.url === '/') html(response, '');
  });
  try {
    await browser.switchOn(slow.origin, {});
    const page = await browser.open(`${slow.origin}/`);
    const sessionId = await storedId(page);
    await page.evaluate(() => void fetch('/pending'));
    await until(() => slow.seen.some(({ url }) => url === '/pending'), 'the request');
    await page.evaluate(() => addEventListener('pagehide', () => console.info('goodbye')));
    await page.goto(`${site.origin}/`);
    const pendingOf = (events) =>
      events.find(({ signal, attributes }) => signal === 'span' && attributes['url.full'].endsWith('/pending'));
    const { events } = await sessionTrace(
      collector.observe,
      sessionId,
      (found) => found.some(({ body }) => body === 'goodbye') && pendingOf(found),
    );
    const pending = pendingOf(events);
    assert.equal(pending.attributes['gasoline.incomplete'], true);
    assert.equal(pending.error, false);
  } finally {
    await browser.ask('set-enabled', { origin: slow.origin, enabled: false });
    await slow.stop();
  }
});

test('a page that comes back from the back/forward cache is observed again', async () => {
  const page = await browser.open(`${site.origin}/one`);
  const sessionId = await storedId(page);
  await page.evaluate(() => (window.isTheSame = true));
  await page.goto('about:blank');
  await page.goBack({ waitUntil: 'commit' });
  assert.equal(await page.evaluate(() => window.isTheSame), true, 'the page was not in the cache');
  await fetchAll(page, namesOf('back'));
  const { events } = await sessionTrace(
    collector.observe,
    sessionId,
    (found) => spansOf(found).length >= FETCHES_BETWEEN,
  );
  assert.deepEqual(spansOf(events).toSorted(), namesOf('back').toSorted());
  const state = await browser.ask('get-state', { origin: site.origin });
  assert.equal(state.session.id, sessionId);
});

test('a tab that is closed by a click, and one that is closed after an exception, have told of it', async () => {
  const opener = await browser.open(`${site.origin}/`);
  const sessionId = await storedId(opener);
  const openWindow = async () => {
    const [opened] = await Promise.all([opener.waitForEvent('popup'), opener.evaluate(() => void window.open('/'))]);
    await storedId(opened);
    return opened;
  };
  const clicked = await openWindow();
  await clicked.evaluate(() => document.querySelector('button')?.addEventListener('click', () => window.close()));
  await Promise.all([clicked.waitForEvent('close'), clicked.click('button').catch(() => {})]);
  const failed = await openWindow();
  const close = () => {
    window.addEventListener('error', () => setTimeout(() => window.close()));
    setTimeout(() => {
      console.log('said before');
      throw new Error('the last');
    });
  };
  await Promise.all([failed.waitForEvent('close'), failed.evaluate(close).catch(() => {})]);
  const { events } = await sessionTrace(
    collector.observe,
    sessionId,
    (all) => all.some(({ name }) => name === 'exception') && all.some(({ name }) => name.endsWith('.click')),
  );
  assert.ok(events.some(({ body }) => body === 'said before'));
});
