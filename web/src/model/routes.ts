/** What a URL of the page shows. Ids may be any text, so they are percent-encoded. */

import { CATEGORIES, type Category } from './timeline';
import type { Filters } from './rows';

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

export const sessionPath = (id: string, eventId = '') => `/sessions/${encodeURIComponent(id)}${eventQuery(eventId)}`;
export const requestPath = (id: string, eventId = '') => `/requests/${encodeURIComponent(id)}${eventQuery(eventId)}`;
export const comparePath = (left: string, right: string) =>
  `/compare/${encodeURIComponent(left)}/${encodeURIComponent(right)}`;

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

/** Filters of a timeline, and the event that is selected, from the query string. */
export function timelineStateOf(search: string): { filters: Filters; selected: string } {
  const given = new URLSearchParams(search);
  const isCategory = (name: string): name is Category => (CATEGORIES as readonly string[]).includes(name);
  return {
    filters: {
      categories: new Set(given.getAll('type').filter(isCategory)),
      services: new Set(given.getAll('service')),
      errorsOnly: given.get('status') === 'error',
      text: given.get('query') ?? '',
    },
    selected: given.get('event') ?? '',
  };
}

export function timelineSearch(filters: Filters, selected: string): string {
  const entries: [string, string][] = [...filters.categories].map((category) => ['type', category]);
  for (const service of filters.services) entries.push(['service', service]);
  if (filters.errorsOnly) entries.push(['status', 'error']);
  if (filters.text.trim() !== '') entries.push(['query', filters.text.trim()]);
  if (selected !== '') entries.push(['event', selected]);
  return searchOf(entries);
}

function searchOf(entries: [string, string][]): string {
  return entries.length > 0 ? `?${new URLSearchParams(entries)}` : '';
}

function eventQuery(eventId: string): string {
  return eventId ? `?event=${encodeURIComponent(eventId)}` : '';
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
