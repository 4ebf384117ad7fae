/** How busy a session was, and when it failed. Asked for in groups, for the rows that are in view. */

import { batch, signal, type Signal } from '@preact/signals';

import { ACTIVITY_IDS_MAX, AnswerError, activity, type Activity } from '../data/api';
import type { SessionRecord } from '../model/answers';
import { sparklinePoints } from '../model/density';

const GROUP_MS = 60;
export const ACTIVITIES_KEPT_MAX = 5_000;
const WIDTH = 96;
const HEIGHT = 20;

/** What is known of a session up to one of its events, ready to be drawn. */
interface Known {
  readonly upto: string;
  readonly endedAt: string;
  readonly events: number;
  readonly failed: number;
  readonly points: string;
  /** Where it failed, from the left. */
  readonly failures: readonly number[];
}

/** By session id; each row looks at its own. */
const known = new Map<string, Signal<Known | undefined>>();
const wanted = new Map<string, string>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Ask for the session's activity soon, unless it is known. */
export function wantActivity(session: SessionRecord): void {
  if (knownOf(session.session_id).peek()?.upto === session.last_activity) return;
  wanted.set(session.session_id, session.last_activity);
  timer ??= setTimeout(() => void readWanted(), GROUP_MS);
}

async function readWanted(): Promise<void> {
  const group = new Map([...wanted].slice(-ACTIVITY_IDS_MAX));
  wanted.clear();
  timer = undefined;
  try {
    const found = await activity([...group.keys()]);
    batch(() => {
      for (const one of found) keep(one, group.get(one.session_id) ?? '');
    });
  } catch (error) {
    // A list without sparklines is a list still; why there is no answer is said where the list is.
    if (!(error instanceof AnswerError)) throw error;
  }
}

function keep({ session_id: id, ended_at: endedAt, events, errors }: Activity, upto: string): void {
  const step = WIDTH / Math.max(1, events.length - 1);
  const place = knownOf(id);
  place.value = {
    upto,
    endedAt,
    events: sum(events),
    failed: sum(errors),
    points: sparklinePoints(events, WIDTH, HEIGHT - 2),
    failures: errors.flatMap((count, index) => (count > 0 ? [index * step] : [])),
  };
  // What was heard of last is forgotten last.
  known.delete(id);
  known.set(id, place);
}

function knownOf(id: string): Signal<Known | undefined> {
  const found = known.get(id);
  if (found) return found;
  const place = signal<Known | undefined>(undefined);
  known.set(id, place);
  for (const oldest of known.keys()) {
    if (known.size <= ACTIVITIES_KEPT_MAX) break;
    known.delete(oldest);
  }
  return place;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

/** How many events of a session failed; undefined until that is known. */
export function errorsOf(id: string): number | undefined {
  return knownOf(id).value?.failed;
}

/** When the last of a session's spans ended, or its last event was; undefined until that is known. */
export function endOf(id: string): string | undefined {
  return knownOf(id).value?.endedAt;
}

export function Sparkline({ id }: { id: string }) {
  const found = knownOf(id).value;
  if (!found) return <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${found.events} events, ${found.failed} errors over its time`}
    >
      <polyline points={found.points} />
      {found.failures.map((x) => (
        <rect key={x} class="fill bad" x={x - 1} y={HEIGHT - 5} width={3} height={5} />
      ))}
    </svg>
  );
}
