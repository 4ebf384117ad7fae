/**
 * The worker: takes what pages say in the order it came, stores it, and only then tells the page that it did.
 *
 * Chrome ends the worker at any moment. Everything it knows is in storage; whatever is not acknowledged, the page's
 * bridge sends again to the next worker.
 */

import { permissionPattern } from '../messages.js';
import { announcementOf, configurationFor } from './announcement.js';
import { ContentScripts } from './content-scripts.js';
import { ExportLoop } from './export-loop.js';
import { otlpLifecycle } from './otlp.js';
import { PageMessages } from './page-messages.js';
import { changesOf } from './rule-applier.js';
import { rulesFor } from './rules.js';
import { WorkerState } from './state.js';

export const EXPIRY_ALARM = 'expiry';

/** @typedef {import('./page-messages.js').Bridge} Bridge */

export class ExtensionWorker {
  /** @param {() => number} now milliseconds since 1970 */
  constructor(now) {
    this.now = now;
    /** @type {Set<Bridge>} */
    this.bridges = new Set();
    /** @type {{ bridge: Bridge, message: any }[]} */
    this.inbox = [];
    this.draining = false;
    /** @type {number | null} */
    this.expiryAt = null;
    /** @type {import('./rule-applier.js').Applied | null} null until this worker has made its rules */
    this.applied = null;
    /** @type {Promise<unknown>} every change of state waits for the one before */
    this.line = Promise.resolve();
    this.contentScripts = new ContentScripts();
    /** @type {Promise<WorkerState>} */
    this.ready = this.#start();
  }

  /** @returns {Promise<WorkerState>} */
  async #start() {
    const state = await WorkerState.load();
    this.exportLoop = new ExportLoop(state, this.now);
    this.messages = new PageMessages(state, this.now);
    for (const tab of await chrome.tabs.query({})) if (tab.id !== undefined) state.tabs.open(tab.id);
    await this.contentScripts.register(state.settings.origins);
    await this.settle(state);
    this.exportLoop.resume();
    return state;
  }

  /**
   * @param {chrome.runtime.Port} port of a content script
   */
  connect(port) {
    const { origin, tab, frameId, documentId } = port.sender ?? {};
    if (port.name !== 'page' || !origin || origin === 'null' || tab?.id === undefined) {
      port.disconnect();
      return;
    }
    const isTop = frameId === 0;
    /** @type {Bridge} */
    const bridge = { port, origin, tabId: tab.id, isTop, documentId: documentId ?? '', page: null, told: '' };
    this.bridges.add(bridge);
    port.onDisconnect.addListener(() => this.bridges.delete(bridge));
    port.onMessage.addListener((message) => {
      this.inbox.push({ bridge, message });
      this.#drain();
    });
  }

  /** Work through what pages have said; what came together is stored together. */
  async #drain() {
    if (this.draining) return;
    this.draining = true;
    try {
      while (this.inbox.length > 0) await this.change((state) => this.#takeAll(state));
    } finally {
      this.draining = false;
    }
  }

  /**
   * @param {WorkerState} state
   */
  async #takeAll(state) {
    /** @type {import('./page-messages.js').Gathered} */
    const gathered = { traces: [], logs: [] };
    const taken = this.inbox.splice(0);
    for (const { bridge, message } of taken) {
      if (!state.settings.origins.includes(bridge.origin)) bridge.port.postMessage({ type: 'off' });
      else this.messages?.take(bridge, message, gathered);
    }
    await this.settle(state, gathered);
    for (const { bridge, message } of taken) {
      if (message?.type === 'records') post(bridge, { type: 'stored', seq: message.seq });
    }
  }

  /**
   * Run one change of state after all others.
   * @template T
   * @param {(state: WorkerState) => Promise<T>} work
   * @returns {Promise<T>}
   */
  change(work) {
    const done = this.line.then(async () => work(await this.ready));
    this.line = done.catch(() => undefined);
    return done;
  }

  /**
   * After a change: rules first, because the browser's requests do not wait; then records and state in one write.
   * @param {WorkerState} state
   * @param {import('./page-messages.js').Gathered} [gathered]
   */
  async settle(state, gathered = { traces: [], logs: [] }) {
    state.tabs.prepare(state.settings.origins);
    await this.#applyRules(state);
    const events = state.sessions.takeEvents();
    // A session begins before what happens in it, and ends after.
    const encoded = { traces: gathered.traces, logs: [...events.map(otlpLifecycle), ...gathered.logs] };
    await state.queue.add(encoded, state.snapshot());
    for (const bridge of this.bridges) this.#configure(state, bridge);
    await state.saveLiving();
    await this.#setExpiryAlarm(state);
    this.exportLoop?.schedule();
  }

  /**
   * @param {WorkerState} state
   * @param {import('../messages.js').Settings} settings
   */
  async useSettings(state, settings) {
    await state.saveSettings(settings);
    // Where they led may be allowed now.
    state.strays = {};
    await this.contentScripts.register(settings.origins);
    await this.settle(state);
    if (state.collector.endpoint !== settings.endpoint) {
      state.collector = { endpoint: settings.endpoint, reachable: null, reason: '', checkedAt: null };
      await state.saveExporting();
    }
    // Records may have waited for just this: another endpoint, a token.
    this.exportLoop?.schedule(0);
  }

  /** @param {number} tabId */
  async openTab(tabId) {
    await this.change(async (state) => {
      state.tabs.open(tabId);
      await this.settle(state);
    });
  }

  /** @param {number} tabId */
  async closeTab(tabId) {
    await this.change(async (state) => {
      state.tabs.close(tabId);
      if (state.settings.scope === 'tab') {
        for (const origin of state.settings.origins) {
          const key = state.keyOf(origin, tabId);
          state.sessions.end(key, 'browser_close', this.now());
          state.sessions.forget(key);
        }
      }
      await this.settle(state);
    });
  }

  /** End what has expired, so that the next navigation already carries the next session. */
  async expireSessions() {
    await this.change(async (state) => {
      for (const key of Object.keys(state.sessions.entries)) state.sessions.expire(key, this.now(), state.settings);
      await this.settle(state);
    });
  }

  /** The person took a permission back in the browser's own settings: that is off. */
  async dropOriginsWithoutPermission() {
    await this.change(async (state) => {
      const kept = [];
      for (const origin of state.settings.origins) {
        if (await chrome.permissions.contains({ origins: [permissionPattern(origin)] })) kept.push(origin);
        else state.sessions.endOrigin(origin, this.now());
      }
      const { settings } = state;
      if (kept.length < settings.origins.length) await this.useSettings(state, { ...settings, origins: kept });
    });
  }

  /** @returns {Promise<ExportLoop>} */
  async loop() {
    await this.ready;
    if (!this.exportLoop) throw new Error('the worker did not start; reload the extension');
    return this.exportLoop;
  }

  /**
   * @param {WorkerState} state
   */
  async #applyRules(state) {
    const wanted = rulesFor({
      origins: state.settings.origins,
      targets: state.settings.targets,
      ownTracing: state.ownTracing,
      served: state.served,
      tabs: state.tabs.tabs,
      latestPage: (origin) => state.tabs.latest(origin),
      isPerTab: state.settings.scope === 'tab',
      sessionId: (origin, tabId) => state.sessions.idAt(state.keyOf(origin, tabId), this.now(), state.settings),
      announcement: (origin, tabId, page, method) =>
        announcementOf(configurationFor(state, origin, tabId, page, this.now()), method),
    });
    const changes = changesOf(this.applied ?? { nextId: 1, rules: {} }, wanted);
    const { addRules } = changes;
    let { removeRuleIds } = changes;
    if (!this.applied) {
      // A worker before this one made rules, and may have ended before it noted them.
      removeRuleIds = (await chrome.declarativeNetRequest.getSessionRules()).map((rule) => rule.id);
    }
    if (removeRuleIds.length > 0 || addRules.length > 0) {
      await chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds, addRules: /** @type {any} */ (addRules) });
    }
    this.applied = changes.applied;
  }

  /**
   * @param {WorkerState} state
   * @param {Bridge} bridge
   */
  #configure(state, bridge) {
    if (!state.settings.origins.includes(bridge.origin)) {
      post(bridge, { type: 'off' });
      return;
    }
    const { origin, tabId, page } = bridge;
    const configuration = configurationFor(state, origin, tabId, page, this.now());
    const told = JSON.stringify(configuration);
    if (told === bridge.told) return;
    bridge.told = told;
    post(bridge, { type: 'configuration', configuration });
  }

  /**
   * @param {WorkerState} state
   */
  async #setExpiryAlarm(state) {
    const when = state.sessions.nextExpiry(state.settings);
    if (when === this.expiryAt) return;
    this.expiryAt = when;
    if (when === null) await chrome.alarms.clear(EXPIRY_ALARM);
    else await chrome.alarms.create(EXPIRY_ALARM, { when });
  }
}

/**
 * @param {Bridge} bridge
 * @param {object} message
 */
function post(bridge, message) {
  try {
    bridge.port.postMessage(message);
  } catch {
    // The page went away meanwhile; there is nobody left to tell.
  }
}
