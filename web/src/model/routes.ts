/** What a URL of the page shows. Ids may be any text, so they are percent-encoded. */

import { NO_FOLDING, type Folding } from './folding';
import type { Filters } from './rows';
import type { TimeSpan } from './scale';
import { CATEGORIES, type Category } from './timeline';

/** So many exceptions to what is collapsed stand in the URL. */
export const FOLDS_IN_URL_MAX = 40;
const REQUESTS = 'requests';

export type Route =
  | { view: 'sessions' }
  | { view: 'requests' }
  | { view: 'session'; id: string }
  | { view: 'request'; id: string }
  | { view: 'compare'; left: string; right: string }
  | { view: 'unknown' };

export function routeOf(pathname: string): Route {
  const parts = pathname.split('/').filter((part) => part !== '');
  const [first, second, third] = parts.map(decoded);
  if (parts.length === 0 || (first === 'sessions' && second === undefined)) return { view: 'sessions' };
  if (first === 'requests' && second === undefined) return { view: 'requests' };
  if (first === 'sessions' && second !== undefined && third === undefined) return { view: 'session', id: second };
  if (first === 'requests' && second !== undefined && third === undefined) return { view: 'request', id: second };
  if (first === 'compare' && second !== undefined && third !== undefined && parts.length === 3) {
    return { view: 'compare', left: second, right: third };
  }
  return { view: 'unknown' };
}

export const sessionPath = (id: string, eventId = '') => `/sessions/${encoded(id)}${eventQuery(eventId)}`;
export const requestPath = (id: string, eventId = '') => `/requests/${encoded(id)}${eventQuery(eventId)}`;
export const comparePath = (left: string, right: string) => `/compare/${encoded(left)}/${encoded(right)}`;

/** What a list is filtered by; '' = not. The names are those of `observe`. */
export interface ListFilters {
  service: string;
  status: string;
  url: string;
  query: string;
  since: string;
  until: string;
  without_session: string;
}

export const NO_LIST_FILTERS: ListFilters = {
  service: '',
  status: '',
  url: '',
  query: '',
  since: '',
  until: '',
  without_session: '',
};

export function listFiltersOf(search: string): ListFilters {
  const given = new URLSearchParams(search);
  const names = Object.keys(NO_LIST_FILTERS) as (keyof ListFilters)[];
  return Object.fromEntries(names.map((name) => [name, given.get(name) ?? ''])) as unknown as ListFilters;
}

export function listSearch(filters: ListFilters): string {
  return searchOf(Object.entries(filters).filter(([, value]) => value !== ''));
}

/** What of a timeline is shown. */
export interface TimelineState {
  filters: Filters;
  folding: Folding;
  /** undefined: the whole time. */
  zoom: TimeSpan | undefined;
  /** Id of the event that is marked; '' = none. */
  selected: string;
  /** Whether all of that event is shown. */
  isOpen: boolean;
}

/** What the query string says of a timeline. */
export function timelineStateOf(search: string): TimelineState {
  const given = new URLSearchParams(search);
  const isCategory = (name: string): name is Category => (CATEGORIES as readonly string[]).includes(name);
  return {
    filters: {
      categories: new Set(given.getAll('type').filter(isCategory)),
      services: new Set(given.getAll('service')),
      errorsOnly: given.get('status') === 'error',
      text: given.get('query') ?? '',
    },
    folding: foldingOf(given),
    zoom: zoomOf(given.get('from') ?? '', given.get('to') ?? ''),
    selected: given.get('event') ?? given.get('at') ?? '',
    isOpen: given.has('event'),
  };
}

function foldingOf(given: URLSearchParams): Folding {
  const folds = given.getAll('fold');
  const requests = folds.includes(REQUESTS);
  const turned = (requests ? given.getAll('except') : folds).slice(0, FOLDS_IN_URL_MAX);
  return requests || turned.length > 0 ? { requests, turned: new Set(turned) } : NO_FOLDING;
}

function zoomOf(from: string, to: string): TimeSpan | undefined {
  const isTime = (text: string) => /^\d{1,20}$/.test(text);
  return isTime(from) && isTime(to) && BigInt(from) < BigInt(to) ? { from, to } : undefined;
}

export function timelineSearch({ filters, folding, zoom, selected, isOpen }: TimelineState): string {
  const entries: [string, string][] = [...filters.categories].map((category) => ['type', category]);
  for (const service of filters.services) entries.push(['service', service]);
  if (filters.errorsOnly) entries.push(['status', 'error']);
  if (filters.text.trim() !== '') entries.push(['query', filters.text.trim()]);
  if (folding.requests) entries.push(['fold', REQUESTS]);
  for (const id of [...folding.turned].slice(0, FOLDS_IN_URL_MAX)) {
    entries.push([folding.requests ? 'except' : 'fold', id]);
  }
  if (zoom) entries.push(['from', zoom.from], ['to', zoom.to]);
  if (selected !== '') entries.push([isOpen ? 'event' : 'at', selected]);
  return searchOf(entries);
}

function searchOf(entries: [string, string][]): string {
  return entries.length > 0 ? `?${new URLSearchParams(entries)}` : '';
}

function eventQuery(eventId: string): string {
  return eventId ? `?event=${encodeURIComponent(eventId)}` : '';
}

/** Browsers take `.` and `..` in a path for steps, however they are encoded; behind a `~` they are names. */
function encoded(id: string): string {
  return /^~*\.\.?$/.test(id) ? `~${id}` : encodeURIComponent(id);
}

function decoded(part: string): string {
  if (/^~+\.\.?$/.test(part)) return part.slice(1);
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
