/**
 * Declarative rules of the browser's network layer: headers on what page scripts cannot reach. Pure.
 *
 * Per tab and origin: the navigation itself (its response tells the new document who it is, in Server-Timing), the
 * frames and other resources of the page with the page load's trace, and X-Session-ID on fetch and XMLHttpRequest,
 * whose trace headers the page script sets. Such headers cause no preflight and do not follow a redirect to another
 * origin. Headers that the page script set would follow one; therefore they are taken off whatever goes to an origin
 * that may not have them. A page that traces by itself keeps its own: those origins are learned, and let through.
 */

import { formatTraceparent, prependTracestate } from '../shared/trace-context.js';

/** Rules in force at once; Chrome takes 5,000 for a session. */
export const RULES_MAX = 4900;
/** Rules of one tab and origin. */
const RULES_PER_PAGE = 6;

const PRIORITY_STRIP = 1;
const PRIORITY_LET_THROUGH = 2;
const PRIORITY_SET = 3;
const NO_TAB = -1;
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

/**
 * @typedef {import('./tabs.js').Tabs} Tabs
 * @typedef {import('../shared/ids.js').SpanContext} SpanContext
 * @typedef {Record<string, object>} Rules key -> rule without an id
 *
 * @typedef {object} Situation
 * @property {string[]} origins that are switched on
 * @property {string[]} targets that may get trace headers from the page script
 * @property {Tabs} tabs
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
  const { origins, tabs } = situation;
  /** @type {Rules} */
  const rules = {};
  if (origins.length === 0) return rules;
  for (const target of new Set([...origins, ...situation.targets])) {
    rules[`through ${target}`] = letThrough(target, origins);
  }
  const room = Math.floor((RULES_MAX - 3 * origins.length) / RULES_PER_PAGE / origins.length);
  for (const [id, pages] of Object.entries(tabs).slice(-room)) {
    for (const [origin, page] of Object.entries(pages)) {
      Object.assign(rules, pageRules(situation, Number(id), origin, page));
    }
  }
  const known = Object.keys(tabs).map(Number);
  for (const origin of origins) {
    // A tab may navigate before its own rules are there: the session is named all the same, where tabs share it.
    if (!situation.isPerTab) rules[`newcomers ${origin}`] = newcomerRule(situation, origin, known);
    // Shared and service workers of the page belong to no tab.
    rules[`workers ${origin}`] = setRule(origin, NO_TAB, ['xmlhttprequest', 'script', 'other'], {
      requestHeaders: [setHeader('x-session-id', situation.sessionId(origin, NO_TAB))],
    });
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
  const session = setHeader('x-session-id', sessionId);
  const navigation = [...traceHeaders(page.next, sessionId), session];
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
  return {
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
    [`frames ${key}`]: setRule(origin, tabId, ['sub_frame'], {
      requestHeaders: [...traceHeaders(current, sessionId), session],
      ...announced(current, 'GET'),
    }),
    [`resources ${key}`]: setRule(origin, tabId, RESOURCES, {
      requestHeaders: [...traceHeaders(current, sessionId), session],
    }),
    [`scripted ${key}`]: setRule(origin, tabId, ['xmlhttprequest'], { requestHeaders: [session] }),
    [`strip ${key}`]: {
      priority: PRIORITY_STRIP,
      condition: { tabIds: [tabId], initiatorDomains: [domainOf(origin)], resourceTypes: ['xmlhttprequest'] },
      action: {
        type: 'modifyHeaders',
        requestHeaders: TRACE_HEADERS.map((header) => ({ header, operation: 'remove' })),
      },
    },
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
  return {
    priority: PRIORITY_SET,
    condition: { tabIds: [tabId], urlFilter: `|${origin}/`, initiatorDomains: [domainOf(origin)], resourceTypes },
    action: { type: 'modifyHeaders', ...headers },
  };
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
