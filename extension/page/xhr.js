/** Puts the request manager around XMLHttpRequest. */

/**
 * @typedef {object} Opened what is known between open and send
 * @property {string} method
 * @property {URL | null} url
 * @property {string | null} traceparent as the page set it
 * @property {string | null} tracestate
 */

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @returns {() => void} takes it off again, where nobody has put something over it
 */
export function wrapXhr(window, natives, manager) {
  const { prototype } = window.XMLHttpRequest;
  const native = { open: prototype.open, send: prototype.send, setRequestHeader: prototype.setRequestHeader };
  const readyState = Object.getOwnPropertyDescriptor(prototype, 'readyState')?.get;
  /** @type {WeakMap<XMLHttpRequest, Opened>} */
  const opened = new natives.WeakMap();
  const handlers = {
    open(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const result = natives.apply(native.open, xhr, args);
      const url = urlOf(window, natives, args[1]);
      opened.set(xhr, { method: String(args[0]), url, traceparent: null, tracestate: null });
      return result;
    },
    setRequestHeader(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const state = opened.get(xhr);
      const name = String(args[0]).toLowerCase();
      const isOpen = natives.apply(readyState, xhr, []) === 1;
      if (state && isOpen && args.length > 1 && (name === 'traceparent' || name === 'tracestate')) {
        const joined = state[name] === null ? String(args[1]) : `${state[name]}, ${String(args[1])}`;
        state[name] = joined;
        // The browser would append to what is there, and ours must come first: it is set in send.
        if (name === 'tracestate' && state.url && manager.mayTrace(state.url)) return undefined;
      }
      return natives.apply(native.setRequestHeader, xhr, args);
    },
    send(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const state = opened.get(xhr);
      if (state?.url) start(natives, manager, native, xhr, state);
      opened.delete(xhr);
      return natives.apply(native.send, xhr, args);
    },
  };
  return installAll(natives, prototype, handlers);
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} prototype
 * @param {Record<string, (xhr: any, args: any[]) => unknown>} handlers
 * @returns {() => void}
 */
function installAll(natives, prototype, handlers) {
  const restores = Object.entries(handlers).map(([name, handler]) => {
    const original = prototype[name];
    const wrapped = new natives.Proxy(original, {
      apply: (/** @type {any} */ _target, /** @type {any} */ self, /** @type {any[]} */ args) => handler(self, args),
    });
    prototype[name] = wrapped;
    return () => {
      if (prototype[name] === wrapped) prototype[name] = original;
    };
  });
  return () => restores.forEach((restore) => restore());
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {Record<string, any>} native
 * @param {XMLHttpRequest} xhr
 * @param {Opened} state
 */
function start(natives, manager, native, xhr, state) {
  const callersHeaders = { get: (/** @type {string} */ name) => state[/** @type {'traceparent'} */ (name)] ?? null };
  const request = manager.begin(state.method, /** @type {URL} */ (state.url), callersHeaders);
  for (const [name, value] of Object.entries(request.headers)) {
    try {
      natives.apply(native['setRequestHeader'], xhr, [name, value]);
    } catch {
      // Not open any more: send will say so to the page.
    }
  }
  const listen = (/** @type {string} */ type, /** @type {() => import('../request-manager.js').Ending} */ ending) =>
    natives.apply(natives.addEventListener, xhr, [type, () => manager.end(request, ending()), { once: true }]);
  listen('error', () => ({ error: 'TypeError' }));
  listen('abort', () => ({ error: 'AbortError' }));
  listen('timeout', () => ({ error: 'timeout' }));
  listen('loadend', () => ({
    status: xhr.status,
    responseUrl: xhr.responseURL,
    serverTiming: serverTimingOf(xhr),
  }));
}

/**
 * @param {XMLHttpRequest} xhr
 * @returns {string | null}
 */
function serverTimingOf(xhr) {
  // Asking for a header that another origin does not expose makes the browser complain in the page's console.
  return xhr.getAllResponseHeaders().includes('server-timing') ? xhr.getResponseHeader('server-timing') : null;
}

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @param {unknown} url
 * @returns {URL | null}
 */
function urlOf(window, natives, url) {
  try {
    const parsed = new natives.URL(String(url), window.document.baseURI);
    return parsed.protocol === 'http:' || parsed.protocol === 'https:' ? parsed : null;
  } catch {
    return null;
  }
}
