import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TRACE, log, nanos, span } from '../events.mjs';
import { importSources } from '../sources.mjs';

const {
  ALL_FOLDED,
  NO_FILTERS,
  NO_FOLDING,
  categoryOf,
  folded,
  indexOf,
  isFolded,
  isOrphan,
  nextError,
  requestHeads,
  rowsOf,
  timelineOf,
} = await importSources('model/timeline.ts', 'model/rows.ts', 'model/folding.ts');

const EVENTS = [
  log('browser.navigation', 0, { service: 'web', type: 'event', name: 'browser.navigation' }),
  span('load', undefined, 1, 90, { service: 'web', name: 'documentLoad', type: 'network' }),
  span('a', 'load', 10, 80, { type: 'network' }),
  log('inside a', 20, { request_id: TRACE, span_id: 'a' }),
  span('b', 'a', 30, 60, { service: 'orders', error: true }),
  span('lost', 'gone', 40, 50, { service: 'orders' }),
  log('on its own', 95),
];
const turned = (...ids) => ({ requests: false, turned: new Set(ids) });
const shown = (timeline, filters = {}, folding = NO_FOLDING) =>
  rowsOf(timeline, { ...NO_FILTERS, ...filters }, folding).indices.map((index) => timeline.events[index].id);

test('every event knows its parent, its depth and its request', () => {
  const timeline = timelineOf(EVENTS);
  assert.deepEqual([...timeline.parents], [-1, -1, 1, 2, 2, -1, -1]);
  assert.deepEqual([...timeline.depths], [0, 0, 1, 2, 2, 0, 0]);
  assert.deepEqual([...timeline.heads], [0, 1, 1, 1, 1, 1, 6]);
  assert.deepEqual([...timeline.folders], [-1, -1, 1, 2, 2, 1, -1]);
  assert.deepEqual([...timeline.within], [0, 4, 2, 0, 0, 0, 0]);
  assert.deepEqual([...timeline.errorsWithin], [0, 1, 1, 0, 0, 0, 0]);
  assert.deepEqual([...timeline.starts], [0, 1, 10, 20, 30, 40, 95]);
  assert.deepEqual(timeline.extent, [0, 95]);
  assert.deepEqual(timeline.services, ['web', 'shop', 'orders']);
  assert.equal(timeline.errors, 1);
  assert.deepEqual(
    EVENTS.map((_, index) => isOrphan(timeline, index)),
    [false, false, false, false, false, true, false],
  );
});

test('spans of two traces with equal ids stay apart', () => {
  const other = 'bb'.repeat(16);
  const timeline = timelineOf([span('a', undefined, 0, 9), span('b', 'a', 1, 2, { request_id: other })]);
  assert.deepEqual([...timeline.parents], [-1, -1]);
});

test('cycles of parents and spans that are their own parent end at the first of them', () => {
  const timeline = timelineOf([span('a', 'b', 0, 9), span('b', 'a', 0, 9), span('c', 'c', 1, 2)]);
  assert.deepEqual([...timeline.parents], [-1, 0, -1]);
});

test('100,000 spans inside one another are no more work than beside one another', () => {
  const deep = Array.from({ length: 100_000 }, (_, index) => span(`s${index}`, `s${index - 1}`, 0, 1));
  const timeline = timelineOf(deep);
  assert.equal(timeline.depths[99_999], 99_999);
  assert.equal(timeline.within[0], 99_999);
  assert.deepEqual(shown(timeline, {}, turned(deep[0].id)), [deep[0].id]);
});

test('the axis begins with the earliest time, wherever it stands in the order', () => {
  const timeline = timelineOf([span('a', undefined, 800, 1000), span('b', 'a', 0, 400)]);
  assert.equal(timeline.base, nanos(0));
  assert.deepEqual([...timeline.starts], [800, 0]);
  assert.deepEqual(timeline.extent, [0, 1000]);
});

test('an empty answer is an empty timeline', () => {
  const timeline = timelineOf([]);
  assert.deepEqual([timeline.extent, timeline.services, timeline.base], [[0, 0], [], '']);
});

test('filters leave what matches, and what failed', () => {
  const timeline = timelineOf(EVENTS);
  const failed = EVENTS[4].id;
  assert.deepEqual(
    shown(timeline),
    EVENTS.map(({ id }) => id),
  );
  assert.deepEqual(shown(timeline, { services: new Set(['web']) }), [EVENTS[0].id, EVENTS[1].id, failed]);
  assert.deepEqual(shown(timeline, { categories: new Set(['log']) }), [EVENTS[3].id, failed, EVENTS[6].id]);
  assert.deepEqual(shown(timeline, { text: ' INSIDE ' }), [EVENTS[3].id, failed]);
  assert.deepEqual(shown(timeline, { errorsOnly: true }), [failed]);
  const { matching, keptErrors } = rowsOf(timeline, { ...NO_FILTERS, text: 'own' }, NO_FOLDING);
  assert.deepEqual([matching, keptErrors], [1, 1]);
});

test('text is looked for where `query` of observe looks, nested values too', () => {
  const timeline = timelineOf([span('x', undefined, 0, 1, { attributes: { list: [{ Deep: 'Needle' }], count: 7 } })]);
  assert.equal(shown(timeline, { text: 'needle' }).length, 1);
  assert.equal(shown(timeline, { text: 'deep' }).length, 0);
});

test('folding hides everything that an event caused but what failed', () => {
  const timeline = timelineOf(EVENTS);
  assert.deepEqual(requestHeads(timeline), [1]);
  assert.deepEqual(
    shown(timeline, {}, turned(EVENTS[1].id)),
    [0, 1, 4, 6].map((index) => EVENTS[index].id),
  );
  assert.deepEqual(
    shown(timeline, {}, turned(EVENTS[2].id)),
    [0, 1, 2, 4, 5, 6].map((index) => EVENTS[index].id),
  );
});

test('requests that come after all were collapsed are collapsed, what was opened again stays open', () => {
  const first = [span('a', undefined, 0, 9), span('a1', 'a', 1, 2), span('a2', 'a1', 1, 2)];
  const other = { request_id: 'bb'.repeat(16) };
  const later = [span('b', undefined, 20, 29, other), span('b1', 'b', 21, 22, other)];
  const before = timelineOf(first);
  const after = timelineOf([...first, ...later]);
  assert.deepEqual(shown(after, {}, ALL_FOLDED), [first[0].id, later[0].id]);
  const opened = folded(ALL_FOLDED, before, 0, false);
  assert.deepEqual(
    shown(after, {}, opened),
    [...first, later[0]].map(({ id }) => id),
  );
  const inner = folded(opened, after, 1, true);
  assert.deepEqual(shown(after, {}, inner), [first[0].id, first[1].id, later[0].id]);
  assert.deepEqual([0, 1, 2, 3, 4].map((index) => isFolded(inner, after, index)), [false, true, false, true, false]);
  assert.deepEqual(folded(folded(inner, after, 1, false), after, 0, true), ALL_FOLDED);
  assert.equal(folded(inner, after, 1, true), inner);
});

test('where only what failed is left of the rest, no parent is called missing', () => {
  const events = [span('a', 'gone', 0, 9), span('b', 'not-drawn', 50, 60, { error: true })];
  const timeline = timelineOf(events, 1);
  assert.deepEqual([isOrphan(timeline, 0), isOrphan(timeline, 1)], [true, false]);
});

test('the next error is found around the end, in both directions', () => {
  const timeline = timelineOf(EVENTS);
  const { indices } = rowsOf(timeline, NO_FILTERS, NO_FOLDING);
  assert.deepEqual([nextError(timeline, indices, -1, 1), nextError(timeline, indices, 5, 1)], [4, 4]);
  assert.equal(nextError(timeline, indices, 3, -1), 4);
  assert.equal(nextError(timelineOf([EVENTS[0]]), [0], 0, 1), -1);
});

test('events are found by id, spans by their span id too', () => {
  const timeline = timelineOf(EVENTS);
  assert.deepEqual([indexOf(timeline, EVENTS[6].id), indexOf(timeline, 'b'), indexOf(timeline, 'none')], [6, 4, -1]);
});

test('categories are those that people filter by', () => {
  const named = (name, type) => categoryOf(log('', 0, { name, type }));
  assert.deepEqual(
    [
      named('browser.user_action.click', 'event'),
      named('browser.navigation_timing', 'event'),
      named('session.start', 'event'),
      named('exception', 'event'),
      categoryOf(span('s', undefined, 0, 1)),
      categoryOf(span('s', undefined, 0, 1, { type: 'network' })),
      categoryOf(log('text', 0)),
    ],
    ['action', 'page', 'page', 'event', 'span', 'request', 'log'],
  );
});
