/**
 * Requests of the page's scripts: each gets an id (its trace), says so in its headers, and is told of when its
 * response is there. Pure but for what is passed in; page/fetch.js and page/xhr.js put it around the browser's own
 * functions.
 */

import { SpanContexts } from './shared/ids.js';
import { MARK, STAY_MARK } from './shared/marks.js';
import { formatTraceparent, parseTraceparent, prependTracestate, spanOfServerTiming } from './shared/trace-context.js';

/** Requests that are remembered to be matched with their timing, and those in flight. */
export const REQUESTS_MAX = 2000;
/** Addresses that did not bear our headers. */
export const UNTRACED_MAX = 200;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);

/**
 * @typedef {import('./shared/ids.js').SpanContext} SpanContext
 *
 * @typedef {object} TracedRequest
 * @property {SpanContext} context
 * @property {string} [parentSpanId] of the page load, if it carries its trace
 * @property {string} method
 * @property {URL} url
 * @property {string} origin of it
 * @property {string} address the URL without its fragment
 * @property {string} sessionId
 * @property {number} start milliseconds since 1970
 * @property {number} startMonotonic
 * @property {Record<string, string>} headers to set: none for an origin that may not have them
 *
 * @typedef {object} Ending
 * @property {number} [status]
 * @property {string} [responseUrl] where redirects led
 * @property {string | null} [serverTiming]
 * @property {string} [error] name of what went wrong: TypeError, AbortError, timeout, …
 * @property {boolean} [isIncomplete] the page went before the response came
 */

export class RequestManager {
  /**
   * @param {object} parts
   * @param {string} parts.origin of the page
   * @param {() => string} parts.sessionId
   * @param {() => SpanContext | null} parts.page the page load
   * @param {() => number} parts.now
   * @param {() => number} parts.monotonicNow
   * @param {(record: import('./shared/records.js').PageRecord) => void} parts.emit
   * @param {(origin: string) => void} parts.onOwnTracing the page sends trace headers of its own there
   * @param {(address: string) => void} parts.onStray an address redirects to an origin that may not have trace headers
   * @param {import('./shared/redact.js').Redactor} parts.redactor
   * @param {() => boolean} parts.isServed whether requests of the page pass through its service worker
   */
  constructor(parts) {
    this.parts = parts;
    this.contexts = new SpanContexts();
    /** @type {Set<string>} exact origins beyond the page's own that get trace headers */
    this.targets = new Set();
    /** Whether the browser's rules set X-Session-ID; if not, the page script does, for its own origin. */
    this.headerRules = true;
    /** @type {Set<TracedRequest>} */
    this.inFlight = new Set();
    /** @type {TracedRequest[]} */
    this.recent = [];
    /** @type {Set<string>} */
    this.untraced = new Set();
    /** @type {Set<string>} origins to which the page sends trace headers of its own */
    this.ownTracing = new Set();
  }

  /**
   * A request begins.
   * @param {string} method
   * @param {URL} url
   * @param {{ get: (name: string) => string | null }} callersHeaders
   * @param {boolean} [isBare] whether the browser sends no trace headers of scripts with it
   * @returns {TracedRequest}
   */
  begin(method, url, callersHeaders, isBare = false) {
    const { parts } = this;
    const own = isBare ? null : parseTraceparent(callersHeaders.get('traceparent'));
    const sessionId = parts.sessionId();
    // To ask a URL for its origin makes it each time.
    const { origin } = url;
    if (own) this.#noteOwnTracing(origin);
    const context = own ?? this.contexts.next();
    const sent = normalMethod(method);
    const hasTraceOfPage = isBare && this.#isReached(sent, origin) && !this.ownTracing.has(origin);
    const page = hasTraceOfPage ? parts.page() : null;
    /** @type {TracedRequest} */
    const request = {
      context: page ? { ...context, traceId: page.traceId } : context,
      ...(page ? { parentSpanId: page.spanId } : {}),
      method: sent,
      url,
      origin,
      address: withoutFragment(url.href),
      sessionId,
      start: parts.now(),
      startMonotonic: parts.monotonicNow(),
      headers: {},
    };
    if (!isBare && this.mayTrace(request)) this.#setHeaders(request, own !== null, callersHeaders);
    this.inFlight.add(request);
    this.recent.push(request);
    if (this.recent.length > REQUESTS_MAX) this.recent.shift();
    const [oldest] = this.inFlight;
    // Told of without its end, rather than not at all.
    if (oldest && this.inFlight.size > REQUESTS_MAX) this.end(oldest, { isIncomplete: true });
    return request;
  }

  /**
   * @param {Pick<TracedRequest, 'url' | 'origin'>} request
   * @returns {boolean} whether requests there get trace headers: the page's own origin, and exact origins that were
   *   allowed
   */
  mayTrace({ url, origin }) {
    const isAllowed = origin === this.parts.origin || this.targets.has(origin);
    return isAllowed && !url.username && !url.password && !this.untraced.has(pathOf({ url, origin }));
  }

  /**
   * A service worker of the page would see the mark, and may choose by the address: its pages go without.
   * @param {Pick<TracedRequest, 'method' | 'url' | 'origin'>} request
   * @param {boolean} mayRepeat whether it can be sent again if it is ended for a redirect to another origin
   * @returns {string} what to put after its address; empty: nothing, for the rules of the browser leave such requests
   *   alone
   */
  markOf({ method, url, origin }, mayRepeat) {
    if (url.username || url.password || !this.#isReached(method, origin)) return '';
    return mayRepeat ? STAY_MARK : MARK;
  }

  /**
   * @param {string} method
   * @param {string} origin
   * @returns {boolean} whether the browser's rules give such a request the trace of the page load if it has no mark and
   *   the page does not trace by itself
   */
  #isReached(method, origin) {
    const isRead = method === 'GET' || method === 'HEAD';
    return isRead && origin === this.parts.origin && !this.parts.isServed();
  }

  /**
   * A request failed with our headers and works without them: its server, or one that a redirect leads to, does not
   * allow them, though another redirect may lead back. On the own origin, which needs not allow them, it was the
   * network.
   * @param {TracedRequest} request
   * @param {string} responseUrl where it led without them
   * @param {boolean} [isRedirected] whether it was redirected, perhaps to where it began
   */
  giveUpOn(request, responseUrl, isRedirected = false) {
    request.headers = {};
    const strays = this.#isStrange(responseUrl);
    const isDirect = !isRedirected && withoutFragment(responseUrl) === request.address;
    if (request.origin === this.parts.origin && isDirect) {
      this.#tellFallback(request, 'the request failed, and was sent again without trace headers');
      return;
    }
    const body = 'the server did not allow trace headers: the request was sent again without them';
    this.#leaveAlone(request, body, strays);
  }

  /** @param {readonly string[]} addresses that were seen to redirect to origins that may not have trace headers */
  avoid(addresses) {
    for (const address of addresses) this.#remember(address);
  }

  /** @param {string} address */
  #remember(address) {
    if (this.untraced.size < UNTRACED_MAX) this.untraced.add(address);
  }

  /**
   * @param {TracedRequest} request
   * @param {string} body why requests to its address get no headers from now on
   * @param {boolean} strays whether it redirects to an origin that may not have them: other pages are to know, too
   */
  #leaveAlone(request, body, strays) {
    const address = pathOf(request);
    this.#remember(address);
    if (strays) this.parts.onStray(address);
    this.#tellFallback(request, body);
  }

  /**
   * @param {TracedRequest} request
   * @param {string} body what happened
   */
  #tellFallback(request, body) {
    this.parts.emit({
      kind: 'log',
      event: 'gasoline.propagation.fallback',
      time: this.parts.now(),
      severity: 13,
      body,
      ...request.context,
      sessionId: request.sessionId,
      attributes: { 'url.full': this.parts.redactor.url(request.url.href) },
    });
  }

  /**
   * A request is over; later calls for the same one do nothing.
   * @param {TracedRequest} request
   * @param {Ending} ending
   */
  end(request, ending) {
    if (!this.inFlight.delete(request)) return;
    this.parts.emit(spanOf(request, ending, this.parts.now(), this.parts.redactor));
    const isTraced = 'traceparent' in request.headers && !this.untraced.has(pathOf(request));
    if (isTraced && this.#isStrange(ending.responseUrl)) {
      const body = 'a redirect took trace headers to another origin: its address gets none any more';
      this.#leaveAlone(request, body, true);
    }
  }

  /** The page is going away: what is still in flight is told of now, or never. */
  endAll() {
    for (const request of [...this.inFlight]) this.end(request, { isIncomplete: true });
  }

  /**
   * @param {string} url of a resource timing entry
   * @param {number} startTime of that entry
   * @param {SpanContext | null} answered the span that its server says answered
   * @returns {TracedRequest | null} the request that it is the timing of: of those to its address the one whose trace
   *   its server names, else the last that began before it
   */
  requestOf(url, startTime, answered) {
    const timed = withoutFragment(url);
    const isNamed = (/** @type {TracedRequest} */ request) => request.context.traceId === answered?.traceId;
    let found = -1;
    // From the last on: most entries are of requests that are just over.
    for (let index = this.recent.length - 1; index >= 0; index -= 1) {
      const request = this.recent[index];
      if (!request || request.address !== timed || startTime < request.startMonotonic) continue;
      if (found < 0) found = index;
      if (!answered || isNamed(request)) {
        found = index;
        break;
      }
    }
    return found < 0 ? null : (this.recent.splice(found, 1)[0] ?? null);
  }

  /** @param {string} origin */
  #noteOwnTracing(origin) {
    if (this.ownTracing.has(origin)) return;
    this.ownTracing.add(origin);
    this.parts.onOwnTracing(origin);
  }

  /**
   * @param {string | undefined} responseUrl
   * @returns {boolean} whether a redirect led to an origin that may not have trace headers
   */
  #isStrange(responseUrl) {
    if (responseUrl?.startsWith(`${this.parts.origin}/`)) return false;
    const isAllowed = [...this.targets].some((origin) => responseUrl?.startsWith(`${origin}/`));
    return Boolean(responseUrl) && !isAllowed;
  }

  /**
   * @param {TracedRequest} request
   * @param {boolean} isAdopted
   * @param {{ get: (name: string) => string | null }} callersHeaders
   */
  #setHeaders({ headers, context, sessionId, origin }, isAdopted, callersHeaders) {
    if (!isAdopted) headers['traceparent'] = formatTraceparent(context);
    if (!sessionId) return;
    headers['tracestate'] = prependTracestate(sessionId, callersHeaders.get('tracestate'));
    if (origin === this.parts.origin && !this.headerRules) headers['X-Session-ID'] = sessionId;
  }
}

/**
 * @param {TracedRequest} request
 * @param {Ending} ending
 * @param {number} end
 * @param {import('./shared/redact.js').Redactor} redactor
 * @returns {import('./shared/records.js').SpanRecord}
 */
function spanOf(request, ending, end, redactor) {
  const { method, context } = request;
  const { status = 0, error = '' } = ending;
  // What the page itself called off is no failure.
  const isFailed = status >= 400 || (error !== '' && error !== 'AbortError');
  const attributes = {
    ...targetAttributes(method, request.url, redactor),
    ...endingAttributes(ending, request.address, isFailed, redactor),
  };
  const answered = spanOfServerTiming(ending.serverTiming ?? null);
  return {
    kind: 'span',
    name: method,
    start: request.start,
    end,
    traceId: context.traceId,
    // The id that the header names, also where the page put it there: services called the request's span by it.
    spanId: context.spanId,
    ...(request.parentSpanId ? { parentSpanId: request.parentSpanId } : {}),
    ...(isFailed ? { error: true } : {}),
    ...(answered && answered.traceId !== context.traceId ? { links: [answered] } : {}),
    ...(request.sessionId ? { sessionId: request.sessionId } : {}),
    attributes,
  };
}

/**
 * @param {string} method
 * @param {URL} url
 * @param {import('./shared/redact.js').Redactor} redactor
 * @returns {import('./shared/records.js').Attributes} of every HTTP client span
 */
export function targetAttributes(method, url, redactor) {
  return {
    'http.request.method': method,
    'url.full': redactor.url(url.href),
    'server.address': url.hostname,
    'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  };
}

/**
 * @param {Ending} ending
 * @param {string} address of the request
 * @param {boolean} isFailed
 * @param {import('./shared/redact.js').Redactor} redactor
 * @returns {import('./shared/records.js').Attributes}
 */
function endingAttributes({ status, error, isIncomplete, responseUrl }, address, isFailed, redactor) {
  const isElsewhere = Boolean(responseUrl) && responseUrl !== address;
  return {
    ...(status ? { 'http.response.status_code': status } : {}),
    ...(error || isFailed ? { 'error.type': error || String(status) } : {}),
    ...(isIncomplete ? { 'gasoline.incomplete': true } : {}),
    ...(isElsewhere && responseUrl ? { 'gasoline.response.url': redactor.url(responseUrl) } : {}),
  };
}

/**
 * @param {string} method
 * @returns {string} as the browser sends it, or `_OTHER` for one that HTTP does not know
 */
function normalMethod(method) {
  const upper = method.toUpperCase();
  return METHODS.has(upper) ? upper : '_OTHER';
}

/**
 * @param {string} url
 * @returns {string}
 */
function withoutFragment(url) {
  const end = url.indexOf('#');
  return end < 0 ? url : url.slice(0, end);
}

/**
 * @param {Pick<TracedRequest, 'url' | 'origin'>} request
 * @returns {string} what is remembered of one that did not bear our headers
 */
function pathOf({ url, origin }) {
  return origin + url.pathname;
}
