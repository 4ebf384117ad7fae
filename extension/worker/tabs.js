/**
 * Which page each tab shows, and the trace that its next page load will be. Pure but for the ids it is given.
 *
 * The trace of a navigation must be in the request, so it is made before anybody navigates; the document that comes of
 * it takes it over, and the tab gets another for the navigation after.
 */

/** Tabs for which rules are kept; the oldest go first. */
export const TABS_MAX = 150;

/**
 * @typedef {import('../shared/ids.js').SpanContext} SpanContext
 *
 * @typedef {object} Page
 * @property {SpanContext} next what the next page load of this tab on this origin will be
 * @property {SpanContext | null} page what the page load of the live document was; null: no document of this origin
 * @property {string} documentId of that document; empty: none
 * @property {number} turn higher for a document that came later
 *
 * @typedef {Record<string, Record<string, Page>>} Tabs tab id -> origin -> Page
 */

export class TabRegistry {
  /**
   * @param {() => SpanContext} newContext
   * @param {Tabs} [tabs] as they were stored
   */
  constructor(newContext, tabs = {}) {
    this.newContext = newContext;
    /** @type {Tabs} */
    this.tabs = tabs;
  }

  /** @param {number} tabId */
  open(tabId) {
    if (this.tabs[tabId]) return;
    const ids = Object.keys(this.tabs);
    if (ids.length >= TABS_MAX && ids[0] !== undefined) delete this.tabs[ids[0]];
    this.tabs[tabId] = {};
  }

  /** @param {number} tabId */
  close(tabId) {
    delete this.tabs[tabId];
  }

  /**
   * Make every open tab ready for these origins, and forget all others.
   * @param {string[]} origins
   */
  prepare(origins) {
    for (const [tabId, pages] of Object.entries(this.tabs)) {
      /** @type {Record<string, Page>} */
      const prepared = {};
      for (const origin of origins) {
        prepared[origin] = pages[origin] ?? { next: this.newContext(), page: null, documentId: '', turn: 0 };
      }
      this.tabs[tabId] = prepared;
    }
  }

  /**
   * A document is there: it takes over the trace that its request carried.
   * @param {number} tabId
   * @param {string} origin
   * @param {string} documentId
   * @param {string} traceId that the document was told, empty if it was told none
   * @returns {{ page: SpanContext, joined: boolean }} joined: the request carried exactly this
   */
  load(tabId, origin, documentId, traceId) {
    this.open(tabId);
    const entry = this.#page(tabId, origin);
    for (const other of Object.values(this.tabs[tabId] ?? {})) {
      if (other !== entry) Object.assign(other, { page: null, documentId: '' });
    }
    const joined = traceId === entry.next.traceId;
    const page = joined ? entry.next : this.newContext();
    Object.assign(entry, { page, documentId, turn: this.#nextTurn() });
    if (joined) entry.next = this.newContext();
    return { page, joined };
  }

  /**
   * A document came back out of the back/forward cache, or reconnected after the worker had ended.
   * @param {number} tabId
   * @param {string} origin
   * @param {string} documentId
   * @param {SpanContext} page
   */
  resume(tabId, origin, documentId, page) {
    this.open(tabId);
    Object.assign(this.#page(tabId, origin), { page, documentId, turn: this.#nextTurn() });
  }

  /**
   * A document is gone; what says so too late, when the next one is there, changes nothing.
   * @param {number} tabId
   * @param {string} origin
   * @param {string} documentId
   */
  leave(tabId, origin, documentId) {
    const entry = this.tabs[tabId]?.[origin];
    if (entry?.documentId === documentId) Object.assign(entry, { page: null, documentId: '' });
  }

  /**
   * @param {string} origin
   * @returns {SpanContext | null} the page load of the live document that came last, in whatever tab
   */
  latest(origin) {
    const live = this.#all().filter(([key, { page }]) => key === origin && page !== null);
    return live.sort(([, a], [, b]) => b.turn - a.turn)[0]?.[1].page ?? null;
  }

  /**
   * @param {number} tabId
   * @param {string} origin
   * @returns {boolean} whether the tab shows a document of the origin that has our scripts
   */
  isLive(tabId, origin) {
    return Boolean(this.tabs[tabId]?.[origin]?.page);
  }

  /** @returns {[string, Page][]} every page of every tab, with its origin */
  #all() {
    return Object.values(this.tabs).flatMap((pages) => Object.entries(pages));
  }

  /** @returns {number} */
  #nextTurn() {
    return 1 + Math.max(0, ...this.#all().map(([, { turn }]) => turn));
  }

  /**
   * @param {number} tabId
   * @param {string} origin
   * @returns {Page}
   */
  #page(tabId, origin) {
    const pages = (this.tabs[tabId] ??= {});
    return (pages[origin] ??= { next: this.newContext(), page: null, documentId: '', turn: 0 });
  }
}
