/** Lists of sessions and requests, while what they show comes, moves and goes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { importSources } from '../sources.mjs';

const lists = await importSources('data/api.ts', 'ui/list_store.ts');

test('a list that is left and come back to has what it had, and asks for what is new', async () => {
  let items = ['a', 'b'];
  const ask = async (_, signal) => {
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    return { items, total: items.length };
  };
  const store = new lists.ListStore(ask, { what: 'sessions' }, (answer) => answer, String, String);
  await store.resume();
  store.scrollTop = 70;
  const leaving = store.refresh();
  store.stop();
  await leaving;
  assert.deepEqual([store.items.value, store.scrollTop, store.problem.value], [['a', 'b'], 70, undefined]);
  items = ['c', 'a', 'b'];
  await store.resume();
  assert.deepEqual(store.items.value, ['c', 'a', 'b']);
});

/** A collector that holds `size` entries, newest first: each is an id and a time. Cursors end with an eviction. */
function listed(size) {
  const held = { items: entries(size, 'old', 0), evictions: 0, asked: 0 };
  const ask = ({ limit, cursor }) => {
    held.asked += 1;
    const [start, evictions] = (cursor ?? `0 ${held.evictions}`).split(' ').map(Number);
    if (evictions !== held.evictions) return Promise.reject(new lists.AnswerError(400, 'cursor: evicted'));
    const end = start + limit;
    const next = end < held.items.length ? { next_cursor: `${end} ${evictions}` } : {};
    return Promise.resolve({
      items: held.items.slice(start, end),
      total: held.items.length,
      ...next,
    });
  };
  const store = new lists.ListStore(
    ask,
    { what: 'sessions' },
    (answer) => answer,
    ({ id }) => id,
    ({ time }) => time,
  );
  return { held, store };
}

/** Newest first. */
function entries(count, name, from) {
  return Array.from({ length: count }, (_, index) => ({
    id: `${name}${index}`,
    time: from + index,
  })).toReversed();
}

/** Read to the end, as whoever scrolls down does. */
async function readAll(store) {
  for (let count = -1; count !== store.items.value.length;) {
    count = store.items.value.length;
    await store.more();
  }
}

const ids = (items) => items.map(({ id }) => id);

test('a list grows by pages, and a fresh beginning moves what moved', async () => {
  const { held, store } = listed(450);
  const beginning = store.refresh();
  // Whoever scrolls to the end before that is over gets what follows then.
  await store.more();
  await beginning;
  assert.deepEqual(store.items.value, held.items.slice(0, 200));
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(store.items.value, held.items.slice(0, 400));
  const moved = { ...held.items[300], time: 1_000 };
  held.items = [moved, ...entries(1, 'new', 999), ...held.items.filter(({ id }) => id !== moved.id)];
  held.asked = 0;
  await store.refresh();
  assert.deepEqual(store.items.value, held.items.slice(0, 401));
  assert.deepEqual([store.total.value, held.asked], [451, 1]);
});

for (const [what, count] of [
  ['more than a page', 500],
  ['a page', 200],
  ['less than a page', 199],
]) {
  test(`of a list that ${what} is put before at once, nothing is missing`, async () => {
    const { held, store } = listed(300);
    await store.refresh();
    // What was there and moves up does not lead to what follows it.
    const moved = { ...held.items[150], time: 5_000 };
    held.items = [moved, ...entries(count, 'new', 1_000), ...held.items.filter(({ id }) => id !== moved.id)];
    await store.refresh();
    await readAll(store);
    assert.deepEqual(ids(store.items.value), ids(held.items));
  });
}

test('of a list that was read to its end, what left it as something came is not there', async () => {
  const { held, store } = listed(300);
  await store.refresh();
  await readAll(store);
  held.items = [...entries(1, 'new', 1_000), ...held.items.slice(0, 250), ...held.items.slice(251)];
  await store.refresh();
  await readAll(store);
  assert.deepEqual(ids(store.items.value), ids(held.items));
});

test('what was put in the middle of a list is there, and what left it is not', async () => {
  const { held, store } = listed(450);
  await store.refresh();
  await readAll(store);
  held.items = [...held.items.slice(0, 300), { id: 'imported', time: 149.5 }, ...held.items.slice(300)];
  await store.refresh();
  assert.deepEqual(ids(store.items.value), ids(held.items));
  held.items = held.items.filter((_, index) => index !== 350);
  await store.refresh();
  assert.deepEqual(ids(store.items.value), ids(held.items));
});

test('what was evicted leaves a list as far as it was read, and the rest can be reached', async () => {
  const { held, store } = listed(1_000);
  await store.refresh();
  await store.more();
  await store.more();
  assert.equal(store.items.value.length, 600);
  held.items = held.items.slice(0, 700).filter((_, index) => index % 10 > 0);
  held.evictions += 1;
  await store.refresh({ isRestStale: true });
  assert.deepEqual([store.items.value, store.total.value], [held.items.slice(0, 600), 630]);
  // An eviction that the list has not heard of yet ends its cursor: it is read again, and no problem is shown.
  held.items = held.items.filter((_, index) => index % 10 > 0);
  held.evictions += 1;
  await store.more();
  await readAll(store);
  assert.deepEqual([ids(store.items.value), store.problem.value], [ids(held.items), undefined]);
});

test('a list is read again up to a limit', async () => {
  const size = lists.PAGES_REREAD_MAX * lists.PAGE_ITEMS_MAX;
  const { held, store } = listed(size + 500);
  await store.refresh();
  await readAll(store);
  held.asked = 0;
  await store.refresh({ isRestStale: true });
  assert.deepEqual([held.asked, store.items.value.length], [lists.PAGES_REREAD_MAX, size]);
  await readAll(store);
  assert.equal(store.items.value.length, size + 500);
});

test('a list goes on after an answer that was none, whatever was wrong with it', async () => {
  const wrong = [new lists.AnswerError(0, 'gone'), new TypeError('of another kind')];
  const ask = () => {
    const error = wrong.shift();
    return error ? Promise.reject(error) : Promise.resolve({ items: ['a'], total: 1 });
  };
  const store = new lists.ListStore(ask, { what: 'sessions' }, (answer) => answer, String, String);
  await store.refresh();
  assert.equal(store.problem.value.message, 'gone');
  await assert.rejects(store.refresh(), TypeError);
  await store.refresh();
  assert.deepEqual([store.items.value, store.problem.value], [['a'], undefined]);
});
