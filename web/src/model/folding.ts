/** Which events of a timeline are collapsed: all requests or none, and what a person turned round of that. */

import type { Timeline } from './timeline';

export interface Folding {
  /** Also those that are still to come. */
  readonly requests: boolean;
  /** Ids of events for which the opposite holds. */
  readonly turned: ReadonlySet<string>;
}

export const NO_FOLDING: Folding = { requests: false, turned: new Set() };
export const ALL_FOLDED: Folding = { requests: true, turned: new Set() };

export function isFolded({ requests, turned }: Folding, timeline: Timeline, index: number): boolean {
  if (!requests && turned.size === 0) return false;
  const event = timeline.events[index];
  return event !== undefined && (requests && isHead(timeline, index)) !== turned.has(event.id);
}

/** The same, with one event collapsed or not. */
export function folded(folding: Folding, timeline: Timeline, index: number, isWanted: boolean): Folding {
  const event = timeline.events[index];
  if (event === undefined || isFolded(folding, timeline, index) === isWanted) return folding;
  const turned = new Set(folding.turned);
  if (!turned.delete(event.id)) turned.add(event.id);
  return { ...folding, turned };
}

/** Whether the event is the first of its request: what that collapses to. */
export function isHead(timeline: Timeline, index: number): boolean {
  return timeline.events[index]?.request_id !== undefined && timeline.heads[index] === index;
}
