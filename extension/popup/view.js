/**
 * What the popup shows, made from the worker's state. Pure: the clock is passed in.
 * @import { State, CollectorState, ExportState } from '../messages.js'
 */

import { ago, count, sentence, size, span } from '../ui/words.js';

const SHORT_ID_LENGTH = 'session-'.length + 8;

/**
 * @typedef {object} SiteView
 * @property {string} name the origin, or what stands in its place
 * @property {string} note one sentence on what is the case
 * @property {boolean} on
 * @property {boolean} switchable
 * @property {boolean} reloadable whether a reload of the page would help
 */

/**
 * @typedef {object} SessionView
 * @property {string} id
 * @property {string} times since when, and when it ends
 * @property {string} call what to ask an agent for: the session's timeline
 * @property {string} shortCall the same with the id cut, to be shown
 * @property {string} timeline address of the page that shows it; empty: there is none
 */

/**
 * @typedef {object} Figure
 * @property {string} value
 * @property {boolean} bad whether it tells of something that failed
 */

/**
 * @typedef {object} CollectorView
 * @property {'good' | 'bad' | 'unknown'} tone
 * @property {string} headline
 * @property {string} note
 * @property {string} queue what waits; empty: nothing
 * @property {string} lost what was dropped or refused; empty: nothing
 * @property {string} lastError empty: none
 */

/**
 * @typedef {object} PopupView
 * @property {SiteView} site
 * @property {SessionView | null} session
 * @property {string} sessionMissing why there is no session; empty when there is one, or none is wanted
 * @property {{ requests: Figure, failedRequests: Figure, errors: Figure, events: Figure }} counts
 * @property {CollectorView} collector
 */

/**
 * @param {State} state
 * @param {number} now milliseconds since 1970
 * @param {string} [timelineBase] base URL of the collector's page; empty: it has none
 * @returns {PopupView}
 */
export function popupView(state, now, timelineBase = '') {
  const site = siteView(state);
  const session = site.on ? sessionView(state, now, timelineBase) : null;
  const { requests, failedRequests, errors, events } = state.counts;
  return {
    site,
    session,
    sessionMissing: site.on && !session ? missing(site) : '',
    counts: {
      requests: { value: requests.toLocaleString('en'), bad: false },
      failedRequests: { value: failedRequests.toLocaleString('en'), bad: failedRequests > 0 },
      errors: { value: errors.toLocaleString('en'), bad: errors > 0 },
      events: { value: events.toLocaleString('en'), bad: false },
    },
    collector: collectorView(state.collector, state.export, now),
  };
}

/**
 * @param {State} state
 * @returns {SiteView}
 */
function siteView({ origin, permitted, enabled, connected }) {
  if (origin === null) {
    const note = 'Open a page over http or https to switch Gasoline on for it.';
    return { name: 'No web page', note, on: false, switchable: false, reloadable: false };
  }
  const site = { name: origin, on: false, switchable: true, reloadable: false };
  if (!enabled) return { ...site, note: 'Off. This site is left exactly as it is.' };
  if (!permitted) {
    return { ...site, note: 'Off: the browser does not let Gasoline on this site. Switch on to be asked again.' };
  }
  if (!connected) {
    const note = 'On, but this page was loaded before. Reload it to see it from its first request on.';
    return { ...site, note, on: true, reloadable: true };
  }
  return { ...site, note: 'On. Clicks, requests and errors of this site go to your collector.', on: true };
}

/**
 * @param {SiteView} site that is on
 * @returns {string} when there will be a session
 */
function missing({ reloadable }) {
  return reloadable
    ? 'No session yet. It begins with the next page load.'
    : 'No session at the moment. The next one begins when the page is used.';
}

/**
 * @param {State} state
 * @param {number} now
 * @param {string} timelineBase
 * @returns {SessionView | null}
 */
function sessionView({ session, settings }, now, timelineBase) {
  if (!session) return null;
  const { id, startedAt, lastActivityAt } = session;
  const idleMs = lastActivityAt + settings.idleTimeoutMs - now;
  const ageMs = startedAt + settings.maxAgeMs - now;
  const left = Math.max(0, Math.min(idleMs, ageMs));
  const end = idleMs < ageMs ? `ends ${span(left)} from now if nobody uses the page` : `ends ${span(left)} from now`;
  return {
    id,
    times: `Began ${ago(startedAt, now)}, ${end}.`,
    call: observeCall(id),
    shortCall: observeCall(id.length > SHORT_ID_LENGTH ? `${id.slice(0, SHORT_ID_LENGTH)}…` : id),
    timeline: timelineBase && `${timelineBase}/sessions/${encodeURIComponent(id)}`,
  };
}

/**
 * @param {string} id of a session
 * @returns {string} the call of MCP that tells its timeline
 */
function observeCall(id) {
  return `observe(what="session-trace", session_id=${JSON.stringify(id)})`;
}

/**
 * @param {CollectorState} collector
 * @param {ExportState} exported
 * @param {number} now
 * @returns {CollectorView}
 */
function collectorView(collector, exported, now) {
  const waiting = exported.queuedRecords;
  const room = `${size(exported.queuedBytes)} of ${size(exported.queueBytesMax)}`;
  const queue = waiting > 0 ? `${count(waiting, 'record')} wait${waiting === 1 ? 's' : ''} to be sent (${room}).` : '';
  const { lastError } = exported;
  const isToldAlready = collector.reachable === false && collector.reason === lastError?.message;
  return {
    ...reachability(collector, exported, now),
    queue,
    lost: lostRecords(exported),
    lastError: lastError && !isToldAlready ? `Last error, ${ago(lastError.at, now)}: ${lastError.message}` : '',
  };
}

/**
 * @param {CollectorState} collector
 * @param {ExportState} exported
 * @param {number} now
 * @returns {Pick<CollectorView, 'tone' | 'headline' | 'note'>}
 */
function reachability({ endpoint, reachable, reason }, { exportedRecords, lastExportAt }, now) {
  if (reachable === null) return { tone: 'unknown', headline: 'Collector: asking …', note: endpoint };
  if (!reachable) return { tone: 'bad', headline: 'Collector not reachable', note: sentence(reason) };
  const sent = `${count(exportedRecords, 'record')} sent`;
  const when = lastExportAt === null ? '' : `, the last ${ago(lastExportAt, now)}`;
  return { tone: 'good', headline: 'Collector reachable', note: `${endpoint} · ${sent}${when}` };
}

/**
 * @param {ExportState} exported
 * @returns {string}
 */
function lostRecords({ droppedRecords, rejectedRecords }) {
  const lost = [];
  if (droppedRecords > 0) lost.push(`${count(droppedRecords, 'record')} lost`);
  if (rejectedRecords > 0) lost.push(`${count(rejectedRecords, 'record')} refused by the collector`);
  return lost.length > 0 ? `${lost.join(', ')}.` : '';
}
