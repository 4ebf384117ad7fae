/** Answers out of the data that a report holds. */

import { AnswerError } from './api';
import type { Ask, Subject } from './loading';
import { loadedOf } from './loading';
import type { RequestAnswer, SessionAnswer } from '../model/answers';
import type { Question } from '../model/observe_call';

export interface Report {
  kind: 'session' | 'request';
  made_at: string;
  answer: SessionAnswer | RequestAnswer;
  /** What is known of a session's requests beside their events, which are among the session's. */
  requests?: { [requestId: string]: Partial<RequestAnswer> };
  cut?: { shown: number; total: number };
}

interface ReportSource {
  ask: Ask;
  hasLists: boolean;
}

export function reportSource(report: Report): { source: ReportSource; subject: Subject } {
  const { subject } = loadedOf({ kind: report.kind, id: '' }, report.answer);
  const ask = (question: Question): Promise<never> => {
    const found = answerOf(report, subject, question);
    if (found) return Promise.resolve(found as never);
    return Promise.reject(new AnswerError(404, 'the report does not hold this'));
  };
  return { source: { ask, hasLists: false }, subject };
}

function answerOf(report: Report, subject: Subject, question: Question): SessionAnswer | RequestAnswer | undefined {
  const id = String(question['session_id'] ?? question['request_id'] ?? '');
  if (id === subject.id) return report.answer;
  if (!('events' in report.answer)) return undefined;
  const timeline = report.answer.events.filter((event) => event.request_id === id);
  const known = report.requests?.[id];
  return known || timeline.length > 0 ? { ...known, timeline, total: timeline.length } : undefined;
}
