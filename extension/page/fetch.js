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
    if ('refusal' in call) return natives.reject(call.refusal);
    const send = (/** @type {any[]} */ sent) => natives.apply(native, self, sent);
    return run(natives, manager, { send, call });
  });
  return () => {
    notes.restore();
    restore();
  };
}

/**
 * @typedef {(name: string) => any} Member
 *
 * @typedef {object} Call
 * @property {import('../request-manager.js').TracedRequest} request
 * @property {any[]} args with our headers and mark, where it may have them
 * @property {(() => any[]) | null} plainArgs the same call without them, as it was made, whatever the page has changed
 *   since; null: it may not be sent again
 */

/**
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {{ send: (args: any[]) => Promise<Response>, call: Call }} sending
 * @returns {Promise<Response>}
 */
function run(natives, manager, { send, call }) {
  const { request, plainArgs } = call;
  const onResponse = (/** @type {Response} */ response) => {
    quietly(() => manager.end(request, endingOf(natives, response)));
    return response;
  };
  const onError = (/** @type {any} */ error) => {
    const again = plainArgs && quietly(() => errorName(error)) === 'TypeError' && quietly(plainArgs);
    if (again) {
      return natives.apply(natives.then, send(again), [
        (/** @type {Response} */ response) => {
          quietly(() => {
            const read = readerOf(natives, response);
            manager.giveUpOn(request, read('url'), read('redirected'));
          });
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
  return natives.apply(natives.then, send(call.args), [onResponse, onError]);
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
 * @returns {Member} reads its members as the browser does
 */
function readerOf({ apply, responseMembers }, response) {
  return (name) => apply(responseMembers[name], response, []);
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Response} response
 * @returns {import('../request-manager.js').Ending}
 */
function endingOf(natives, response) {
  const read = readerOf(natives, response);
  if (read('type') === 'opaque' || read('type') === 'opaqueredirect') return {};
  const serverTiming = natives.apply(natives.headerOf, read('headers'), ['server-timing']);
  return { status: read('status'), responseUrl: read('url'), serverTiming };
}

/**
 * @param {object} parts
 * @param {any} parts.window
 * @param {import('./natives.js').Natives} parts.natives
 * @param {import('../request-manager.js').RequestManager} parts.manager
 * @param {RequestNotes} parts.notes
 * @param {any[]} args of the call
 * @returns {Call | { refusal: unknown } | null} null for what is not ours to trace: data and blob URLs, calls that the
 *   browser will refuse; a refusal of headers that it cannot read once more
 */
function readCall({ window, natives, manager, notes }, args) {
  const input = args[0];
  const init = args[1];
  // Of a symbol the browser makes no address.
  if (args.length === 0 || typeof input === 'symbol' || !isDictionary(init)) return null;
  try {
    const read = requestReader(natives, notes, input);
    const text = String(read ? read('url') : input);
    const url = new natives.URL(text, window.document.baseURI);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
    const own = onceReader(init);
    const given = memberOf(own, read, 'headers');
    const isOnce = isReadOnce(natives, given);
    const headers = given === undefined ? null : headersOf(natives, given, isOnce);
    if (headers && 'refusal' in headers) return headers;
    // Without CORS the browser drops such headers, silently.
    const isBare = memberOf(own, read, 'mode') === 'no-cors';
    const request = manager.begin(String(memberOf(own, read, 'method') ?? 'GET'), url, headers ?? NONE, isBare);
    const call = { request, input: read ? input : text, init, headers, isOnce, own, read };
    return isBare ? untracedCall(natives, call) : tracedCall(natives, manager, call);
  } catch {
    return null;
  }
}

/**
 * @typedef {object} Read what was read of a call
 * @property {import('../request-manager.js').TracedRequest} request
 * @property {any} input a Request or an address
 * @property {any} init
 * @property {Headers | null} headers of the caller
 * @property {boolean} isOnce whether what they were read from can be read no more
 * @property {Member} own reads the init
 * @property {Member | null} read reads the Request
 */

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Read} call
 * @returns {Call}
 */
function untracedCall(natives, { request, input, init, headers, isOnce, own }) {
  const isNothing = init === undefined || init === null;
  // The browser sends names as they are written, and in their order: it gets what the page gave.
  const sent = isNothing ? init : withHeaders(natives, init, own, isOnce ? headers : own('headers'), null);
  return { request, args: [input, sent], plainArgs: null };
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {Read} call
 * @returns {Call}
 */
function tracedCall(natives, manager, call) {
  const { request, init, headers, own, read } = call;
  const names = Object.keys(request.headers);
  if (names.length === 0 && !headers?.has('traceparent')) return untracedCall(natives, call);
  const redirect = memberOf(own, read, 'redirect');
  const isSafe = request.method === 'GET' || request.method === 'HEAD';
  const mayRepeat = isSafe && redirect !== 'error' && names.length > 0;
  const plainArgs = mayRepeat ? plainAgain(natives, call, names) : null;
  for (const name of names) headers?.set(name, request.headers[name] ?? '');
  const mark = manager.markOf(request, mayRepeat && redirect !== 'manual');
  const otherwise = mark ? markedReader(natives, call) : referrerReader(natives, call);
  const traced = withHeaders(natives, init, own, headers ?? request.headers, otherwise);
  return { request, args: [mark ? request.url.href + mark : addressOf(call), traced], plainArgs };
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Read} call whose headers are about to get ours
 * @param {string[]} names of these
 * @returns {() => any[]} makes the arguments of the same call without them
 */
function plainAgain(natives, call, names) {
  const { init, headers, own } = call;
  const before = names.map((name) => ({ name, value: headers?.get(name) ?? null }));
  const otherwise = referrerReader(natives, call);
  return () => {
    for (const { name, value } of before) {
      if (value === null) headers?.delete(name);
      else headers?.set(name, value);
    }
    return [addressOf(call), withHeaders(natives, init, own, headers ?? undefined, otherwise)];
  };
}

/**
 * @param {Read} call
 * @returns {any} its Request, or its address as text: the page may change a URL, and what it is relative to
 */
function addressOf({ request, input, read }) {
  return read ? input : request.url.href;
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Read} call
 * @returns {Member | null} reads what the browser forgets of a Request that comes with an init, if the page gave none
 */
function referrerReader(natives, { own, read }) {
  if (!read || !isEmpty(natives, own)) return null;
  return (name) => (isOfReferrer(name) ? read(name) : undefined);
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Read} call
 * @returns {Member | null} reads what the browser takes from the Request
 */
function markedReader(natives, { own, read }) {
  if (!read || isEmpty(natives, own)) return read;
  return (name) => (isOfReferrer(name) ? undefined : read(name));
}

/**
 * @param {string} name of a member of a Request
 * @returns {boolean} whether it begins anew where there is an init. https://fetch.spec.whatwg.org/#dom-request
 */
function isOfReferrer(name) {
  return name === 'referrer' || name === 'referrerPolicy';
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {Member} own reads the init
 * @returns {boolean} whether it has none of the members that the browser asks for
 */
function isEmpty({ initMembers }, own) {
  return initMembers.every((name) => own(name) === undefined);
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} given as headers
 * @returns {boolean} whether it can be read once: an iterator, as of a generator
 */
function isReadOnce({ apply, iterator }, given) {
  if (typeof given !== 'object' || given === null) return false;
  const iterate = given[iterator];
  return typeof iterate === 'function' && apply(iterate, given, []) === given;
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} given
 * @param {boolean} isOnce whether the browser would find nothing there any more
 * @returns {Headers | { refusal: unknown }}
 * @throws what is wrong with them, if the browser can say so itself
 */
function headersOf({ Headers }, given, isOnce) {
  try {
    return new Headers(given);
  } catch (refusal) {
    if (isOnce) return { refusal };
    throw refusal;
  }
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
 * @returns {Member | null} reads members of a Request as the browser does; null if it is none
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
 * @param {any} init of the caller: a dictionary, an object with getters, a Request, or nothing
 * @returns {Member} what it says, each member asked of it once, as the browser does
 */
function onceReader(init) {
  if (init === undefined || init === null) return () => undefined;
  /** @type {Record<string, any>} */
  const known = { __proto__: null };
  return (name) => {
    if (!(name in known)) {
      const value = init[name];
      // The browser makes a text of it, and a page may give an object that it changes.
      const isText = name === 'method' || name === 'referrer' || name === 'integrity';
      known[name] = isText && typeof value === 'object' && value !== null ? String(value) : value;
    }
    return known[name];
  };
}

/**
 * @param {Member} own
 * @param {Member | null} otherwise
 * @param {string} name
 * @returns {any} what the call says of it; a dictionary of the web has a member if its value is not undefined
 */
function memberOf(own, otherwise, name) {
  const value = own(name);
  return value === undefined && otherwise ? otherwise(name) : value;
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} init of the caller
 * @param {Member} own reads it
 * @param {Headers | Record<string, string> | undefined | null} headers
 * @param {Member | null} otherwise says what the init does not
 * @returns {any} the same with these headers
 */
function withHeaders(natives, init, own, headers, otherwise) {
  // The browser asks for each of some twenty members.
  if (!otherwise && (init === undefined || init === null)) return { __proto__: null, headers };
  return new natives.Proxy(
    {},
    {
      get: (/** @type {any} */ _, /** @type {string} */ name) =>
        name === 'headers' ? headers : memberOf(own, otherwise, name),
    },
  );
}
