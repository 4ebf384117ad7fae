/** The trace in which a server answered, where that is not the one that it was asked in. */

import { parseTraceparent } from '../shared/trace-context.js';

/**
 * @param {any} entry a PerformanceNavigationTiming or PerformanceResourceTiming
 * @returns {import('../shared/ids.js').SpanContext | null} the span that `Server-Timing: traceparent;desc="00-…"`
 *   names; null if there is none
 */
export function answeredSpan(entry) {
  // What comes out of the browser's cache, whole or after a 304, repeats what was said of an earlier request.
  if (!(entry.transferSize > entry.encodedBodySize)) return null;
  for (const { name, description } of entry.serverTiming ?? []) {
    const answered = name.toLowerCase() === 'traceparent' ? parseTraceparent(description) : null;
    if (answered) return answered;
  }
  return null;
}

/**
 * @param {any} entry
 * @param {import('../shared/ids.js').SpanContext | null} asked what the request carried
 * @returns {import('../shared/ids.js').SpanContext | null} the span that answered, if it is of another trace
 */
export function restartedTrace(entry, asked) {
  const answered = answeredSpan(entry);
  return answered?.traceId === asked?.traceId ? null : answered;
}
