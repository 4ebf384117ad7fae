/** When records leave: soon after they came, and again after a failure, also if the worker was ended meanwhile. */

import { Exporter } from './exporter.js';

/** How long records wait for others to share a request with. */
export const GATHER_MS = 500;
/**
 * A batch that an ended worker may have sent is sent again only after this: the collector takes sooner copies for
 * others.
 */
export const RESEND_AFTER_MS = 300;
/** The alarm that wakes an ended worker while records wait. */
export const WAKE_INTERVAL_MINUTES = 0.5;

export const EXPORT_ALARM = 'export';

export class ExportLoop {
  /**
   * @param {import('./state.js').WorkerState} state
   * @param {() => number} now
   */
  constructor(state, now) {
    this.state = state;
    this.now = now;
    this.exporter = new Exporter((url, init) => fetch(url, init), now);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.dueAt = Infinity;
    this.running = false;
    this.hasAlarm = false;
  }

  /** Take up what a worker before this one left. */
  resume() {
    this.schedule(this.state.queue.state.inFlight > 0 ? RESEND_AFTER_MS : 0);
  }

  /**
   * Send what waits, after a while; an earlier appointment stays.
   * @param {number} [delayMs]
   */
  schedule(delayMs = GATHER_MS) {
    if (this.state.queue.state.sizes.length === 0 || this.running) return;
    const dueAt = this.now() + delayMs;
    if (this.timer !== undefined && this.dueAt <= dueAt) return;
    this.#appoint(dueAt, delayMs);
    if (!this.hasAlarm) {
      this.hasAlarm = true;
      void chrome.alarms.create(EXPORT_ALARM, { periodInMinutes: WAKE_INTERVAL_MINUTES });
    }
  }

  /** Send now: somebody asked, or the alarm woke the worker. */
  async runNow() {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.#run();
  }

  /**
   * @param {number} dueAt
   * @param {number} delayMs
   */
  #appoint(dueAt, delayMs) {
    clearTimeout(this.timer);
    this.dueAt = dueAt;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.#run();
    }, delayMs);
  }

  async #run() {
    if (this.running) return;
    this.running = true;
    let retryDelay = 0;
    try {
      for (;;) {
        const outcome = await this.exporter.exportBatch(this.state.queue, this.state.settings, resource());
        if (!outcome) {
          await this.state.forgetLeftOver();
          break;
        }
        await this.#note(outcome);
        if (outcome.kind === 'retry') {
          retryDelay = this.exporter.retryDelay(outcome);
          break;
        }
      }
    } finally {
      this.running = false;
    }
    if (retryDelay > 0) this.#appoint(this.now() + retryDelay, retryDelay);
    else if (this.state.queue.state.sizes.length > 0) this.schedule();
    else if (this.hasAlarm) {
      this.hasAlarm = false;
      await chrome.alarms.clear(EXPORT_ALARM);
    }
  }

  /**
   * Ask the collector whether it is there, with an export request that holds nothing.
   * @returns {Promise<import('../messages.js').CollectorState>}
   */
  async check() {
    const outcome = await this.exporter.request(this.state.settings, '/v1/traces', '{"resourceSpans":[]}');
    await this.#note(outcome);
    if (outcome.kind === 'taken') await this.runNow();
    return this.state.collector;
  }

  /** @param {import('./exporter.js').Outcome} outcome */
  async #note(outcome) {
    const { state } = this;
    const reachable = outcome.kind === 'taken';
    const reason = reachable ? '' : outcome.message;
    state.collector = { endpoint: state.settings.endpoint, reachable, reason, checkedAt: this.now() };
    if (outcome.message) state.exporting.lastError = { message: outcome.message, at: this.now() };
    if (reachable) state.exporting.lastExportAt = this.now();
    await state.saveExporting();
  }
}

/**
 * @returns {import('../shared/records.js').Attributes} what made the records: the same text for as long as the worker
 *   lives
 */
function resource() {
  const { userAgentData } = /** @type {any} */ (navigator);
  return {
    'service.name': 'browser',
    'user_agent.original': navigator.userAgent,
    'browser.language': navigator.language,
    ...(userAgentData ? { 'browser.platform': userAgentData.platform, 'browser.mobile': userAgentData.mobile } : {}),
    'telemetry.sdk.name': 'gasoline',
    'telemetry.sdk.language': 'webjs',
    'telemetry.sdk.version': chrome.runtime.getManifest().version,
  };
}
