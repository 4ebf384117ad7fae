/** Records as OTLP/JSON. Pure. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */

import { unixNano } from '../shared/clock.js';

const KIND_CLIENT = 3;
const STATUS_ERROR = 2;
const FLAGS_SAMPLED = 1;
const SCOPE = { name: 'gasoline.extension' };
const SEVERITY_TEXTS = ['', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/**
 * @typedef {import('../shared/records.js').SpanRecord} SpanRecord
 * @typedef {import('../shared/records.js').LogRecord} LogRecord
 * @typedef {import('../shared/records.js').Attributes} Attributes
 *
 * @typedef {{ traces: object[], logs: object[] }} Encoded spans and log records of OTLP, as objects
 * @typedef {{ traces: string[], logs: string[] }} Written the same as JSON, each by itself
 */

/**
 * @param {SpanRecord} record
 * @param {string} sessionId
 * @returns {object} a Span
 */
export function otlpSpan(record, sessionId) {
  return {
    traceId: record.traceId,
    spanId: record.spanId,
    ...(record.parentSpanId ? { parentSpanId: record.parentSpanId } : {}),
    traceState: `gasoline=${sessionId}`,
    name: record.name,
    kind: KIND_CLIENT,
    startTimeUnixNano: unixNano(record.start),
    endTimeUnixNano: unixNano(record.end),
    attributes: otlpAttributes({ ...record.attributes, 'session.id': sessionId }),
    ...(record.links?.length ? { links: record.links.map((link) => ({ ...link, flags: FLAGS_SAMPLED })) } : {}),
    status: record.error ? { code: STATUS_ERROR } : {},
    flags: FLAGS_SAMPLED,
  };
}

/**
 * @param {LogRecord} record
 * @param {string} sessionId
 * @returns {object} a LogRecord
 */
export function otlpLog(record, sessionId) {
  return {
    timeUnixNano: unixNano(record.time),
    observedTimeUnixNano: unixNano(record.time),
    severityNumber: record.severity,
    severityText: SEVERITY_TEXTS[Math.floor((record.severity + 3) / 4)] ?? '',
    eventName: record.event,
    ...(record.body === undefined ? {} : { body: { stringValue: record.body } }),
    attributes: otlpAttributes({ ...record.attributes, 'session.id': sessionId }),
    ...(record.traceId ? { traceId: record.traceId, spanId: record.spanId, flags: FLAGS_SAMPLED } : {}),
  };
}

/**
 * @param {import('../session-manager.js').LifecycleEvent} event
 * @returns {object} a LogRecord
 */
export function otlpLifecycle(event) {
  return {
    timeUnixNano: unixNano(event.time),
    observedTimeUnixNano: unixNano(event.time),
    severityNumber: 9,
    severityText: 'INFO',
    eventName: event.event,
    attributes: otlpAttributes({
      'session.id': event.sessionId,
      ...(event.previousId ? { 'session.previous_id': event.previousId } : {}),
      ...(event.reason ? { 'gasoline.session.end_reason': event.reason } : {}),
    }),
  };
}

/**
 * @param {string[]} spans as JSON
 * @param {Attributes} resource
 * @returns {string} the body of an ExportTraceServiceRequest
 */
export function tracesBody(spans, resource) {
  const [from, scope] = [resourceText(resource), JSON.stringify(SCOPE)];
  return `{"resourceSpans":[{"resource":${from},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}`;
}

/**
 * @param {string[]} logs as JSON
 * @param {Attributes} resource
 * @returns {string} the body of an ExportLogsServiceRequest
 */
export function logsBody(logs, resource) {
  const [from, scope] = [resourceText(resource), JSON.stringify(SCOPE)];
  return `{"resourceLogs":[{"resource":${from},"scopeLogs":[{"scope":${scope},"logRecords":[${logs.join(',')}]}]}]}`;
}

/**
 * @param {Attributes} resource
 * @returns {string} a Resource as JSON
 */
function resourceText(resource) {
  return JSON.stringify({ attributes: otlpAttributes(resource) });
}

/**
 * @param {Attributes} attributes
 * @returns {object[]} KeyValues
 */
function otlpAttributes(attributes) {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

/**
 * @param {string | number | boolean} value
 * @returns {object} an AnyValue
 */
function otlpValue(value) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
