/** Two requests side by side: which event of one stands for which of the other, and what differs. */

import type { Event } from './answers';
import { categoryOf, type Timeline } from './timeline';
import { countOf, countWords } from './times';
import { statusOf, titleOf } from './words';

export type Difference = 'missing' | 'extra' | 'status' | 'slower' | 'faster';

/** One row: the event on the left, on the right, or both; -1 where there is none. */
export interface Pair {
  readonly left: number;
  readonly right: number;
  readonly depth: number;
  readonly differences: readonly Difference[];
}

export const SLOWER_FACTOR = 1.5;
export const SLOWER_MS_MIN = 5;

/**
 * Events are paired from the top down: children of a pair that say the same (service, signal, kind, title without its
 * numbers), the first with the first. What is left over is missing on the right, or extra there. Events that are here
 * because they failed, without what stood between them, are not compared.
 */
export function compare(left: Timeline, right: Timeline): Pair[] {
  const pairs: Pair[] = [];
  const leftChildren = childrenOf(left);
  const rightChildren = childrenOf(right);
  type Task = { left: number; right: number; depth: number };
  const stack: Task[] = matched(left, right, leftChildren.get(-1) ?? [], rightChildren.get(-1) ?? [], 0);
  for (let task = stack.pop(); task !== undefined; task = stack.pop()) {
    pairs.push({ ...task, differences: differencesOf(left.events[task.left], right.events[task.right]) });
    const below = matched(
      left,
      right,
      task.left < 0 ? [] : (leftChildren.get(task.left) ?? []),
      task.right < 0 ? [] : (rightChildren.get(task.right) ?? []),
      task.depth + 1,
    );
    stack.push(...below);
  }
  return pairs;
}

const RULES = 'missing or extra, another status, or at least 1.5 times and 5 ms slower or faster';

/** What came of it, in one sentence; `totals`: how many events there are of each, here or not. */
export function comparisonWords(pairs: readonly Pair[], sides: readonly Timeline[], totals: readonly number[]): string {
  const different = pairs.filter((pair) => pair.differences.length > 0).length;
  const parts = sides.flatMap(({ whole }, side) =>
    whole < (totals[side] ?? 0) ? [`${countWords(whole)} of ${countOf(totals[side] ?? 0, 'event')}`] : [],
  );
  const some = `${countWords(different)} of ${countOf(pairs.length, 'row')} differ`;
  if (parts.length > 0) return `Compared are only the first ${parts.join(', and the first ')}: ${some}: ${RULES}`;
  return `${different === 0 ? 'No difference' : some}: ${RULES}`;
}

function childrenOf({ parents, whole }: Timeline): Map<number, number[]> {
  const children = new Map<number, number[]>();
  parents.subarray(0, whole).forEach((parent, index) => {
    const siblings = children.get(parent);
    if (siblings) siblings.push(index);
    else children.set(parent, [index]);
  });
  return children;
}

/** Pairs of these children, last first, because they are taken from a stack. */
function matched(left: Timeline, right: Timeline, lefts: number[], rights: number[], depth: number) {
  const byKey = new Map<string, number[]>();
  for (const index of rights) byKey.set(keyOf(right, index), [...(byKey.get(keyOf(right, index)) ?? []), index]);
  const found: { left: number; right: number; depth: number }[] = [];
  const isTaken = new Set<number>();
  const partners = lefts.map((index) => byKey.get(keyOf(left, index))?.shift() ?? -1);
  for (const partner of partners) isTaken.add(partner);
  const extra = rights.filter((index) => !isTaken.has(index));
  lefts.forEach((index, place) => {
    const partner = partners[place] ?? -1;
    // What only the right has stands before the pair that it came before.
    while (partner >= 0 && extra[0] !== undefined && extra[0] < partner) {
      found.push({ left: -1, right: extra.shift() ?? -1, depth });
    }
    found.push({ left: index, right: partner, depth });
  });
  for (const index of extra) found.push({ left: -1, right: index, depth });
  return found.toReversed();
}

function keyOf(timeline: Timeline, index: number): string {
  const event = timeline.events[index];
  if (event === undefined) return '';
  const words = titleOf(event)
    .replace(/https?:\/\/[^/\s]+/g, '')
    .replace(/[0-9a-f]{8,}|\d+/gi, '#');
  return [event.service, event.signal, categoryOf(event), event.kind ?? event.severity ?? '', words].join('\n');
}

function differencesOf(left: Event | undefined, right: Event | undefined): Difference[] {
  if (right === undefined) return ['missing'];
  if (left === undefined) return ['extra'];
  const found: Difference[] = [];
  if (statusOf(left) !== statusOf(right) || left.error !== right.error) found.push('status');
  const before = left.duration_ms;
  const after = right.duration_ms;
  if (before !== undefined && after !== undefined && Math.abs(after - before) >= SLOWER_MS_MIN) {
    if (after >= before * SLOWER_FACTOR) found.push('slower');
    if (before >= after * SLOWER_FACTOR) found.push('faster');
  }
  return found;
}
