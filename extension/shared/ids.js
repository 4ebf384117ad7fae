/** Ids: made by the browser's cryptographic random source, checked by their form. */

const SESSION_ID = /^session-[0-9a-f]{32}$/;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;

/** @typedef {{ traceId: string, spanId: string }} SpanContext ids in lower-case hex, 32 and 16 digits */

/**
 * @param {number} byteCount
 * @returns {string} random lower-case hex, two digits a byte
 */
export function randomHex(byteCount) {
  const bytes = crypto.getRandomValues(new Uint8Array(byteCount));
  let hex = '';
  for (const byte of bytes) hex += (byte + 256).toString(16).slice(1);
  return hex;
}

/** @returns {string} a new session id: `session-` and 32 hex digits */
export function newSessionId() {
  return `session-${randomHex(16)}`;
}

/** @returns {SpanContext} the first span of a new trace */
export function newSpanContext() {
  for (;;) {
    const hex = randomHex(24);
    const context = { traceId: hex.slice(0, 32), spanId: hex.slice(32) };
    if (isSpanContext(context)) return context;
  }
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
export function isSessionId(value) {
  return typeof value === 'string' && SESSION_ID.test(value);
}

/**
 * @param {unknown} value
 * @returns {value is string} whether it is a trace id that W3C allows: not all zeros
 */
export function isTraceId(value) {
  return typeof value === 'string' && TRACE_ID.test(value);
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
export function isSpanId(value) {
  return typeof value === 'string' && SPAN_ID.test(value);
}

/**
 * @param {any} value
 * @returns {value is SpanContext}
 */
export function isSpanContext(value) {
  return isTraceId(value?.traceId) && isSpanId(value?.spanId);
}
