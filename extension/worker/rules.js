/**
 * Declarative rules of the browser's network layer: headers on what page scripts cannot reach. Pure.
 *
 * Per tab and origin: the navigation itself (its response tells the new document who it is, in Server-Timing), the
 * frames, other resources and web sockets of the page with the page load's trace, and X-Session-ID on fetch and
 * XMLHttpRequest, whose trace headers the page script sets. Such headers cause no preflight and do not follow a
 * redirect to another origin. Headers that the page script set would follow one; therefore they are taken off whatever
 * goes to an origin that may not have them, where the browser lets us, and a request that can be sent again ends before
 * it gets there. A page that traces by itself keeps its own: those origins are learned, and let through.
 *
 * A worker's fetch and an EventSource look like the page's fetch here, but for the mark that the page script puts on
 * its own (shared/marks.js): what has none, and reads, carries the trace of the page load. Where a page traces by
 * itself, its workers may do so, too: they keep what they set.
 */

import { MARK, STAY_MARK } from '../shared/marks.js';
import { formatTraceparent, prependTracestate } from '../shared/trace-context.js';

/** Rules in force at once; Chrome takes 5,000 for a session. */
export const RULES_MAX = 4900;
/** Rules of one tab and origin. */
const RULES_PER_PAGE = 8;

const PRIORITY_STRIP = 1;
const PRIORITY_LET_THROUGH = 2;
const PRIORITY_UNMARKED = 3;
const PRIORITY_LET_MARKED = 4;
const PRIORITY_SET = 5;
const PRIORITY_END = 6;
const NO_TAB = -1;
const READING = { requestMethods: ['get', 'head'] };
/** @type {readonly string[]} */
const RESOURCES = [
  'stylesheet',
  'script',
  'image',
  'font',
  'object',
  'ping',
  'csp_report',
  'media',
  'webtransport',
  'other',
];
const TRACE_HEADERS = ['traceparent', 'tracestate'];
/** How a Location begins that may lead to another origin: browsers take a backslash for a slash; here it escapes. */
const AWAY = ['http:*', 'https:*', '//*', '/\\\\*', '\\\\*'];

/**
 * @typedef {import('./tabs.js').Tabs} Tabs
 * @typedef {import('../shared/ids.js').SpanContext} SpanContext
 * @typedef {Record<string, object>} Rules key -> rule without an id
 *
 * @typedef {object} Situation
 * @property {string[]} origins that are switched on
 * @property {string[]} targets that may get trace headers from the page script
 * @property {string[]} ownTracing origins that get trace headers of the page's own
 * @property {string[]} served origins whose requests pass through a service worker, and have no marks
 * @property {Tabs} tabs
 * @property {(origin: string) => SpanContext | null} latestPage the page load that workers without a tab belong to
 * @property {(origin: string, tabId: number) => string} sessionId the id that requests carry now
 * @property {boolean} isPerTab whether each tab has a session of its own
 * @property {(origin: string, tabId: number, page: SpanContext | null, method: string) => string} announcement what
 *   a new document is told in Server-Timing
 */

/**
 * @param {Situation} situation
 * @returns {Rules} by a key that stays the same while its values change
 */
export function rulesFor(situation) {
  const { origins, targets, ownTracing, tabs } = situation;
  /** @type {Rules} */
  const rules = {};
  if (origins.length === 0) return rules;
  for (const target of new Set([...origins, ...targets, ...ownTracing])) {
    rules[`through ${target}`] = letThrough(target, origins);
  }
  const known = Object.keys(tabs).map(Number);
  for (const origin of origins) {
    // A tab may navigate before its own rules are there: the session is named all the same, where tabs share it.
    if (!situation.isPerTab) rules[`newcomers ${origin}`] = newcomerRule(situation, origin, known);
    rules[`marked ${origin}`] = {
      priority: PRIORITY_LET_MARKED,
      condition: scripted(origin, { urlFilter: `|${origin}/*${MARK}` }),
      action: { type: 'allow' },
    };
    rules[`stay ${origin}`] = stayRule(origin, targets);
    // Shared and service workers of the page belong to no tab. Their web sockets pass by the rules.
    const page = areUnmarkedOurs(situation, origin) ? situation.latestPage(origin) : null;
    const requestHeaders = headersOf(page, situation.sessionId(origin, NO_TAB));
    rules[`workers ${origin}`] = setRule(origin, NO_TAB, ['xmlhttprequest', 'script', 'other'], { requestHeaders });
  }
  const room = Math.floor((RULES_MAX - Object.keys(rules).length) / RULES_PER_PAGE / origins.length);
  for (const [id, pages] of Object.entries(tabs).slice(-room)) {
    for (const [origin, page] of Object.entries(pages)) {
      Object.assign(rules, pageRules(situation, Number(id), origin, page));
    }
  }
  return rules;
}

/**
 * @param {Situation} situation
 * @param {number} tabId
 * @param {string} origin
 * @param {import('./tabs.js').Page} page
 * @returns {Rules}
 */
function pageRules(situation, tabId, origin, page) {
  const sessionId = situation.sessionId(origin, tabId);
  const navigation = headersOf(page.next, sessionId);
  const current = page.page ?? page.next;
  const announced = (/** @type {SpanContext} */ context, /** @type {string} */ method) => ({
    responseHeaders: [
      {
        header: 'server-timing',
        operation: 'append',
        value: `gasoline;desc="${situation.announcement(origin, tabId, context, method)}"`,
      },
    ],
  });
  const key = `${tabId} ${origin}`;
  const requestHeaders = headersOf(current, sessionId);
  /** @type {Rules} */
  const rules = {
    [`navigate get ${key}`]: navigationRule(
      origin,
      tabId,
      { requestMethods: ['get'] },
      {
        requestHeaders: navigation,
        ...announced(page.next, 'GET'),
      },
    ),
    [`navigate other ${key}`]: navigationRule(
      origin,
      tabId,
      { excludedRequestMethods: ['get'] },
      {
        requestHeaders: navigation,
        ...announced(page.next, 'POST'),
      },
    ),
    [`frames ${key}`]: setRule(origin, tabId, ['sub_frame'], { requestHeaders, ...announced(current, 'GET') }),
    [`resources ${key}`]: setRule(origin, tabId, RESOURCES, { requestHeaders }),
    [`sockets ${key}`]: setRule(origin, tabId, ['websocket'], { requestHeaders }),
    [`scripted ${key}`]: setRule(origin, tabId, ['xmlhttprequest'], { requestHeaders: headersOf(null, sessionId) }),
  };
  // Without a document of ours no page script sets them: a page of the same host that is off keeps its own.
  if (page.page) {
    rules[`strip ${key}`] = {
      priority: PRIORITY_STRIP,
      condition: scripted(origin, { tabIds: [tabId] }),
      action: {
        type: 'modifyHeaders',
        requestHeaders: TRACE_HEADERS.map((header) => ({ header, operation: 'remove' })),
      },
    };
  }
  // A document that is there marks the requests of its scripts; of any other we do not know.
  if (page.page && areUnmarkedOurs(situation, origin)) {
    rules[`unmarked ${key}`] = {
      priority: PRIORITY_UNMARKED,
      condition: scripted(origin, { tabIds: [tabId], urlFilter: `|${origin}/`, ...READING }),
      action: { type: 'modifyHeaders', requestHeaders: traceHeaders(page.page, sessionId) },
    };
  }
  return rules;
}

/**
 * @param {Situation} situation
 * @param {string} origin
 * @returns {boolean} whether a request to it without a mark has no trace of its own
 */
function areUnmarkedOurs({ served, ownTracing }, origin) {
  return !served.includes(origin) && !ownTracing.includes(origin);
}

/**
 * Ends what the page script can send again without our headers, before it follows a redirect to an origin that may not
 * have them.
 * @param {string} origin
 * @param {string[]} targets
 * @returns {object}
 */
function stayRule(origin, targets) {
  const allowed = [origin, ...targets].flatMap((one) => [one, `${one}/*`, `${one}?*`]);
  return {
    priority: PRIORITY_END,
    condition: scripted(origin, {
      urlFilter: `|${origin}/*${STAY_MARK}|`,
      responseHeaders: [{ header: 'location', values: AWAY, excludedValues: allowed }],
      ...READING,
    }),
    action: { type: 'block' },
  };
}

/**
 * @param {Situation} situation
 * @param {string} origin
 * @param {number[]} known tabs, which have rules of their own
 * @returns {object}
 */
function newcomerRule(situation, origin, known) {
  const value = `gasoline;desc="${situation.announcement(origin, NO_TAB, null, 'GET')}"`;
  return {
    priority: PRIORITY_SET,
    condition: {
      urlFilter: `|${origin}/`,
      resourceTypes: ['main_frame'],
      ...(known.length > 0 ? { excludedTabIds: known } : {}),
    },
    action: {
      type: 'modifyHeaders',
      requestHeaders: [setHeader('x-session-id', situation.sessionId(origin, NO_TAB))],
      responseHeaders: [{ header: 'server-timing', operation: 'append', value }],
    },
  };
}

/**
 * @param {string} target
 * @param {string[]} initiators
 * @returns {object}
 */
function letThrough(target, initiators) {
  return {
    priority: PRIORITY_LET_THROUGH,
    condition: {
      urlFilter: `|${target}/`,
      initiatorDomains: [...new Set(initiators.map(domainOf))],
      resourceTypes: ['xmlhttprequest'],
    },
    action: { type: 'allow' },
  };
}

/**
 * @param {string} origin
 * @param {number} tabId
 * @param {object} methods
 * @param {object} headers
 * @returns {object} a rule without initiator: typed navigations and reloads have none
 */
function navigationRule(origin, tabId, methods, headers) {
  return {
    priority: PRIORITY_SET,
    condition: { tabIds: [tabId], urlFilter: `|${origin}/`, resourceTypes: ['main_frame'], ...methods },
    action: { type: 'modifyHeaders', ...headers },
  };
}

/**
 * @param {string} origin of both the page that asks and the server that answers
 * @param {number} tabId
 * @param {readonly string[]} resourceTypes
 * @param {object} headers
 * @returns {object}
 */
function setRule(origin, tabId, resourceTypes, headers) {
  const urlFilter = resourceTypes.includes('websocket') ? `|${origin.replace('http', 'ws')}/` : `|${origin}/`;
  return {
    priority: PRIORITY_SET,
    condition: { tabIds: [tabId], urlFilter, initiatorDomains: [domainOf(origin)], resourceTypes },
    action: { type: 'modifyHeaders', ...headers },
  };
}

/**
 * @param {string} origin of the page
 * @param {object} condition
 * @returns {object} the same, for what scripts ask for
 */
function scripted(origin, condition) {
  return { initiatorDomains: [domainOf(origin)], resourceTypes: ['xmlhttprequest'], ...condition };
}

/**
 * @param {SpanContext | null} context null: the request has a trace of its own, or none
 * @param {string} sessionId
 * @returns {object[]}
 */
function headersOf(context, sessionId) {
  return [...(context ? traceHeaders(context, sessionId) : []), setHeader('x-session-id', sessionId)];
}

/**
 * @param {SpanContext} context
 * @param {string} sessionId
 * @returns {object[]}
 */
function traceHeaders(context, sessionId) {
  return [setHeader('traceparent', formatTraceparent(context)), setHeader('tracestate', prependTracestate(sessionId))];
}

/**
 * @param {string} header
 * @param {string} value
 * @returns {object}
 */
function setHeader(header, value) {
  return { header, operation: 'set', value };
}

/**
 * @param {string} origin
 * @returns {string}
 */
function domainOf(origin) {
  return new URL(origin).hostname;
}
