import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TRACE, log, span } from '../events.mjs';
import { importSources } from '../sources.mjs';

const { compare, comparisonWords, pathsGap, pathsOf, timelineOf } = await importSources(
  'model/paths.ts',
  'model/compare.ts',
  'model/timeline.ts',
);

function pathWords(events) {
  const timeline = timelineOf(events);
  return pathsOf(timeline).stretches.map(({ index, from, to }) => `${timeline.events[index].span_id} ${from}-${to}`);
}

test('the critical path follows the child that was waited for last', () => {
  const events = [
    span('root', undefined, 0, 100),
    span('a', 'root', 10, 40),
    span('b', 'root', 20, 80),
    span('c', 'b', 30, 50),
  ];
  assert.deepEqual(pathWords(events), ['root 0-20', 'b 20-30', 'c 30-50', 'b 50-80', 'root 80-100']);
});

test('children one after the other are all on it', () => {
  const events = [span('root', undefined, 0, 100), span('a', 'root', 10, 40), span('b', 'root', 40, 90)];
  assert.deepEqual(pathWords(events), ['root 0-10', 'a 10-40', 'b 40-90', 'root 90-100']);
});

test('a child that outlives its parent counts to the end of the parent', () => {
  const events = [span('root', undefined, 0, 50), span('late', 'root', 20, 500)];
  assert.deepEqual(pathWords(events), ['root 0-20', 'late 20-50']);
});

test('the path has no gaps and is as long as the root, whatever the children do', () => {
  const events = [span('root', undefined, 0, 1000)];
  for (let index = 1; index < 400; index += 1) {
    const start = (index * 7919) % 990;
    const parent = index % 3 === 0 || index < 3 ? 'root' : `s${Math.floor(index / 3)}`;
    events.push(span(`s${index}`, parent, start, start + ((index * 31) % 200)));
  }
  const { stretches } = pathsOf(timelineOf(events));
  let at = 0;
  for (const { from, to } of stretches) {
    assert.ok(Math.abs(from - at) < 1e-6 && to > from, `${at} ${from} ${to}`);
    at = to;
  }
  assert.ok(Math.abs(at - 1000) < 1e-6);
});

test('self time is what no child covers, counted once where children overlap', () => {
  const events = [
    span('root', undefined, 0, 100),
    span('a', 'root', 10, 40),
    span('b', 'root', 30, 60),
    span('c', 'root', 90, 200),
  ];
  const { selfMs } = pathsOf(timelineOf(events));
  assert.deepEqual(
    [...selfMs].map(([index, ms]) => [index, Math.round(ms)]),
    [
      [0, 40],
      [1, 30],
      [2, 30],
      [3, 110],
    ],
  );
});

test('logs alone have no path', () => {
  assert.deepEqual(pathsOf(timelineOf([log('x', 1)])).stretches, []);
});

test('where a span is not below the first, or a clock was wrong, no path is told', () => {
  const request = [span('root', undefined, 0, 100), span('a', 'root', 10, 40), log('x', 50, { span_id: 'gone' })];
  const gaps = [
    [request, []],
    [[span('root', 'the browser did not send it', 0, 100), span('a', 'root', 10, 40)], ['orphans: 1 parent span']],
    [[...request, span('b', 'never arrived', 50, 90)], []],
    [request, ['clock skew: the clock of orders is about 3600.000 s ahead']],
  ].map(([events, notes]) => pathsGap(timelineOf(events), notes));
  assert.deepEqual(gaps, [
    '',
    '',
    'spans between those at the top and the others are not here',
    'clocks of its services differ',
  ]);
});

function request(name, spans) {
  return timelineOf(spans.map((one) => ({ ...one, id: `${name}:${one.id}`, request_id: TRACE })));
}

function pairWords(left, right) {
  return compare(left, right).map((pair) => {
    const words = (timeline, index) => timeline.events[index]?.name ?? timeline.events[index]?.body ?? '-';
    const both = `${words(left, pair.left)} | ${words(right, pair.right)}`;
    return `${'  '.repeat(pair.depth)}${both} ${pair.differences.join(',')}`.trimEnd();
  });
}

test('two requests are paired event by event, with the differences marked', () => {
  const status = (code) => ({ type: 'network', attributes: { 'http.response.status_code': code } });
  const left = request('left', [
    span('POST /checkout', undefined, 0, 100, { kind: 'server', ...status(200) }),
    span('price', 'POST /checkout', 5, 10),
    span('charge', 'POST /checkout', 20, 30),
    log('charged 1200 cents', 31, { span_id: 'POST /checkout' }),
    span('mail', 'POST /checkout', 40, 50),
  ]);
  const right = request('right', [
    span('POST /checkout', undefined, 0, 120, { kind: 'server', error: true, ...status(502) }),
    span('price', 'POST /checkout', 5, 40),
    span('retry', 'POST /checkout', 41, 45),
    span('charge', 'POST /checkout', 50, 53),
    log('charged 7 cents', 54, { span_id: 'POST /checkout' }),
  ]);
  assert.deepEqual(pairWords(left, right), [
    'POST /checkout | POST /checkout status',
    '  price | price slower',
    '  - | retry extra',
    '  charge | charge faster',
    '  charged 1200 cents | charged 7 cents',
    '  mail | - missing',
  ]);
});

test('what is only on one side brings all that it caused', () => {
  const left = request('left', [span('root', undefined, 0, 9)]);
  const right = request('right', [
    span('root', undefined, 0, 9),
    span('call', 'root', 1, 5),
    span('inner', 'call', 2, 3),
  ]);
  assert.deepEqual(pairWords(left, right), ['root | root', '  - | call extra', '    - | inner extra']);
});

test('a request compared with itself does not differ', () => {
  const same = request('same', [
    span('root', undefined, 0, 9),
    span('root', 'root', 1, 5),
    log('x', 3, { span_id: 'root' }),
  ]);
  assert.deepEqual(
    compare(same, same).flatMap(({ differences }) => differences),
    [],
  );
});

test('a comparison says what came of it, and of how much where that is not all', () => {
  const words = (left, right, ...totals) => comparisonWords(compare(left, right), [left, right], totals);
  const few = request('few', [span('root', undefined, 0, 9), span('a', 'root', 1, 2)]);
  const more = request('more', [span('root', undefined, 0, 9), span('a', 'root', 1, 2), span('b', 'root', 1, 2)]);
  // The last one failed, and is here without what stood before it.
  const part = timelineOf([...few.events, span('z', 'root', 500, 600, { error: true })], 2);
  const rules = 'missing or extra, another status, or at least 1.5 times and 5 ms slower or faster';
  assert.deepEqual(
    [words(few, few, 2, 2), words(few, more, 2, 3), words(part, few, 9_000, 2), words(part, part, 9_000, 8_000)],
    [
      `No difference: ${rules}`,
      `1 of 3 rows differ: ${rules}`,
      `Compared are only the first 2 of 9,000 events: 0 of 2 rows differ: ${rules}`,
      `Compared are only the first 2 of 9,000 events, and the first 2 of 8,000 events: 0 of 2 rows differ: ${rules}`,
    ],
  );
});
