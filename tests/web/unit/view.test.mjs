import assert from 'node:assert/strict';
import { test } from 'node:test';

import { log, span } from '../events.mjs';
import { importSources } from '../sources.mjs';

const view = await importSources(
  'model/scale.ts',
  'model/view_window.ts',
  'model/routes.ts',
  'model/density.ts',
  'model/colours.ts',
  'model/timeline.ts',
  'model/folding.ts',
);

test('zooming keeps the time under the pointer where it is, inside the whole', () => {
  const zoomed = view.zoomed([0, 100], 0.5, 0.25, [0, 100]);
  assert.deepEqual(zoomed, [12.5, 62.5]);
  assert.equal(view.fractionOf(25, zoomed), 0.25);
  assert.deepEqual(view.zoomed([0, 100], 4, 0.5, [0, 100]), [0, 100]);
  const closest = view.zoomed([0, 100], 1e-9, 0.5, [0, 100]);
  assert.ok(Math.abs(closest[1] - closest[0] - view.WIDTH_MS_MIN) < 1e-9);
});

test('panning stops at both ends', () => {
  assert.deepEqual(view.panned([10, 30], 0.5, [0, 100]), [20, 40]);
  assert.deepEqual(view.panned([10, 30], -5, [0, 100]), [0, 20]);
  assert.deepEqual(view.panned([10, 30], 50, [0, 100]), [80, 100]);
});

test('ticks are round and far enough apart', () => {
  assert.deepEqual(view.ticks([0, 100], 500), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(view.ticks([0.2, 1.1], 200), [0.5, 1]);
  assert.deepEqual(view.ticks([5, 5], 500), [5]);
  assert.ok(view.ticks([0, 1e12], 5000).length <= 57);
});

test('only the rows in view are drawn', () => {
  assert.deepEqual(view.windowOf(0, 260, 26, 1000), { first: 0, end: 16 });
  assert.deepEqual(view.windowOf(2600, 260, 26, 1000), { first: 94, end: 116 });
  assert.deepEqual(view.windowOf(2600, 260, 26, 3), { first: 3, end: 3 });
  const scrollTops = [
    [5, 0],
    [1, 0],
    [8, 0],
    [50, 0],
    [2, 260],
    [30, 2600],
  ].map(([row, scrollTop]) => view.scrollTopFor(row, scrollTop, 260, 26));
  assert.deepEqual(scrollTops, [undefined, undefined, undefined, 1118, 0, 728]);
});

test('what stood at the top stands there after rows came before it', () => {
  const keys = ['new', 'newer', 'a', 'b', 'c'];
  const top = view.anchoredScrollTop({ key: 'b', offset: -4 }, (row) => keys[row], 1, keys.length, 10);
  assert.equal(top, 34);
  assert.equal(
    view.anchoredScrollTop({ key: 'gone', offset: 0 }, (row) => keys[row], 1, keys.length, 10),
    undefined,
  );
});

test("paths and routes are each other's inverse, whatever an id holds", () => {
  for (const id of ['session-1', 'a/b?c#d', '%2F', 'ü 日本 😀', '\'"<>&', '~x']) {
    assert.deepEqual(view.routeOf(view.sessionPath(id)), { view: 'session', id });
    assert.deepEqual(view.routeOf(view.requestPath(id)), { view: 'request', id });
    assert.deepEqual(view.routeOf(view.comparePath(id, 'x')), { view: 'compare', left: id, right: 'x' });
  }
  assert.deepEqual(
    ['/', '/sessions', '/requests', '/requests/', '/else', '/sessions/a/b', '/compare/a'].map(
      (path) => view.routeOf(path).view,
    ),
    ['sessions', 'sessions', 'requests', 'requests', 'unknown', 'unknown', 'unknown'],
  );
  assert.deepEqual(view.routeOf('/sessions/%zz'), { view: 'session', id: '%zz' });
  // What a browser would take for steps in a path comes through it.
  for (const id of ['.', '..', '~.', '~..', '~~.']) {
    const { pathname } = new URL(view.sessionPath(id), 'http://page.test');
    assert.deepEqual(view.routeOf(pathname), { view: 'session', id });
  }
});

test('filters survive the URL', () => {
  const filters = { ...view.NO_LIST_FILTERS, service: 'a&b', status: 'error', since: '-1h' };
  assert.deepEqual(view.listFiltersOf(view.listSearch(filters)), filters);
  assert.equal(view.listSearch(view.NO_LIST_FILTERS), '');
  assert.deepEqual(view.timelineStateOf('?type=nonsense').filters.categories, new Set());
});

test('all of what is shown of a timeline survives the URL', () => {
  const filters = { categories: new Set(['log', 'page']), services: new Set(['x y']), errorsOnly: true, text: 'a=b' };
  const zoom = { from: '1795870127000000001', to: '1795870128000000000' };
  const whole = {
    filters: view.timelineStateOf('').filters,
    folding: view.NO_FOLDING,
    zoom: undefined,
    selected: '',
    isOpen: false,
  };
  for (const state of [
    whole,
    { filters, folding: { requests: true, turned: new Set(['a:b', 'log:&']) }, zoom, selected: 'log:1', isOpen: true },
    { ...whole, folding: { requests: false, turned: new Set(['a:b']) }, selected: 'x:y' },
  ]) {
    assert.deepEqual(view.timelineStateOf(view.timelineSearch(state)), state);
  }
  assert.equal(view.timelineSearch(whole), '');
  const many = Array.from({ length: view.FOLDS_IN_URL_MAX + 1 }, (_, index) => `e${index}`);
  const search = view.timelineSearch({ ...whole, folding: { requests: false, turned: new Set(many) } });
  assert.deepEqual([...view.timelineStateOf(search).folding.turned], many.slice(0, view.FOLDS_IN_URL_MAX));
  for (const wrong of ['?from=1', '?from=2&to=1', '?from=a&to=b', '?from=-1&to=5']) {
    assert.equal(view.timelineStateOf(wrong).zoom, undefined, wrong);
  }
});

test('columns of pixels tell what ran and what failed', () => {
  const timeline = view.timelineOf([
    span('a', undefined, 0, 100),
    span('b', undefined, 40, 90, { service: 'orders', error: true }),
    log('x', 10, { service: 'orders' }),
  ]);
  const lanes = view.density(timeline, [0, 100], 11).map((cells) => [...cells].join(''));
  assert.deepEqual(lanes, ['11111111111', '01002211220']);
  assert.deepEqual(
    view.density(timeline, [200, 300], 3).map((cells) => [...cells].join('')),
    ['000', '000'],
  );
});

test('inside a failed span that is longer than what is in view, nothing is marked as failed', () => {
  const timeline = view.timelineOf([span('a', undefined, 0, 1_000, { error: true })]);
  const lanes = [
    [400, 600],
    [0, 500],
  ].map((domain) => [...view.density(timeline, domain, 5)[0]].join(''));
  assert.deepEqual(lanes, ['11111', '22111']);
});

test('lanes that do not fit into a strip lie over the first ones, inside it', () => {
  assert.deepEqual(view.stripLanes(2, 28), { tops: [2, 14], laneHeight: 11 });
  for (const count of [0, 1, 12, 13, 300]) {
    const { tops, laneHeight } = view.stripLanes(count, 28);
    assert.equal(tops.length, count);
    assert.ok(
      tops.every((top) => top >= 2 && top + laneHeight <= 26),
      `${count} lanes`,
    );
  }
  assert.equal(new Set(view.stripLanes(12, 28).tops).size, 12);
});

test('a sparkline reaches from edge to edge', () => {
  assert.equal(view.sparklinePoints([0, 4, 2], 10, 8), '0,8 5,0 10,4');
  assert.equal(view.sparklinePoints([0], 10, 8), '0,8');
});

test('a service has the colour of its name, and another where two of those shown would have the same', () => {
  const names = Array.from({ length: 11 }, (_, index) => `service-${index}`);
  const given = view.coloursOf(names);
  assert.deepEqual(
    names.map((name) => given.get(name)).toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
  assert.deepEqual(view.coloursOf(names.toReversed()), given);
  for (const name of names) assert.equal(view.coloursOf([name]).get(name), view.colourOf(name));
  // Another service takes no colour away from one that has that of its name.
  const few = names.slice(0, 4);
  const own = few.filter((name) => view.coloursOf(few).get(name) === view.colourOf(name));
  assert.ok(own.length > 0);
  for (const name of own) assert.equal(view.coloursOf([...few, 'zzz']).get(name), view.colourOf(name));
  assert.equal(given.get('browser'), 0);
  assert.ok(view.coloursOf([...names, 'one too many']).get('one too many') >= 1);
});
