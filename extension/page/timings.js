/** What the browser measured: the page load, every resource, and the web vitals. */

import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';

const NAVIGATION_TIMES = /** @type {const} */ ([
  'dom_complete',
  'dom_content_loaded_event_end',
  'dom_content_loaded_event_start',
  'dom_interactive',
  'load_event_end',
  'load_event_start',
  'redirect_count',
  'unload_event_end',
  'unload_event_start',
]);
const FETCH_TIMES = /** @type {const} */ ([
  'duration',
  'fetch_start',
  'domain_lookup_start',
  'domain_lookup_end',
  'connect_start',
  'connect_end',
  'secure_connection_start',
  'request_start',
  'response_start',
  'response_end',
  'transfer_size',
  'encoded_body_size',
  'decoded_body_size',
]);
const RESOURCE_FIELDS = /** @type {const} */ ([
  'initiator_type',
  'redirect_start',
  'redirect_end',
  'worker_start',
  'next_hop_protocol',
  'render_blocking_status',
]);

/** @typedef {import('../shared/records.js').Attributes} Attributes */

/**
 * @param {string} prefix
 * @param {readonly string[]} names of attributes, which are those of the entry in snake case
 * @returns {(entry: any) => Attributes}
 */
function reader(prefix, names) {
  const pairs = names.map((name) => ({
    attribute: `${prefix}.${name}`,
    member: name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()),
  }));
  return (entry) => {
    /** @type {Attributes} */
    const attributes = {};
    for (const { attribute, member } of pairs) {
      const value = entry[member];
      if (typeof value === 'number' || (typeof value === 'string' && value !== '')) attributes[attribute] = value;
    }
    return attributes;
  };
}

const navigationTimes = reader('browser.navigation_timing', NAVIGATION_TIMES);
const fetchTimes = reader('browser.resource_timing', FETCH_TIMES);
const resourceFields = reader('browser.resource_timing', RESOURCE_FIELDS);

/**
 * @param {any} entry a PerformanceNavigationTiming
 * @param {import('../shared/redact.js').Redactor} redactor
 * @returns {Attributes}
 */
export function navigationTiming(entry, redactor) {
  return {
    'url.full': redactor.url(entry.name),
    'browser.navigation_timing.type': entry.type,
    ...navigationTimes(entry),
    ...fetchTimes(entry),
  };
}

/**
 * @param {any} entry a PerformanceResourceTiming
 * @param {import('../shared/redact.js').Redactor} redactor
 * @returns {Attributes}
 */
export function resourceTiming(entry, redactor) {
  const status = entry.responseStatus ? { 'http.response.status_code': entry.responseStatus } : {};
  return {
    'url.full': redactor.url(entry.name),
    ...fetchTimes(entry),
    ...resourceFields(entry),
    ...status,
  };
}

/** @param {(attributes: Attributes) => void} emit */
export function watchWebVitals(emit) {
  const report = (/** @type {any} */ metric) =>
    emit({
      'browser.web_vital.name': metric.name.toLowerCase(),
      'browser.web_vital.value': metric.value,
      'browser.web_vital.delta': metric.delta,
      'browser.web_vital.rating': metric.rating,
      'browser.web_vital.id': metric.id,
      'browser.web_vital.navigation_type': metric.navigationType,
    });
  for (const watch of [onCLS, onFCP, onINP, onLCP, onTTFB]) watch(report);
}
