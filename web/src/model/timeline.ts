/** The events of an answer, in its order, with what a picture needs of each: times, depth, parent, request. */

import type { Event } from './answers';
import { sinceMs } from './times';

/** What a person filters by; finer than the types of the contract. */
export type Category = 'page' | 'action' | 'request' | 'span' | 'log' | 'event';

export const CATEGORIES: readonly Category[] = ['page', 'action', 'request', 'span', 'log', 'event'];

/**
 * One row an event, by index. `parents` are indices, -1 at the top; a parent always stands before its children, which
 * also breaks cycles. `heads` name the first event of each event's request, or itself. Times are milliseconds after
 * `base`. `within` and `errorsWithin` count what folding a row hides. Of the events from `whole` on, only those that
 * failed are there.
 */
export interface Timeline {
  readonly events: readonly Event[];
  readonly whole: number;
  readonly base: string;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly parents: Int32Array;
  readonly folders: Int32Array;
  readonly depths: Uint32Array;
  readonly heads: Int32Array;
  readonly within: Uint32Array;
  readonly errorsWithin: Uint32Array;
  readonly services: readonly string[];
  readonly extent: readonly [number, number];
  readonly errors: number;
}

const ACTION = 'browser.user_action';
const PAGE_NAMES = new Set(['documentLoad', 'documentFetch', 'resourceFetch', 'session.start', 'session.end']);

export function categoryOf(event: Event): Category {
  const name = event.name ?? '';
  if (name.startsWith(ACTION)) return 'action';
  if (PAGE_NAMES.has(name) || name.startsWith('browser.navigation') || name === 'browser.page_view') return 'page';
  if (event.type === 'network') return 'request';
  return event.type;
}

export function timelineOf(events: readonly Event[], whole = events.length): Timeline {
  const count = events.length;
  const base = events.reduce((least, { time_unix_nano: time }) => (isBefore(time, least) ? time : least), '');
  const starts = new Float64Array(count);
  const ends = new Float64Array(count);
  const parents = new Int32Array(count).fill(-1);
  const folders = new Int32Array(count).fill(-1);
  const depths = new Uint32Array(count);
  const heads = new Int32Array(count);
  const spans = new Map<string, number>();
  const requests = new Map<string, number>();
  let errors = 0;
  events.forEach((event, index) => {
    const start = sinceMs(event.time_unix_nano, base);
    starts[index] = start;
    ends[index] = start + Math.max(0, event.duration_ms ?? 0);
    const parent = spans.get(spanKey(event, parentSpanId(event))) ?? -1;
    parents[index] = parent;
    depths[index] = parent < 0 ? 0 : (depths[parent] ?? 0) + 1;
    heads[index] = index;
    if (event.request_id !== undefined) {
      const head = requests.get(event.request_id);
      if (head === undefined) requests.set(event.request_id, index);
      heads[index] = head ?? index;
    }
    const head = heads[index] ?? index;
    folders[index] = parent >= 0 ? parent : head === index ? -1 : head;
    if (event.signal === 'span' && event.span_id !== undefined) spans.set(spanKey(event, event.span_id), index);
    if (event.error) errors += 1;
  });
  const [within, errorsWithin] = countWithin(events, folders);
  return {
    events,
    whole,
    base,
    starts,
    ends,
    parents,
    folders,
    depths,
    heads,
    within,
    errorsWithin,
    services: servicesOf(events),
    extent: extentOf(starts, ends),
    errors,
  };
}

/** Whether the event names a parent that never arrived; where not everything is there, that cannot be known. */
export function isOrphan(timeline: Timeline, index: number): boolean {
  const event = timeline.events[index];
  if (event === undefined || index >= timeline.whole) return false;
  return parentSpanId(event) !== undefined && (timeline.parents[index] ?? -1) < 0;
}

/** Index of an event by its id, or by a span id; -1 if it is not there. */
export function indexOf(timeline: Timeline, id: string): number {
  const exact = timeline.events.findIndex((event) => event.id === id);
  if (exact >= 0) return exact;
  return timeline.events.findIndex((event) => event.signal === 'span' && event.span_id === id);
}

function parentSpanId(event: Event): string | undefined {
  return event.signal === 'span' ? event.parent_span_id : event.span_id;
}

function spanKey(event: Event, spanId: string | undefined): string {
  return `${event.request_id ?? ''}:${spanId ?? ''}`;
}

function isBefore(time: string, other: string): boolean {
  if (other === '') return true;
  return time.length === other.length ? time < other : time.length < other.length;
}

function countWithin(events: readonly Event[], folders: Int32Array): [Uint32Array, Uint32Array] {
  const within = new Uint32Array(events.length);
  const errorsWithin = new Uint32Array(events.length);
  for (let index = events.length - 1; index >= 0; index -= 1) {
    const folder = folders[index] ?? -1;
    if (folder < 0) continue;
    within[folder] = (within[folder] ?? 0) + (within[index] ?? 0) + 1;
    errorsWithin[folder] = (errorsWithin[folder] ?? 0) + (errorsWithin[index] ?? 0) + (events[index]?.error ? 1 : 0);
  }
  return [within, errorsWithin];
}

/** Services in the order in which they appear, browsers first. */
function servicesOf(events: readonly Event[]): string[] {
  const browsers = new Map<string, boolean>();
  for (const event of events) {
    const category = categoryOf(event);
    const isBrowser = category === 'page' || category === 'action' || (event.name ?? '').startsWith('browser.');
    browsers.set(event.service, (browsers.get(event.service) ?? event.service === 'browser') || isBrowser);
  }
  const names = [...browsers.keys()];
  return [...names.filter((name) => browsers.get(name)), ...names.filter((name) => !browsers.get(name))];
}

function extentOf(starts: Float64Array, ends: Float64Array): [number, number] {
  let last = 0;
  for (const end of ends) if (end > last) last = end;
  return [0, starts.length === 0 ? 0 : Math.max(last, 0.001)];
}
