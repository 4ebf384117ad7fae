import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';

import { TRACE, log, span } from '../events.mjs';
import { importSources } from '../sources.mjs';

const data = await importSources('data/event_stream.ts', 'data/loading.ts', 'data/report.ts', 'ui/timeline_store.ts');

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

/** A collector that holds `count` events of one session or request, of which every `failing`th failed. */
function collector(count, failing = Infinity) {
  const asked = [];
  const all = Array.from({ length: count }, (_, index) => index);
  const ask = (question) => {
    asked.push(question);
    const chosen = question.event_types === 'error' ? all.filter((index) => index % failing === failing - 1) : all;
    const start = Number(question.cursor ?? 0);
    const end = Math.min(chosen.length, start + question.limit);
    const events = chosen
      .slice(start, end)
      .map((index) =>
        span(`s${index}`, index === 0 ? undefined : 's0', index, index, { error: index % failing === failing - 1 }),
      );
    const page = { total: chosen.length, ...(end < chosen.length ? { next_cursor: String(end) } : {}) };
    return Promise.resolve(
      question.what === 'session-trace'
        ? { ...page, session_id: 'whole-id', session: { session_id: 'whole-id' }, events }
        : { ...page, request: { request_id: 'whole-id' }, timeline: events },
    );
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

for (const kind of ['session', 'request']) {
  test(`of a ${kind} that is longer than what is drawn, what failed comes all the same`, async () => {
    const { ask } = collector(50_000, 5_000);
    const shown = [];
    await data.load(ask, { kind, id: 'x' }, (loaded) => shown.push(loaded));
    const { events, errorsBeyond, total, isLoading } = shown.at(-1);
    assert.deepEqual([events.length, errorsBeyond, total, isLoading], [20_006, 6, 50_000, false]);
    assert.deepEqual(
      events.slice(-7).map(({ span_id: id }) => id),
      ['s19999', 's24999', 's29999', 's34999', 's39999', 's44999', 's49999'],
    );
    // They are on their way while the rest is shown.
    assert.deepEqual([shown.at(-2).events.length, shown.at(-2).isLoading], [20_000, true]);
  });
}

for (const kind of ['session', 'request']) {
  test(`of a long ${kind}, the event of a link comes with those around it, in order with what failed`, async () => {
    const found = {};
    for (const linkedId of ['s29500', 's24999', 's100', 'nowhere']) {
      let last;
      await data.load(collector(40_000, 5_000).ask, { kind, id: 'x' }, (loaded) => (last = loaded), { linkedId });
      const ids = last.events.map(({ span_id: id }) => id);
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
      );
      found[linkedId] = [ids.includes(linkedId), ids.length, last.errorsBeyond, last.around];
    }
    assert.deepEqual(found, {
      s29500: [true, 20_000 + 3 + 1_000, 3, 1_000],
      s24999: [true, 20_000 + 4, 4, 0],
      s100: [true, 20_000 + 4, 4, 0],
      nowhere: [false, 20_000 + 4, 4, 0],
    });
  });
}

test('the event of a link is looked for up to a limit', async () => {
  const { ask, asked } = collector(300_000);
  const linkedId = `s${data.EVENTS_READ_MAX}`;
  let last;
  await data.load(ask, { kind: 'session', id: 'x' }, (loaded) => (last = loaded), { linkedId });
  assert.deepEqual([last.around, asked.length], [0, 1 + data.EVENTS_READ_MAX / data.PAGE_EVENTS_MAX]);
});

test('self times and critical path are told only where every event is there', async () => {
  const count = async (size, report) => {
    const store = new data.TimelineStore({ kind: 'request', id: 'x' });
    const counts = [];
    const { ask } = report ? data.reportSource(report).source : collector(size);
    await data.load(ask, { kind: 'request', id: report ? TRACE : 'x' }, (loaded) => {
      store.loaded.value = loaded;
      counts.push([store.timeline.value.events.length, store.paths.value.selfMs.size]);
    });
    // How often it is shown in between depends on the time that it takes.
    const [first, last] = [counts.shift(), counts.pop()];
    assert.deepEqual(
      counts.filter(([, told]) => told > 0),
      [],
    );
    return last ? [first, last] : [first];
  };
  const report = (more) => ({
    kind: 'session',
    answer: { session_id: 's', events: [span('a', undefined, 0, 1)], total: 1, ...more },
    requests: {},
  });
  assert.deepEqual(
    [
      await count(1_500),
      await count(20_001),
      await count(0, report()),
      await count(0, report({ shared_request_ids: [TRACE] })),
      await count(0, { ...report(), cut: { errors: 0 } }),
    ],
    [
      [
        [1_000, 0],
        [1_500, 1_500],
      ],
      [
        [1_000, 0],
        [20_000, 0],
      ],
      [[1, 1]],
      [[1, 0]],
      [[1, 0]],
    ],
  );
});

test('loading stops at its limits, and says how much there is', async () => {
  const found = {};
  for (const kind of ['session', 'request']) {
    const { ask, asked } = collector(300_000, 2);
    let last;
    await data.load(ask, { kind, id: 'x' }, (loaded) => (last = loaded));
    found[kind] = [asked.length, last.events.length, last.errorsBeyond, last.total];
  }
  // Errors alone begin with those that are drawn already: ten pages of them.
  const drawn = data.EVENTS_LOADED_MAX / data.PAGE_EVENTS_MAX;
  const [all, errors] = [data.EVENTS_LOADED_MAX + data.ERRORS_LOADED_MAX, data.ERRORS_LOADED_MAX];
  assert.deepEqual(found, {
    session: [drawn + 12, all, errors, 300_000],
    request: [drawn + 4, all, errors, 300_000],
  });
  const { ask, asked } = collector(300_000);
  await data.load(ask, { kind: 'request', id: 'x' }, () => undefined);
  assert.equal(asked.length, data.EVENTS_READ_MAX / data.PAGE_EVENTS_MAX);
});

test('a session lasts until the last of its spans has ended, and one of a single log no time', () => {
  const lasted = (...events) => {
    const store = new data.TimelineStore({ kind: 'session', id: 'x' });
    store.loaded.value = data.loadedOf(store.subject, { session_id: 'x', events, total: events.length });
    return store.lastedMs.value;
  };
  assert.deepEqual([lasted(span('a', undefined, 0, 30), span('b', undefined, 20, 25)), lasted(log('x', 5))], [30, 0]);
});

test('a report answers from what it holds, and nothing else', async () => {
  const answer = { session_id: 's', session: { session_id: 's' }, events: [span('a', undefined, 0, 1)], total: 1 };
  const held = { request: { request_id: TRACE }, spread: [] };
  const { source, subject } = data.reportSource({ kind: 'session', made_at: '', answer, requests: { [TRACE]: held } });
  assert.deepEqual(subject, { kind: 'session', id: 's' });
  assert.deepEqual(await source.ask({ what: 'session-trace', session_id: 's' }), { ...answer, errors_beyond: 0 });
  assert.deepEqual(await source.ask({ what: 'request-trace', request_id: TRACE }), {
    ...held,
    notes: [],
    timeline: answer.events,
    total: 1,
    is_part: false,
  });
  await assert.rejects(source.ask({ what: 'request-trace', request_id: 'no' }), /does not hold/);
});

test('a request in the report of a session knows what the session says of its clocks', async () => {
  const notes = [
    'clock skew: the clock of orders is about 1.000 s ahead; the order corrects it',
    'orphans: 1 parent span',
  ];
  const other = 'bb'.repeat(16);
  const events = [span('a', undefined, 0, 1, { service: 'orders' }), span('b', undefined, 0, 1, { request_id: other })];
  const answer = { session_id: 's', events, total: 2, notes };
  const { source } = data.reportSource({ kind: 'session', made_at: '', answer, requests: {} });
  const told = async (id) => (await source.ask({ what: 'request-trace', request_id: id })).notes;
  // A note names the first services of a host alone.
  assert.deepEqual([await told(TRACE), await told(other)], [notes.slice(0, 1), notes.slice(0, 1)]);
});

test('a report is read out of its compressed text', async () => {
  const report = { kind: 'session', made_at: 'ü 日本', answer: { events: [], total: 0 }, cut: { errors: 2 } };
  const text = deflateSync(JSON.stringify(report)).toString('base64');
  assert.deepEqual(await data.reportOf(text), report);
  const { source } = data.reportSource(report);
  assert.equal((await source.ask({ what: 'session-trace', session_id: '' })).errors_beyond, 2);
  await assert.rejects(data.reportOf(text.slice(0, 20)));
});
