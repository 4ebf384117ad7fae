/** Where the time of a request went: its critical path as one bar, and the spans that took most of it. */

import type { Timeline } from '../model/timeline';
import { durationWords } from '../model/times';
import { titleOf } from '../model/words';
import { colourClass } from './service_name';
import { Line } from './telemetry_text';
import type { TimelineStore } from './timeline_store';

const NAMED_MAX = 4;
const DRAWN_MAX = 200;

export function TimeSpent({ store }: { store: TimelineStore }) {
  const gap = store.pathsGap.value;
  if (gap && !store.loaded.value?.isLoading) {
    return <p class="facts">Critical path and self times are not known: {gap}</p>;
  }
  const timeline = store.timeline.value;
  const { stretches, criticalMs, selfMs } = store.paths.value;
  const first = stretches[0];
  const last = stretches.at(-1);
  if (!first || !last || last.to <= first.from) return null;
  const whole = last.to - first.from;
  const longest = [...criticalMs].toSorted(([, a], [, b]) => b - a).slice(0, NAMED_MAX);
  const drawn = stretches.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, DRAWN_MAX);
  return (
    <section class="spent" aria-label="Critical path">
      <svg
        viewBox="0 0 1000 10"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Critical path over ${durationWords(whole)}`}
      >
        {drawn.map((stretch) => (
          <rect
            key={`${stretch.index}-${stretch.from}`}
            class={`fill ${colourClass(serviceAt(timeline, stretch.index))}`}
            x={((stretch.from - first.from) / whole) * 1000}
            width={Math.max(0.5, ((stretch.to - stretch.from) / whole) * 1000)}
            y={0}
            height={10}
          />
        ))}
      </svg>
      <ol>
        {longest.map(([index, ms]) => (
          <li key={index}>
            <button
              type="button"
              class="plain"
              onClick={() => store.select(timeline.events[index]?.id ?? '', { open: true })}
            >
              <i class={`dot ${colourClass(serviceAt(timeline, index))}`} aria-hidden="true" />
              <b>{Math.round((ms / whole) * 100)}%</b>{' '}
              <Line text={`${serviceAt(timeline, index)} ${nameAt(timeline, index)}`} />{' '}
              <span class="quiet">self {durationWords(selfMs.get(index) ?? 0)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function serviceAt(timeline: Timeline, index: number): string {
  return timeline.events[index]?.service ?? '';
}

function nameAt(timeline: Timeline, index: number): string {
  const event = timeline.events[index];
  return event ? titleOf(event) : '';
}
