/** What pages say, and when what comes of it is sent: with a Chrome of this test's own making. */

import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import { SessionManager } from '../../../extension/session-manager.js';
import { LINKS_MAX, checkedRecord } from '../../../extension/shared/records.js';
import { Redactor } from '../../../extension/shared/redact.js';
import { configurationFor } from '../../../extension/worker/announcement.js';
import { EXPORT_ALARM, ExportLoop, GATHER_MS, RESEND_AFTER_MS } from '../../../extension/worker/export-loop.js';
import { REQUEST_TIMEOUT_MS } from '../../../extension/worker/exporter.js';
import {
  MESSAGE_RECORDS_MAX,
  NAVIGATION_MS_MAX,
  OWN_TRACING_MAX,
  PageMessages,
  STRAYS_MAX,
  STRAY_CHARS_MAX,
} from '../../../extension/worker/page-messages.js';
import { DEFAULT_SETTINGS, TOKEN_CHARS_MAX, changedSettings } from '../../../extension/worker/settings.js';
import { DELIVERIES_MAX, WorkerState } from '../../../extension/worker/state.js';

const ORIGIN = 'http://shop.test';
const NOW = 1_795_000_000_000;
const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
/** @type {WorkerState} */
let state;
/** @type {PageMessages} */
let messages;
/** @type {{ traces: object[], logs: object[] }} */
let gathered;
/** @type {any[]} */
let alarms;
/** @type {any} */
let bridge;

beforeEach(() => {
  alarms = [];
  const area = { get: async () => ({}), set: async () => {}, remove: async () => {} };
  globalThis.chrome = /** @type {any} */ ({
    storage: { session: area, local: area },
    alarms: {
      create: async (...args) => void alarms.push(args),
      clear: async (name) => void alarms.push(['clear', name]),
    },
    runtime: { getManifest: () => ({ version: '1' }) },
  });
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'test', language: 'en' }, configurable: true });
  state = new WorkerState({ ...DEFAULT_SETTINGS, origins: [ORIGIN] }, {});
  messages = new PageMessages(state, () => NOW);
  gathered = { traces: [], logs: [] };
  bridge = { origin: ORIGIN, tabId: 1, isTop: true, documentId: 'one', page: null };
});

const record = (differences = {}) => ({
  kind: 'log',
  event: 'exception',
  time: NOW,
  severity: 17,
  attributes: {},
  ...differences,
});
const send = (seq, records, more = {}) =>
  messages.take(bridge, { type: 'records', bridgeId: 'b', seq, text: JSON.stringify(records), ...more }, gathered);

test('records that come a second time are not stored again; those after them are', () => {
  send(1, [record()]);
  send(1, [record()]);
  send(2, [record(), record()]);
  send(1, [record()]);
  assert.equal(gathered.logs.length, 3);
  bridge.tabId = 2;
  send(1, [record()]);
  assert.equal(gathered.logs.length, 4, 'the same name from another tab is another');
});

test('of one message so many records are taken, the rest is counted as dropped, with what the page lost', () => {
  send(
    1,
    Array.from({ length: MESSAGE_RECORDS_MAX + 1 }, () => record()),
    { dropped: 5 },
  );
  assert.equal(gathered.logs.length, MESSAGE_RECORDS_MAX);
  assert.equal(state.queue.state.droppedRecords, 6);
  send(2, [{ kind: 'nonsense' }]);
  assert.equal(state.queue.state.droppedRecords, 7);
});

test('the arrivals of so many frames are remembered, the latest ones', () => {
  for (let number = 0; number <= DELIVERIES_MAX; number += 1) {
    messages.take(bridge, { type: 'records', bridgeId: `b${number}`, seq: 1, text: '[]' }, gathered);
  }
  const kept = Object.keys(state.snapshot().delivered);
  assert.equal(kept.length, DELIVERIES_MAX);
  assert.equal(kept.at(-1), `1 b${DELIVERIES_MAX}`);
});

test('what malformed messages say is ignored', () => {
  for (const message of [
    null,
    7,
    {},
    { type: 'records' },
    { type: 'records', bridgeId: 'x'.repeat(65), seq: 1, text: '[]' },
    ...['{', '{}', '7', undefined, {}].map((text) => ({ type: 'records', bridgeId: 'b', seq: 1, text })),
  ]) {
    assert.doesNotThrow(() => messages.take(bridge, message, gathered));
  }
  assert.deepEqual(gathered, { traces: [], logs: [] });
});

test('a session begins when the navigation did, as far as that can be', () => {
  const startedAt = (claimed) => {
    state.sessions = new SessionManager(() => 'session-x');
    messages.take(bridge, { type: 'connect', traceId: '', navigatedAt: claimed }, gathered);
    return state.sessions.entries[ORIGIN]?.current?.startedAt;
  };
  assert.equal(startedAt(NOW - 300), NOW - 300);
  assert.equal(startedAt(NOW - NAVIGATION_MS_MAX + 1), NOW - NAVIGATION_MS_MAX + 1);
  for (const claimed of [NOW - NAVIGATION_MS_MAX, NOW + 1, 'soon', undefined]) assert.equal(startedAt(claimed), NOW);
});

test('addresses that lead away are known to the pages of that origin, the latest of them, while it is on', () => {
  const tell = (address) => messages.take(bridge, { type: 'stray', address }, gathered);
  for (let number = 0; number <= STRAYS_MAX; number += 1) tell(`${ORIGIN}/${number}`);
  tell(`${ORIGIN}/5`);
  const long = `${ORIGIN}/${'x'.repeat(STRAY_CHARS_MAX - ORIGIN.length - 1)}`;
  for (const no of [`${long}x`, 'no address', 7, undefined]) tell(no);
  const numbers = [...Array.from({ length: STRAYS_MAX }, (_, index) => index + 1).filter((one) => one !== 5), 5];
  const expected = numbers.map((number) => `${ORIGIN}/${number}`);
  assert.deepEqual(configurationFor(state, ORIGIN, 1, null, NOW).strays, expected);
  assert.deepEqual(configurationFor(state, 'http://other.test', 1, null, NOW).strays, []);
  tell(long);
  assert.equal(state.snapshot().strays[ORIGIN]?.at(-1), long);
  state.settings = { ...state.settings, origins: [] };
  assert.deepEqual(state.snapshot().strays, {});
});

test('origins that a page traces by itself are learned, in bounded number, and only if they are some', () => {
  for (let number = 0; number <= OWN_TRACING_MAX; number += 1) {
    messages.take(bridge, { type: 'own-tracing', origin: `https://${number}.test` }, gathered);
    messages.take(bridge, { type: 'own-tracing', origin: '*' }, gathered);
  }
  assert.equal(state.ownTracing.length, OWN_TRACING_MAX);
});

test('a page can end its session by logout; no other reason is its to give', () => {
  const reasons = ['logout', 'user'].map((reason) => {
    messages.take(bridge, { type: 'touch' }, gathered);
    messages.take(bridge, { type: 'end', reason }, gathered);
    return state.sessions.takeEvents().at(-1)?.reason;
  });
  assert.deepEqual(reasons, ['logout', 'invalid']);
});

test('counts: requests, failed ones, errors, all', () => {
  const span = { kind: 'span', name: 'GET', start: NOW, end: NOW, traceId: TRACE, spanId: SPAN, attributes: {} };
  send(1, [span, { ...span, error: true }, record(), record({ severity: 13 })]);
  const { id } = state.sessions.use(ORIGIN, NOW, state.settings);
  assert.deepEqual(state.countsOf(id), { requests: 2, failedRequests: 1, errors: 1, events: 4 });
});

test('so many links of a span are kept, and a token may be so long', () => {
  const links = Array.from({ length: LINKS_MAX + 1 }, () => ({ traceId: TRACE, spanId: SPAN }));
  const span = { kind: 'span', name: 'GET', start: NOW, end: NOW, traceId: TRACE, spanId: SPAN, attributes: {}, links };
  assert.equal(checkedRecord(span, NOW, new Redactor())?.links?.length, LINKS_MAX);
  assert.equal(
    changedSettings({ ...DEFAULT_SETTINGS }, { token: 'x'.repeat(TOKEN_CHARS_MAX) }).token.length,
    TOKEN_CHARS_MAX,
  );
  assert.throws(() => changedSettings({ ...DEFAULT_SETTINGS }, { token: 'x'.repeat(TOKEN_CHARS_MAX + 1) }), /token/);
});

test('export: records wait for others; what an ended worker may have sent waits longer', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const sizes = [{ bytes: 1, records: 1 }];
    const queue = { state: { sizes, inFlight: 0 } };
    const sent = mock.fn(async () => (sizes.splice(0), null));
    const loop = new ExportLoop(
      /** @type {any} */ ({ queue, settings: DEFAULT_SETTINGS, forgetLeftOver: async () => {} }),
      () => 0,
    );
    loop.exporter.exportBatch = sent;
    loop.schedule();
    loop.schedule();
    mock.timers.tick(GATHER_MS - 1);
    assert.equal(sent.mock.callCount(), 0);
    mock.timers.tick(1);
    assert.equal(sent.mock.callCount(), 1);
    assert.deepEqual(alarms[0][0], EXPORT_ALARM);
    sizes.push({ bytes: 1, records: 1 });
    const next = new ExportLoop(
      /** @type {any} */ ({
        queue: { state: { sizes, inFlight: 1 } },
        settings: DEFAULT_SETTINGS,
        forgetLeftOver: async () => {},
      }),
      () => 0,
    );
    next.exporter.exportBatch = sent;
    next.resume();
    mock.timers.tick(RESEND_AFTER_MS - 1);
    assert.equal(sent.mock.callCount(), 1);
    mock.timers.tick(1);
    assert.equal(sent.mock.callCount(), 2);
    assert.ok(RESEND_AFTER_MS > 100);
  } finally {
    mock.timers.reset();
  }
});

test('export: a request that is not answered is given up, and comes again', async () => {
  const timeout = mock.method(AbortSignal, 'timeout', (/** @type {number} */ delay) => {
    assert.equal(delay, REQUEST_TIMEOUT_MS);
    return AbortSignal.abort();
  });
  const loop = new ExportLoop(/** @type {any} */ ({}), () => 0);
  loop.exporter.send = async (_, init) => {
    init?.signal?.throwIfAborted();
    return new Response('{}');
  };
  assert.equal((await loop.exporter.request({ endpoint: 'http://c', token: 't' }, '/v1/logs', '{}')).kind, 'retry');
  timeout.mock.restore();
});

test('sessions that lived when the browser closed are ended, again if that was not told', async () => {
  const kept = {
    living: { [ORIGIN]: { id: `session-${'1'.repeat(32)}`, startedAt: 1, lastActivityAt: 5, previousId: '' } },
  };
  Object.assign(chrome.storage, {
    local: {
      get: async () => structuredClone(kept),
      set: async (items) => void Object.assign(kept, structuredClone(items)),
    },
  });
  const endsOf = async () => (await WorkerState.load()).sessions.takeEvents().map(({ event, time }) => [event, time]);
  assert.deepEqual(await endsOf(), [['session.end', 5]]);
  assert.deepEqual(await endsOf(), [['session.end', 5]]);
  await (await WorkerState.load()).forgetLeftOver();
  assert.deepEqual(await endsOf(), []);
});
