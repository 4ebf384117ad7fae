/**
 * Puts the request manager around `fetch`. The caller's objects are read and never changed; whatever we cannot make
 * sense of goes to the browser untouched, so that its own error is the one that the page gets.
 */

import { wrapMethod } from './methods.js';
import { quietly } from './quietly.js';
import { RequestNotes } from './request-notes.js';

/** Where the caller has no headers, none are made: a Headers costs as much as all else that is done for a call. */
const NONE = Object.freeze({ get: () => null });

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @returns {() => void} takes it off again, if nobody has put something over it
 */
export function wrapFetch(window, natives, manager) {
  const notes = new RequestNotes(window, natives);
  const restore = wrapMethod(natives, window, 'fetch', (native, self, args) => {
    const call = readCall({ window, natives, manager, notes }, args);
    if (!call) return natives.apply(native, self, args);
    const send = (/** @type {any[]} */ sent) => natives.apply(native, self, sent);
    return run(natives, manager, { send, call });
  });
  return () => {
    notes.restore();
    restore();
  };
}

/**
 * @typedef {object} Call
 * @property {import('../request-manager.js').TracedRequest} request
 * @property {any[]} tracedArgs with our headers and mark, or as they were
 * @property {any[]} plainArgs
 * @property {boolean} mayRepeat whether it may be sent again without our headers
 */

/**
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {{ send: (args: any[]) => Promise<Response>, call: Call }} sending
 * @returns {Promise<Response>}
 */
function run(natives, manager, { send, call }) {
  const { request } = call;
  const onResponse = (/** @type {Response} */ response) => {
    quietly(() => manager.end(request, endingOf(natives, response)));
    return response;
  };
  const onError = (/** @type {any} */ error) => {
    if (call.mayRepeat && quietly(() => errorName(error)) === 'TypeError') {
      return natives.apply(natives.then, send(call.plainArgs), [
        (/** @type {Response} */ response) => {
          quietly(() => manager.giveUpOn(request, natives.apply(natives.responseMembers['url'], response, [])));
          return onResponse(response);
        },
        fail,
      ]);
    }
    return fail(error);
  };
  const fail = (/** @type {any} */ error) => {
    quietly(() => manager.end(request, { error: quietly(() => errorName(error)) ?? 'Error' }));
    throw error;
  };
  return natives.apply(natives.then, send(call.tracedArgs), [onResponse, onError]);
}

/**
 * @param {any} error
 * @returns {string}
 */
function errorName(error) {
  return typeof error?.name === 'string' ? error.name.slice(0, 100) : 'AbortError';
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Response} response
 * @returns {import('../request-manager.js').Ending}
 */
function endingOf({ apply, responseMembers, headerOf }, response) {
  const read = (/** @type {string} */ name) => apply(responseMembers[name], response, []);
  if (read('type') === 'opaque' || read('type') === 'opaqueredirect') return {};
  const serverTiming = apply(headerOf, read('headers'), ['server-timing']);
  return { status: read('status'), responseUrl: read('url'), serverTiming };
}

/**
 * @param {object} parts
 * @param {any} parts.window
 * @param {import('./natives.js').Natives} parts.natives
 * @param {import('../request-manager.js').RequestManager} parts.manager
 * @param {RequestNotes} parts.notes
 * @param {any[]} args of the call
 * @returns {Call | null} null for what is not ours to trace: data and blob URLs, calls that the browser will refuse
 */
function readCall({ window, natives, manager, notes }, args) {
  const input = args[0];
  const init = args[1];
  if (args.length === 0 || !isDictionary(init)) return null;
  try {
    const read = requestReader(natives, notes, input);
    const url = new natives.URL(String(read ? read('url') : input), window.document.baseURI);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
    const own = memberOf(init, read, 'headers');
    const headers = own === undefined ? null : new natives.Headers(own);
    const request = manager.begin(String(memberOf(init, read, 'method') ?? 'GET'), url, headers ?? NONE);
    // What is neither a Request nor a URL was turned into text above, which may be done only once.
    const target = read || typeof input === 'string' || input instanceof natives.URL ? input : url.href;
    const plainArgs = [target, ...args.slice(1)];
    return tracedCall(natives, manager, { request, plainArgs, headers, read });
  } catch {
    return null;
  }
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {Pick<Call, 'request' | 'plainArgs'> & { headers: Headers | null, read: ((name: string) => any) | null }} call
 *   with the caller's headers
 * @returns {Call}
 */
function tracedCall(natives, manager, { request, plainArgs, headers, read }) {
  const [target, init] = plainArgs;
  const names = Object.keys(request.headers);
  // Without CORS the browser drops such headers, silently.
  const isPlain =
    memberOf(init, read, 'mode') === 'no-cors' || (names.length === 0 && !headers?.has('traceparent'));
  if (isPlain) return { request, tracedArgs: plainArgs, plainArgs, mayRepeat: false };
  for (const name of names) headers?.set(name, request.headers[name] ?? '');
  const redirect = memberOf(init, read, 'redirect');
  const isSafe = request.method === 'GET' || request.method === 'HEAD';
  const mayRepeat = isSafe && redirect !== 'error' && names.length > 0;
  const mark = manager.markOf(request, mayRepeat && redirect !== 'manual');
  const marked = mark ? request.url.href + mark : target;
  const tracedArgs = [marked, withHeaders(natives, init, headers ?? request.headers, read, marked !== target)];
  return { request, tracedArgs, plainArgs, mayRepeat };
}

/**
 * @param {unknown} init
 * @returns {boolean} whether the browser takes it for what goes with a request; else it says what is wrong
 */
function isDictionary(init) {
  return init === undefined || init === null || typeof init === 'object' || typeof init === 'function';
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {RequestNotes} notes
 * @param {any} input
 * @returns {((name: string) => any) | null} reads members of a Request as the browser does; null if it is none
 */
function requestReader(natives, notes, input) {
  if (typeof input !== 'object' || input === null) return null;
  const read = (/** @type {string} */ name) => {
    const getter = natives.requestMembers[name];
    return getter ? natives.apply(getter, input, []) : quietly(() => notes.noted(input, name));
  };
  try {
    read('url');
    return read;
  } catch {
    return null;
  }
}

/**
 * @param {any} init
 * @param {((name: string) => any) | null} read
 * @param {string} name
 * @returns {any} what the call says of it; a dictionary of the web has a member if its value is not undefined
 */
function memberOf(init, read, name) {
  const own = init?.[name];
  return own === undefined && read ? read(name) : own;
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} init of the caller: a dictionary, an object with getters, a Request, or nothing
 * @param {Headers | Record<string, string>} headers
 * @param {((name: string) => any) | null} read
 * @param {boolean} isAlone whether it goes with an address instead of the caller's Request, and says all of it
 * @returns {any} the same with other headers; the browser forgets the referrer of a Request that comes with an init
 */
function withHeaders(natives, init, headers, read, isAlone) {
  // The browser asks for each of some twenty members.
  if (!read && (init === undefined || init === null)) return { __proto__: null, headers };
  const isKept = (/** @type {string} */ name) => isAlone || name === 'referrer' || name === 'referrerPolicy';
  return new natives.Proxy(
    {},
    {
      get: (/** @type {any} */ _, /** @type {string} */ name) =>
        name === 'headers' ? headers : memberOf(init, isKept(name) ? read : null, name),
    },
  );
}
