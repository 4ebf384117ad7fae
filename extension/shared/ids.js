/** Ids: made by the browser's cryptographic random source, checked by their form. */

const SESSION_ID = /^session-[0-9a-f]{32}$/;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;
const TRACE_BYTES = 16;
const CONTEXT_BYTES = TRACE_BYTES + 8;

/** @typedef {{ traceId: string, spanId: string }} SpanContext ids in lower-case hex, 32 and 16 digits */

/** Two digits for each byte. */
const DIGITS = Object.freeze(Array.from({ length: 256 }, (_, byte) => (byte + 256).toString(16).slice(1)));

/**
 * @param {number} byteCount
 * @returns {string} random lower-case hex, two digits a byte
 */
export function randomHex(byteCount) {
  const bytes = crypto.getRandomValues(new Uint8Array(byteCount));
  let hex = '';
  for (let index = 0; index < byteCount; index += 1) hex += DIGITS[/** @type {number} */ (bytes[index])];
  return hex;
}

/** @returns {string} a new session id: `session-` and 32 hex digits */
export function newSessionId() {
  return `session-${randomHex(16)}`;
}

/** @returns {SpanContext} the first span of a new trace */
export function newSpanContext() {
  return new SpanContexts(1).next();
}

/** Contexts of new traces, whose ids are drawn many at a time: each draw costs more than all else about an id. */
export class SpanContexts {
  /** @param {number} [drawnAtOnce] */
  constructor(drawnAtOnce = 64) {
    this.drawnAtOnce = drawnAtOnce;
    this.digits = '';
    this.used = 0;
  }

  /** @returns {SpanContext} the first span of a new trace */
  next() {
    for (;;) {
      if (this.used === this.digits.length) {
        this.digits = randomHex(CONTEXT_BYTES * this.drawnAtOnce);
        this.used = 0;
      }
      const from = this.used;
      const spanFrom = from + 2 * TRACE_BYTES;
      this.used += 2 * CONTEXT_BYTES;
      const context = { traceId: this.digits.slice(from, spanFrom), spanId: this.digits.slice(spanFrom, this.used) };
      if (isSpanContext(context)) return context;
    }
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
