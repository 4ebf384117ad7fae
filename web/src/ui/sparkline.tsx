/** How busy a session was, and when it failed. Asked for in groups, for the rows that are in view. */

import { signal } from '@preact/signals';

import { ACTIVITY_IDS_MAX, AnswerError, activity, type Activity } from '../data/api';
import type { SessionRecord } from '../model/answers';
import { sparklinePoints } from '../model/density';

const GROUP_MS = 60;
export const ACTIVITIES_KEPT_MAX = 5_000;
const WIDTH = 96;
const HEIGHT = 20;

/** By session id; with the time of the last event that it is of. */
const known = new Map<string, { upto: string; activity: Activity }>();
const changes = signal(0);
const wanted = new Map<string, string>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Ask for the session's activity soon, unless it is known. */
export function wantActivity(session: SessionRecord): void {
  if (known.get(session.session_id)?.upto === session.last_activity) return;
  wanted.set(session.session_id, session.last_activity);
  timer ??= setTimeout(() => void readWanted(), GROUP_MS);
}

async function readWanted(): Promise<void> {
  const group = [...wanted].slice(-ACTIVITY_IDS_MAX);
  wanted.clear();
  timer = undefined;
  const upto = new Map(group);
  try {
    for (const found of await activity([...upto.keys()])) {
      known.delete(found.session_id);
      known.set(found.session_id, { upto: upto.get(found.session_id) ?? '', activity: found });
    }
  } catch (error) {
    // A list without sparklines is a list still; why there is no answer is said where the list is.
    if (!(error instanceof AnswerError)) throw error;
  }
  for (const id of known.keys()) {
    if (known.size <= ACTIVITIES_KEPT_MAX) break;
    known.delete(id);
  }
  changes.value += 1;
}

/** How many events of a session failed; undefined until that is known. */
export function errorsOf(id: string): number | undefined {
  const found = changes.value >= 0 ? known.get(id)?.activity : undefined;
  return found?.errors.reduce((sum, bucket) => sum + bucket, 0);
}

/** When the last of a session's spans ended, or its last event was; undefined until that is known. */
export function endOf(id: string): string | undefined {
  return changes.value >= 0 ? known.get(id)?.activity.ended_at : undefined;
}

export function Sparkline({ id }: { id: string }) {
  const found = changes.value >= 0 ? known.get(id)?.activity : undefined;
  if (!found) return <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
  const { events, errors } = found;
  const step = WIDTH / Math.max(1, events.length - 1);
  const count = events.reduce((sum, bucket) => sum + bucket, 0);
  const failed = errors.reduce((sum, bucket) => sum + bucket, 0);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${count} events, ${failed} errors over its time`}
    >
      <polyline points={sparklinePoints(events, WIDTH, HEIGHT - 2)} />
      {errors.map(
        (bucket, index) =>
          bucket > 0 && <rect key={index} class="fill bad" x={index * step - 1} y={HEIGHT - 5} width={3} height={5} />,
      )}
    </svg>
  );
}
