/** The query port, asked over HTTP. */

import type { Event } from '../model/answers';
import type { Question } from '../model/observe_call';

const TOKEN_KEY = 'gasoline:token';
export const ACTIVITY_IDS_MAX = 100;

/** An answer that is none: what the server said, or that it is not reached (`status` 0). */
export class AnswerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Activity {
  session_id: string;
  ended_at: string;
  events: number[];
  errors: number[];
}

export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN_KEY) !== null;
}

/** `observe` with `format="json"`. Throws AnswerError, and what an aborted fetch throws. */
export async function observe<Answer>(question: Question, signal?: AbortSignal): Promise<Answer> {
  return json<Answer>(await ask(`/api/observe?${parametersOf(question)}`, signal));
}

/** How busy sessions were over their time, of at most ACTIVITY_IDS_MAX sessions. */
export async function activity(sessionIds: readonly string[], signal?: AbortSignal): Promise<Activity[]> {
  const parameters = new URLSearchParams(sessionIds.map((id) => ['session_id', id]));
  return (await json<{ sessions: Activity[] }>(await ask(`/api/activity?${parameters}`, signal))).sessions;
}

/** The record behind an event, as OTLP/JSON. */
export async function otlpText(event: Event): Promise<string> {
  const parameters = new URLSearchParams({ id: event.id });
  if (event.request_id) parameters.set('request_id', event.request_id);
  else if (event.session_id) parameters.set('session_id', event.session_id);
  else parameters.set('service', event.service);
  return reached((await ask(`/api/otlp?${parameters}`)).text());
}

/** A GET with the person's token. Throws AnswerError. */
export async function ask(path: string, signal?: AbortSignal): Promise<Response> {
  const response = await reached(fetch(path, { headers: authorization(), ...(signal ? { signal } : {}) }));
  if (!response.ok) throw new AnswerError(response.status, await reasonOf(response));
  return response;
}

/** A collector may also go while it answers. Throws AnswerError, and what an aborted fetch throws. */
function reached<Result>(reading: Promise<Result>): Promise<Result> {
  return reading.catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new AnswerError(0, 'the collector cannot be reached; is `gasoline serve` running?');
  });
}

async function json<Answer>(response: Response): Promise<Answer> {
  const text = await reached(response.text());
  try {
    return JSON.parse(text) as Answer;
  } catch {
    throw new AnswerError(0, 'the answer of the collector broke off');
  }
}

/** Throws AnswerError 401 for a token that no collector can have been sent. */
function authorization(): Headers {
  const token = sessionStorage.getItem(TOKEN_KEY);
  try {
    return new Headers(token ? { authorization: `Bearer ${token}` } : {});
  } catch {
    throw new AnswerError(401, 'the token has characters that an HTTP header cannot carry');
  }
}

function parametersOf(question: Question): URLSearchParams {
  return new URLSearchParams(Object.entries(question).map(([name, value]) => [name, String(value)]));
}

async function reasonOf(response: Response): Promise<string> {
  const text = await reached(response.text());
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // The text itself is the reason then.
  }
  return text.slice(0, 500) || `the collector answered ${response.status}`;
}
