/** What pages say, turned into records to export and changes of sessions and tabs. */

import { isSpanContext, isTraceId } from '../shared/ids.js';
import { checkedRecord } from '../shared/records.js';
import { Redactor } from '../shared/redact.js';
import { otlpLog, otlpSpan } from './otlp.js';
import { exactOrigin } from './settings.js';

/** Records of one message. */
export const MESSAGE_RECORDS_MAX = 5000;
/** How long a page load may have taken until its script runs, to be believed. */
export const NAVIGATION_MS_MAX = 60_000;
/** Origins that pages were seen to trace by themselves. */
export const OWN_TRACING_MAX = 100;
/** Addresses that one origin's pages know not to trace; each navigation tells them. */
export const STRAYS_MAX = 20;
export const STRAY_CHARS_MAX = 200;

const SEVERITY_ERROR = 17;
/** @type {Readonly<Record<string, import('../session-manager.js').EndReason>>} */
const REASONS_OF_PAGES = Object.freeze({ logout: 'logout' });

/**
 * @typedef {object} Bridge one frame's connection; what identifies it comes from the browser, not from the page
 * @property {chrome.runtime.Port} port
 * @property {string} origin
 * @property {number} tabId
 * @property {boolean} isTop
 * @property {string} documentId
 * @property {import('../shared/ids.js').SpanContext | null} page
 * @property {string} told JSON of the configuration that the page was sent last
 *
 * @typedef {object} Gathered
 * @property {object[]} traces
 * @property {object[]} logs
 */

export class PageMessages {
  /**
   * @param {import('./state.js').WorkerState} state
   * @param {() => number} now
   */
  constructor(state, now) {
    this.state = state;
    this.now = now;
    this.redactor = new Redactor();
  }

  /**
   * @param {Bridge} bridge
   * @param {any} message
   * @param {Gathered} gathered
   */
  take(bridge, message, gathered) {
    const { sessions, settings } = this.state;
    const key = this.state.keyOf(bridge.origin, bridge.tabId);
    switch (message?.type) {
      case 'connect':
        return this.#connect(bridge, message, key);
      case 'records':
        return this.#records(bridge, message, key, gathered);
      case 'touch':
        return void sessions.touch(key, this.now(), settings);
      case 'end':
        return sessions.endCarried(key, REASONS_OF_PAGES[message.reason] ?? 'invalid', this.now(), settings);
      case 'own-tracing':
        return this.#learn(message.origin);
      case 'stray':
        return this.#noteStray(bridge.origin, message.address);
      case 'served':
        return this.#noteServed(bridge.origin);
      case 'leave':
        return bridge.isTop ? this.state.tabs.leave(bridge.tabId, bridge.origin, bridge.documentId) : undefined;
      default:
        return undefined;
    }
  }

  /**
   * @param {Bridge} bridge
   * @param {any} message
   * @param {string} key
   */
  #connect(bridge, message, key) {
    const { tabs, sessions, settings } = this.state;
    const traceId = isTraceId(message.traceId) ? message.traceId : '';
    if (message.resumed && isSpanContext(message.page)) {
      const { traceId: known, spanId } = message.page;
      bridge.page = { traceId: known, spanId };
      if (bridge.isTop) tabs.resume(bridge.tabId, bridge.origin, bridge.documentId, bridge.page);
      return;
    }
    // Loading a page is use of it; loading a frame is what the page does.
    if (bridge.isTop) {
      bridge.page = tabs.load(bridge.tabId, bridge.origin, bridge.documentId, traceId).page;
      sessions.touch(key, this.#navigatedAt(message.navigatedAt), settings);
      return;
    }
    bridge.page = tabs.tabs[bridge.tabId]?.[bridge.origin]?.page ?? null;
    sessions.use(key, this.now(), settings);
  }

  /**
   * @param {unknown} claimed milliseconds since 1970, as the page says
   * @returns {number} when the navigation began, so that the session that it starts begins before all that is in it
   */
  #navigatedAt(claimed) {
    const now = this.now();
    return typeof claimed === 'number' && claimed < now && claimed > now - NAVIGATION_MS_MAX ? claimed : now;
  }

  /**
   * @param {Bridge} bridge
   * @param {any} message
   * @param {string} key
   * @param {Gathered} gathered
   */
  #records(bridge, message, key, gathered) {
    const { delivered, queue } = this.state;
    const id = `${bridge.tabId} ${message.bridgeId}`;
    const isNamed = typeof message.bridgeId === 'string' && message.bridgeId.length <= 64;
    if (!isNamed || !Number.isInteger(message.seq) || message.seq <= (delivered[id] ?? 0)) return;
    const records = recordsOf(message.text);
    if (!records) return;
    delete delivered[id];
    delivered[id] = message.seq;
    const lost = Math.max(0, records.length - MESSAGE_RECORDS_MAX) + (Number(message.dropped) || 0);
    queue.countDropped(lost);
    this.redactor.use(this.state.settings.redactedNames);
    for (const record of records.slice(0, MESSAGE_RECORDS_MAX)) this.#record(record, key, gathered);
  }

  /**
   * @param {any} raw
   * @param {string} key
   * @param {Gathered} gathered
   */
  #record(raw, key, gathered) {
    const record = checkedRecord(raw, this.now(), this.redactor);
    if (!record) {
      this.state.queue.countDropped(1);
      return;
    }
    const sessionId = this.state.sessions.sessionOf(key, record.sessionId, this.now(), this.state.settings);
    const counts = this.state.countsOf(sessionId);
    counts.events += 1;
    if (record.kind === 'span') {
      counts.requests += 1;
      if (record.error) counts.failedRequests += 1;
      gathered.traces.push(otlpSpan(record, sessionId));
    } else {
      if (record.severity >= SEVERITY_ERROR) counts.errors += 1;
      gathered.logs.push(otlpLog(record, sessionId));
    }
  }

  /** @param {string} origin whose pages have a service worker */
  #noteServed(origin) {
    const { served } = this.state;
    if (!served.includes(origin)) served.push(origin);
  }

  /**
   * @param {string} origin of the page
   * @param {unknown} address that redirected to an origin that may not have trace headers
   */
  #noteStray(origin, address) {
    if (typeof address !== 'string' || address.length > STRAY_CHARS_MAX || !URL.canParse(address)) return;
    const known = this.state.strays[origin] ?? [];
    this.state.strays[origin] = [...known.filter((one) => one !== address), address].slice(-STRAYS_MAX);
  }

  /** @param {unknown} origin to which the page sends trace headers of its own */
  #learn(origin) {
    const exact = exactOrigin(origin);
    const { ownTracing } = this.state;
    if (exact && !ownTracing.includes(exact) && ownTracing.length < OWN_TRACING_MAX) ownTracing.push(exact);
  }
}

/**
 * @param {unknown} text
 * @returns {any[] | null} null if it is no list as JSON
 */
function recordsOf(text) {
  try {
    const records = JSON.parse(/** @type {string} */ (text));
    return Array.isArray(records) ? records : null;
  } catch {
    return null;
  }
}
