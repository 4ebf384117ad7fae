/**
 * What a page tells the worker, and the look that the worker takes at it: a page can send anything, so only known
 * names, ids of the right form and bounded values come through, and secrets are taken out again.
 */

import { isSpanContext, isSpanId, isTraceId } from './ids.js';
import { cut } from './redact.js';

/** Attributes of one record. */
export const ATTRIBUTES_MAX = 64;
/** How far a record's time may lie from the worker's clock. */
export const RECORD_AGE_MS_MAX = 24 * 60 * 60 * 1000;
/** Links of one span. */
export const LINKS_MAX = 4;
const SEVERITY_INFO = 9;

const EVENT_NAMES = new Set([
  'browser.navigation',
  'browser.navigation_timing',
  'browser.resource_timing',
  'browser.web_vital',
  'browser.console',
  'browser.user_action.click',
  'exception',
  'gasoline.websocket.open',
  'gasoline.websocket.close',
  'gasoline.propagation.fallback',
  'gasoline.propagation.restart',
]);
const SPAN_NAME = /^(?:documentLoad|[A-Z]{1,20}|_OTHER)$/;
const ATTRIBUTE_KEY = /^[a-z][a-z0-9_.]{0,63}$/;
const URL_KEYS = new Set(['url.full', 'gasoline.response.url', 'browser.document.referrer']);

/**
 * @typedef {import('./redact.js').Redactor} Redactor
 * @typedef {Record<string, string | number | boolean>} Attributes
 *
 * @typedef {object} SpanRecord
 * @property {'span'} kind
 * @property {string} name
 * @property {number} start milliseconds since 1970
 * @property {number} end
 * @property {string} traceId
 * @property {string} spanId
 * @property {string} [parentSpanId]
 * @property {Attributes} attributes
 * @property {boolean} [error]
 * @property {import('./ids.js').SpanContext[]} [links]
 * @property {string} [sessionId] the id that the page's request carried
 *
 * @typedef {object} LogRecord
 * @property {'log'} kind
 * @property {string} event
 * @property {number} time
 * @property {number} severity a number of OTLP
 * @property {string} [body]
 * @property {string} [traceId]
 * @property {string} [spanId]
 * @property {Attributes} attributes
 * @property {string} [sessionId]
 *
 * @typedef {SpanRecord | LogRecord} PageRecord
 */

/**
 * @param {any} record as a page sent it
 * @param {number} now
 * @param {Redactor} redactor
 * @returns {PageRecord | null} a copy that holds nothing unknown; null if there is nothing to keep
 */
export function checkedRecord(record, now, redactor) {
  if (record?.kind === 'span') return checkedSpan(record, now, redactor);
  if (record?.kind === 'log') return checkedLog(record, now, redactor);
  return null;
}

/**
 * @param {any} record
 * @param {number} now
 * @param {Redactor} redactor
 * @returns {SpanRecord | null}
 */
function checkedSpan(record, now, redactor) {
  const isKnown = typeof record.name === 'string' && SPAN_NAME.test(record.name);
  const hasIds = isTraceId(record.traceId) && isSpanId(record.spanId);
  if (!isKnown || !hasIds || !isRecent(record.start, now) || !isRecent(record.end, now)) return null;
  const { name, start, traceId, spanId } = record;
  const attributes = checkedAttributes(record.attributes, redactor);
  /** @type {SpanRecord} */
  const span = { kind: 'span', name, start, end: Math.max(start, record.end), traceId, spanId, attributes };
  if (isSpanId(record.parentSpanId)) span.parentSpanId = record.parentSpanId;
  if (record.error === true) span.error = true;
  if (Array.isArray(record.links)) span.links = record.links.filter(isSpanContext).slice(0, LINKS_MAX);
  if (typeof record.sessionId === 'string') span.sessionId = record.sessionId;
  return span;
}

/**
 * @param {any} record
 * @param {number} now
 * @param {Redactor} redactor
 * @returns {LogRecord | null}
 */
function checkedLog(record, now, redactor) {
  if (!EVENT_NAMES.has(record.event) || !isRecent(record.time, now)) return null;
  const isSeverity = Number.isInteger(record.severity) && record.severity > 0 && record.severity <= 24;
  /** @type {LogRecord} */
  const log = {
    kind: 'log',
    event: record.event,
    time: record.time,
    severity: isSeverity ? record.severity : SEVERITY_INFO,
    attributes: checkedAttributes(record.attributes, redactor),
  };
  if (typeof record.body === 'string') log.body = redactor.text(record.body);
  if (isTraceId(record.traceId) && isSpanId(record.spanId)) {
    log.traceId = record.traceId;
    log.spanId = record.spanId;
  }
  if (typeof record.sessionId === 'string') log.sessionId = record.sessionId;
  return log;
}

/**
 * @param {unknown} time
 * @param {number} now
 * @returns {boolean}
 */
function isRecent(time, now) {
  return typeof time === 'number' && Math.abs(now - time) < RECORD_AGE_MS_MAX;
}

/**
 * @param {unknown} attributes
 * @param {Redactor} redactor
 * @returns {Attributes}
 */
function checkedAttributes(attributes, redactor) {
  /** @type {Attributes} */
  const checked = {};
  if (typeof attributes !== 'object' || attributes === null) return checked;
  for (const [key, value] of Object.entries(attributes).slice(0, ATTRIBUTES_MAX)) {
    if (!ATTRIBUTE_KEY.test(key)) continue;
    if (typeof value === 'string') checked[key] = redacted(key, value, redactor);
    else if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) checked[key] = value;
  }
  return checked;
}

/**
 * @param {string} key
 * @param {string} value
 * @param {Redactor} redactor
 * @returns {string}
 */
function redacted(key, value, redactor) {
  return cut(URL_KEYS.has(key) ? redactor.url(value) : redactor.text(value));
}
