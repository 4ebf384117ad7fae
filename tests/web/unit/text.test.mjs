import assert from 'node:assert/strict';
import { test } from 'node:test';

import { log, nanos, span } from '../events.mjs';
import { importSources } from '../sources.mjs';

const text = await importSources('model/plain_text.ts', 'model/times.ts', 'model/words.ts', 'model/observe_call.ts');

test('what cannot be seen is written out, what people write stays', () => {
  assert.equal(text.visible('evil\u202egnp.exe'), 'evil‹U+202E›gnp.exe');
  assert.equal(text.visible('\u0000\u001b[31m\u200b\ufeff\u2066'), '‹U+0000›‹U+001B›[31m‹U+200B›‹U+FEFF›‹U+2066›');
  assert.equal(text.visible('\ud800 tag \u{e0041}'), '‹U+D800› tag ‹U+E0041›');
  assert.equal(text.visible('שלום עולם, 你好 👍🏽\n\tnext'), 'שלום עולם, 你好 👍🏽\n\tnext');
  assert.equal(text.visible('<script>alert(1)</script>'), '<script>alert(1)</script>');
  assert.equal(text.visibleLine('a\r\n  b\tc'), 'a‹U+000D› ↵ b c');
});

test('a cut never leaves half of a character', () => {
  assert.equal(text.cut('ab👍', 3), 'ab');
  assert.equal(text.cut('ab👍', 4), 'ab👍');
});

test('durations have three digits that matter', () => {
  const words = [0, 0.0004, 0.042, 1.234, 12.34, 123.4, 999.6, 1234, 12_345, 61_000, 3_723_000, 86_400_000 * 3];
  assert.deepEqual(words.map(text.durationWords), [
    '0 ms',
    '400 ns',
    '42 µs',
    '1.23 ms',
    '12.3 ms',
    '123 ms',
    '1.00 s',
    '1.23 s',
    '12.3 s',
    '1 min 01 s',
    '1 h 02 min',
    '3 days',
  ]);
});

test('marks on the axis differ however far it is zoomed in', () => {
  const marks = (from, step) => text.axisWords([from, from + step, from + 2 * step], step).join(', ');
  assert.deepEqual(
    [
      marks(0, 0.0002),
      marks(-0.5, 0.5),
      marks(20, 0.5),
      marks(0, 500),
      marks(9_495, 5),
      marks(59_000, 500),
      marks(300_000, 20),
      marks(300_000, 20_000),
      marks(7_200_000, 1_000),
      marks(7_200_000, 5_000_000),
      marks(200_000_000, 0.0001),
    ],
    [
      '0.0 µs, 0.2 µs, 0.4 µs',
      '−500 µs, 0 µs, 500 µs',
      '20.0 ms, 20.5 ms, 21.0 ms',
      '0.0 s, 0.5 s, 1.0 s',
      '9.495 s, 9.500 s, 9.505 s',
      '+59.0, +59.5, +60.0',
      '+300.00, +300.02, +300.04',
      '5 min 00 s, 5 min 20 s, 5 min 40 s',
      '+7200, +7201, +7202',
      '2 h 00 min, 3 h 23 min, 4 h 47 min',
      '+200000.0000000, +200000.0000001, +200000.0000002',
    ],
  );
});

test('times are told apart to the microsecond, years after 1970', () => {
  assert.ok(Math.abs(text.sinceMs(nanos(0.123), nanos(0)) - 0.123) < 1e-6);
  assert.equal(text.sinceMs('5', '3'), 2e-6);
  assert.equal(text.offsetWords(1234.4), '+1.234');
  assert.equal(text.offsetWords(-5), '−0.005');
});

test('ages and clocks', () => {
  const now = Date.parse('2026-11-28T12:00:00Z');
  assert.deepEqual(
    [1, 42, 90, 7_200, 400_000, -60].map((seconds) => text.agoWords(now - seconds * 1000, now)),
    ['now', '42 s ago', '1 min ago', '2 h ago', '4 days ago', 'in the future'],
  );
  assert.equal(text.clockWords(NaN, now), 'unknown time');
  assert.match(text.clockWords(Date.parse('2024-01-05T12:00:00Z'), now), /^\d Jan 2024 \d\d:00:00$/);
});

test('titles say what happened', () => {
  const network = (name, attributes) =>
    text.titleOf(span(name, undefined, 0, 1, { type: 'network', name, attributes }));
  assert.deepEqual(
    [
      network('POST', { 'url.full': 'http://127.0.0.1:8080/api/checkout?x=1' }),
      network('GET /items/{id}', { 'url.full': 'http://127.0.0.1/items/7' }),
      network('PaymentService/Charge', { 'rpc.system': 'grpc' }),
      network('documentLoad', { 'url.full': 'http://shop.example/' }),
      text.titleOf(
        log('', 0, {
          type: 'event',
          name: 'browser.user_action.click',
          attributes: { 'browser.css_selector': 'a#pay' },
        }),
      ),
      text.titleOf(log('payment refused', 0)),
      text.titleOf(log('', 0, { body: { reason: 'x' }, summary: '' })),
    ],
    [
      'POST /api/checkout?x=1',
      'GET /items/{id}',
      'PaymentService/Charge',
      'page load /',
      'click a#pay',
      'payment refused',
      '{"reason":"x"}',
    ],
  );
});

test('status comes from old and new conventions, of spans alone', () => {
  const status = (attributes) => text.statusOf(span('s', undefined, 0, 1, { attributes }));
  assert.deepEqual(
    [
      status({ 'http.response.status_code': 200 }),
      status({ 'http.status_code': '404' }),
      status({ 'rpc.grpc.status_code': 0 }),
      status({}),
    ],
    ['200', '404', '0', undefined],
  );
  assert.equal(text.statusOf(log('x', 0, { attributes: { 'http.status_code': 500 } })), undefined);
});

test('evidence is said in words', () => {
  const words = ['attribute', 'header', 'tracestate', 'trace', undefined].map((evidence) =>
    text.evidenceWords({ evidence }),
  );
  assert.deepEqual(words, [
    'session known from an attribute of its own, such as session.id',
    'session known from the captured request header X-Session-ID',
    'session known from tracestate',
    'session known because another record of the same trace names it',
    'belongs to no session',
  ]);
});

test("corrections are those of the service's own clock", () => {
  const note =
    'clock skew: the clock of host-7 (payments mail) is about 2.000 s behind; the order of its 4 records corrects it';
  assert.deepEqual(text.correctionsOf([note, 'orphans: 1 parent span never arrived'], 'mail'), [note]);
  assert.deepEqual(text.correctionsOf([note], 'ail'), []);
});

test('browsers, ids and calls are short', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
  assert.deepEqual(
    [
      chrome,
      `${chrome} Edg/141.0`,
      'Mozilla/5.0 Gecko/20100101 Firefox/145.0',
      'AppleWebKit Version/17.4 Safari/605',
      'curl/8',
    ].map(text.browserWords),
    ['Chrome 142', 'Edge 141', 'Firefox 145', 'Safari 17', 'curl/8'],
  );
  assert.deepEqual([`session-${'a1'.repeat(16)}`, 'a1'.repeat(16), 'mine'].map(text.shortId), [
    'session-a1a1a1a1',
    'a1a1a1a1',
    'mine',
  ]);
  assert.equal(
    text.callText({ what: 'session-trace', session_id: 'a"b', limit: 5 }),
    'observe(what="session-trace", session_id="a\\"b", limit=5)',
  );
  assert.equal(
    text.causeWords({ service: 'payments', operation: 'POST /charge', reason: 'PaymentDeclined' }),
    'payments POST /charge: PaymentDeclined',
  );
});

test('one is one, and none is none only where all is shown', () => {
  const nouns = [0, 1, 2, 12_345].map((count) => text.countOf(count, 'event'));
  assert.deepEqual(nouns, ['0 events', '1 event', '2 events', '12,345 events']);
  const words = [
    { errors: 0, events: 20_000, total: 30_000, hasErrors: true },
    { errors: 1, events: 20_000, total: 30_000, hasErrors: true },
    { errors: 0, events: 20_000, total: 30_000, hasErrors: false },
    { errors: 0, events: 5, total: 5, hasErrors: true },
  ].map(text.errorWords);
  assert.deepEqual(words, ['errors beyond what is shown', '1 error', '0 errors', '0 errors']);
});
