/** The worker's parts: queue, exporter, rules, tabs, settings. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import {
  BATCH_BYTES_MAX,
  BATCH_RECORDS_MAX,
  ExportQueue,
  QUEUE_BYTES_MAX,
  emptyQueue,
} from '../../../extension/worker/export-queue.js';
import {
  Exporter,
  GZIP_BYTES_MIN,
  RETRY_AFTER_MS_MAX,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAY_MS_MIN,
  retryAfterOf,
} from '../../../extension/worker/exporter.js';
import { changesOf } from '../../../extension/worker/rule-applier.js';
import { RULES_MAX, rulesFor } from '../../../extension/worker/rules.js';
import {
  DEFAULT_SETTINGS,
  ORIGINS_MAX,
  SESSION_MS_MAX,
  SESSION_MS_MIN,
  changedSettings,
  exactOrigin,
  readSettings,
} from '../../../extension/worker/settings.js';
import { TABS_MAX, TabRegistry } from '../../../extension/worker/tabs.js';

class Storage {
  items = {};
  async get(keys) {
    return Object.fromEntries(
      keys.filter((key) => key in this.items).map((key) => [key, structuredClone(this.items[key])]),
    );
  }
  async set(items) {
    Object.assign(this.items, structuredClone(items));
  }
  async remove(keys) {
    for (const key of keys) delete this.items[key];
  }
}

/** @type {Storage} */
let storage;
/** @type {ExportQueue} */
let queue;
beforeEach(() => {
  storage = new Storage();
  queue = new ExportQueue(storage, emptyQueue());
});
const records = (count, size = 10) =>
  Array.from({ length: count }, (_, number) => ({ number, text: 'x'.repeat(size) }));

test('queue: what is stored comes out in order, survives the worker, and goes when it is settled', async () => {
  await queue.add({ traces: records(2), logs: records(1) }, { proof: 7 });
  await queue.add({ traces: [], logs: records(3) });
  assert.equal(storage.items.proof, 7);
  const first = await queue.batch();
  assert.deepEqual([first?.traces.length, first?.logs.length], [2, 4]);
  await queue.add({ traces: records(9), logs: [] });
  const after = new ExportQueue(storage, structuredClone(storage.items.queue));
  assert.deepEqual(await after.batch(), first, 'the same batch after the death of the worker, whatever came since');
  await after.settle({ rejected: 1, dropped: 2 });
  assert.deepEqual((await after.batch())?.traces.length, 9);
  await after.settle({ rejected: 0, dropped: 0 });
  assert.equal(await after.batch(), null);
  const { exportedRecords, rejectedRecords, droppedRecords, records: left, bytes } = after.state;
  assert.deepEqual([exportedRecords, rejectedRecords, droppedRecords, left, bytes], [12, 1, 2, 0, 0]);
  assert.deepEqual(
    Object.keys(storage.items).filter((key) => key.startsWith('segment')),
    [],
  );
});

test('queue: batches keep within bytes and records', async () => {
  await queue.add({ traces: records(BATCH_RECORDS_MAX + 1), logs: [] });
  assert.deepEqual(
    queue.state.sizes.map(({ records: count }) => count),
    [BATCH_RECORDS_MAX, 1],
  );
  assert.equal((await queue.batch())?.traces.length, BATCH_RECORDS_MAX);
  await queue.settle({ rejected: 0, dropped: 0 });
  assert.equal((await queue.batch())?.traces.length, 1);
  await queue.settle({ rejected: 0, dropped: 0 });
  await queue.add({ traces: [], logs: records(5, BATCH_BYTES_MAX / 2) });
  assert.deepEqual(
    queue.state.sizes.map(({ records: count }) => count),
    [2, 2, 1],
  );
  assert.equal((await queue.batch())?.logs.length, 2);
});

test('queue: what does not fit is dropped and counted, what fits stays', async () => {
  const size = 100_000;
  for (let bytes = 0; bytes <= QUEUE_BYTES_MAX; bytes += size) await queue.add({ traces: records(1, size), logs: [] });
  assert.ok(queue.state.bytes <= QUEUE_BYTES_MAX && queue.state.bytes > QUEUE_BYTES_MAX - size - 100);
  assert.equal(queue.state.droppedRecords, 1);
  assert.equal(queue.state.records, Math.floor(QUEUE_BYTES_MAX / size));
});

test('queue: records lie in storage as JSON, and count by their bytes', async () => {
  await queue.add({ traces: [{ name: 'Zürich' }], logs: [{ body: '京' }] });
  assert.deepEqual(storage.items['segment:0'], { traces: ['{"name":"Zürich"}'], logs: ['{"body":"京"}'] });
  assert.equal(queue.state.bytes, Buffer.byteLength('{"name":"Zürich"}{"body":"京"}'));
});

/** @param {(Response | Error)[]} answers */
function exporterWith(answers) {
  /** @type {{ url: string, headers: any, body: any }[]} */
  const requests = [];
  const exporter = new Exporter(
    async (url, init) => {
      requests.push({ url: String(url), headers: init?.headers, body: init?.body });
      const answer = answers.shift() ?? new Response('{}');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    () => Date.parse('2026-01-01T00:00:00Z'),
  );
  return {
    exporter,
    requests,
    run: () => exporter.exportBatch(queue, { endpoint: 'http://c', token: '' }, { 'service.name': 'browser' }),
  };
}

test('exporter: traces and logs go to their paths, and partial success is counted', async () => {
  await queue.add({ traces: records(2), logs: records(3) });
  const partial = new Response(JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: 'one was bad' } }));
  const { requests, run } = exporterWith([partial]);
  assert.equal((await run())?.message, 'one was bad');
  assert.deepEqual(
    requests.map(({ url }) => url),
    ['http://c/v1/traces', 'http://c/v1/logs'],
  );
  assert.deepEqual([queue.state.exportedRecords, queue.state.rejectedRecords], [4, 1]);
  assert.equal(await run(), null);
});

test('exporter: a collector that is away or busy gets the same bytes again, nothing twice', async () => {
  await queue.add({ traces: records(1), logs: records(1) });
  const busy = () => new Response('', { status: 503, headers: { 'retry-after': '7' } });
  const { exporter, requests, run } = exporterWith([
    new Error('refused'),
    busy(),
    new Response('{}'),
    busy(),
    new Response('{}'),
  ]);
  const first = await run();
  assert.equal(first?.kind, 'retry');
  assert.match(first?.message ?? '', /gasoline serve/);
  assert.equal(exporter.retryDelay(/** @type {any} */ (first)), RETRY_DELAY_MS_MIN);
  assert.equal((await run())?.retryAfterMs, 7000);
  assert.equal((await run())?.kind, 'retry');
  assert.equal((await run())?.kind, 'taken');
  assert.deepEqual(
    requests.map(({ url }) => url.slice(-6)),
    ['traces', 'traces', 'traces', '1/logs', '1/logs'],
  );
  assert.equal(new Set(requests.slice(0, 3).map(({ body }) => body)).size, 1);
  assert.deepEqual([queue.state.exportedRecords, queue.state.droppedRecords], [2, 0]);
});

test('exporter: what the collector will never take is dropped and counted; what a person can mend waits', async () => {
  await queue.add({ traces: records(3), logs: [] });
  const { run } = exporterWith([
    new Response('', { status: 401 }),
    new Response('{"message":"no such thing"}', { status: 400 }),
  ]);
  const refused = await run();
  assert.deepEqual([refused?.kind, refused?.retryAfterMs], ['retry', RETRY_DELAY_MS_MAX]);
  assert.match(refused?.message ?? '', /bearer token/);
  assert.match((await run())?.message ?? '', /answered 400: no such thing/);
  assert.equal(queue.state.droppedRecords, 3);
});

test('exporter: delays double up to a bound, and a Retry-After is believed up to a bound', async () => {
  const { exporter } = exporterWith([]);
  const outcome = /** @type {any} */ ({ retryAfterMs: null });
  const delays = [1, 2, 3, 4, 5, 6, 7].map(
    (failures) => ((exporter.failures = failures), exporter.retryDelay(outcome)),
  );
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MAX]);
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfterOf('3', now), 3000);
  assert.equal(retryAfterOf('Thu, 01 Jan 2026 00:00:05 GMT', now), 5000);
  assert.equal(retryAfterOf('99999', now), RETRY_AFTER_MS_MAX);
  for (const no of [null, '', 'soon']) assert.equal(retryAfterOf(no, now), null);
});

test('exporter: long bodies are compressed', async () => {
  await queue.add({ traces: records(1, GZIP_BYTES_MIN), logs: [] });
  const { requests, run } = exporterWith([]);
  await run();
  assert.equal(requests[0]?.headers['content-encoding'], 'gzip');
  const { body } = new Response(requests[0]?.body);
  const text = await new Response(body?.pipeThrough(new DecompressionStream('gzip'))).text();
  assert.equal(JSON.parse(text).resourceSpans[0].scopeSpans[0].spans.length, 1);
});

const ORIGIN = 'http://127.0.0.1:3000';
let made = 0;
const context = () => ({ traceId: String((made += 1)).padStart(32, '0'), spanId: String(made).padStart(16, '0') });
/** @param {TabRegistry} tabs */
const situation = (tabs, differences = {}) => ({
  origins: [ORIGIN],
  targets: [],
  ownTracing: [],
  served: [],
  tabs: tabs.tabs,
  latestPage: (origin) => tabs.latest(origin),
  sessionId: () => 'session-x',
  announcement: () => 'announced',
  ...differences,
});

test('rules: without an origin there is none; each names its exact origin, and sets X-Session-ID nowhere else', () => {
  const tabs = new TabRegistry(context);
  tabs.open(1);
  tabs.prepare([ORIGIN]);
  assert.deepEqual(rulesFor(situation(tabs, { origins: [] })), {});
  const rules = Object.values(rulesFor(situation(tabs, { targets: ['https://api.test'] })));
  const named = rules.filter((rule) => JSON.stringify(rule).includes('x-session-id'));
  assert.ok(named.length >= 5);
  for (const { condition } of named) {
    assert.equal(condition.urlFilter, `|${condition.resourceTypes[0] === 'websocket' ? 'ws' : 'http'}://127.0.0.1:3000/`);
  }
  const setsNothing = (rule) => rule.action.type === 'allow' || rule.action.type === 'block';
  for (const rule of rules) assert.ok(rule.condition.tabIds || rule.condition.excludedTabIds || setsNothing(rule));
  const perTab = rulesFor(situation(tabs, { isPerTab: true }));
  assert.ok(Object.values(perTab).every((rule) => rule.condition.tabIds || setsNothing(rule)));
});

test('rules: what has no mark carries the trace of a live page, unless a service worker would strip the marks', () => {
  const tabs = new TabRegistry(context);
  tabs.open(1);
  tabs.prepare([ORIGIN]);
  const of = (differences = {}) => rulesFor(situation(tabs, differences));
  const traced = (rules, key) => JSON.stringify(rules[key] ?? '').match(/00-(\d+)-/)?.[1];
  assert.equal(traced(of(), `unmarked 1 ${ORIGIN}`), undefined);
  assert.equal(traced(of(), `workers ${ORIGIN}`), undefined);
  assert.equal(`strip 1 ${ORIGIN}` in of(), false, 'a page of the same host that is off keeps its headers');
  const { page } = tabs.load(1, ORIGIN, 'document', '');
  assert.equal(`strip 1 ${ORIGIN}` in of(), true);
  assert.equal(traced(of(), `unmarked 1 ${ORIGIN}`), page.traceId);
  assert.equal(traced(of(), `workers ${ORIGIN}`), page.traceId);
  for (const spoken of [{ served: [ORIGIN] }, { ownTracing: [ORIGIN] }]) {
    assert.equal(traced(of(spoken), `unmarked 1 ${ORIGIN}`), undefined);
    assert.equal(traced(of(spoken), `workers ${ORIGIN}`), undefined);
  }
  const { page: second } = tabs.load(2, ORIGIN, 'other document', '');
  assert.equal(traced(of(), `workers ${ORIGIN}`), second.traceId, 'of the page that came last');
  tabs.leave(2, ORIGIN, 'other document');
  assert.equal(traced(of(), `workers ${ORIGIN}`), page.traceId);
});

test('rules: with ever so many tabs they stay within what Chrome takes', () => {
  const tabs = new TabRegistry(context);
  const origins = Array.from({ length: ORIGINS_MAX }, (_, number) => `http://${number}.test`);
  for (let tab = 0; tab <= TABS_MAX; tab += 1) tabs.open(tab);
  assert.equal(Object.keys(tabs.tabs).length, TABS_MAX);
  tabs.prepare(origins);
  const count = Object.keys(rulesFor(situation(tabs, { origins }))).length;
  assert.ok(count <= RULES_MAX && count > RULES_MAX / 2, String(count));
});

test('rules: only what differs is changed', () => {
  const first = changesOf({ nextId: 1, rules: {} }, { a: { x: 1 }, b: { x: 2 } });
  assert.deepEqual(first.addRules, [
    { id: 1, x: 1 },
    { id: 2, x: 2 },
  ]);
  const second = changesOf(first.applied, { a: { x: 1 }, b: { x: 3 }, c: { x: 4 } });
  assert.deepEqual(
    [second.removeRuleIds, second.addRules],
    [
      [2],
      [
        { id: 2, x: 3 },
        { id: 3, x: 4 },
      ],
    ],
  );
  assert.deepEqual(changesOf(second.applied, {}).removeRuleIds, [1, 2, 3]);
});

test('tabs: the document takes over the trace of its navigation, once; late goodbyes change nothing', () => {
  const tabs = new TabRegistry(context);
  tabs.open(1);
  tabs.prepare([ORIGIN]);
  const { next } = tabs.tabs[1][ORIGIN];
  assert.deepEqual(tabs.load(1, ORIGIN, 'one', next.traceId), { page: next, joined: true });
  const reused = tabs.load(1, ORIGIN, 'two', next.traceId);
  assert.equal(reused.joined, false);
  assert.notDeepEqual(reused.page, next);
  tabs.leave(1, ORIGIN, 'one');
  assert.equal(tabs.isLive(1, ORIGIN), true);
  tabs.leave(1, ORIGIN, 'two');
  assert.equal(tabs.isLive(1, ORIGIN), false);
  tabs.resume(1, ORIGIN, 'one', next);
  assert.equal(tabs.isLive(1, ORIGIN), true);
  tabs.prepare([]);
  assert.deepEqual(tabs.tabs, { 1: {} });
});

test('settings: exact origins only, durations within their limits, unknown names refused', () => {
  assert.equal(exactOrigin(' HTTPS://Shop.test:443/ '), 'https://shop.test');
  for (const no of [
    'shop.test',
    'https://*.test',
    'https://shop.test/path',
    'file:///x',
    'https://u:p@shop.test',
    'chrome://x',
    7,
    '',
  ]) {
    assert.equal(exactOrigin(no), null, String(no));
  }
  const change = (changes) => changedSettings({ ...DEFAULT_SETTINGS }, changes);
  assert.deepEqual(change({ targets: ['https://a.test', 'https://a.test/'] }).targets, ['https://a.test']);
  assert.equal(change({ idleTimeoutMs: SESSION_MS_MIN }).idleTimeoutMs, SESSION_MS_MIN);
  assert.equal(change({ maxAgeMs: SESSION_MS_MAX }).maxAgeMs, SESSION_MS_MAX);
  const refused = [
    { idleTimeoutMs: SESSION_MS_MIN - 1 },
    { maxAgeMs: SESSION_MS_MAX + 1 },
    { endpoint: 'http://c/v1/traces' },
    { scope: 'all' },
    { token: 'two words' },
    { unknown: 1 },
    { origins: Array.from({ length: ORIGINS_MAX + 1 }, (_, number) => `http://${number}.test`) },
  ];
  for (const changes of refused) assert.throws(() => change(changes), Error, JSON.stringify(changes));
  assert.deepEqual(readSettings({ scope: 'tab', endpoint: 'nonsense', old: 1 }), { ...DEFAULT_SETTINGS, scope: 'tab' });
});
