/** Puts the request manager around XMLHttpRequest. */

import { unmarked } from '../shared/marks.js';
import { wrapConstructor } from './constructors.js';
import { wrapMethod } from './methods.js';
import { quietly } from './quietly.js';
import { XhrRepeater } from './xhr-repeat.js';

/** What the browser takes off the ends of an address. https://url.spec.whatwg.org/#concept-basic-url-parser */
const ENDING = /[\0-\x20]+$/;
const ASCII = /^[\0-\x7f]*$/;

/**
 * @typedef {object} Opened what is known between open and send
 * @property {string} method
 * @property {URL} url
 * @property {string} origin of it
 * @property {string | null} traceparent as the page set it
 * @property {string | null} tracestate
 * @property {unknown[]} args of open for the same request once more
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
  const native = nativesOf(natives, prototype);
  /** @type {WeakMap<XMLHttpRequest, Opened>} */
  const opened = new natives.WeakMap();
  /** @type {WeakMap<XMLHttpRequest, XhrRepeater>} */
  const repeaters = new natives.WeakMap();
  const running = new RunningRequests(natives, manager, native);
  const handlers = {
    open(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const address = args[1];
      // What says something else each time it is asked is asked once. Of a symbol the browser makes no address.
      const text = args.length < 2 || typeof address === 'symbol' ? undefined : String(address);
      const opening = quietly(() => openingOf({ window, natives, manager, repeaters }, xhr, args, text));
      // What it is busy with ends there, without a word: of what is over, the page may have heard before we did.
      const ending = quietly(() => running.endingOf(xhr));
      natives.apply(native.open, xhr, text === undefined ? args : withAddress(args, opening?.marked ?? text));
      quietly(() => {
        if (ending) running.end(xhr, ending);
        opened.delete(xhr);
        repeaters.get(xhr)?.use(null);
        if (opening) opened.set(xhr, opening.state);
      });
      return undefined;
    },
    setRequestHeader(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      const state = quietly(() => (native.read(xhr, 'readyState') === 1 ? opened.get(xhr) : undefined));
      if (state && args.length > 1 && quietly(() => keepsHeader(manager, state, args))) return undefined;
      natives.apply(native.setRequestHeader, xhr, args);
      quietly(() => state && noteHeader(state, args));
      return undefined;
    },
    send(/** @type {any} */ xhr, /** @type {any[]} */ args) {
      quietly(() => {
        const state = opened.get(xhr);
        opened.delete(xhr);
        const request = state ? start({ natives, manager, native, running }, xhr, state) : null;
        if (!state?.mayRepeat || !request) return;
        const sendAgain = () => sendPlain(natives, native, xhr, state);
        const onSuccess = () => manager.giveUpOn(request, native.read(xhr, 'responseURL'));
        repeaters.get(xhr)?.use({ sendAgain, onSuccess });
      });
      try {
        return natives.apply(native.send, xhr, args);
      } catch (error) {
        throw quietly(() => withoutMark(natives, error)) ?? error;
      }
    },
  };
  const restores = Object.entries(handlers).map(([name, handler]) =>
    wrapMethod(natives, prototype, name, (_, self, args) => handler(self, args)),
  );
  const around = (/** @type {(args: any[]) => any} */ construct, /** @type {any[]} */ args) => {
    const xhr = construct(args);
    quietly(() => {
      // In this order: what is sent again has not ended.
      repeaters.set(xhr, new XhrRepeater(natives, xhr, native.read));
      running.watch(xhr);
    });
    return xhr;
  };
  restores.push(wrapConstructor(window, natives, 'XMLHttpRequest', around));
  return () => restores.forEach((restore) => restore());
}

/** @typedef {ReturnType<typeof nativesOf>} Native */

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} prototype of XMLHttpRequest
 */
function nativesOf({ apply, getOwnPropertyDescriptor }, prototype) {
  const { open, send, setRequestHeader, getAllResponseHeaders, getResponseHeader } = prototype;
  const members = ['readyState', 'status', 'responseURL'];
  const getters = new Map(members.map((name) => [name, getOwnPropertyDescriptor(prototype, name)?.get]));
  const read = (/** @type {XMLHttpRequest} */ xhr, /** @type {string} */ name) => apply(getters.get(name), xhr, []);
  return { open, send, setRequestHeader, getAllResponseHeaders, getResponseHeader, read };
}

/**
 * @param {{ window: any, natives: import('./natives.js').Natives,
 *   manager: import('../request-manager.js').RequestManager, repeaters: WeakMap<XMLHttpRequest, XhrRepeater> }} parts
 * @param {XMLHttpRequest} xhr
 * @param {any[]} args of open
 * @param {string | undefined} text its address
 * @returns {{ state: Opened, marked: string } | null} null for what is not ours to trace
 */
function openingOf({ window, natives, manager, repeaters }, xhr, args, text) {
  const url = text === undefined ? null : urlOf(window, natives, text);
  if (text === undefined || !url) return null;
  const method = String(args[0]).toUpperCase();
  const isAsync = args.length < 3 || Boolean(args[2]);
  const isReading = method === 'GET' || method === 'HEAD';
  const target = { method, url, origin: url.origin };
  const mayRepeat = isAsync && isReading && repeaters.has(xhr) && manager.mayTrace(target);
  const mark = manager.markOf(target, mayRepeat);
  const state = { ...target, traceparent: null, tracestate: null, headers: [], mayRepeat };
  // The browser encodes the query as the document is encoded, and what an address is relative to may change.
  const isParsedAlike = window.document.characterSet === 'UTF-8' || ASCII.test(text);
  const plain = withAddress(args, isParsedAlike ? url.href : text);
  return { state: { ...state, args: plain }, marked: mark ? text.replace(ENDING, '') + mark : text };
}

/**
 * @param {any[]} args of open
 * @param {string} address
 * @returns {any[]} the same with this address
 */
function withAddress(args, address) {
  const given = [];
  for (let index = 0; index < args.length; index += 1) given[index] = index === 1 ? address : args[index];
  return given;
}

/**
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {Opened} state of a request that is open
 * @param {any[]} args of setRequestHeader
 * @returns {boolean} whether the header waits for send: the browser would append to it, and ours must come first
 */
function keepsHeader(manager, state, args) {
  const name = String(args[0]).toLowerCase();
  if (name !== 'traceparent' && name !== 'tracestate') return false;
  state[name] = state[name] === null ? String(args[1]) : `${state[name]}, ${String(args[1])}`;
  return name === 'tracestate' && manager.mayTrace(state);
}

/**
 * @param {Opened} state
 * @param {any[]} args of setRequestHeader, which took them
 */
function noteHeader(state, args) {
  const isTracestate = String(args[0]).toLowerCase() === 'tracestate';
  if (!isTracestate) state.headers[state.headers.length] = [args[0], args[1]];
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

/** The request that each XMLHttpRequest is busy with. It can be used again, and tells of each in the same way. */
class RunningRequests {
  /**
   * @param {import('./natives.js').Natives} natives
   * @param {import('../request-manager.js').RequestManager} manager
   * @param {Native} native
   */
  constructor(natives, manager, native) {
    this.natives = natives;
    this.manager = manager;
    this.native = native;
    /** @type {WeakMap<XMLHttpRequest, import('../request-manager.js').TracedRequest | null>} */
    this.requests = new natives.WeakMap();
  }

  /** @param {XMLHttpRequest} xhr best one just made: a page that hears of an end first may use it again at once */
  watch(xhr) {
    this.requests.set(xhr, null);
    this.#listen(xhr);
  }

  /**
   * @param {XMLHttpRequest} xhr
   * @param {import('../request-manager.js').TracedRequest} request that it is about to send
   */
  begin(xhr, request) {
    if (!this.requests.has(xhr)) this.watch(xhr);
    this.requests.set(xhr, request);
  }

  /**
   * @param {XMLHttpRequest} xhr
   * @param {import('../request-manager.js').Ending} ending
   */
  end(xhr, ending) {
    const request = this.requests.get(xhr);
    if (!request) return;
    this.requests.set(xhr, null);
    this.manager.end(request, ending);
  }

  /**
   * @param {XMLHttpRequest} xhr
   * @returns {import('../request-manager.js').Ending | null} of what it is busy with, if it were opened now
   */
  endingOf(xhr) {
    if (!this.requests.get(xhr)) return null;
    const isOver = this.native.read(xhr, 'readyState') === 4 && this.native.read(xhr, 'status') !== 0;
    return isOver ? this.#loaded(xhr) : { error: 'AbortError' };
  }

  /**
   * @param {XMLHttpRequest} xhr that has its response
   * @returns {import('../request-manager.js').Ending}
   */
  #loaded(xhr) {
    const { natives, native } = this;
    return {
      status: native.read(xhr, 'status'),
      responseUrl: native.read(xhr, 'responseURL'),
      serverTiming: serverTimingOf(natives, native, xhr),
    };
  }

  /** @param {XMLHttpRequest} xhr */
  #listen(xhr) {
    const { natives } = this;
    const listen = (/** @type {string} */ type, /** @type {() => import('../request-manager.js').Ending} */ ending) => {
      // The page dispatches events of its own, too.
      const listener = (/** @type {Event} */ event) => event.isTrusted && quietly(() => this.end(xhr, ending()));
      natives.apply(natives.addEventListener, xhr, [type, listener]);
    };
    listen('error', () => ({ error: 'TypeError' }));
    listen('abort', () => ({ error: 'AbortError' }));
    listen('timeout', () => ({ error: 'timeout' }));
    listen('load', () => this.#loaded(xhr));
  }
}

/**
 * @param {{ natives: import('./natives.js').Natives, manager: import('../request-manager.js').RequestManager,
 *   native: Native, running: RunningRequests }} parts
 * @param {XMLHttpRequest} xhr
 * @param {Opened} state
 * @returns {import('../request-manager.js').TracedRequest}
 */
function start({ natives, manager, native, running }, xhr, state) {
  const callersHeaders = { get: (/** @type {string} */ name) => state[/** @type {'traceparent'} */ (name)] ?? null };
  const request = manager.begin(state.method, state.url, callersHeaders);
  for (const [name, value] of Object.entries(request.headers)) {
    try {
      natives.apply(native.setRequestHeader, xhr, [name, value]);
    } catch {
      // Not open any more: send will say so to the page.
    }
  }
  running.begin(xhr, request);
  return request;
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Native} native
 * @param {XMLHttpRequest} xhr
 * @param {Opened} state
 */
function sendPlain(natives, native, xhr, { args, headers, tracestate }) {
  natives.apply(native.open, xhr, args);
  for (const header of headers) natives.apply(native.setRequestHeader, xhr, header);
  if (tracestate !== null) natives.apply(native.setRequestHeader, xhr, ['tracestate', tracestate]);
  natives.apply(native.send, xhr, []);
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Native} native
 * @param {XMLHttpRequest} xhr
 * @returns {string | null}
 */
function serverTimingOf({ apply }, native, xhr) {
  // Asking for a header that another origin does not expose makes the browser complain in the page's console.
  const isExposed = apply(native.getAllResponseHeaders, xhr, []).includes('server-timing');
  return isExposed ? apply(native.getResponseHeader, xhr, ['server-timing']) : null;
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
