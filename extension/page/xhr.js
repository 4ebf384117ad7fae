/** Puts the request manager around XMLHttpRequest. */

import { unmarked } from '../shared/marks.js';
import { wrapConstructor } from './constructors.js';
import { wrapMethod } from './methods.js';
import { XhrRepeater } from './xhr-repeat.js';

/** What the browser takes off the ends of an address. https://url.spec.whatwg.org/#concept-basic-url-parser */
const ENDING = /[\0-\x20]+$/;

/**
 * @typedef {object} Opened what is known between open and send
 * @property {string} method
 * @property {URL} url
 * @property {string} origin of it
 * @property {string | null} traceparent as the page set it
 * @property {string | null} tracestate
 * @property {unknown[]} args of open, as the page gave them
 * @property {[unknown, unknown][]} headers that the page set, but for these two
 * @property {boolean} mayRepeat whether it can be sent again without our headers
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
  /** @type {WeakMap<XMLHttpRequest, XhrRepeater>} */
  const repeaters = new natives.WeakMap();
  const handlers = {
    open(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const [method, address, ...rest] = args;
      // What says something else each time it is asked is asked once. Of a symbol the browser makes no address.
      const text = args.length < 2 || typeof address === 'symbol' ? undefined : String(address);
      const url = text === undefined ? null : urlOf(window, natives, text);
      if (text === undefined || !url) {
        natives.apply(native.open, xhr, text === undefined ? args : [method, text, ...rest]);
        opened.delete(xhr);
        repeaters.get(xhr)?.use(null);
        return undefined;
      }
      const name = String(method).toUpperCase();
      const isAsync = rest.length === 0 || Boolean(rest[0]);
      const isReading = name === 'GET' || name === 'HEAD';
      const target = { method: name, url, origin: url.origin };
      const mayRepeat = isAsync && isReading && repeaters.has(xhr) && manager.mayTrace(target);
      const mark = manager.markOf(target, mayRepeat);
      // Not the parsed address: the browser encodes the query as the document is encoded.
      const marked = mark ? text.replace(ENDING, '') + mark : text;
      natives.apply(native.open, xhr, [method, marked, ...rest]);
      repeaters.get(xhr)?.use(null);
      const state = { ...target, traceparent: null, tracestate: null, headers: [], mayRepeat };
      opened.set(xhr, { ...state, args: [method, text, ...rest] });
      return undefined;
    },
    setRequestHeader(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const state = opened.get(xhr);
      const name = String(args[0]).toLowerCase();
      const isOpen = natives.apply(readyState, xhr, []) === 1;
      if (!state || !isOpen || args.length < 2) return natives.apply(native.setRequestHeader, xhr, args);
      if (name === 'traceparent' || name === 'tracestate') {
        const joined = state[name] === null ? String(args[1]) : `${state[name]}, ${String(args[1])}`;
        state[name] = joined;
        // The browser would append to what is there, and ours must come first: it is set in send.
        if (name === 'tracestate' && manager.mayTrace(state)) return undefined;
      }
      natives.apply(native.setRequestHeader, xhr, args);
      if (name !== 'tracestate') state.headers.push([args[0], args[1]]);
      return undefined;
    },
    send(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const state = opened.get(xhr);
      opened.delete(xhr);
      const request = state ? start(natives, manager, native, xhr, state) : null;
      if (state?.mayRepeat && request) {
        const sendAgain = () => sendPlain(natives, native, xhr, state);
        repeaters.get(xhr)?.use({ sendAgain, onSuccess: () => manager.giveUpOn(request, xhr.responseURL) });
      }
      try {
        return natives.apply(native.send, xhr, args);
      } catch (error) {
        throw withoutMark(natives, error);
      }
    },
  };
  const restores = Object.entries(handlers).map(([name, handler]) =>
    wrapMethod(natives, prototype, name, (_, self, args) => handler(self, args)),
  );
  const around = (/** @type {(args: any[]) => any} */ construct, /** @type {any[]} */ args) => {
    const xhr = construct(args);
    repeaters.set(xhr, new XhrRepeater(natives, xhr));
    return xhr;
  };
  restores.push(wrapConstructor(window, natives, 'XMLHttpRequest', around));
  return () => restores.forEach((restore) => restore());
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
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {Record<string, any>} native
 * @param {XMLHttpRequest} xhr
 * @param {Opened} state
 * @returns {import('../request-manager.js').TracedRequest}
 */
function start(natives, manager, native, xhr, state) {
  const callersHeaders = { get: (/** @type {string} */ name) => state[/** @type {'traceparent'} */ (name)] ?? null };
  const request = manager.begin(state.method, state.url, callersHeaders);
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
  return request;
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Record<string, any>} native
 * @param {XMLHttpRequest} xhr
 * @param {Opened} state
 */
function sendPlain(natives, native, xhr, { args, headers, tracestate }) {
  natives.apply(native['open'], xhr, args);
  for (const header of headers) natives.apply(native['setRequestHeader'], xhr, header);
  if (tracestate !== null) natives.apply(native['setRequestHeader'], xhr, ['tracestate', tracestate]);
  natives.apply(native['send'], xhr, []);
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
