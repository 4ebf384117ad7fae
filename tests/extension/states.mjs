/** States of the worker, as popup and options are given them. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const NOW = Date.UTC(2026, 10, 22, 20, 0, 0);
export const SESSION_ID = 'session-9f2c41d07a3b4e5f9f2c41d07a3b4e5f';

/** @type {import('../../extension/messages.js').Settings} */
export const settings = {
  endpoint: 'http://127.0.0.1:4318',
  token: '',
  queryEndpoint: 'http://127.0.0.1:4319',
  scope: 'origin',
  idleTimeoutMs: 30 * MINUTE_MS,
  maxAgeMs: 4 * HOUR_MS,
  origins: ['https://shop.example'],
  targets: [],
  redactedNames: [],
};

/**
 * A page whose origin is on, with a session and a collector that takes everything.
 * @param {Partial<import('../../extension/messages.js').State>} [differences]
 * @param {number} [now]
 * @returns {import('../../extension/messages.js').State}
 */
export function observedState(differences = {}, now = NOW) {
  return {
    tabId: 7,
    origin: 'https://shop.example',
    permitted: true,
    enabled: true,
    connected: true,
    session: { id: SESSION_ID, startedAt: now - 12 * MINUTE_MS, lastActivityAt: now - 30_000, previousId: '' },
    counts: { requests: 1204, failedRequests: 0, errors: 0, events: 4310 },
    collector: { endpoint: settings.endpoint, reachable: true, reason: '', checkedAt: now },
    export: {
      queuedRecords: 0,
      queuedBytes: 0,
      queueBytesMax: 4 * 1024 * 1024,
      exportedRecords: 4296,
      droppedRecords: 0,
      rejectedRecords: 0,
      lastError: null,
      lastExportAt: now - 1000,
    },
    settings,
    ...differences,
  };
}
