/** What a strip of pixels shows of many events: for each column whether there is one, and whether one failed. */

import { fractionOf, type Domain } from './scale';
import type { Timeline } from './timeline';

export const NOTHING = 0;
export const SOMETHING = 1;
export const FAILED = 2;

/** One row a service, one column a pixel; each cell is NOTHING, SOMETHING or FAILED. */
export function density(timeline: Timeline, domain: Domain, columns: number): Uint8Array[] {
  const lanes = timeline.services.map(() => new Uint8Array(columns));
  const laneOf = new Map(timeline.services.map((service, lane) => [service, lane]));
  timeline.events.forEach((event, index) => {
    const start = timeline.starts[index] ?? 0;
    const end = timeline.ends[index] ?? 0;
    if (end < domain[0] || start > domain[1]) return;
    const lane = lanes[laneOf.get(event.service) ?? 0];
    if (lane === undefined) return;
    const first = Math.max(0, Math.floor(fractionOf(start, domain) * (columns - 1)));
    const last = Math.min(columns - 1, Math.floor(fractionOf(end, domain) * (columns - 1)));
    const value = event.error ? FAILED : SOMETHING;
    for (let column = first; column <= last; column += 1) {
      // A failed span marks where it began and ended, so that what ran inside it stays to be seen.
      const mark = value === FAILED && column > first + 1 && column < last - 1 ? SOMETHING : value;
      if ((lane[column] ?? 0) < mark) lane[column] = mark;
    }
  });
  return lanes;
}

/** Points of an SVG polyline for counts in buckets, in a box of `width` by `height`. */
export function sparklinePoints(counts: readonly number[], width: number, height: number): string {
  const most = Math.max(1, ...counts);
  const step = counts.length > 1 ? width / (counts.length - 1) : 0;
  return counts.map((count, index) => `${round(index * step)},${round(height - (count / most) * height)}`).join(' ');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
