/**
 * The session as the page sees it. The worker decides; the page applies the same rules to what it was told, so that a
 * request which begins after the session's end carries the next id at once. Ids come from the worker alone.
 */

import { SESSION_ID_KEY } from '../messages.js';
import { expiryOf } from '../session-manager.js';

/** Activity is told to the worker at most this often. */
export const TOUCH_INTERVAL_MS = 1000;
/** How often others may delete the stored id before we stop writing it. */
export const DELETIONS_PER_MINUTE_MAX = 3;

/**
 * @typedef {import('../worker/announcement.js').Configuration} Configuration
 *
 * @typedef {object} Storage what is needed of localStorage; every call may throw
 * @property {(key: string) => string | null} getItem
 * @property {(key: string, value: string) => void} setItem
 */

export class PageSession {
  /**
   * @param {object} parts
   * @param {() => number} parts.now milliseconds since 1970
   * @param {() => Storage} parts.storage where the id is written: localStorage; may throw, too
   * @param {(message: object) => void} parts.tell the worker
   */
  constructor({ now, storage, tell }) {
    this.now = now;
    this.storage = storage;
    this.tell = tell;
    /** @type {Configuration['session'] | null} */
    this.session = null;
    this.limits = { idleTimeoutMs: Infinity, maxAgeMs: Infinity };
    this.toldAt = -Infinity;
    this.written = '';
    this.endedId = '';
    /** @type {number[]} */
    this.deletions = [];
  }

  /** @param {Configuration} configuration the worker's word */
  apply({ session, idleTimeoutMs, maxAgeMs }) {
    this.limits = { idleTimeoutMs, maxAgeMs };
    if (this.#wasDeleted()) this.end('logout');
    // The worker said this before it heard of the end.
    if (session.id === this.endedId) return;
    const known = this.session;
    const isSame = known?.id === session.id;
    const seenAt = Math.max(session.lastActivityAt, isSame ? known.lastActivityAt : 0);
    this.session = { ...session, startedAt: session.startedAt || this.now(), lastActivityAt: seenAt || this.now() };
    this.#write();
  }

  /** @returns {string} the id for a request that begins now; empty while the worker has not spoken */
  current() {
    if (!this.session) return '';
    if (this.#wasDeleted()) this.end('logout');
    else if (expiryOf(this.session, this.now(), this.limits)) this.#moveOn();
    return this.session.id;
  }

  /** The person did something. */
  touch() {
    const now = this.now();
    if (!this.session || now - this.toldAt < TOUCH_INTERVAL_MS) return;
    this.toldAt = now;
    this.current();
    this.session.lastActivityAt = now;
    this.tell({ type: 'touch' });
  }

  /** @param {'logout'} reason */
  end(reason) {
    if (!this.session) return;
    this.endedId = this.session.id;
    this.#moveOn();
    this.tell({ type: 'end', reason });
  }

  /** Use the id that the worker made for what comes next; it is told of it by whatever happens next. */
  #moveOn() {
    if (!this.session) return;
    const now = this.now();
    this.session = { ...this.session, id: this.session.nextId, startedAt: now, lastActivityAt: now };
    this.written = '';
  }

  /** The stored id shows what the browser's rules send: it is written when the worker says so. */
  #write() {
    if (!this.session || this.deletions.length > DELETIONS_PER_MINUTE_MAX) return;
    const { id } = this.session;
    try {
      const storage = this.storage();
      if (storage.getItem(SESSION_ID_KEY) !== id) storage.setItem(SESSION_ID_KEY, id);
      this.written = id;
    } catch {
      // Blocked or full: the id lives in memory alone.
    }
  }

  /**
   * @returns {boolean} whether somebody removed the stored id since we wrote it: that is how an application logs out
   */
  #wasDeleted() {
    if (!this.written || this.written !== this.session?.id) return false;
    try {
      if (this.storage().getItem(SESSION_ID_KEY) !== null) return false;
    } catch {
      return false;
    }
    const now = this.now();
    this.deletions = this.deletions.filter((time) => now - time < 60_000);
    this.deletions.push(now);
    this.written = '';
    return this.deletions.length <= DELETIONS_PER_MINUTE_MAX;
  }
}
