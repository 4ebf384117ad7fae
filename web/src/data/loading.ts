/** All pages of one session or request, shown as they come. */

import type { Event, RequestAnswer, RequestRecord, SessionAnswer, SessionRecord } from '../model/answers';
import type { Question } from '../model/observe_call';

export const PAGE_EVENTS_MAX = 1_000;
export const EVENTS_LOADED_MAX = 20_000;
export const ERRORS_LOADED_MAX = 2_000;
/** Of a request: only its pages tell what failed. */
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
  readonly total: number;
  readonly notes: readonly string[];
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
  const { total, notes = [], errors_beyond: errorsBeyond = 0 } = answer;
  const shared = { total, notes, errorsBeyond, isLoading: false };
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

/**
 * Ask for all pages, at most EVENTS_LOADED_MAX events, and for what failed of the others, at most ERRORS_LOADED_MAX;
 * `show` is called with the first, then now and then, then with all. With `isQuiet` only with all: what is shown already does not shrink to its first page. Throws what `ask` throws.
 */
export async function load(
  ask: Ask,
  subject: Subject,
  show: (loaded: Loaded) => void,
  options: { signal?: AbortSignal; isQuiet?: boolean } = {},
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
  show({ ...first, events: [...events, ...errors], errorsBeyond: errors.length });
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
