/** Which events of a timeline have a row now: what matches the filters, is not folded away, or failed. */

import type { Event, Value } from './answers';
import { isFolded, isHead, type Folding } from './folding';
import { categoryOf, type Category, type Timeline } from './timeline';

/** An empty set means no filter of that kind. */
export interface Filters {
  readonly categories: ReadonlySet<Category>;
  readonly services: ReadonlySet<string>;
  readonly errorsOnly: boolean;
  readonly text: string;
}

export interface Rows {
  /** Indices of events, in order. */
  readonly indices: readonly number[];
  /** How many events match the filters, folded away or not. */
  readonly matching: number;
  /** How many rows do not match and are there because they failed. */
  readonly keptErrors: number;
}

export const NO_FILTERS: Filters = { categories: new Set(), services: new Set(), errorsOnly: false, text: '' };
export const DEPTH_SEARCHED_MAX = 8;

export function isFiltering(filters: Filters): boolean {
  return filters.categories.size > 0 || filters.services.size > 0 || filters.errorsOnly || filters.text.trim() !== '';
}

/** What fails always has a row, whatever is filtered or folded. */
export function rowsOf(timeline: Timeline, filters: Filters, folding: Folding): Rows {
  const hidden = new Uint8Array(timeline.events.length);
  const indices: number[] = [];
  const matches = matcher(filters);
  let matching = 0;
  let keptErrors = 0;
  timeline.events.forEach((event, index) => {
    const folder = timeline.folders[index] ?? -1;
    if (folder >= 0 && (hidden[folder] === 1 || isFolded(folding, timeline, folder))) hidden[index] = 1;
    const isMatch = matches(event);
    if (isMatch) matching += 1;
    if (isMatch && hidden[index] === 0) indices.push(index);
    else if (event.error) {
      indices.push(index);
      if (!isMatch) keptErrors += 1;
    }
  });
  return { indices, matching, keptErrors };
}

/** Indices of the first events of all requests. */
export function requestHeads(timeline: Timeline): number[] {
  return [...timeline.events.keys()].filter((index) => isHead(timeline, index));
}

/** The first row at or after `from` (before it, backwards) whose event failed, around the end; -1 if none did. */
export function nextError(timeline: Timeline, indices: readonly number[], from: number, step: 1 | -1): number {
  for (let tried = 1; tried <= indices.length; tried += 1) {
    const row = (((from + step * tried) % indices.length) + indices.length) % indices.length;
    if (timeline.events[indices[row] ?? -1]?.error) return row;
  }
  return -1;
}

function matcher(filters: Filters): (event: Event) => boolean {
  const text = filters.text.trim().toLowerCase();
  const { categories, services, errorsOnly } = filters;
  return (event) =>
    (!errorsOnly || event.error) &&
    (services.size === 0 || services.has(event.service)) &&
    (categories.size === 0 || categories.has(categoryOf(event))) &&
    (text === '' || holdsText(event, text));
}

/** As `query` of `observe`: name, body, status message, text among the attributes; and ids that begin so. */
function holdsText(event: Event, text: string): boolean {
  return (
    holds(event.name, text) ||
    holds(event.status_message, text) ||
    holds(event.service, text) ||
    (event.request_id ?? '').startsWith(text) ||
    (event.span_id ?? '').startsWith(text) ||
    holdsIn(event.body, text, 0) ||
    holdsIn(event.attributes, text, 0)
  );
}

function holds(value: string | undefined, text: string): boolean {
  return value !== undefined && value.toLowerCase().includes(text);
}

function holdsIn(value: Value | undefined, text: string, depth: number): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(text);
  if (value === null || typeof value !== 'object' || depth > DEPTH_SEARCHED_MAX) return false;
  return Object.values(value).some((item) => holdsIn(item, text, depth + 1));
}
