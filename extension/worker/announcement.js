/**
 * What the page script must know before the page's first script runs; readable by the page, so nothing in it is secret.
 */

/**
 * @typedef {object} Configuration
 * @property {{ id: string, nextId: string, startedAt: number, lastActivityAt: number }} session startedAt 0: not used
 *   yet
 * @property {import('../shared/ids.js').SpanContext | null} page the trace of the page load
 * @property {string[]} targets
 * @property {string[]} strays addresses that redirect to origins that may not have trace headers
 * @property {string[]} redactedNames that hold secrets beside those that are known
 * @property {number} idleTimeoutMs
 * @property {number} maxAgeMs
 * @property {boolean} headerRules whether the browser's rules set X-Session-ID
 */

/**
 * @param {import('./state.js').WorkerState} state
 * @param {string} origin
 * @param {number} tabId
 * @param {import('../shared/ids.js').SpanContext | null} page
 * @param {number} now
 * @returns {Configuration}
 */
export function configurationFor(state, origin, tabId, page, now) {
  const { settings } = state;
  const entry = state.sessions.expire(state.keyOf(origin, tabId), now, settings);
  const { current, nextId } = entry;
  return {
    session: {
      id: current?.id ?? nextId,
      nextId,
      startedAt: current?.startedAt ?? 0,
      lastActivityAt: current?.lastActivityAt ?? 0,
    },
    page,
    targets: settings.targets,
    strays: state.strays[origin] ?? [],
    redactedNames: settings.redactedNames,
    idleTimeoutMs: settings.idleTimeoutMs,
    maxAgeMs: settings.maxAgeMs,
    headerRules: true,
  };
}

/**
 * @param {Configuration} configuration
 * @param {string} method of the page load
 * @returns {string} as the description of a Server-Timing metric: the time of the last activity, which changes by the
 *   second, is left out: the page is being loaded, which is activity
 */
export function announcementOf(configuration, method) {
  const { session, ...rest } = configuration;
  const text = JSON.stringify({ ...rest, method, session: { ...session, lastActivityAt: 0 } });
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
