/** What the worker put into the Server-Timing of this document's response, or of the page's around it. */

const FRAMES_MAX = 10;

/**
 * @typedef {object} Announced
 * @property {import('../worker/announcement.js').Configuration & { method: string }} configuration
 * @property {boolean} isCertain whether the worker said so; false: the page's own service worker may have made it up
 */

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @returns {Announced | null} null for a page out of a cache, or one that was loaded before it was switched on
 */
export function readAnnounced(window, natives) {
  for (let frame = window, depth = 0; depth < FRAMES_MAX; depth += 1) {
    const found = announcedIn(frame, window, natives);
    if (found) return found;
    if (frame === frame.parent || !isSameOrigin(frame.parent)) return null;
    frame = frame.parent;
  }
  return null;
}

/**
 * The page around a frame may have put functions of its own over those of its window: only this window's are used.
 * @param {any} frame
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @returns {Announced | null}
 */
function announcedIn(frame, window, { apply, getOwnPropertyDescriptor, parse }) {
  const { Performance, PerformanceResourceTiming, PerformanceServerTiming } = window;
  const read = (/** @type {any} */ owner, /** @type {string} */ name, /** @type {any} */ self) =>
    apply(/** @type {any} */ (getOwnPropertyDescriptor(owner, name)).get, self, []);
  try {
    const performance = read(window, 'performance', frame);
    const navigation = apply(Performance.prototype.getEntriesByType, performance, ['navigation'])[0];
    // What lies in a cache was said to a page before; what a server has confirmed (304) was said anew, though the
    // browser calls that a cache, too.
    const isOfCache = read(PerformanceResourceTiming.prototype, 'deliveryType', navigation) === 'cache';
    if (isOfCache && read(PerformanceResourceTiming.prototype, 'transferSize', navigation) === 0) return null;
    const metrics = read(PerformanceResourceTiming.prototype, 'serverTiming', navigation);
    // Ours is the last: the rule appends it to what the server says.
    for (let index = metrics.length - 1; index >= 0; index -= 1) {
      if (read(PerformanceServerTiming.prototype, 'name', metrics[index]) !== 'gasoline') continue;
      const text = read(PerformanceServerTiming.prototype, 'description', metrics[index]);
      const configuration = parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')));
      const workerStart = read(PerformanceResourceTiming.prototype, 'workerStart', navigation);
      return { configuration, isCertain: workerStart === 0 };
    }
  } catch {
    // Not ours: a server may use the name, too.
  }
  return null;
}

/**
 * @param {any} frame
 * @returns {boolean}
 */
function isSameOrigin(frame) {
  try {
    return typeof frame.document === 'object';
  } catch {
    return false;
  }
}
