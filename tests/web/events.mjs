/** Events for tests, short to write: milliseconds instead of nanoseconds, and what is not said has a default. */

export const TRACE = 'aa'.repeat(16);
const BASE_SECONDS = 1_795_870_127;

/** Unix nanoseconds, as decimal text, of a time in milliseconds. */
export function nanos(ms) {
  return `${BASE_SECONDS + Math.floor(ms / 1000)}${String(Math.round((ms % 1000) * 1e6)).padStart(9, '0')}`;
}

export function span(id, parent, from, to, more = {}) {
  return {
    id: `${more.request_id ?? TRACE}:${id}`,
    type: 'span',
    signal: 'span',
    time_unix_nano: nanos(from),
    service: 'shop',
    name: id,
    request_id: TRACE,
    span_id: id,
    ...(parent ? { parent_span_id: parent } : {}),
    kind: 'internal',
    duration_ms: to - from,
    error: false,
    attributes: {},
    ...more,
  };
}

export function log(body, at, more = {}) {
  return {
    id: `log:${body}`,
    type: 'log',
    signal: 'log',
    time_unix_nano: nanos(at),
    service: 'shop',
    body,
    summary: body,
    severity: 'INFO',
    error: false,
    attributes: {},
    ...more,
  };
}
