/**
 * Marks on the addresses of requests that scripts of the page make. The browser's header rules cannot tell such a
 * request, whose trace is its own, from one of a worker or an EventSource, which is to carry the trace of the page
 * load: type, tab and initiator are the same. They do see an address with its fragment, which no server is sent.
 */

/** The request brings its own trace: the rules leave it alone. */
export const MARK = '#gasoline-page';
/** The same, and it is not to follow a redirect to an origin that may not have its headers: it can be sent again. */
export const STAY_MARK = `${MARK}-stay`;

/**
 * @param {string} url
 * @returns {string} as the page knows it
 */
export function unmarked(url) {
  const end = url.length - (url.endsWith(STAY_MARK) ? STAY_MARK.length : url.endsWith(MARK) ? MARK.length : 0);
  return url.slice(0, end);
}
