/** Events, evidence and causes in words. Everything is plain text from telemetry: show it through `visible`. */

import type { Cause, Event, Value } from './answers';
import { categoryOf } from './timeline';
import { cut } from './plain_text';
import { countOf } from './times';

/** As many as `observe` has of a cause's reason. */
export const FAILURE_CHARS_MAX = 200;

const STATUS_KEYS = [
  'http.response.status_code',
  'http.status_code',
  'rpc.response.status_code',
  'rpc.grpc.status_code',
];
const URL_KEYS = ['url.full', 'http.url', 'url.path', 'http.target', 'http.route'];
const CALLED_KEYS = ['peer.service', 'server.address', 'net.peer.name', 'rpc.service', 'db.system.name', 'db.system'];

/** What a row says: an event's name with its path, or what a log says. */
export function titleOf(event: Event): string {
  const name = event.name ?? '';
  if (event.signal === 'log' && event.type === 'log')
    return event.summary || bodyText(event.body) || 'empty log record';
  if (categoryOf(event) === 'action') return `${name.replace(/^browser\.user_action\./, '')} ${targetOf(event)}`.trim();
  if (name === 'documentLoad' || name === 'browser.navigation') return `${pageWord(name)} ${pathOf(event)}`.trim();
  if (event.signal === 'span') return spanTitle(event, name);
  return event.summary || name || bodyText(event.body) || 'unnamed event';
}

/** HTTP or RPC status, as the span has it; undefined where there is none. */
export function statusOf(event: Event): string | undefined {
  if (event.signal !== 'span') return undefined;
  for (const key of STATUS_KEYS) {
    const value = event.attributes[key];
    if (typeof value === 'number' || (typeof value === 'string' && value !== '')) return String(value);
  }
  return undefined;
}

export function evidenceWords(event: Event): string {
  switch (event.evidence) {
    case 'attribute':
      return 'session known from an attribute of its own, such as session.id';
    case 'header':
      return 'session known from the captured request header X-Session-ID';
    case 'tracestate':
      return 'session known from tracestate';
    case 'trace':
      return 'session known because another record of the same trace names it';
    default:
      return event.session_id === undefined ? 'belongs to no session' : 'session known from what was asked';
  }
}

/** How many events failed of those shown; where none did though the session did, and some are not shown, where they are. */
export function errorWords(shown: { errors: number; events: number; total: number; hasErrors: boolean }): string {
  if (shown.errors === 0 && shown.hasErrors && shown.events < shown.total) return 'errors beyond what is shown';
  return countOf(shown.errors, 'error');
}

/** One sentence: where a failure began, and its own words for it. */
export function causeWords(cause: Cause): string {
  const where = cause.operation ? `${cause.service} ${cause.operation}` : cause.service;
  return `${where}: ${cause.reason}`;
}

/** One sentence: what failed, in the words of the event itself. */
export function failureWords(event: Event): string {
  const [type, message] = ['exception.type', 'exception.message'].map((key) => event.attributes[key]);
  const thrown = [type, message].filter((word) => typeof word === 'string' && word !== '').join(': ');
  return `${event.service}: ${cut(thrown || event.status_message || titleOf(event), FAILURE_CHARS_MAX)}`;
}

/** Notes of an answer that tell how the place of a service's events was corrected. */
export function correctionsOf(notes: readonly string[], service: string): string[] {
  return notes.filter((note) => isClockNote(note) && note.split(/[\s()]+/).includes(service));
}

/** Whether a note of an answer says that the clock of a host was wrong. */
export function isClockNote(note: string): boolean {
  return note.startsWith('clock skew:');
}

/** `Firefox 145`, from a user agent; '' if it is none that people know. */
export function browserWords(userAgent: string | undefined): string {
  if (!userAgent) return '';
  const found = /(Edg|OPR|Firefox|Chrome|Version)\/(\d+)/.exec(reordered(userAgent));
  if (!found) return userAgent.slice(0, 40);
  const names: { [token: string]: string } = { Edg: 'Edge', OPR: 'Opera', Version: 'Safari' };
  return `${names[found[1] ?? ''] ?? found[1]} ${found[2]}`;
}

/** Path and query of a URL; other text as it is. */
export function pathWords(url: string): string {
  const found = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(url);
  return found ? found[1] || '/' : url;
}

export function bodyText(body: Value | undefined): string {
  if (body === undefined || body === null) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** An id short enough for a headline; every call accepts it while it is unique. */
export function shortId(id: string): string {
  if (/^session-[0-9a-f]{32}$/.test(id)) return id.slice(0, 16);
  return /^[0-9a-f]{32}$/.test(id) ? id.slice(0, 8) : id.length > 40 ? `${id.slice(0, 40)}…` : id;
}

function spanTitle(event: Event, name: string): string {
  if (event.type !== 'network') return name || 'unnamed span';
  if (name.includes('/')) return name;
  const path = pathOf(event);
  if (path) return `${name} ${path}`.trim();
  const called = CALLED_KEYS.map((key) => event.attributes[key]).find((value) => typeof value === 'string');
  return called ? `${name} ${String(called)}` : name || 'unnamed request';
}

function pageWord(name: string): string {
  return name === 'documentLoad' ? 'page load' : 'navigation';
}

function pathOf(event: Event): string {
  for (const key of URL_KEYS) {
    const value = event.attributes[key];
    if (typeof value === 'string' && value !== '') return pathWords(value);
  }
  return '';
}

function targetOf(event: Event): string {
  const keys = ['browser.css_selector', 'browser.element.selector', 'browser.tag_name'];
  const value = keys.map((key) => event.attributes[key]).find((found) => typeof found === 'string' && found !== '');
  return typeof value === 'string' ? value : '';
}

/** Chrome's token stands in every Chromium's user agent, so those that say who they are come first. */
function reordered(userAgent: string): string {
  const own = /(?:Edg|OPR)\/\d+/.exec(userAgent);
  return own ? own[0] : userAgent;
}
