/** Times of a page as times since 1970. */

/** Disagreement of the two clocks of a page that is left alone: beyond, the machine slept or its clock was set. */
export const CLOCK_DRIFT_MS = 1000;

/**
 * @param {number} milliseconds since 1970, with a fraction
 * @returns {string} nanoseconds since 1970, as OTLP/JSON writes them
 */
export function unixNano(milliseconds) {
  const nanos = Math.round((milliseconds % 1) * 1e6);
  return String(BigInt(Math.trunc(milliseconds)) * 1_000_000n + BigInt(nanos));
}

/** Turns `performance.now()` into milliseconds since 1970, and follows the wall clock when the two part. */
export class PageClock {
  /**
   * @param {number} timeOrigin milliseconds since 1970 at which the page's monotonic clock was zero
   * @param {() => number} monotonicNow
   * @param {() => number} wallNow
   */
  constructor(timeOrigin, monotonicNow, wallNow) {
    this.origin = timeOrigin;
    this.monotonicNow = monotonicNow;
    this.wallNow = wallNow;
  }

  /** @returns {number} */
  now() {
    const wall = this.wallNow();
    const time = this.origin + this.monotonicNow();
    if (Math.abs(wall - time) <= CLOCK_DRIFT_MS) return time;
    this.origin += wall - time;
    return wall;
  }

  /**
   * @param {number} monotonic a time of the performance API
   * @returns {number}
   */
  at(monotonic) {
    return this.origin + monotonic;
  }
}
