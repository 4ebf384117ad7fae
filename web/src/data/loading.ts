/** All pages of one session or request, shown as they come. */

import type { Event, RequestAnswer, RequestRecord, SessionAnswer, SessionRecord } from '../model/answers';
import type { Question } from '../model/observe_call';

export const PAGE_EVENTS_MAX = 1_000;
export const EVENTS_LOADED_MAX = 20_000;
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
  const shared = { total: answer.total, notes: answer.notes ?? [], isLoading: false };
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
 * Ask for all pages, at most EVENTS_LOADED_MAX events; `show` is called with the first, then now and then, then with
 * all. With `isQuiet` only with all: what is shown already does not shrink to its first page. Throws what `ask` throws.
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
  show({ ...first, events });
}
