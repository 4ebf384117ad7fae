/** What a strip of pixels shows of many events: for each column whether there is one, and whether one failed. */

import { fractionOf, type Domain } from './scale';
import type { Timeline } from './timeline';

export const NOTHING = 0;
export const SOMETHING = 1;
export const FAILED = 2;
const STRIP_EDGE_PX = 2;
const STRIP_LANE_PX = 2;

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
    const first = Math.floor(fractionOf(start, domain) * (columns - 1));
    const last = Math.floor(fractionOf(end, domain) * (columns - 1));
    const value = event.error ? FAILED : SOMETHING;
    for (let column = Math.max(0, first); column <= Math.min(columns - 1, last); column += 1) {
      // A failed span marks where it began and ended, so that what ran inside it stays to be seen.
      const mark = value === FAILED && column > first + 1 && column < last - 1 ? SOMETHING : value;
      if ((lane[column] ?? 0) < mark) lane[column] = mark;
    }
  });
  return lanes;
}

/** Where each lane stands in a strip too low for all of them: those beyond its height lie over the first ones. */
export function stripLanes(count: number, heightPx: number): { tops: number[]; laneHeight: number } {
  const inside = heightPx - 2 * STRIP_EDGE_PX;
  const step = Math.max(STRIP_LANE_PX, inside / Math.max(1, count));
  const fitting = Math.max(1, Math.floor(inside / step + 1e-9));
  const tops = Array.from({ length: count }, (_, lane) => STRIP_EDGE_PX + (lane % fitting) * step);
  return { tops, laneHeight: Math.max(1, step - 1) };
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
