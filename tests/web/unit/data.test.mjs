import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TRACE, span } from '../events.mjs';
import { importSources } from '../sources.mjs';

const data = await importSources('data/event_stream.ts', 'data/loading.ts', 'data/report.ts', 'ui/list_store.ts');

test('server-sent events are read however they are cut', () => {
  const stream = ': hello\n\nid: 1\nevent: news\ndata: {"a":1}\n\ndata: x\r\ndata: y\r\n\r\ndata:z\n\n';
  for (let size = 1; size <= stream.length; size += 1) {
    const reader = new data.EventStreamReader();
    const found = [];
    for (let at = 0; at < stream.length; at += size) found.push(...reader.read(stream.slice(at, at + size)));
    assert.deepEqual(found, ['{"a":1}', 'x\ny', 'z'], `in pieces of ${size}`);
  }
});

test('an event without end is refused at its limit', () => {
  const reader = new data.EventStreamReader();
  reader.read(`data: ${'x'.repeat(data.EVENT_CHARS_MAX - 6)}`);
  assert.throws(() => reader.read('xx'), RangeError);
});

/** A collector that holds `count` events of one session. */
function collector(count) {
  const asked = [];
  const ask = (question) => {
    asked.push(question);
    const start = Number(question.cursor ?? 0);
    const end = Math.min(count, start + question.limit);
    const events = Array.from({ length: end - start }, (_, index) =>
      span(`s${start + index}`, undefined, start + index, start + index),
    );
    return Promise.resolve({
      session_id: 'whole-id',
      session: { session_id: 'whole-id' },
      events,
      total: count,
      ...(end < count ? { next_cursor: String(end) } : {}),
    });
  };
  return { ask, asked };
}

test('the first page is shown at once, then all, in order', async () => {
  const { ask, asked } = collector(2500);
  const shown = [];
  await data.load(ask, { kind: 'session', id: 'whole' }, (loaded) => shown.push(loaded));
  assert.deepEqual(
    asked,
    [undefined, '1000', '2000'].map((cursor) => ({
      what: 'session-trace',
      session_id: 'whole',
      limit: 1000,
      ...(cursor ? { cursor } : {}),
    })),
  );
  assert.deepEqual([shown[0].events.length, shown[0].isLoading], [1000, true]);
  const last = shown.at(-1);
  assert.deepEqual([last.events.length, last.isLoading, last.total, last.subject.id], [2500, false, 2500, 'whole-id']);
  assert.deepEqual(
    last.events.map(({ span_id: id }) => id),
    Array.from({ length: 2500 }, (_, index) => `s${index}`),
  );
});

test('what is shown already does not shrink to its first page', async () => {
  const shown = [];
  await data.load(collector(2500).ask, { kind: 'session', id: 'x' }, (loaded) => shown.push(loaded.events.length), {
    isQuiet: true,
  });
  assert.deepEqual(shown, [2500]);
});

test('loading stops at the limit, and says how much there is', async () => {
  const { ask, asked } = collector(100_000);
  const shown = [];
  await data.load(ask, { kind: 'session', id: 'x' }, (loaded) => shown.push(loaded));
  assert.equal(asked.length, data.EVENTS_LOADED_MAX / data.PAGE_EVENTS_MAX);
  assert.deepEqual(
    [shown.at(-1).events.length, shown.at(-1).total, shown.at(-1).isLoading],
    [data.EVENTS_LOADED_MAX, 100_000, false],
  );
});

test('a report answers from what it holds, and nothing else', async () => {
  const answer = { session_id: 's', session: { session_id: 's' }, events: [span('a', undefined, 0, 1)], total: 1 };
  const held = { request: { request_id: TRACE }, spread: [] };
  const { source, subject } = data.reportSource({ kind: 'session', made_at: '', answer, requests: { [TRACE]: held } });
  assert.deepEqual(subject, { kind: 'session', id: 's' });
  assert.equal(await source.ask({ what: 'session-trace', session_id: 's' }), answer);
  assert.deepEqual(await source.ask({ what: 'request-trace', request_id: TRACE }), {
    ...held,
    timeline: answer.events,
    total: 1,
  });
  await assert.rejects(source.ask({ what: 'request-trace', request_id: 'no' }), /does not hold/);
});

test('a list grows by pages, and a fresh beginning moves what moved', async () => {
  let items = Array.from({ length: 450 }, (_, index) => index);
  const ask = ({ limit, cursor }) => {
    const start = Number(cursor ?? 0);
    const page = items.slice(start, start + limit);
    return Promise.resolve({
      page,
      total: items.length,
      ...(start + limit < items.length ? { next_cursor: String(start + limit) } : {}),
    });
  };
  const store = new data.ListStore(
    ask,
    { what: 'sessions' },
    ({ page, ...rest }) => ({ ...rest, items: page }),
    String,
  );
  await store.refresh();
  assert.deepEqual(store.items.value, items.slice(0, 200));
  await store.more();
  assert.deepEqual(store.items.value, items.slice(0, 400));
  items = [300, 999, ...items.filter((item) => item !== 300)];
  await store.refresh();
  assert.deepEqual(store.items.value.slice(0, 3), [300, 999, 0]);
  assert.equal(new Set(store.items.value).size, store.items.value.length);
  assert.equal(store.items.value.length, 401);
  assert.equal(store.total.value, 451);
});
