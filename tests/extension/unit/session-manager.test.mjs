/** Sessions: pure rules, with the time passed in. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { ENDED_MAX, SESSIONS_MAX, SessionManager, expiryOf } from '../../../extension/session-manager.js';

const LIMITS = { idleTimeoutMs: 100, maxAgeMs: 1000 };
const KEY = 'http://shop.test';
/** @type {SessionManager} */
let manager;
let made = 0;
const id = (number) => `session-${String(number).padStart(32, '0')}`;

beforeEach(() => {
  made = 0;
  manager = new SessionManager(() => id((made += 1)));
});

const told = () =>
  manager
    .takeEvents()
    .map(({ event, sessionId, previousId, reason, time }) => [event, sessionId, previousId, reason, time]);

test('nothing starts a session but use, and requests already carry the id that it will have', () => {
  assert.equal(manager.idAt(KEY, 0, LIMITS), id(1));
  assert.equal(manager.idAt(KEY, 9999, LIMITS), id(1));
  assert.deepEqual(told(), []);
  assert.deepEqual(manager.use(KEY, 10_000, LIMITS), {
    id: id(1),
    startedAt: 10_000,
    lastActivityAt: 10_000,
    previousId: '',
  });
  assert.deepEqual(told(), [['session.start', id(1), '', '', 10_000]]);
});

test('expiry at the edge: the last millisecond lives, the next does not', () => {
  const session = { startedAt: 0, lastActivityAt: 50 };
  assert.equal(expiryOf(session, 149, LIMITS), null);
  assert.deepEqual(expiryOf(session, 150, LIMITS), { reason: 'idle', time: 150 });
  assert.equal(expiryOf({ startedAt: 0, lastActivityAt: 950 }, 999, LIMITS), null);
  assert.deepEqual(expiryOf({ startedAt: 0, lastActivityAt: 950 }, 1000, LIMITS), { reason: 'max_age', time: 1000 });
});

test('idle: only touch extends, and the end is told with the time at which it was due', () => {
  manager.use(KEY, 0, LIMITS);
  manager.use(KEY, 90, LIMITS);
  manager.touch(KEY, 95, LIMITS);
  assert.equal(manager.use(KEY, 194, LIMITS).id, id(1));
  assert.equal(manager.use(KEY, 500, LIMITS).id, id(2));
  assert.deepEqual(told(), [
    ['session.start', id(1), '', '', 0],
    ['session.end', id(1), '', 'idle', 195],
    ['session.start', id(2), id(1), '', 500],
  ]);
});

test('age: a session in use ends all the same', () => {
  for (let time = 0; time < 1000; time += 50) manager.touch(KEY, time, LIMITS);
  assert.equal(manager.touch(KEY, 1000, LIMITS).id, id(2));
  assert.deepEqual(told().slice(1), [
    ['session.end', id(1), '', 'max_age', 1000],
    ['session.start', id(2), id(1), '', 1000],
  ]);
});

test('logout: the next id is already known, and begins with the next use', () => {
  manager.use(KEY, 0, LIMITS);
  const { nextId } = manager.expire(KEY, 0, LIMITS);
  manager.end(KEY, 'logout', 10);
  manager.end(KEY, 'logout', 11);
  assert.equal(manager.idAt(KEY, 12, LIMITS), nextId);
  assert.equal(manager.use(KEY, 20, LIMITS).previousId, id(1));
  assert.deepEqual(
    told().map(([event]) => event),
    ['session.start', 'session.end', 'session.start'],
  );
});

test('an id that requests have carried is ended, also if no record of it has come', () => {
  assert.equal(manager.idAt(KEY, 0, LIMITS), id(1));
  manager.endCarried(KEY, 'logout', 5, LIMITS);
  assert.equal(manager.idAt(KEY, 6, LIMITS), id(2));
  assert.deepEqual(told(), [
    ['session.start', id(1), '', '', 5],
    ['session.end', id(1), '', 'logout', 5],
  ]);
});

test('what a page claims: the living and the last id count, every other is replaced', () => {
  manager.use(KEY, 0, LIMITS);
  assert.equal(manager.sessionOf(KEY, id(1), 1, LIMITS), id(1));
  assert.equal(manager.sessionOf(KEY, id(777), 1, LIMITS), id(1));
  assert.equal(manager.sessionOf(KEY, undefined, 1, LIMITS), id(1));
  manager.end(KEY, 'logout', 2);
  assert.equal(manager.sessionOf(KEY, id(1), 3, LIMITS), id(1), 'a record of before the end that comes after it');
  assert.equal(manager.entries[KEY]?.current, null);
  assert.equal(manager.sessionOf(KEY, id(2), 3, LIMITS), id(2));
  assert.equal(manager.sessionOf('http://other.test', id(2), 3, LIMITS), id(4), 'the id of another origin');
});

test('a record of a request that outlived several sessions belongs to the one that it began in, of so many', () => {
  const [first, ...ids] = Array.from({ length: ENDED_MAX + 1 }, (_, number) => {
    const { id: ended } = manager.use(KEY, number, LIMITS);
    manager.end(KEY, 'user', number);
    return ended;
  });
  const living = manager.use(KEY, ENDED_MAX + 1, LIMITS).id;
  for (const ended of ids) assert.equal(manager.sessionOf(KEY, ended, ENDED_MAX + 2, LIMITS), ended);
  assert.equal(manager.sessionOf(KEY, first, ENDED_MAX + 2, LIMITS), living, 'one more than are known');
  assert.equal(manager.use(KEY, ENDED_MAX + 2, LIMITS).previousId, ids.at(-1));
});

test('an origin that is given up ends its sessions of either scope, and no other', () => {
  for (const key of [KEY, `${KEY} 1`, `${KEY} 2`, `${KEY}.evil`]) manager.use(key, 0, LIMITS);
  manager.endOrigin(KEY, 5);
  const living = Object.entries(manager.entries).filter(([, { current }]) => current);
  assert.deepEqual(living.map(([key]) => key), [`${KEY}.evil`]);
});

test('a browser that was closed: what lived is ended at its last activity, and continued', () => {
  manager.endLeftOver([
    [KEY, { id: id(98), startedAt: 0, lastActivityAt: 2, previousId: '' }],
    [KEY, { id: id(99), startedAt: 1, lastActivityAt: 5, previousId: '' }],
    ['http://forged.test', { id: 'mine', startedAt: 1, lastActivityAt: 5, previousId: '' }],
  ]);
  manager.use(KEY, 50, LIMITS);
  assert.deepEqual(told(), [
    ['session.end', id(98), '', 'browser_close', 2],
    ['session.end', id(99), '', 'browser_close', 5],
    ['session.start', id(1), id(99), '', 50],
  ]);
});

test('the next expiry is the earliest of all', () => {
  assert.equal(manager.nextExpiry(LIMITS), null);
  manager.use(KEY, 0, LIMITS);
  manager.use('http://other.test', 30, LIMITS);
  assert.equal(manager.nextExpiry(LIMITS), 100);
});

test('one more session than are kept: the one used longest ago goes', () => {
  for (let number = 0; number < SESSIONS_MAX; number += 1) manager.use(`http://${number}.test`, 1000 - number, LIMITS);
  assert.equal(Object.keys(manager.entries).length, SESSIONS_MAX);
  manager.use(KEY, 2000, LIMITS);
  assert.equal(Object.keys(manager.entries).length, SESSIONS_MAX);
  assert.equal(manager.entries[`http://${SESSIONS_MAX - 1}.test`], undefined);
});
