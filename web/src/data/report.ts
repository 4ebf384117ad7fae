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
  requests?: { [requestId: string]: RequestAnswer };
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
  return report.requests?.[id] ?? partOf(report.answer, id);
}

/** A request inside a session of which the report holds no answer of its own: its events of that session. */
function partOf(answer: SessionAnswer | RequestAnswer, id: string): RequestAnswer | undefined {
  if (!('events' in answer)) return undefined;
  const timeline = answer.events.filter((event) => event.request_id === id);
  return timeline.length > 0 ? { timeline, total: timeline.length } : undefined;
}
