/**
 * One export request at a time to the collector's OTLP/HTTP port, and what its answers mean.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */

import { logsBody, tracesBody } from './otlp.js';

/** Bodies beyond this are compressed. */
export const GZIP_BYTES_MIN = 2048;
/** How long one request may take. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** Between attempts: doubled from the first to the last, unless the collector says. */
export const RETRY_DELAY_MS_MIN = 1000;
export const RETRY_DELAY_MS_MAX = 30_000;
/** How long a Retry-After is believed. */
export const RETRY_AFTER_MS_MAX = 300_000;

const RETRYABLE = new Set([429, 502, 503, 504]);
/** What a person can put right in the options while the records wait: token, origin, address. */
const MISCONFIGURED = new Set([401, 403, 404]);

/**
 * @typedef {object} Outcome of one request
 * @property {'taken' | 'retry' | 'refused'} kind
 * @property {number} rejected records that were refused one by one
 * @property {string} message for a person; empty if all was taken
 * @property {number | null} retryAfterMs
 */

export class Exporter {
  /**
   * @param {typeof fetch} send
   * @param {() => number} now
   */
  constructor(send, now) {
    this.send = send;
    this.now = now;
    this.failures = 0;
  }

  /**
   * Send the queue's next batch, if there is one.
   * @param {import('./export-queue.js').ExportQueue} queue
   * @param {{ endpoint: string, token: string }} settings
   * @param {import('../shared/records.js').Attributes} resource
   * @returns {Promise<Outcome | null>} null: nothing was waiting
   */
  async exportBatch(queue, settings, resource) {
    const batch = await queue.batch();
    if (!batch) return null;
    const lost = { rejected: 0, dropped: 0 };
    /** @type {Outcome} */
    let last = { kind: 'taken', rejected: 0, message: '', retryAfterMs: null };
    const requests = [];
    if (batch.traces.length > 0 && !queue.state.tracesDone) {
      requests.push({ path: '/v1/traces', body: tracesBody(batch.traces, resource), count: batch.traces.length });
    }
    if (batch.logs.length > 0) {
      requests.push({ path: '/v1/logs', body: logsBody(batch.logs, resource), count: batch.logs.length });
    }
    for (const { path, body, count } of requests) {
      const outcome = await this.request(settings, path, body);
      if (outcome.kind === 'retry') {
        this.failures += 1;
        return outcome;
      }
      if (outcome.kind === 'refused') lost.dropped += count;
      lost.rejected += outcome.rejected;
      if (outcome.message) last = outcome;
      if (path === '/v1/traces') await queue.settleTraces();
    }
    this.failures = 0;
    await queue.settle(lost);
    return last;
  }

  /**
   * @param {{ endpoint: string, token: string }} settings
   * @param {string} path
   * @param {string} body
   * @returns {Promise<Outcome>}
   */
  async request(settings, path, body) {
    /** @type {Record<string, string>} */
    const headers = { 'content-type': 'application/json' };
    if (settings.token) headers['authorization'] = `Bearer ${settings.token}`;
    /** @type {BodyInit} */
    let sent = body;
    if (body.length > GZIP_BYTES_MIN) {
      headers['content-encoding'] = 'gzip';
      sent = await gzipped(body);
    }
    let response;
    let answer;
    try {
      response = await this.send(`${settings.endpoint}${path}`, {
        method: 'POST',
        headers,
        body: sent,
        credentials: 'omit',
        redirect: 'error',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      answer = await response.text();
    } catch {
      const message = `nothing answers at ${settings.endpoint}; start the collector with: gasoline serve`;
      return { kind: 'retry', rejected: 0, message, retryAfterMs: null };
    }
    if (response.ok) return takenOutcome(answer);
    const message = refusal(settings.endpoint, response.status, answer);
    const isMisconfigured = MISCONFIGURED.has(response.status);
    const retryAfterMs = isMisconfigured
      ? RETRY_DELAY_MS_MAX
      : retryAfterOf(response.headers.get('retry-after'), this.now());
    const kind = isMisconfigured || RETRYABLE.has(response.status) ? 'retry' : 'refused';
    return { kind, rejected: 0, message, retryAfterMs };
  }

  /**
   * @param {Outcome} outcome that asks for another attempt
   * @returns {number} milliseconds until then
   */
  retryDelay(outcome) {
    if (outcome.retryAfterMs !== null) return outcome.retryAfterMs;
    return Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2 ** Math.max(0, this.failures - 1));
  }
}

/**
 * @param {string | null} header seconds or a date
 * @param {number} now
 * @returns {number | null}
 */
export function retryAfterOf(header, now) {
  if (!header) return null;
  const seconds = Number(header);
  const delay = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(delay) ? Math.min(RETRY_AFTER_MS_MAX, Math.max(0, delay)) : null;
}

/**
 * @param {string} answer
 * @returns {Outcome}
 */
function takenOutcome(answer) {
  let partial;
  try {
    partial = JSON.parse(answer || '{}').partialSuccess;
  } catch {
    partial = undefined;
  }
  const rejected = Number(partial?.rejectedSpans ?? partial?.rejectedLogRecords ?? 0) || 0;
  const message = partial?.errorMessage || (rejected ? `the collector refused ${rejected} records` : '');
  return { kind: 'taken', rejected, message: String(message), retryAfterMs: null };
}

/**
 * @param {string} endpoint
 * @param {number} status
 * @param {string} answer
 * @returns {string}
 */
function refusal(endpoint, status, answer) {
  if (status === 401) return `${endpoint} wants a bearer token: set it in the options`;
  if (status === 404) return `no OTLP endpoint answers at ${endpoint}: set the collector's HTTP port in the options`;
  const message = messageOf(answer);
  return `${endpoint} answered ${status}${message ? `: ${message.slice(0, 300)}` : ''}`;
}

/**
 * @param {string} answer a google.rpc.Status as JSON, if the collector follows the specification
 * @returns {string}
 */
function messageOf(answer) {
  try {
    return String(JSON.parse(answer).message ?? '');
  } catch {
    return '';
  }
}

/**
 * @param {string} text
 * @returns {Promise<ArrayBuffer>}
 */
async function gzipped(text) {
  // No Blob: the browser's main process keeps them, and the worker waits for it.
  const { body } = /** @type {any} */ (new Response(text));
  return new Response(body.pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
}
