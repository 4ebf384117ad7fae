/**
 * What popup and options ask of the service worker, and where settings lie.
 *
 * Every message is sent with `ask(type, fields)`; the worker answers `{ ok: true, value }` or `{ ok: false, error }`,
 * where `error` is a sentence for a person, and `ask` throws it. Messages from web pages are never taken: the worker
 * looks at the sender.
 *
 * Live view: `chrome.storage.session.onChanged` fires whenever something that `State` shows has changed; ask again
 * then.
 *
 * Switching an origin on takes two steps, because Chrome wants the permission asked for inside the click:
 *   const granted = await chrome.permissions.request({ origins: permissionPatterns(origin) });
 *   if (granted) await ask(SET_ENABLED, { origin, enabled: true });
 * Documents that were loaded before have no script of ours until they are reloaded (`state.connected` is false until
 * then).
 */

/** Message types. */
export const GET_STATE = 'get-state';
export const SET_ENABLED = 'set-enabled';
export const NEW_SESSION = 'new-session';
export const SET_SETTINGS = 'set-settings';
export const CHECK_COLLECTOR = 'check-collector';
export const FIND_TIMELINE = 'find-timeline';

/** chrome.storage.local: what survives the browser. The worker alone writes it; popup and options may read it. */
export const SETTINGS_KEY = 'settings';

/**
 * chrome.storage.session: `{ origin, at }` while the browser asks for the permission of an origin that is being
 * switched on. It may close the popup to ask; the worker then finishes, when the permission is there.
 */
export const SWITCHING_ON_KEY = 'switching-on';

/** Key in a page's localStorage that holds the session id of its origin. */
export const SESSION_ID_KEY = 'gasoline:session-id';

/**
 * @typedef {object} Settings
 * @property {string} endpoint base URL of the collector's OTLP/HTTP port, without a path: `http://127.0.0.1:4318`
 * @property {string} token bearer token that the collector asks for; empty: none
 * @property {string} queryEndpoint base URL of the collector's query port: `http://127.0.0.1:4319`
 * @property {'origin' | 'tab'} scope whether the tabs of one origin share a session, or each has its own
 * @property {number} idleTimeoutMs a session ends when nobody has used the page for this long
 * @property {number} maxAgeMs a session ends at this age, used or not
 * @property {string[]} origins exact origins whose pages are observed: those that the person switched on
 * @property {string[]} targets exact origins beyond the page's own whose requests get `traceparent` and
 *   `tracestate`; never X-Session-ID
 * @property {string[]} redactedNames parameters and properties whose values are secrets, beside those that are known
 */

/**
 * @typedef {object} SessionState
 * @property {string} id `session-` and 32 hex digits
 * @property {number} startedAt milliseconds since 1970
 * @property {number} lastActivityAt milliseconds since 1970
 * @property {string} previousId the session that this one continues; empty: none
 */

/**
 * @typedef {object} Counts what the session has seen so far
 * @property {number} requests
 * @property {number} failedRequests
 * @property {number} errors exceptions and console errors
 * @property {number} events all records, spans too
 */

/**
 * @typedef {object} CollectorState
 * @property {string} endpoint
 * @property {boolean | null} reachable null: not tried yet
 * @property {string} reason why it is not reachable, in words that say what to do; empty when it is
 * @property {number | null} checkedAt milliseconds since 1970
 */

/**
 * @typedef {object} ExportState
 * @property {number} queuedRecords stored, not yet taken by the collector
 * @property {number} queuedBytes
 * @property {number} queueBytesMax
 * @property {number} exportedRecords since the browser started
 * @property {number} droppedRecords lost because a queue was full, or because the collector said that it will
 *   never take them
 * @property {number} rejectedRecords refused one by one by the collector (partial success)
 * @property {{ message: string, at: number } | null} lastError
 * @property {number | null} lastExportAt
 */

/**
 * @typedef {object} State the answer to GET_STATE, SET_ENABLED and NEW_SESSION
 * @property {number | null} tabId
 * @property {string | null} origin of the tab's page; null where there is none that can be observed (chrome://,
 *   file://, no tab)
 * @property {boolean} permitted whether the browser lets us on that origin
 * @property {boolean} enabled whether the person switched the origin on
 * @property {boolean} connected whether the tab's page has our scripts; false while `enabled`: the page needs a reload
 * @property {SessionState | null} session null while there is none
 * @property {Counts} counts
 * @property {CollectorState} collector
 * @property {ExportState} export
 * @property {Settings} settings
 */

/**
 * @typedef {object} Fields what goes with a message
 * @property {number} [tabId] GET_STATE, SET_ENABLED, NEW_SESSION: the tab meant; without it the active tab of the
 *   last window
 * @property {string} [origin] SET_ENABLED, NEW_SESSION
 * @property {boolean} [enabled] SET_ENABLED
 * @property {Partial<Settings>} [settings] SET_SETTINGS: only what changes; answers with the whole Settings, or
 *   says what is wrong
 */

/**
 * @param {string} origin such as `http://localhost:3000`
 * @returns {string} the match pattern without which nothing works there: match patterns of permissions have no ports
 */
export function permissionPattern(origin) {
  const { protocol, hostname } = new URL(origin);
  return `${protocol}//${hostname}/*`;
}

/**
 * @param {string} origin whose pages are to be observed
 * @returns {string[]} what to ask `chrome.permissions` for: the origin, and its web sockets
 */
export function permissionPatterns(origin) {
  const pattern = permissionPattern(origin);
  return [pattern, pattern.replace('http', 'ws')];
}

/**
 * Ask the worker. CHECK_COLLECTOR answers with a CollectorState, FIND_TIMELINE with the base URL of the collector's
 * page, to which `/sessions/<session id>` is added; empty: there is none.
 * @param {string} type
 * @param {Fields} [fields]
 * @returns {Promise<any>} the answer's value
 */
export async function ask(type, fields = {}) {
  const answer = await chrome.runtime.sendMessage({ type, ...fields });
  if (!answer?.ok) {
    throw new Error(answer?.error ?? 'the extension did not answer; reload it on chrome://extensions');
  }
  return answer.value;
}
