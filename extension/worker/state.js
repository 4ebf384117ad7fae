/**
 * What the worker remembers: loaded when it wakes, written through to chrome.storage.session, which ends with the
 * browser.
 */

import { newSessionId, newSpanContext } from '../shared/ids.js';
import { SETTINGS_KEY } from '../messages.js';
import { SESSIONS_MAX, SessionManager } from '../session-manager.js';
import { ExportQueue, QUEUE_KEY } from './export-queue.js';
import { readSettings } from './settings.js';
import { TabRegistry } from './tabs.js';

/** Pages whose last arrival is remembered, so that what they send again is not stored twice. */
export const DELIVERIES_MAX = 500;

/** In chrome.storage.local: the sessions that live, for the day the browser is closed. */
const LIVING_KEY = 'living';
/** In chrome.storage.local: sessions that lived when it was closed, until the collector knows of their end. */
const LEFT_OVER_KEY = 'leftOver';
const LEARNED_KEYS = ['ownTracing', 'served', 'strays'];
const KEYS = ['sessions', 'tabs', 'counts', 'delivered', 'collector', 'exporting', ...LEARNED_KEYS, QUEUE_KEY];
/** @type {import('../messages.js').Counts} */
const NO_COUNTS = Object.freeze({ requests: 0, failedRequests: 0, errors: 0, events: 0 });

/**
 * @typedef {object} Exporting what State shows of the export, beside the queue's own numbers
 * @property {{ message: string, at: number } | null} lastError
 * @property {number | null} lastExportAt
 */

export class WorkerState {
  /**
   * @param {import('../messages.js').Settings} settings
   * @param {Record<string, any>} stored
   */
  constructor(settings, stored) {
    this.settings = settings;
    this.sessions = new SessionManager(newSessionId, stored.sessions);
    this.tabs = new TabRegistry(newSpanContext, stored.tabs);
    /** @type {Record<string, import('../messages.js').Counts>} session id -> counts */
    this.counts = stored.counts ?? {};
    /** @type {Record<string, number>} bridge id -> number of the last batch that was stored */
    this.delivered = stored.delivered ?? {};
    /** @type {import('../messages.js').CollectorState} */
    this.collector = stored.collector ?? { endpoint: settings.endpoint, reachable: null, reason: '', checkedAt: null };
    /** @type {Exporting} */
    this.exporting = stored.exporting ?? { lastError: null, lastExportAt: null };
    /** @type {string[]} origins to which pages were seen to send trace headers of their own */
    this.ownTracing = stored.ownTracing ?? [];
    /** @type {string[]} origins that were seen to have a service worker: at most those that are switched on */
    this.served = stored.served ?? [];
    /** @type {Record<string, string[]>} origin of pages -> addresses that redirect to where trace headers may not go */
    this.strays = stored.strays ?? {};
    this.queue = new ExportQueue(chrome.storage.session, stored[QUEUE_KEY]);
    this.livingText = '';
    /** @type {[string, import('../session-manager.js').Session][]} */
    this.leftOver = [];
  }

  /** @returns {Promise<WorkerState>} */
  static async load() {
    const [stored, local] = await Promise.all([
      chrome.storage.session.get(KEYS),
      chrome.storage.local.get([SETTINGS_KEY, LIVING_KEY, LEFT_OVER_KEY]),
    ]);
    const state = new WorkerState(readSettings(local[SETTINGS_KEY]), stored);
    state.leftOver = /** @type {any} */ (local[LEFT_OVER_KEY] ?? []);
    if (!stored.sessions) await state.#endLeftOver(/** @type {any} */ (local[LIVING_KEY] ?? {}));
    return state;
  }

  /**
   * The browser was closed, or the extension reloaded: nothing is in session storage. That may happen again before the
   * ends are told, so they are kept until then.
   * @param {Record<string, import('../session-manager.js').Session>} living
   */
  async #endLeftOver(living) {
    this.leftOver = [...this.leftOver, ...Object.entries(living)].slice(-SESSIONS_MAX);
    this.sessions.endLeftOver(this.leftOver);
    await chrome.storage.local.set({ [LEFT_OVER_KEY]: this.leftOver, [LIVING_KEY]: {} });
  }

  /** The collector has everything, the ends of sessions too. */
  async forgetLeftOver() {
    if (this.leftOver.length === 0) return;
    this.leftOver = [];
    await chrome.storage.local.set({ [LEFT_OVER_KEY]: [] });
  }

  /** @returns {Record<string, any>} what is to be written together with records */
  snapshot() {
    const { entries } = this.sessions;
    const living = new Set(Object.values(entries).map((entry) => entry.current?.id));
    for (const id of Object.keys(this.counts)) if (!living.has(id)) delete this.counts[id];
    this.served = this.served.filter((origin) => this.settings.origins.includes(origin));
    for (const origin of Object.keys(this.strays)) {
      if (!this.settings.origins.includes(origin)) delete this.strays[origin];
    }
    for (const id of Object.keys(this.delivered).slice(0, -DELIVERIES_MAX)) delete this.delivered[id];
    return {
      sessions: entries,
      tabs: this.tabs.tabs,
      counts: this.counts,
      delivered: this.delivered,
      ownTracing: this.ownTracing,
      served: this.served,
      strays: this.strays,
    };
  }

  /** Write what State shows of collector and export. */
  async saveExporting() {
    await chrome.storage.session.set({ collector: this.collector, exporting: this.exporting });
  }

  /** Keep the living sessions beyond the browser's life, only to end them when it is back. */
  async saveLiving() {
    const living = Object.fromEntries(
      Object.entries(this.sessions.entries)
        .filter(([, entry]) => entry.current)
        .map(([key, entry]) => [key, entry.current]),
    );
    const text = JSON.stringify(living);
    if (text === this.livingText) return;
    this.livingText = text;
    await chrome.storage.local.set({ [LIVING_KEY]: living });
  }

  /**
   * @param {import('../messages.js').Settings} settings
   */
  async saveSettings(settings) {
    this.settings = settings;
    await chrome.storage.local.set({ [SETTINGS_KEY]: settings });
  }

  /**
   * @param {string} origin
   * @param {number} tabId
   * @returns {string} the key of the session that pages of this origin in this tab share
   */
  keyOf(origin, tabId) {
    return this.settings.scope === 'tab' ? `${origin} ${tabId}` : origin;
  }

  /**
   * @param {string} sessionId
   * @returns {import('../messages.js').Counts}
   */
  countsOf(sessionId) {
    return (this.counts[sessionId] ??= { ...NO_COUNTS });
  }
}
