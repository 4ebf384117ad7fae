/** Answers out of the data that a report holds. */

import { AnswerError } from './api';
import type { Ask, Subject } from './loading';
import { loadedOf } from './loading';
import type { RequestAnswer, SessionAnswer } from '../model/answers';
import type { Question } from '../model/observe_call';
import { isClockNote } from '../model/words';

export interface Report {
  kind: 'session' | 'request';
  made_at: string;
  answer: SessionAnswer | RequestAnswer;
  /** What is known of a session's requests beside their events, which are among the session's. */
  requests?: { [requestId: string]: Partial<RequestAnswer> };
  /** More events than a report holds: the first are there, and then `errors` of those that failed. */
  cut?: { shown: number; total: number; errors: number };
  /** To how many characters texts were cut, so that the file stays small; 0: there are no attributes either. */
  values_cut?: number;
}

interface ReportSource {
  ask: Ask;
  hasLists: boolean;
  holdsSession: (id: string) => boolean;
}

/** The data that a report holds: JSON in the zlib format, in base64. Throws where it is damaged. */
export async function reportOf(text: string): Promise<Report> {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return (await new Response(unpacked).json()) as Report;
}

export function reportSource(report: Report): { source: ReportSource; subject: Subject } {
  const { subject } = loadedOf({ kind: report.kind, id: '' }, report.answer);
  const ask = (question: Question): Promise<never> => {
    const found = answerOf(report, subject, question);
    if (found) return Promise.resolve(found as never);
    return Promise.reject(new AnswerError(404, 'the report does not hold this'));
  };
  const holdsSession = (id: string) => subject.kind === 'session' && subject.id === id;
  return { source: { ask, hasLists: false, holdsSession }, subject };
}

function answerOf(report: Report, subject: Subject, question: Question): SessionAnswer | RequestAnswer | undefined {
  const id = String(question['session_id'] ?? question['request_id'] ?? '');
  if (id === subject.id) return { ...report.answer, errors_beyond: report.cut?.errors ?? 0 };
  if (!('events' in report.answer)) return undefined;
  const timeline = report.answer.events.filter((event) => event.request_id === id);
  const known = report.requests?.[id];
  const isPart = report.cut !== undefined || report.answer.shared_request_ids?.includes(id) === true;
  if (!known && timeline.length === 0) return undefined;
  // What is said of clocks names some services alone, and of most requests the report holds no notes.
  const notes = (report.answer.notes ?? []).filter(isClockNote);
  return { notes, ...known, timeline, total: timeline.length, is_part: isPart };
}
