/** What the popup says of a state: whole views, with a clock that stands. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { popupView } from '../../extension/popup/view.js';
import { HOUR_MS, MINUTE_MS, NOW, SESSION_ID, observedState, settings } from './states.mjs';

const CALL = `observe(what="session-trace", session_id="${SESSION_ID}")`;

test('an observed page: everything is told', () => {
  assert.deepEqual(popupView(observedState(), NOW), {
    site: {
      name: 'https://shop.example',
      note: 'On. Clicks, requests and errors of this site go to your collector.',
      on: true,
      switchable: true,
      reloadable: false,
    },
    session: {
      id: SESSION_ID,
      times: 'Began 12 min ago, ends 29 min from now if nobody uses the page.',
      call: CALL,
      shortCall: 'observe(what="session-trace", session_id="session-9f2c41d0…")',
      timeline: '',
    },
    sessionMissing: '',
    counts: {
      requests: { value: '1,204', bad: false },
      failedRequests: { value: '0', bad: false },
      errors: { value: '0', bad: false },
      events: { value: '4,310', bad: false },
    },
    collector: {
      tone: 'good',
      headline: 'Collector reachable',
      note: 'http://127.0.0.1:4318 · 4,296 records sent, the last just now',
      queue: '',
      lost: '',
      lastError: '',
    },
  });
});

test('a page that no extension may observe cannot be switched on', () => {
  const view = popupView(observedState({ origin: null, permitted: false, enabled: false, session: null }), NOW);
  assert.deepEqual(view.site, {
    name: 'No web page',
    note: 'Open a page over http or https to switch Gasoline on for it.',
    on: false,
    switchable: false,
    reloadable: false,
  });
  assert.deepEqual([view.session, view.sessionMissing], [null, '']);
});

const SITES = [
  {
    name: 'off',
    state: { enabled: false, connected: false },
    site: { note: 'Off. This site is left exactly as it is.', on: false, reloadable: false },
  },
  {
    name: 'the permission was taken back',
    state: { permitted: false, connected: false },
    site: {
      note: 'Off: the browser does not let Gasoline on this site. Switch on to be asked again.',
      on: false,
      reloadable: false,
    },
  },
  {
    name: 'loaded before it was switched on',
    state: { connected: false },
    site: {
      note: 'On, but this page was loaded before. Reload it to see it from its first request on.',
      on: true,
      reloadable: true,
    },
  },
];

for (const { name, state, site } of SITES) {
  test(`a page that can be observed: ${name}`, () => {
    const expected = { name: 'https://shop.example', switchable: true, ...site };
    assert.deepEqual(popupView(observedState(state), NOW).site, expected);
  });
}

test('a session is shown only where the switch is on', () => {
  assert.equal(popupView(observedState({ enabled: false }), NOW).session, null);
  const missing = (differences) => popupView(observedState({ session: null, ...differences }), NOW).sessionMissing;
  assert.equal(missing({}), 'No session at the moment. The next one begins when the page is used.');
  assert.equal(missing({ connected: false }), 'No session yet. It begins with the next page load.');
});

test('a session ends by its age if that comes before the time without use, and never before now', () => {
  const times = (session) => popupView(observedState({ session }), NOW).session?.times;
  const session = { id: SESSION_ID, previousId: '', startedAt: NOW - 3.5 * HOUR_MS, lastActivityAt: NOW };
  assert.equal(times(session), 'Began 3 h ago, ends 30 min from now.');
  const expired = { ...session, startedAt: NOW - 5 * HOUR_MS, lastActivityAt: NOW - 40 * MINUTE_MS };
  assert.equal(times(expired), 'Began 5 h ago, ends 0 s from now.');
});

test('an id is told as it is, and quoted so that the call can be made', () => {
  const session = { id: 'a"b', previousId: '', startedAt: NOW, lastActivityAt: NOW };
  const call = 'observe(what="session-trace", session_id="a\\"b")';
  const view = popupView(observedState({ session }), NOW);
  assert.deepEqual([view.session?.call, view.session?.shortCall], [call, call]);
});

test('where the collector has a page, it shows the session', () => {
  const timeline = (id) => {
    const session = { id, previousId: '', startedAt: NOW, lastActivityAt: NOW };
    return popupView(observedState({ session }), NOW, settings.queryEndpoint).session?.timeline;
  };
  assert.equal(timeline(SESSION_ID), `http://127.0.0.1:4319/sessions/${SESSION_ID}`);
  assert.equal(timeline('a/b c'), 'http://127.0.0.1:4319/sessions/a%2Fb%20c');
});

test('failures are marked', () => {
  const counts = { requests: 2, failedRequests: 1, errors: 3, events: 9 };
  assert.deepEqual(popupView(observedState({ counts }), NOW).counts, {
    requests: { value: '2', bad: false },
    failedRequests: { value: '1', bad: true },
    errors: { value: '3', bad: true },
    events: { value: '9', bad: false },
  });
});

test('a collector that was not asked yet is neither good nor bad', () => {
  const collector = { endpoint: settings.endpoint, reachable: null, reason: '', checkedAt: null };
  assert.deepEqual(popupView(observedState({ collector }), NOW).collector, {
    tone: 'unknown',
    headline: 'Collector: asking …',
    note: 'http://127.0.0.1:4318',
    queue: '',
    lost: '',
    lastError: '',
  });
});

test('a collector that is away: why, what waits, what is lost, and the last error', () => {
  const reason = 'nothing listens on 127.0.0.1:4318; start it: gasoline serve';
  const state = observedState({
    collector: { endpoint: settings.endpoint, reachable: false, reason, checkedAt: NOW },
    export: {
      queuedRecords: 1,
      queuedBytes: 900,
      queueBytesMax: 4 * 1024 * 1024,
      exportedRecords: 0,
      droppedRecords: 2,
      rejectedRecords: 1,
      lastError: { message: 'Failed to fetch', at: NOW - 40_000 },
      lastExportAt: null,
    },
  });
  assert.deepEqual(popupView(state, NOW).collector, {
    tone: 'bad',
    headline: 'Collector not reachable',
    note: 'Nothing listens on 127.0.0.1:4318; start it: gasoline serve',
    queue: '1 record waits to be sent (900 B of 4 MiB).',
    lost: '2 records lost, 1 record refused by the collector.',
    lastError: 'Last error, 40 s ago: Failed to fetch',
  });
});

test('a collector that took nothing yet', () => {
  const exported = { ...observedState().export, exportedRecords: 0, lastExportAt: null, queuedRecords: 14 };
  const view = popupView(observedState({ export: exported }), NOW).collector;
  assert.equal(view.note, 'http://127.0.0.1:4318 · 0 records sent');
  assert.equal(view.queue, '14 records wait to be sent (0 B of 4 MiB).');
});

test('a last error that says no more than why the collector is away is not told twice', () => {
  const message = 'nothing answers at http://127.0.0.1:4318';
  const collector = { endpoint: settings.endpoint, reachable: false, reason: message, checkedAt: NOW };
  const exported = { ...observedState().export, lastError: { message, at: NOW } };
  assert.equal(popupView(observedState({ collector, export: exported }), NOW).collector.lastError, '');
  const back = { ...collector, reachable: true, reason: '' };
  const told = popupView(observedState({ collector: back, export: exported }), NOW).collector.lastError;
  assert.equal(told, `Last error, just now: ${message}`);
});
