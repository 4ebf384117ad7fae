/** All pages of one session or request, shown as they come. */

import type { Event, RequestAnswer, RequestRecord, SessionAnswer, SessionRecord } from '../model/answers';
import type { Question } from '../model/observe_call';

export const PAGE_EVENTS_MAX = 1_000;
export const EVENTS_LOADED_MAX = 20_000;
export const ERRORS_LOADED_MAX = 2_000;
/** Until what failed in a request is known, which only its pages tell, or until the event of a link is found. */
export const EVENTS_READ_MAX = 100_000;
const SHOW_EVERY_MS = 400;

export type Subject = { kind: 'session' | 'request'; id: string };

/** What is there so far of a session or a request. */
export interface Loaded {
  readonly subject: Subject;
  readonly session?: SessionRecord | undefined;
  readonly request?: RequestRecord | undefined;
  readonly spread?: RequestAnswer['spread'];
  readonly worked?: RequestAnswer['worked'];
  readonly undone?: RequestAnswer['undone'];
  readonly events: readonly Event[];
  /** How many of the events, the last ones, are there because they failed: what stood between them is not. */
  readonly errorsBeyond: number;
  /** How many more of them are there because they stand around the one that a link named. */
  readonly around: number;
  readonly total: number;
  readonly notes: readonly string[];
  /** Whether events may be missing that no count tells of: of a request in the report of a session. */
  readonly isPart: boolean;
  /** Requests that hold events of other sessions, too. */
  readonly sharedRequestIds: readonly string[];
  /** Whether more pages are on their way. */
  readonly isLoading: boolean;
}

export type Ask = <Answer>(question: Question, signal?: AbortSignal) => Promise<Answer>;

export function questionOf(subject: Subject): Question {
  return subject.kind === 'session'
    ? { what: 'session-trace', session_id: subject.id }
    : { what: 'request-trace', request_id: subject.id };
}

/** The events and the record of one answer. */
export function loadedOf(subject: Subject, answer: SessionAnswer | RequestAnswer): Loaded {
  const { total, notes = [], errors_beyond: errorsBeyond = 0, is_part: isPart = false } = answer;
  const sharedRequestIds = 'events' in answer ? (answer.shared_request_ids ?? []) : [];
  const shared = { total, notes, errorsBeyond, around: 0, isPart, sharedRequestIds, isLoading: false };
  if ('events' in answer) {
    const id = answer.session?.session_id ?? subject.id;
    return { ...shared, subject: { kind: 'session', id }, session: answer.session, events: answer.events };
  }
  return {
    ...shared,
    subject: { kind: 'request', id: answer.request?.request_id ?? subject.id },
    request: answer.request,
    spread: answer.spread,
    worked: answer.worked,
    undone: answer.undone,
    events: answer.timeline,
  };
}

/** Whether every event is there, so that it is known what ran inside what. */
export function hasAll({ events, total, isLoading, isPart }: Loaded): boolean {
  return !isLoading && !isPart && events.length >= total;
}

export interface LoadOptions {
  signal?: AbortSignal;
  /** What is shown already does not shrink to its first page: `show` is called only with all. */
  isQuiet?: boolean;
  /** An event, or the span of one, that a link named: wherever it stands, it is there with the page it stands on. */
  linkedId?: string;
}

/**
 * Ask for all pages, at most EVENTS_LOADED_MAX events, and for what failed of the others, at most ERRORS_LOADED_MAX;
 * `show` is called with the first, then now and then, then with all. Throws what `ask` throws.
 */
export async function load(
  ask: Ask,
  subject: Subject,
  show: (loaded: Loaded) => void,
  options: LoadOptions = {},
): Promise<void> {
  const question = { ...questionOf(subject), limit: PAGE_EVENTS_MAX };
  let answer = await ask<SessionAnswer | RequestAnswer>(question, options.signal);
  const first = loadedOf(subject, answer);
  const events = [...first.events];
  let shownAt = performance.now();
  if (answer.next_cursor && !options.isQuiet) show({ ...first, isLoading: true });
  while (answer.next_cursor && events.length < EVENTS_LOADED_MAX) {
    answer = await ask<SessionAnswer | RequestAnswer>({ ...question, cursor: answer.next_cursor }, options.signal);
    events.push(...loadedOf(subject, answer).events);
    if (!options.isQuiet && answer.next_cursor && performance.now() - shownAt > SHOW_EVERY_MS) {
      show({ ...first, events: [...events], isLoading: true });
      shownAt = performance.now();
    }
  }
  if (answer.next_cursor === undefined) {
    show({ ...first, events });
    return;
  }
  if (!options.isQuiet) show({ ...first, events: [...events], isLoading: true });
  const errors = await errorsAfter(ask, subject, events, answer.next_cursor, options.signal);
  const linkedId = options.linkedId ?? '';
  const isThere = linkedId === '' || [...events, ...errors].some((event) => isNamed(event, linkedId));
  const from = { next: answer.next_cursor, read: events.length };
  const [before, around] = isThere ? [[], []] : await pageWith(ask, subject, linkedId, from, options.signal);
  const [passed, shown] = [new Set(before), new Set(around.map(({ id }) => id))];
  const others = errors.filter(({ id }) => !shown.has(id));
  show({
    ...first,
    events: [
      ...events,
      ...others.filter(({ id }) => passed.has(id)),
      ...around,
      ...others.filter(({ id }) => !passed.has(id)),
    ],
    errorsBeyond: others.length,
    around: around.length,
  });
}

/** Whether the event has this id, or is the span with it. */
export function isNamed(event: Event, id: string): boolean {
  return event.id === id || (event.signal === 'span' && event.span_id === id);
}

/** The page on which the event stands, and the ids of what stands on the pages before; nothing if it is not found. */
async function pageWith(
  ask: Ask,
  subject: Subject,
  id: string,
  from: { next: string; read: number },
  signal: AbortSignal | undefined,
): Promise<[string[], readonly Event[]]> {
  const before: string[] = [];
  let cursor: string | undefined = from.next;
  while (cursor !== undefined && from.read + before.length < EVENTS_READ_MAX) {
    const question: Question = { ...questionOf(subject), limit: PAGE_EVENTS_MAX, cursor };
    const answer = await ask<SessionAnswer | RequestAnswer>(question, signal);
    const { events } = loadedOf(subject, answer);
    if (events.some((event) => isNamed(event, id))) return [before, events];
    before.push(...events.map((event) => event.id));
    cursor = answer.next_cursor;
  }
  return [[], []];
}

/** What failed of the events that follow these. Only of a session can errors alone be asked for. */
async function errorsAfter(
  ask: Ask,
  subject: Subject,
  events: readonly Event[],
  next: string,
  signal: AbortSignal | undefined,
): Promise<Event[]> {
  const known = new Set(events.map(({ id }) => id));
  const isSession = subject.kind === 'session';
  const question = { ...questionOf(subject), limit: PAGE_EVENTS_MAX, ...(isSession ? { event_types: 'error' } : {}) };
  const errors: Event[] = [];
  let cursor: string | undefined = isSession ? '' : next;
  let read = isSession ? 0 : events.length;
  while (cursor !== undefined && errors.length < ERRORS_LOADED_MAX && read < EVENTS_READ_MAX) {
    const asked: Question = cursor === '' ? question : { ...question, cursor };
    const answer = await ask<SessionAnswer | RequestAnswer>(asked, signal);
    const found = loadedOf(subject, answer).events;
    errors.push(...found.filter(({ id, error }) => error && !known.has(id)));
    read += found.length;
    cursor = answer.next_cursor;
  }
  return errors.slice(0, ERRORS_LOADED_MAX);
}
