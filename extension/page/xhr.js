/** Puts the request manager around XMLHttpRequest. */

import { unmarked } from '../shared/marks.js';

/** What the browser takes off the ends of an address. https://url.spec.whatwg.org/#concept-basic-url-parser */
const ENDING = /[\0-\x20]+$/;

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
      const [method, address, ...rest] = args;
      // What says something else each time it is asked is asked once. Of a symbol the browser makes no address.
      const text = args.length < 2 || typeof address === 'symbol' ? undefined : String(address);
      const url = text === undefined ? null : urlOf(window, natives, text);
      if (text === undefined || !url) {
        natives.apply(native.open, xhr, text === undefined ? args : [method, text, ...rest]);
        opened.delete(xhr);
        return undefined;
      }
      const mark = manager.markOf({ method: String(method).toUpperCase(), url }, false);
      // Not the parsed address: the browser encodes the query as the document is encoded.
      const marked = mark ? text.replace(ENDING, '') + mark : text;
      natives.apply(native.open, xhr, [method, marked, ...rest]);
      opened.set(xhr, { method: String(method), url, traceparent: null, tracestate: null });
      return undefined;
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
      try {
        return natives.apply(native.send, xhr, args);
      } catch (error) {
        throw withoutMark(natives, error);
      }
    },
  };
  return installAll(natives, prototype, handlers);
}

/**
 * A synchronous request that fails names its address.
 * @param {import('./natives.js').Natives} natives
 * @param {any} error
 * @returns {any}
 */
function withoutMark(natives, error) {
  const message = String(error?.message).replace(/\S+(?='\.?$)/, unmarked);
  return message === error?.message ? error : new natives.DOMException(message, error.name);
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
  listen('load', () => ({
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
