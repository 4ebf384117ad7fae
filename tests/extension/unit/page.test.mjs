/** The page's side: its session, the way of its records, console arguments as text. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { HELD_MAX, OUTBOX_CHARS_MAX, OUTBOX_RECORDS_MAX, Outbox } from '../../../extension/bridge/outbox.js';
import { Channel, GATHERED_RECORDS_MAX, GATHER_MS, UP } from '../../../extension/page/channel.js';
import { DEPTH_MAX, INSPECTED_CHARS_MAX, MEMBERS_MAX, inspectAll } from '../../../extension/page/inspect.js';
import { ANCESTORS_MAX, CLASSES_MAX, selectorOf } from '../../../extension/page/selector.js';
import { Redactor } from '../../../extension/shared/redact.js';
import { DELETIONS_PER_MINUTE_MAX, PageSession, TOUCH_INTERVAL_MS } from '../../../extension/page/page-session.js';

const KEY = 'gasoline:session-id';
const redactor = new Redactor(['iban']);
const inspected = (values) => inspectAll(values, (name) => redactor.isSecretName(name));
/** @type {Map<string, string>} */
let stored;
/** @type {any[]} */
let told;
/** @type {PageSession} */
let session;
let time = 0;
const configuration = (differences = {}) => ({
  session: { id: 'one', nextId: 'two', startedAt: 0, lastActivityAt: 0, ...differences },
  page: null,
  targets: [],
  idleTimeoutMs: 100_000,
  maxAgeMs: 1_000_000,
  headerRules: true,
});

beforeEach(() => {
  stored = new Map();
  told = [];
  time = 5000;
  const storage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => void stored.set(key, value),
  };
  session = new PageSession({ now: () => time, storage: () => storage, tell: (message) => told.push(message) });
});

test('before the worker has spoken there is no id, and whatever the page stored is not one', () => {
  stored.set(KEY, 'planted');
  assert.equal(session.current(), '');
  session.apply(configuration());
  assert.equal(session.current(), 'one');
  assert.equal(stored.get(KEY), 'one');
});

test('an expired session is left for the next id at the moment it is read', () => {
  session.apply(configuration());
  time += 99_999;
  assert.equal(session.current(), 'one');
  time += 1;
  assert.equal(session.current(), 'two');
  assert.equal(stored.get(KEY), 'one', 'the stored id changes when the worker says so');
  session.apply(configuration({ id: 'two', nextId: 'three' }));
  assert.equal(stored.get(KEY), 'two');
});

test('activity extends, and is told once a second', () => {
  session.apply(configuration());
  for (const [later, messages] of [
    [0, 1],
    [TOUCH_INTERVAL_MS - 1, 1],
    [1, 2],
  ]) {
    time += later;
    session.touch();
    assert.equal(told.length, messages);
  }
  time += 99_999;
  assert.equal(session.current(), 'one');
});

test('a removed key is a logout; when something removes it all the time, it is left alone', () => {
  session.apply(configuration());
  stored.delete(KEY);
  assert.equal(session.current(), 'two');
  assert.deepEqual(told, [{ type: 'end', reason: 'logout' }]);
  for (let round = 1; round <= DELETIONS_PER_MINUTE_MAX + 3; round += 1) {
    session.apply(configuration({ id: `id ${round}`, nextId: `id ${round + 1}` }));
    stored.delete(KEY);
    session.current();
  }
  assert.equal(told.length, DELETIONS_PER_MINUTE_MAX);
});

test('word of the worker that crosses a logout brings nothing back', () => {
  session.apply(configuration());
  stored.delete(KEY);
  session.apply(configuration({ lastActivityAt: 4000 }));
  assert.deepEqual(told, [{ type: 'end', reason: 'logout' }]);
  assert.equal(session.current(), 'two');
  session.apply(configuration({ lastActivityAt: 4500 }));
  assert.equal(session.current(), 'two');
  assert.equal(stored.has(KEY), false);
  session.apply(configuration({ id: 'two', nextId: 'three' }));
  assert.equal(stored.get(KEY), 'two');
});

test('storage that throws: the id lives in memory', () => {
  const broken = () => {
    throw new Error('blocked');
  };
  session = new PageSession({ now: () => time, storage: broken, tell: (message) => told.push(message) });
  assert.doesNotThrow(() => session.apply(configuration()));
  assert.equal(session.current(), 'one');
});

test('outbox: a batch stays until the worker has stored it, with all before it', () => {
  const outbox = new Outbox('bridge');
  const text = '[1,2]';
  assert.deepEqual(outbox.add(2, text), {
    type: 'records',
    bridgeId: 'bridge',
    seq: 1,
    count: 2,
    text,
    dropped: 0,
  });
  outbox.add(1, '[3]');
  assert.deepEqual(
    outbox.unstored.map(({ seq }) => seq),
    [1, 2],
  );
  outbox.stored(1);
  assert.deepEqual(
    outbox.unstored.map(({ seq }) => seq),
    [2],
  );
  outbox.stored(2);
  assert.deepEqual([outbox.isEmpty, outbox.chars, outbox.unstored], [true, 0, []]);
});

test('outbox: beyond its bounds records are dropped, and the next batch says how many', () => {
  const outbox = new Outbox('bridge');
  assert.equal(outbox.add(OUTBOX_RECORDS_MAX - 1, '')?.dropped, 0);
  assert.equal(outbox.add(2, ''), null);
  assert.equal(outbox.add(1, '')?.dropped, 2);
  assert.equal(outbox.add(1, ''), null);
  outbox.stored(2);
  assert.equal(outbox.add(1, '')?.dropped, 1);
  const large = new Outbox('bridge');
  assert.equal(large.add(1, 'x'.repeat(OUTBOX_CHARS_MAX))?.dropped, 0);
  assert.equal(large.add(1, 'x'), null);
});

test('outbox: what a prerendered page says beside records is held, in bounded number, until it is shown', () => {
  const outbox = new Outbox('bridge');
  for (let number = 0; number <= HELD_MAX; number += 1) {
    outbox.hold({ type: 'stray', number });
    outbox.hold({ type: 'records' });
  }
  const held = Array.from({ length: HELD_MAX }, (_, number) => ({ type: 'stray', number }));
  assert.deepEqual([outbox.release(), outbox.release()], [held, []]);
});

test('console arguments: data is shown, nothing of the page runs, secrets and values of elements stay out', () => {
  globalThis.Node = /** @type {any} */ (
    class {
      nodeName = 'INPUT';
      value = 'hunter2';
    }
  );
  let runs = 0;
  const trap = {
    get getter() {
      runs += 1;
      return 1;
    },
    toJSON() {
      runs += 1;
    },
    toString() {
      runs += 1;
      return '';
    },
  };
  assert.equal(
    inspected(['text', 1, null, undefined, 2n, Symbol('s'), () => 1]),
    'text 1 null undefined 2n Symbol(s) [function]',
  );
  assert.equal(
    inspected([{ a: [1, 'b'], password: 'x', apiKey: 'y', iban: { country: 'DE' } }]),
    '{"a":[1,"b"],"password":"REDACTED","apiKey":"REDACTED","iban":"REDACTED"}',
  );
  assert.equal(inspected([new TypeError('no cart')]), 'TypeError: no cart');
  assert.equal(inspected([new globalThis.Node()]), '<input>');
  assert.match(inspected([trap]), /^\{"toJSON":\[function\],"toString":\[function\]\}$/);
  assert.equal(runs, 0);
  const circular = { name: 'loop' };
  Object.assign(circular, { circular });
  assert.equal(
    inspected([circular]),
    '{"name":"loop","circular":{"name":"loop","circular":{"name":"loop","circular":{…}}}}',
  );
  assert.equal(inspected(['x'.repeat(10 * INSPECTED_CHARS_MAX)]).length, INSPECTED_CHARS_MAX);
});

test('console arguments: so deep and so many members', () => {
  const nested = (levels) => (levels === 0 ? {} : { in: nested(levels - 1) });
  assert.equal(inspected([nested(DEPTH_MAX)]).includes('…'), true);
  assert.equal(inspected([nested(DEPTH_MAX - 1)]).includes('…'), false);
  const numbers = (count) => Array.from({ length: count }, () => 7);
  assert.equal(inspected([numbers(MEMBERS_MAX)]).includes('…'), false);
  assert.equal(inspected([numbers(MEMBERS_MAX + 1)]), `[${numbers(MEMBERS_MAX).join(',')},…]`);
});

test('selectors: by id, by classes and place, within their limits', () => {
  globalThis.CSS = /** @type {any} */ ({ escape: (/** @type {string} */ text) => text });
  const documentWith = (ids) => ({ querySelectorAll: (selector) => ids.filter((id) => `#${id}` === selector) });
  const element = (localName, parent, { id = null, classes = [], ids = [] } = {}) => {
    const made = { localName, parentElement: parent, classList: classes, children: [], getAttribute: () => id };
    Object.assign(made, { ownerDocument: documentWith(ids) });
    parent?.children.push(made);
    return /** @type {any} */ (made);
  };
  const main = element('div', element('body', null), { id: 'main', ids: ['main'] });
  element('button', main, { classes: ['a'] });
  const second = element('button', main, { classes: ['a'] });
  assert.equal(selectorOf(main), '#main');
  assert.equal(selectorOf(second), '#main > button.a:nth-child(2)');
  assert.equal(selectorOf(element('i', null, { id: 'twice', ids: ['twice', 'twice'] })), 'i');
  const many = Array.from({ length: CLASSES_MAX + 1 }, (_, index) => `c${index}`);
  assert.equal(selectorOf(element('i', null, { classes: many })).split('.').length - 1, CLASSES_MAX);
  let deep = element('p', null);
  for (let depth = 0; depth < ANCESTORS_MAX + 5; depth += 1) deep = element('p', deep);
  assert.equal(selectorOf(deep).split(' > ').length, ANCESTORS_MAX);
});

test('channel: records travel together, within a moment, at once when there are many, and before what follows', () => {
  const target = new EventTarget();
  const timers = new Map();
  /** @type {(() => void)[]} */
  const soon = [];
  const natives = /** @type {any} */ ({
    apply: Reflect.apply,
    dispatchEvent: target.dispatchEvent,
    CustomEvent,
    stringify: JSON.stringify,
    setTimeout: (work, delayMs) => timers.set(7, [work, delayMs]) && 7,
    clearTimeout: (id) => timers.delete(id),
    queueMicrotask: (work) => soon.push(work),
  });
  const window = { document: { createElementNS: () => target } };
  const channel = new Channel(natives, window);
  const heard = [];
  target.addEventListener(UP, (event) => heard.push(JSON.parse(/** @type {any} */ (event).detail)));
  const records = (...numbers) => ({ type: 'records', count: numbers.length, text: JSON.stringify(numbers) });
  channel.record(1);
  channel.record(2);
  assert.deepEqual([heard, timers.get(7)[1]], [[], GATHER_MS]);
  timers.get(7)[0]();
  channel.record(3);
  channel.send({ type: 'touch' });
  channel.send({ type: 'touch' });
  assert.deepEqual(heard.splice(0), [records(1, 2), records(3), { type: 'touch' }, { type: 'touch' }]);
  const many = Array.from({ length: GATHERED_RECORDS_MAX }, (_, index) => index);
  for (const number of many) channel.record(number);
  assert.deepEqual([heard.splice(0), timers.size], [[records(...many)], 0]);
  channel.record(5);
  channel.record(6, true);
  channel.record(7, true);
  assert.deepEqual([heard, soon.length], [[], 1]);
  for (const work of soon.splice(0)) work();
  assert.deepEqual([heard.splice(0), timers.size], [[records(5, 6, 7)], 0], 'at once, with what came before');
  channel.gathers = false;
  channel.record(4);
  assert.deepEqual(heard, [records(4)]);
});
