/** What we do beside the page's own work must not fail it: pages put functions of their own over the browser's. */

/**
 * @template T
 * @param {() => T} work that may run into functions and getters of the page
 * @returns {T | undefined} undefined: it failed
 */
export function quietly(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}
