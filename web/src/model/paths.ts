/** Where the time of a request went: the critical path through its spans, and what each span did itself. */

import type { Timeline } from './timeline';
import { isClockNote } from './words';

export interface Stretch {
  /** Index of the span that the request waited for. */
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

export interface Paths {
  /** In order of time, without gaps, from the root's start to its end. */
  readonly stretches: readonly Stretch[];
  /** The same by the span's index. */
  readonly stretchesOf: ReadonlyMap<number, readonly Stretch[]>;
  /** By index of a span: how long the critical path stays in the span itself. */
  readonly criticalMs: ReadonlyMap<number, number>;
  /** By index of a span: its duration without the time in which any child ran. */
  readonly selfMs: ReadonlyMap<number, number>;
}

export const NO_PATHS: Paths = { stretches: [], stretchesOf: new Map(), criticalMs: new Map(), selfMs: new Map() };

/** Why it cannot be said what ran inside what, and when; '' if it can. `notes`: those of the answer. */
export function pathsGap(timeline: Timeline, notes: readonly string[]): string {
  if (notes.some(isClockNote)) return 'clocks of its services differ';
  return topSpans(timeline).length > 1 ? 'spans between those at the top and the others are not here' : '';
}

/** Of a request whose events are all there, and whose spans are all below one. */
export function pathsOf(timeline: Timeline): Paths {
  const [root] = topSpans(timeline);
  if (root === undefined) return NO_PATHS;
  const children = childSpans(timeline);
  const stretches = criticalPath(timeline, children, root);
  const criticalMs = new Map<number, number>();
  for (const { index, from, to } of stretches) criticalMs.set(index, (criticalMs.get(index) ?? 0) + to - from);
  const stretchesOf = new Map<number, Stretch[]>();
  for (const stretch of stretches) stretchesOf.set(stretch.index, [...(stretchesOf.get(stretch.index) ?? []), stretch]);
  return { stretches, stretchesOf, criticalMs, selfMs: selfTimes(timeline, children) };
}

function topSpans({ events, parents }: Timeline): number[] {
  return events.flatMap((event, index) => (event.signal === 'span' && (parents[index] ?? -1) < 0 ? [index] : []));
}

function childSpans(timeline: Timeline): Map<number, number[]> {
  const children = new Map<number, number[]>();
  timeline.events.forEach((event, index) => {
    if (event.signal !== 'span') return;
    const parent = timeline.parents[index] ?? -1;
    const siblings = children.get(parent);
    if (siblings) siblings.push(index);
    else children.set(parent, [index]);
  });
  return children;
}

/**
 * Backwards from the end: the request waited for the child that ended last, and before that one began, for the child
 * that had ended last by then. What no child covers is the span's own. A child that outlives its parent counts to the
 * parent's end only.
 */
function criticalPath(timeline: Timeline, children: Map<number, number[]>, root: number): Stretch[] {
  const found: Stretch[] = [];
  const add = (index: number, from: number, to: number) => to > from && found.push({ index, from, to });
  const start = (index: number) => timeline.starts[index] ?? 0;
  const end = (index: number) => timeline.ends[index] ?? 0;
  type Frame = { index: number; from: number; limit: number; at: number; waiting: number[] };
  const enter = (index: number, from: number, to: number): Frame => ({
    index,
    from,
    limit: to,
    at: to,
    waiting: (children.get(index) ?? []).toSorted((a, b) => Math.min(end(a), to) - Math.min(end(b), to)),
  });
  const stack = [enter(root, start(root), end(root))];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const child = frame.waiting.pop();
    if (child === undefined) {
      add(frame.index, frame.from, frame.at);
      stack.pop();
      continue;
    }
    const childEnd = Math.min(end(child), frame.limit);
    const childStart = Math.max(start(child), frame.from);
    // What still ran when the one that was waited for began was not what held up the request.
    if (childStart >= childEnd || childEnd > frame.at) continue;
    add(frame.index, childEnd, frame.at);
    frame.at = childStart;
    stack.push(enter(child, childStart, childEnd));
  }
  return found.toSorted((a, b) => a.from - b.from);
}

function selfTimes(timeline: Timeline, children: Map<number, number[]>): Map<number, number> {
  const self = new Map<number, number>();
  timeline.events.forEach((event, index) => {
    if (event.signal !== 'span') return;
    const from = timeline.starts[index] ?? 0;
    const to = timeline.ends[index] ?? 0;
    self.set(index, to - from - coveredMs(timeline, children.get(index) ?? [], from, to));
  });
  return self;
}

/** How much of `from`..`to` any of the spans covers. */
function coveredMs(timeline: Timeline, spans: number[], from: number, to: number): number {
  const byStart = spans.toSorted((a, b) => (timeline.starts[a] ?? 0) - (timeline.starts[b] ?? 0));
  let covered = 0;
  let upto = from;
  for (const span of byStart) {
    const start = Math.max(timeline.starts[span] ?? 0, upto);
    const end = Math.min(timeline.ends[span] ?? 0, to);
    if (end <= start) continue;
    covered += end - start;
    upto = end;
  }
  return covered;
}
