/** What the worker put into the Server-Timing of this document's response, or of the page's around it. */

/** @typedef {import('../worker/announcement.js').Configuration & { method: string }} Announced */

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @returns {Announced | null} null for a page out of a cache, or one that was loaded before it was switched on
 */
export function readAnnounced(window, natives) {
  for (let frame = window, depth = 0; depth < 10; depth += 1) {
    const found = announcedIn(frame, natives);
    if (found) return found;
    if (frame === frame.parent || !isSameOrigin(frame.parent)) return null;
    frame = frame.parent;
  }
  return null;
}

/**
 * @param {any} frame
 * @param {import('./natives.js').Natives} natives
 * @returns {Announced | null}
 */
function announcedIn(frame, natives) {
  try {
    const [navigation] = frame.performance.getEntriesByType('navigation');
    for (const metric of navigation?.serverTiming ?? []) {
      if (metric.name !== 'gasoline') continue;
      const text = metric.description.replaceAll('-', '+').replaceAll('_', '/');
      return natives.parse(atob(text));
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
