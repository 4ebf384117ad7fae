/** Which pages have our scripts: being registered for an origin is the allowlist, and there is no other. */

const BRIDGE_ID = 'gasoline-bridge';
const PAGE_ID = 'gasoline-page';

export class ContentScripts {
  /**
   * Register for exactly these origins; with none, nothing is registered. The bridge comes first: it must listen before
   * the page script says hello.
   * @param {string[]} origins
   */
  async register(origins) {
    const registered = await chrome.scripting.getRegisteredContentScripts();
    const matches = origins.map((origin) => `${origin}/*`);
    const wanted = [...matches].sort().join(' ');
    const isSame =
      registered.length === (matches.length > 0 ? 2 : 0) &&
      registered.every((script) => [...(script.matches ?? [])].sort().join(' ') === wanted);
    if (isSame) return;
    // All of ours, listed or not: just after the browser's start the list may still be empty while its entries are in
    // force.
    await chrome.scripting.unregisterContentScripts();
    if (matches.length === 0) return;
    const common = /** @type {const} */ ({ runAt: 'document_start', allFrames: true, matchOriginAsFallback: true });
    await chrome.scripting.registerContentScripts([
      { id: BRIDGE_ID, js: ['built/bridge.js'], world: 'ISOLATED', matches, ...common },
      { id: PAGE_ID, js: ['built/page.js'], world: 'MAIN', matches, ...common },
    ]);
  }
}
