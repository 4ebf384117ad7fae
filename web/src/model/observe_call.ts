/** A question to `observe`, as an agent would write it. */

import type { Event } from './answers';
import { isoNanos } from './times';

export type Question = { readonly [argument: string]: string | number | boolean };

export function callText(question: Question): string {
  const given = Object.entries(question).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `observe(${given.join(', ')})`;
}

/** What shows the event to an agent: itself, or of an event in no request, what there is at its time. */
export function questionAbout(event: Event): Question {
  if (event.request_id) return { what: 'request-trace', request_id: event.request_id, expand: event.id };
  const { session_id: session, service, time_unix_nano: time } = event;
  const at = { service, since: isoNanos(time), until: isoNanos(String(BigInt(time) + 1n)) };
  return session ? { what: 'session-trace', session_id: session, ...at } : { what: 'logs', ...at };
}
