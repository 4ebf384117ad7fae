/**
 * Puts the request manager around `fetch`. The caller's objects are read and never changed; whatever we cannot make
 * sense of goes to the browser untouched, so that its own error is the one that the page gets.
 */

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @returns {() => void} takes it off again, if nobody has put something over it
 */
export function wrapFetch(window, natives, manager) {
  const nativeFetch = window.fetch;
  const fetch = new natives.Proxy(nativeFetch, {
    apply(/** @type {any} */ target, /** @type {any} */ self, /** @type {any[]} */ args) {
      const call = readCall(window, natives, manager, args);
      if (!call) return natives.apply(target, self, args);
      const send = (/** @type {any[]} */ sent) => natives.apply(target, self, sent);
      return run(natives, manager, { send, args, call });
    },
  });
  window.fetch = fetch;
  return () => {
    if (window.fetch === fetch) window.fetch = nativeFetch;
  };
}

/**
 * @typedef {object} Call
 * @property {import('../request-manager.js').TracedRequest} request
 * @property {any[]} tracedArgs with our headers, or as they were
 * @property {boolean} mayRepeat whether it may be sent again without our headers
 */

/**
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {{ send: (args: any[]) => Promise<Response>, args: any[], call: Call }} sending
 * @returns {Promise<Response>}
 */
function run(natives, manager, { send, args, call }) {
  const { request } = call;
  const onResponse = (/** @type {Response} */ response) => {
    manager.end(request, endingOf(response));
    return response;
  };
  const onError = (/** @type {any} */ error) => {
    if (call.mayRepeat && error?.name === 'TypeError') {
      return natives.apply(natives.then, send(args), [
        (/** @type {Response} */ response) => {
          manager.giveUpOn(request);
          return onResponse(response);
        },
        fail,
      ]);
    }
    return fail(error);
  };
  const fail = (/** @type {any} */ error) => {
    manager.end(request, { error: errorName(error) });
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
 * @param {Response} response
 * @returns {import('../request-manager.js').Ending}
 */
function endingOf(response) {
  if (response.type === 'opaque' || response.type === 'opaqueredirect') return {};
  return { status: response.status, responseUrl: response.url, serverTiming: response.headers.get('server-timing') };
}

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @param {import('../request-manager.js').RequestManager} manager
 * @param {any[]} args of the call
 * @returns {Call | null} null for what is not ours to trace: data and blob URLs, calls that the browser will refuse
 */
function readCall(window, natives, manager, args) {
  if (args.length === 0) return null;
  try {
    const [input, init] = args;
    const read = requestReader(natives, input);
    const url = new natives.URL(read ? read(natives.requestUrl) : String(input), window.document.baseURI);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
    const member = (/** @type {string} */ name, /** @type {any} */ getter) => init?.[name] ?? read?.(getter);
    const headers = new natives.Headers(member('headers', natives.requestHeaders));
    const request = manager.begin(String(member('method', natives.requestMethod) ?? 'GET'), url, headers);
    // What is neither a Request nor a URL was turned into text above, which may be done only once.
    const target = read || typeof input === 'string' || input instanceof natives.URL ? input : url.href;
    // Without CORS the browser drops such headers, silently.
    const names = member('mode', natives.requestMode) === 'no-cors' ? [] : Object.keys(request.headers);
    if (names.length === 0) return { request, tracedArgs: [target, ...args.slice(1)], mayRepeat: false };
    for (const name of names) headers.set(name, request.headers[name]);
    const isSafe = request.method === 'GET' || request.method === 'HEAD';
    const mayRepeat = isSafe && member('redirect', natives.requestRedirect) !== 'error';
    return { request, tracedArgs: [target, withHeaders(natives, init, headers, read)], mayRepeat };
  } catch {
    return null;
  }
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} input
 * @returns {((getter: any) => any) | null} reads members of a Request as the browser does; null if it is none
 */
function requestReader(natives, input) {
  if (typeof input !== 'object' || input === null) return null;
  const read = (/** @type {any} */ getter) => natives.apply(getter, input, []);
  try {
    read(natives.requestUrl);
    return read;
  } catch {
    return null;
  }
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} init of the caller: a dictionary, an object with getters, a Request, or nothing
 * @param {Headers} headers
 * @param {((getter: any) => any) | null} read
 * @returns {any} the same with other headers; the browser forgets the referrer of a Request that comes with an init
 */
function withHeaders(natives, init, headers, read) {
  /** @type {Record<string, any>} */
  const replaced = { headers };
  if (read) {
    replaced['referrer'] = init?.referrer ?? read(natives.requestReferrer);
    replaced['referrerPolicy'] = init?.referrerPolicy ?? read(natives.requestReferrerPolicy);
  }
  if (init === undefined || init === null) return replaced;
  return new natives.Proxy(init, {
    get: (/** @type {any} */ target, /** @type {string} */ name) => (name in replaced ? replaced[name] : target[name]),
  });
}
