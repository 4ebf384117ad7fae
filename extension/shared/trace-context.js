/** W3C Trace Context: the headers `traceparent` and `tracestate`. https://www.w3.org/TR/trace-context/ */

import { isSpanId, isTraceId } from './ids.js';

/** Members and characters of one tracestate header. https://www.w3.org/TR/trace-context/#tracestate-limits */
export const TRACESTATE_MEMBERS_MAX = 32;
export const TRACESTATE_CHARS_MAX = 512;

const KEY = 'gasoline';
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** @typedef {import('./ids.js').SpanContext} SpanContext */

/**
 * @param {SpanContext} context
 * @returns {string} the header's value, sampled
 */
export function formatTraceparent(context) {
  return `00-${context.traceId}-${context.spanId}-01`;
}

/**
 * @param {string | null | undefined} header
 * @returns {SpanContext | null} null for what W3C calls invalid; versions after 00 may say more after the flags
 */
export function parseTraceparent(header) {
  const [, version, traceId, spanId, , rest] = TRACEPARENT.exec(header?.trim() ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest)) return null;
  return isTraceId(traceId) && isSpanId(spanId) ? { traceId, spanId } : null;
}

/**
 * Put the session in front of the caller's list, as a sender that changes the list must. Members beyond the limits
 * of W3C go: first those longer than 128 characters, then from the end.
 * @param {string} sessionId
 * @param {string | null} [callersList]
 * @returns {string}
 */
export function prependTracestate(sessionId, callersList = '') {
  const own = `${KEY}=${sessionId}`;
  const members = (callersList ?? '')
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member && !member.startsWith(`${KEY}=`))
    .slice(0, TRACESTATE_MEMBERS_MAX - 1);
  if ([own, ...members].join(',').length > TRACESTATE_CHARS_MAX) {
    const short = members.filter((member) => member.length <= 128);
    while (short.length > 0 && [own, ...short].join(',').length > TRACESTATE_CHARS_MAX) short.pop();
    return [own, ...short].join(',');
  }
  return [own, ...members].join(',');
}

/**
 * The span that answered, from a response's `Server-Timing: traceparent;desc="00-…"`.
 * @param {string | null} header
 * @returns {SpanContext | null}
 */
export function spanOfServerTiming(header) {
  const found = /(?:^|,)\s*traceparent\s*;\s*desc\s*=\s*"?([^",;]+)/i.exec(header ?? '');
  return parseTraceparent(found?.[1]);
}
