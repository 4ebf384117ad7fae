/** Whether the collector has a page that shows sessions; an older one, or one without its built page, has none. */

/** How long the query port may take to say so. */
export const PAGE_TIMEOUT_MS = 2000;

/**
 * @param {typeof fetch} send
 * @param {string} queryEndpoint base URL of the query port
 * @returns {Promise<string>} the base URL to which `/sessions/<session id>` is added; empty: there is no page
 */
export async function timelinePage(send, queryEndpoint) {
  try {
    const response = await send(`${queryEndpoint}/`, {
      credentials: 'omit',
      signal: AbortSignal.timeout(PAGE_TIMEOUT_MS),
    });
    await response.body?.cancel();
    const isPage = response.ok && /^text\/html\b/i.test(response.headers.get('content-type') ?? '');
    return isPage ? queryEndpoint : '';
  } catch {
    return '';
  }
}
