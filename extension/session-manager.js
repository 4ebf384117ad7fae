/**
 * Sessions: when one starts, how long it lives, what ends it. Pure: time and ids are passed in, storage is the
 * worker's.
 *
 * The id of a session is made here and nowhere else. The next one is made ahead of its use, so that a page can change
 * over the moment it finds the current one expired, without asking; what a page names is looked up and never taken
 * over. A session expires when it is read, not by a timer: a machine that slept has no say in it.
 */

import { isSessionId } from './shared/ids.js';

/** Sessions known at once; the one that was used longest ago goes first. */
export const SESSIONS_MAX = 200;
/** Sessions of one key that are over, and to which records still belong that began in them. */
export const ENDED_MAX = 10;

/**
 * @typedef {'idle' | 'max_age' | 'browser_close' | 'logout' | 'user' | 'invalid'} EndReason
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {number} startedAt milliseconds since 1970
 * @property {number} lastActivityAt
 * @property {string} previousId
 *
 * @typedef {object} Entry what is known of one key: an origin, or an origin and a tab
 * @property {Session | null} current
 * @property {string} nextId the id that the next session will have
 * @property {string[]} endedIds the sessions that ended last, the latest first
 *
 * @typedef {object} Limits
 * @property {number} idleTimeoutMs
 * @property {number} maxAgeMs
 *
 * @typedef {object} LifecycleEvent
 * @property {'session.start' | 'session.end'} event
 * @property {string} key
 * @property {string} sessionId
 * @property {string} previousId
 * @property {EndReason | ''} reason
 * @property {number} time
 */

/**
 * @param {Pick<Session, 'startedAt' | 'lastActivityAt'>} session
 * @param {number} now
 * @param {Limits} limits
 * @returns {{ reason: 'idle' | 'max_age', time: number } | null} why and since when it is over; null: it lives
 */
export function expiryOf(session, now, limits) {
  const idleAt = session.lastActivityAt + limits.idleTimeoutMs;
  const oldAt = session.startedAt + limits.maxAgeMs;
  if (now < idleAt && now < oldAt) return null;
  return idleAt <= oldAt ? { reason: 'idle', time: idleAt } : { reason: 'max_age', time: oldAt };
}

export class SessionManager {
  /**
   * @param {() => string} newId
   * @param {Record<string, Entry>} [entries] as they were stored
   */
  constructor(newId, entries = {}) {
    this.newId = newId;
    /** @type {Record<string, Entry>} */
    this.entries = entries;
    /** @type {LifecycleEvent[]} */
    this.happened = [];
  }

  /** @returns {LifecycleEvent[]} what has happened since this was last asked, in order */
  takeEvents() {
    return this.happened.splice(0);
  }

  /**
   * The id that requests carry at this moment: of the living session, else of the one that their first use will start.
   * @param {string} key
   * @param {number} now
   * @param {Limits} limits
   * @returns {string}
   */
  idAt(key, now, limits) {
    const entry = this.expire(key, now, limits);
    return entry.current?.id ?? entry.nextId;
  }

  /**
   * A page was loaded or used, or has recorded something: the session it happens in; starts one if none lives.
   * @param {string} key
   * @param {number} now
   * @param {Limits} limits
   * @returns {Session}
   */
  use(key, now, limits) {
    const entry = this.expire(key, now, limits);
    if (!entry.current) {
      const previousId = entry.endedIds[0] ?? '';
      entry.current = { id: entry.nextId, startedAt: now, lastActivityAt: now, previousId };
      entry.nextId = this.newId();
      this.happened.push({
        event: 'session.start',
        key,
        sessionId: entry.current.id,
        previousId,
        reason: '',
        time: now,
      });
    }
    return entry.current;
  }

  /**
   * The person did something: the session lives on. Nothing else extends a session.
   * @param {string} key
   * @param {number} now
   * @param {Limits} limits
   * @returns {Session}
   */
  touch(key, now, limits) {
    const session = this.use(key, now, limits);
    session.lastActivityAt = Math.max(session.lastActivityAt, now);
    return session;
  }

  /**
   * @param {string} key
   * @param {EndReason} reason
   * @param {number} time
   */
  end(key, reason, time) {
    const entry = this.#entry(key);
    if (!entry.current) return;
    const { id } = entry.current;
    this.happened.push({ event: 'session.end', key, sessionId: id, previousId: '', reason, time });
    entry.endedIds = [id, ...entry.endedIds].slice(0, ENDED_MAX);
    entry.current = null;
  }

  /**
   * End the session whose id requests carry, also one that no record has begun yet: its id has been seen.
   * @param {string} key
   * @param {EndReason} reason
   * @param {number} now
   * @param {Limits} limits
   */
  endCarried(key, reason, now, limits) {
    this.use(key, now, limits);
    this.end(key, reason, now);
  }

  /**
   * The session that a record of a page belongs to. The page says which id its requests carried; that counts only if
   * this side made it for this very key and it is in force, or was: a request may outlive its session, and the next.
   * @param {string} key
   * @param {unknown} claimedId
   * @param {number} now
   * @param {Limits} limits
   * @returns {string}
   */
  sessionOf(key, claimedId, now, limits) {
    const entry = this.expire(key, now, limits);
    const ended = entry.endedIds.find((id) => id === claimedId);
    return ended ?? this.use(key, now, limits).id;
  }

  /**
   * @param {string} origin
   * @returns {string[]} keys of the origin's sessions, of either scope
   */
  keysOf(origin) {
    return Object.keys(this.entries).filter((key) => key === origin || key.startsWith(`${origin} `));
  }

  /**
   * The person wants no more of an origin.
   * @param {string} origin
   * @param {number} now
   */
  endOrigin(origin, now) {
    for (const key of this.keysOf(origin)) this.end(key, 'user', now);
  }

  /**
   * Forget a key: its origin was switched off, or its tab is gone.
   * @param {string} key
   */
  forget(key) {
    delete this.entries[key];
  }

  /**
   * Take over the sessions that lived when the browser closed, only to end them.
   * @param {[string, Session][]} left by key, oldest first
   */
  endLeftOver(left) {
    for (const [key, session] of left) {
      if (!isSessionId(session?.id) || this.entries[key]?.current) continue;
      this.#entry(key).current = session;
      this.end(key, 'browser_close', session.lastActivityAt);
    }
  }

  /**
   * @param {Limits} limits
   * @returns {number | null} when the next living session expires
   */
  nextExpiry(limits) {
    const times = Object.values(this.entries)
      .map((entry) => entry.current)
      .filter((session) => session !== null)
      .map((session) => Math.min(session.lastActivityAt + limits.idleTimeoutMs, session.startedAt + limits.maxAgeMs));
    return times.length > 0 ? Math.min(...times) : null;
  }

  /**
   * End what has expired.
   * @param {string} key
   * @param {number} now
   * @param {Limits} limits
   * @returns {Entry}
   */
  expire(key, now, limits) {
    const entry = this.#entry(key);
    const expiry = entry.current && expiryOf(entry.current, now, limits);
    if (expiry) this.end(key, expiry.reason, expiry.time);
    return entry;
  }

  /**
   * @param {string} key
   * @returns {Entry}
   */
  #entry(key) {
    const known = this.entries[key];
    if (known) return known;
    const keys = Object.keys(this.entries);
    if (keys.length >= SESSIONS_MAX) {
      const idle = keys.sort((a, b) => this.#lastUse(a) - this.#lastUse(b))[0];
      if (idle !== undefined) delete this.entries[idle];
    }
    const entry = { current: null, nextId: this.newId(), endedIds: [] };
    this.entries[key] = entry;
    return entry;
  }

  /**
   * @param {string} key
   * @returns {number}
   */
  #lastUse(key) {
    return this.entries[key]?.current?.lastActivityAt ?? 0;
  }
}
