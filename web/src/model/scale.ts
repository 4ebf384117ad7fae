/** The part of the time axis that is in view, and how it is moved. All times are milliseconds. */

export type Domain = readonly [number, number];

/** A part of the time by itself, whatever the axis begins with: unix nanoseconds as decimal text. */
export interface TimeSpan {
  readonly from: string;
  readonly to: string;
}

export const WIDTH_MS_MIN = 0.001;
const STEPS = [1, 2, 5];
const TICK_PX_MIN = 90;

/** 0 at the left edge of `domain`, 1 at the right. */
export function fractionOf(time: number, [from, to]: Domain): number {
  return to > from ? (time - from) / (to - from) : 0;
}

/** Zoom by `factor` (below 1 = closer) around the time at `anchor` (0 = left edge, 1 = right), within `extent`. */
export function zoomed(domain: Domain, factor: number, anchor: number, extent: Domain): Domain {
  const width = domain[1] - domain[0];
  const wanted = Math.min(Math.max(width * factor, WIDTH_MS_MIN), extent[1] - extent[0]);
  const from = domain[0] + (width - wanted) * anchor;
  return within([from, from + wanted], extent);
}

/** Move by a part of the width in view. */
export function panned(domain: Domain, part: number, extent: Domain): Domain {
  const by = (domain[1] - domain[0]) * part;
  return within([domain[0] + by, domain[1] + by], extent);
}

/** The nearest domain of the same width inside `extent`, as far as it fits. */
export function within([from, to]: Domain, [first, last]: Domain): Domain {
  const width = Math.min(Math.max(to - from, WIDTH_MS_MIN), Math.max(last - first, WIDTH_MS_MIN));
  const start = Math.max(first, Math.min(from, last - width));
  return [start, start + width];
}

/** The domain around some events, with a margin, so that what is looked at is in the middle. */
export function around(from: number, to: number, extent: Domain): Domain {
  const width = Math.max((to - from) * 1.2, WIDTH_MS_MIN * 10);
  const middle = (from + to) / 2;
  return within([middle - width / 2, middle + width / 2], extent);
}

/** Round times in view, far enough from one another to be labelled over `widthPx`. */
export function ticks([from, to]: Domain, widthPx: number): number[] {
  const count = Math.max(1, Math.floor(widthPx / TICK_PX_MIN));
  const step = roundStep((to - from) / count);
  if (!Number.isFinite(step) || step <= 0) return [from];
  const found: number[] = [];
  for (let index = Math.ceil(from / step); index * step <= to && found.length <= count + 1; index += 1) {
    found.push(index * step);
  }
  return found;
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return STEPS.map((step) => step * power).find((step) => step >= least * 0.999) ?? 10 * power;
}
