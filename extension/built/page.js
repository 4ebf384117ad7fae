// Built by `npm run build` from the folder beside; a test holds it fresh.
"use strict";
(() => {
  // shared/ids.js
  var TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
  var SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;
  var TRACE_BYTES = 16;
  var CONTEXT_BYTES = TRACE_BYTES + 8;
  var DIGITS = Object.freeze(Array.from({ length: 256 }, (_2, byte) => (byte + 256).toString(16).slice(1)));
  function randomHex(byteCount) {
    const bytes = crypto.getRandomValues(new Uint8Array(byteCount));
    let hex = "";
    for (let index = 0; index < byteCount; index += 1) hex += DIGITS[
      /** @type {number} */
      bytes[index]
    ];
    return hex;
  }
  var SpanContexts = class {
    /** @param {number} [drawnAtOnce] */
    constructor(drawnAtOnce = 64) {
      this.drawnAtOnce = drawnAtOnce;
      this.digits = "";
      this.used = 0;
    }
    /** @returns {SpanContext} the first span of a new trace */
    next() {
      for (; ; ) {
        if (this.used === this.digits.length) {
          this.digits = randomHex(CONTEXT_BYTES * this.drawnAtOnce);
          this.used = 0;
        }
        const from = this.used;
        const spanFrom = from + 2 * TRACE_BYTES;
        this.used += 2 * CONTEXT_BYTES;
        const context = { traceId: this.digits.slice(from, spanFrom), spanId: this.digits.slice(spanFrom, this.used) };
        if (isSpanContext(context)) return context;
      }
    }
  };
  function isTraceId(value) {
    return typeof value === "string" && TRACE_ID.test(value);
  }
  function isSpanId(value) {
    return typeof value === "string" && SPAN_ID.test(value);
  }
  function isSpanContext(value) {
    return isTraceId(value?.traceId) && isSpanId(value?.spanId);
  }

  // shared/marks.js
  var MARK = "#gasoline-page";
  var STAY_MARK = `${MARK}-stay`;
  function unmarked(url) {
    const end = url.length - (url.endsWith(STAY_MARK) ? STAY_MARK.length : url.endsWith(MARK) ? MARK.length : 0);
    return url.slice(0, end);
  }

  // shared/trace-context.js
  var TRACESTATE_MEMBERS_MAX = 32;
  var TRACESTATE_CHARS_MAX = 512;
  var KEY = "gasoline";
  var TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
  function formatTraceparent(context) {
    return `00-${context.traceId}-${context.spanId}-01`;
  }
  function parseTraceparent(header) {
    const [, version, traceId, spanId, , rest] = TRACEPARENT.exec(header?.trim() ?? "") ?? [];
    if (version === void 0 || version === "ff" || version === "00" && rest) return null;
    return isTraceId(traceId) && isSpanId(spanId) ? { traceId, spanId } : null;
  }
  function prependTracestate(sessionId, callersList = "") {
    const own = `${KEY}=${sessionId}`;
    const members = (callersList ?? "").split(",").map((member) => member.trim()).filter((member) => member && !member.startsWith(`${KEY}=`)).slice(0, TRACESTATE_MEMBERS_MAX - 1);
    if ([own, ...members].join(",").length > TRACESTATE_CHARS_MAX) {
      const short = members.filter((member) => member.length <= 128);
      while (short.length > 0 && [own, ...short].join(",").length > TRACESTATE_CHARS_MAX) short.pop();
      return [own, ...short].join(",");
    }
    return [own, ...members].join(",");
  }
  function spanOfServerTiming(header) {
    const found = /(?:^|,)\s*traceparent\s*;\s*desc\s*=\s*"?([^",;]+)/i.exec(header ?? "");
    return parseTraceparent(found?.[1]);
  }

  // request-manager.js
  var REQUESTS_MAX = 2e3;
  var UNTRACED_MAX = 200;
  var METHODS = /* @__PURE__ */ new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"]);
  var RequestManager = class {
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
      this.targets = /* @__PURE__ */ new Set();
      this.headerRules = true;
      this.inFlight = /* @__PURE__ */ new Set();
      this.recent = [];
      this.untraced = /* @__PURE__ */ new Set();
      this.ownTracing = /* @__PURE__ */ new Set();
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
      const own = isBare ? null : parseTraceparent(callersHeaders.get("traceparent"));
      const sessionId = parts.sessionId();
      const { origin } = url;
      if (own) this.#noteOwnTracing(origin);
      const context = own ?? this.contexts.next();
      const sent = normalMethod(method);
      const hasTraceOfPage = isBare && this.#isReached(sent, origin) && !this.ownTracing.has(origin);
      const page = hasTraceOfPage ? parts.page() : null;
      const request = {
        context: page ? { ...context, traceId: page.traceId } : context,
        ...page ? { parentSpanId: page.spanId } : {},
        method: sent,
        url,
        origin,
        address: withoutFragment(url.href),
        sessionId,
        start: parts.now(),
        startMonotonic: parts.monotonicNow(),
        headers: {}
      };
      if (!isBare && this.mayTrace(request)) this.#setHeaders(request, own !== null, callersHeaders);
      this.inFlight.add(request);
      this.recent.push(request);
      if (this.recent.length > REQUESTS_MAX) this.recent.shift();
      const [oldest] = this.inFlight;
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
      if (url.username || url.password || !this.#isReached(method, origin)) return "";
      return mayRepeat ? STAY_MARK : MARK;
    }
    /**
     * @param {string} method
     * @param {string} origin
     * @returns {boolean} whether the browser's rules give such a request the trace of the page load if it has no mark and
     *   the page does not trace by itself
     */
    #isReached(method, origin) {
      const isRead = method === "GET" || method === "HEAD";
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
        this.#tellFallback(request, "the request failed, and was sent again without trace headers");
        return;
      }
      const body = "the server did not allow trace headers: the request was sent again without them";
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
        kind: "log",
        event: "gasoline.propagation.fallback",
        time: this.parts.now(),
        severity: 13,
        body,
        ...request.context,
        sessionId: request.sessionId,
        attributes: { "url.full": this.parts.redactor.url(request.url.href) }
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
      const isTraced = "traceparent" in request.headers && !this.untraced.has(pathOf(request));
      if (isTraced && this.#isStrange(ending.responseUrl)) {
        const body = "a redirect took trace headers to another origin: its address gets none any more";
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
      const isNamed = (request) => request.context.traceId === answered?.traceId;
      let found = -1;
      for (let index = this.recent.length - 1; index >= 0; index -= 1) {
        const request = this.recent[index];
        if (!request || request.address !== timed || startTime < request.startMonotonic) continue;
        if (found < 0) found = index;
        if (!answered || isNamed(request)) {
          found = index;
          break;
        }
      }
      return found < 0 ? null : this.recent.splice(found, 1)[0] ?? null;
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
      if (!isAdopted) headers["traceparent"] = formatTraceparent(context);
      if (!sessionId) return;
      headers["tracestate"] = prependTracestate(sessionId, callersHeaders.get("tracestate"));
      if (origin === this.parts.origin && !this.headerRules) headers["X-Session-ID"] = sessionId;
    }
  };
  function spanOf(request, ending, end, redactor) {
    const { method, context } = request;
    const { status = 0, error = "" } = ending;
    const isFailed = status >= 400 || error !== "" && error !== "AbortError";
    const attributes = {
      ...targetAttributes(method, request.url, redactor),
      ...endingAttributes(ending, request.address, isFailed, redactor)
    };
    const answered = spanOfServerTiming(ending.serverTiming ?? null);
    return {
      kind: "span",
      name: method,
      start: request.start,
      end,
      traceId: context.traceId,
      // The id that the header names, also where the page put it there: services called the request's span by it.
      spanId: context.spanId,
      ...request.parentSpanId ? { parentSpanId: request.parentSpanId } : {},
      ...isFailed ? { error: true } : {},
      ...answered && answered.traceId !== context.traceId ? { links: [answered] } : {},
      ...request.sessionId ? { sessionId: request.sessionId } : {},
      attributes
    };
  }
  function targetAttributes(method, url, redactor) {
    return {
      "http.request.method": method,
      "url.full": redactor.url(url.href),
      "server.address": url.hostname,
      "server.port": Number(url.port) || (url.protocol === "https:" ? 443 : 80)
    };
  }
  function endingAttributes({ status, error, isIncomplete, responseUrl }, address, isFailed, redactor) {
    const isElsewhere = Boolean(responseUrl) && responseUrl !== address;
    return {
      ...status ? { "http.response.status_code": status } : {},
      ...error || isFailed ? { "error.type": error || String(status) } : {},
      ...isIncomplete ? { "gasoline.incomplete": true } : {},
      ...isElsewhere && responseUrl ? { "gasoline.response.url": redactor.url(responseUrl) } : {}
    };
  }
  function normalMethod(method) {
    const upper = method.toUpperCase();
    return METHODS.has(upper) ? upper : "_OTHER";
  }
  function withoutFragment(url) {
    const end = url.indexOf("#");
    return end < 0 ? url : url.slice(0, end);
  }
  function pathOf({ url, origin }) {
    return origin + url.pathname;
  }

  // shared/clock.js
  var CLOCK_DRIFT_MS = 1e3;
  var PageClock = class {
    /**
     * @param {number} timeOrigin milliseconds since 1970 at which the page's monotonic clock was zero
     * @param {() => number} monotonicNow
     * @param {() => number} wallNow
     */
    constructor(timeOrigin, monotonicNow, wallNow) {
      this.origin = timeOrigin;
      this.monotonicNow = monotonicNow;
      this.wallNow = wallNow;
    }
    /** @returns {number} */
    now() {
      const wall = this.wallNow();
      const time = this.origin + this.monotonicNow();
      if (Math.abs(wall - time) <= CLOCK_DRIFT_MS) return time;
      this.origin += wall - time;
      return wall;
    }
    /**
     * @param {number} monotonic a time of the performance API
     * @returns {number}
     */
    at(monotonic) {
      return this.origin + monotonic;
    }
  };

  // shared/redact.js
  var TEXT_CHARS_MAX = 4096;
  var REDACTED = "REDACTED";
  var NUMBER_OR_CONFIRMATION = String.raw`(?:[-_.]?\d{1,2}|[-_.](?:confirm|confirmation|repeat|again))?`;
  var SECRET_NAME = new RegExp(
    `^(?:.*[-_.])?(?:token|pass|passwd|password|passphrase|pwd|secret|key|apikey|privatekey|accesskey|sig|signature|auth|authorization|credential|credentials|code|otp|pin|state|nonce|assertion|samlresponse|session|sessionid|sid|cookie|jwt|bearer|ticket|awsaccesskeyid|jsessionid|phpsessid|sessid|tokens|passwords|secrets|x-amz-.*|x-goog-.*)${NUMBER_OR_CONFIRMATION}$`,
    "i"
  );
  var VAGUE_NAME = new RegExp(
    `^(?:session|ticket|auth|credentials|(?:.*[-_.])?(?:code|state|(?<!(?:api|private|access|secret)[-_.])key))${NUMBER_OR_CONFIRMATION}$`,
    "i"
  );
  var WORD = String.raw`(?:-?\d{1,5}|[A-Z][A-Z_]{2,}|[A-Za-z][a-z]{0,12})`;
  var ORDINARY = new RegExp(String.raw`^${WORD}[).:\]]*$`);
  var LOOKED_INTO = new RegExp(String.raw`[[{]|${WORD}\]\[`, "y");
  var PHRASE = new RegExp("^\\p{L}[\\p{L}.,'’-]*(?: \\p{L}[\\p{L}.,'’-]*)+$", "u");
  var COUNTED_NAME = /^(?:.*[-_.])?tokens$/i;
  var COUNT = /^\d{1,7}(?:\.\d{1,3})?[).:\]]*$/;
  var EMPTY = /^(?:true|false|null|undefined|bearer|basic|REDACTED.*)$/i;
  var CAMEL = /([a-z0-9])([A-Z])/g;
  var JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?/g;
  var LONG_HEX = /^[0-9a-f]{32,}$/i;
  var TEXT_PATTERNS = [
    [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
    [JWT, REDACTED],
    [/\b(bearer|basic)\s+[\w.~+/-]{6,}=*/gi, `$1 ${REDACTED}`],
    [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
    [/\b(?:gh[pousr]_|github_pat_|xox[abprs]-|sk-|sk_live_|glpat-)[\w-]{10,}/g, REDACTED],
    [/\b(authorization["']?\s*[:=]\s*["']?(?:token|digest|negotiate|apikey))\s+[^\s"',]{3,}/gi, `$1 ${REDACTED}`],
    [/(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@:]*:[^\s/@]*@/gi, `$1${REDACTED}@`]
  ];
  var CARD_NUMBER = /\b(?=[3-6]|2[2-7])(?:\d[ -]?){13,18}\d\b/g;
  var NAME_OF_VALUE = /(\\{0,8}["']?)\b([\w.[\]-]{2,40})\1\s*[:=]\s*/g;
  var VALUE = new RegExp(
    [
      String.raw`(\\{1,8}["'])((?:(?!\\{1,8}["'])[^])*)`,
      String.raw`(")((?:[^"\\]|\\[^])*)`,
      String.raw`(')((?:[^'\\]|\\[^])*)`,
      String.raw`([[{])([^\]}]*(?:[\]}]+[^\s"'&,;}\])]+)*)`,
      String.raw`()([^\s"'&,;}]{2,}[^\s"'&,;}\]])`
    ].join("|"),
    "y"
  );
  var PIECE = /[^?;=]+=[^?;]*(?:[?;][^?;=]*(?=[?;]|$))*|[^?;]+/g;
  var URL_IN_TEXT = /\bhttps?:\/\/[^\s"'<>()]+/gi;
  var Redactor = class {
    /** @param {readonly string[]} [names] that hold secrets, too: those that the person added */
    constructor(names = []) {
      this.names = [];
      this.last = { url: "", redacted: "" };
      this.use(names);
    }
    /** @param {readonly string[]} names from now on */
    use(names) {
      this.names = names.map(plainName);
      this.last = { url: "", redacted: "" };
    }
    /**
     * @param {string} name of a query parameter, a property, a variable
     * @returns {boolean} whether its value is a secret
     */
    isSecretName(name) {
      return this.#secretParts(name).length > 0;
    }
    /**
     * @param {string} url absolute, or anything that is not: that is treated as text
     * @returns {string} without user and password, secret values, fragments that hold parameters, and secret path
     *   segments
     */
    url(url) {
      if (url !== this.last.url) this.last = { url, redacted: this.#urlWithoutSecrets(url) };
      return this.last.redacted;
    }
    /**
     * @param {string} url
     * @returns {string}
     */
    #urlWithoutSecrets(url) {
      let parsed;
      try {
        parsed = new URL(url);
      } catch {
        return this.text(url);
      }
      if (parsed.protocol === "data:" || parsed.protocol === "blob:") return parsed.protocol;
      const authority = parsed.username || parsed.password ? `${REDACTED}:${REDACTED}@` : "";
      const path = parsed.pathname.replace(/[^/;]+/g, (part) => this.#part(part));
      const query = parsed.search.slice(1).replace(/[^&]+/g, (part) => this.#queryPart(part));
      const fragment = parsed.hash.includes("=") ? `#${REDACTED}` : parsed.hash.replace(/[^#/?&;]+/g, (part) => this.#part(part));
      return cut(`${parsed.protocol}//${authority}${parsed.host}${path}${query && `?${query}`}${fragment}`);
    }
    /**
     * @param {string} text
     * @returns {string}
     */
    text(text) {
      return this.#textWithoutSecrets(text, true);
    }
    /**
     * @param {string} text
     * @param {boolean} countsVague whether names that often stand before what is no secret count
     * @returns {string}
     */
    #textWithoutSecrets(text, countsVague) {
      let kept = text.length > 2 * TEXT_CHARS_MAX ? text.slice(0, 2 * TEXT_CHARS_MAX) : text;
      kept = kept.replace(URL_IN_TEXT, (url) => this.url(url));
      for (const [pattern, replacement] of TEXT_PATTERNS) kept = kept.replace(pattern, replacement);
      kept = redactCards(kept);
      kept = this.#withoutNamed(kept, countsVague);
      return cut(kept);
    }
    /**
     * @param {string} text
     * @param {boolean} countsVague
     * @returns {string} without the values that follow names of secrets
     */
    #withoutNamed(text, countsVague) {
      let kept = "";
      let from = 0;
      NAME_OF_VALUE.lastIndex = 0;
      for (let named = NAME_OF_VALUE.exec(text); named; named = NAME_OF_VALUE.exec(text)) {
        const parts = this.#secretParts(named[2] ?? "");
        if (parts.length === 0) continue;
        const isVague = parts.every((part) => !this.#isAdded(part) && VAGUE_NAME.test(part));
        LOOKED_INTO.lastIndex = VALUE.lastIndex = NAME_OF_VALUE.lastIndex;
        if (isVague && (!countsVague || LOOKED_INTO.test(text))) continue;
        const found = VALUE.exec(text)?.slice(1).filter((part) => part !== void 0);
        const [around = "", value = ""] = found ?? [];
        if (isVague && isOrdinary(around, value)) continue;
        if (!this.#isSecretValue(parts, around, value)) continue;
        const start2 = NAME_OF_VALUE.lastIndex + around.length;
        kept += text.slice(from, start2) + REDACTED;
        from = start2 + value.length;
        NAME_OF_VALUE.lastIndex = from;
      }
      return kept + text.slice(from);
    }
    /**
     * @param {readonly string[]} parts of a name that hold secrets
     * @param {string} around what the value begins with: a quote, a bracket, nothing
     * @param {string} value that follows it in a text
     * @returns {boolean}
     */
    #isSecretValue(parts, around, value) {
      if (value === "" || value === REDACTED) return false;
      if (parts.some((part) => this.#isAdded(part))) return true;
      const isCounted = parts.every((part) => part.toLowerCase() === "pass" || COUNTED_NAME.test(part));
      return !EMPTY.test(value) && !(isCounted && around === "" && COUNT.test(value));
    }
    /**
     * @param {string} name as `token`, or `user[token]`
     * @returns {string[]} of its parts those that name secrets, their words joined by `_` where capitals joined them
     */
    #secretParts(name) {
      const parts = name.split(/[[\]]+/).map(withoutCamel);
      return parts.filter((part) => this.#isAdded(part) || SECRET_NAME.test(part));
    }
    /**
     * @param {string} name
     * @returns {boolean} whether it is an added one, or ends with it: `customerIban` for `iban`
     */
    #isAdded(name) {
      if (this.names.length === 0) return false;
      const plain = plainName(name);
      return this.names.some((added) => plain === added || plain.endsWith(`_${added}`));
    }
    /**
     * @param {string} part of a query, between two `&`: it may hold further ones, separated otherwise
     * @returns {string}
     */
    #queryPart(part) {
      if (this.#namesSecret(part)) return withoutValue(part);
      return part.replace(
        PIECE,
        (piece) => this.#namesSecret(piece) ? withoutValue(piece) : piece.replace(/[^?;]+/g, (one) => this.#part(one))
      );
    }
    /**
     * @param {string} part of a path, a query or a fragment: a segment, or a name with its value
     * @returns {string}
     */
    #part(part) {
      const at = part.indexOf("=");
      if (at < 0) return LONG_HEX.test(part) || this.#holdsSecret(decoded(part)) ? REDACTED : part;
      return this.#namesSecret(part) || this.#holdsSecret(decoded(part.slice(at + 1))) ? withoutValue(part) : part;
    }
    /**
     * @param {string} part a name with its value, or anything else
     * @returns {boolean} whether there is a value and it is secret by its name
     */
    #namesSecret(part) {
      const at = part.indexOf("=");
      const value = part.slice(at + 1);
      if (at < 0 || value === "") return false;
      const parts = this.#secretParts(decoded(part.slice(0, at)));
      const isCounted = parts.every((name) => !this.#isAdded(name) && COUNTED_NAME.test(name)) && COUNT.test(value);
      return parts.length > 0 && !isCounted;
    }
    /**
     * @param {string} value
     * @returns {boolean} whether it has a secret's form, or is an address, a query or JSON in which there is a secret
     */
    #holdsSecret(value) {
      if (value.length < 10 || value.includes(REDACTED)) return false;
      if (/[=:]/.test(value)) return this.#textWithoutSecrets(value, value.startsWith("/")).includes(REDACTED);
      return TEXT_PATTERNS.some(([pattern]) => value.search(pattern) >= 0) || redactCards(value) !== value;
    }
  };
  function cut(text) {
    return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX - 1)}…` : text;
  }
  function isOrdinary(around, value) {
    return ORDINARY.test(value) || around !== "" && PHRASE.test(value);
  }
  function withoutValue(part) {
    return `${part.slice(0, part.indexOf("="))}=${REDACTED}`;
  }
  function plainName(name) {
    return withoutCamel(name).replace(/[-.]/g, "_").toLowerCase();
  }
  function withoutCamel(name) {
    return name.replace(CAMEL, "$1_$2");
  }
  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }
  function redactCards(text) {
    return text.replace(CARD_NUMBER, redactCard);
  }
  function redactCard(digits) {
    const numbers = [...digits].filter((one) => one >= "0" && one <= "9").map(Number);
    const sum = numbers.reverse().reduce((total, number, index) => {
      const doubled = index % 2 === 1 ? number * 2 : number;
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
    return sum % 10 === 0 ? REDACTED : digits;
  }

  // page/announced.js
  var FRAMES_MAX = 10;
  function readAnnounced(window2, natives) {
    for (let frame = window2, depth = 0; depth < FRAMES_MAX; depth += 1) {
      const found = announcedIn(frame, window2, natives);
      if (found) return found;
      if (frame === frame.parent || !isSameOrigin(frame.parent)) return null;
      frame = frame.parent;
    }
    return null;
  }
  function announcedIn(frame, window2, { apply, getOwnPropertyDescriptor, parse }) {
    const { Performance, PerformanceResourceTiming, PerformanceServerTiming } = window2;
    const read = (owner, name, self2) => apply(
      /** @type {any} */
      getOwnPropertyDescriptor(owner, name).get,
      self2,
      []
    );
    try {
      const performance2 = read(window2, "performance", frame);
      const navigation = apply(Performance.prototype.getEntriesByType, performance2, ["navigation"])[0];
      const isOfCache = read(PerformanceResourceTiming.prototype, "deliveryType", navigation) === "cache";
      if (isOfCache && read(PerformanceResourceTiming.prototype, "transferSize", navigation) === 0) return null;
      const metrics = read(PerformanceResourceTiming.prototype, "serverTiming", navigation);
      for (let index = metrics.length - 1; index >= 0; index -= 1) {
        if (read(PerformanceServerTiming.prototype, "name", metrics[index]) !== "gasoline") continue;
        const text = read(PerformanceServerTiming.prototype, "description", metrics[index]);
        const configuration = parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
        const workerStart = read(PerformanceResourceTiming.prototype, "workerStart", navigation);
        return { configuration, isCertain: workerStart === 0 };
      }
    } catch {
    }
    return null;
  }
  function isSameOrigin(frame) {
    try {
      return typeof frame.document === "object";
    } catch {
      return false;
    }
  }

  // page/quietly.js
  function quietly(work) {
    try {
      return work();
    } catch {
      return void 0;
    }
  }

  // page/channel.js
  var HELLO = "gasoline:hello";
  var UP = "up";
  var DOWN = "down";
  var HTML = "http://www.w3.org/1999/xhtml";
  var GATHER_MS = 100;
  var GATHERED_RECORDS_MAX = 200;
  var Channel = class {
    /**
     * @param {import('./natives.js').Natives} natives
     * @param {any} window
     */
    constructor(natives, window2) {
      this.natives = natives;
      this.window = window2;
      this.node = window2.document.createElementNS(HTML, "i");
      this.records = [];
      this.timer = void 0;
      this.gathers = true;
      this.isFlushing = false;
    }
    /**
     * @param {object} hello what the page knows of itself
     * @param {(message: any) => void} onMessage what the bridge has to say
     * @returns {boolean} whether a bridge is there
     */
    open(hello, onMessage) {
      const { natives, window: window2, node } = this;
      natives.apply(natives.addEventListener, node, [
        DOWN,
        (event2) => onMessage(natives.parse(natives.apply(natives.detailOf, event2, [])))
      ]);
      node.textContent = natives.stringify(hello);
      const event = new window2.FocusEvent(HELLO, { relatedTarget: node, cancelable: true });
      const isAnswered = !natives.apply(natives.dispatchEvent, window2, [event]);
      const host = window2.document.createElementNS(HTML, "div");
      host.attachShadow({ mode: "closed" }).appendChild(node);
      return isAnswered;
    }
    /**
     * Records travel together: to hand one over costs the page more than all else that is done for it.
     * @param {object} record
     * @param {boolean} [isUrgent] whether it goes, with all before it, as soon as the page's code at work is done
     */
    record(record, isUrgent = false) {
      this.records[this.records.length] = record;
      if (!this.gathers || this.records.length >= GATHERED_RECORDS_MAX) this.flush();
      else if (isUrgent) this.#flushSoon();
      else this.timer ??= this.natives.setTimeout(() => quietly(() => this.flush()), GATHER_MS);
    }
    /** Microtasks run before the tab can be closed; all that one task of the page says goes together. */
    #flushSoon() {
      if (this.isFlushing) return;
      this.isFlushing = true;
      this.natives.queueMicrotask(() => {
        this.isFlushing = false;
        quietly(() => this.flush());
      });
    }
    /** Send the records that wait. */
    flush() {
      this.natives.clearTimeout(this.timer);
      this.timer = void 0;
      const count = this.records.length;
      if (count === 0) return;
      let text = "";
      for (let index = 0; index < count; index += 1) {
        text += `${index === 0 ? "[" : ","}${this.natives.stringify(this.records[index])}`;
      }
      this.records = [];
      this.#dispatch({ type: "records", count, text: `${text}]` });
    }
    /** @param {object} message that comes after the records before it */
    send(message) {
      this.flush();
      this.#dispatch(message);
    }
    /** @param {object} message */
    #dispatch(message) {
      const { natives, node } = this;
      const event = new natives.CustomEvent(UP, { detail: natives.stringify(message) });
      natives.apply(natives.dispatchEvent, node, [event]);
    }
  };

  // page/constructors.js
  function wrapConstructor(window2, natives, name, around) {
    const native = window2[name];
    const wrapped = new natives.Proxy(native, {
      construct: (target, args, newTarget) => around((given) => natives.construct(target, given, newTarget === wrapped ? target : newTarget), args)
    });
    window2[name] = wrapped;
    native.prototype.constructor = wrapped;
    return () => {
      if (window2[name] !== wrapped) return;
      window2[name] = native;
      native.prototype.constructor = native;
    };
  }

  // page/inspect.js
  var DEPTH_MAX = 3;
  var MEMBERS_MAX = 20;
  var INSPECTED_CHARS_MAX = 4096;
  function inspectAll(values, isSecret) {
    let text = "";
    for (const value of values) {
      if (text) text += " ";
      text += typeof value === "string" ? value.slice(0, INSPECTED_CHARS_MAX) : inspect(value, 0, isSecret);
      if (text.length > INSPECTED_CHARS_MAX) break;
    }
    return text.slice(0, INSPECTED_CHARS_MAX);
  }
  function inspect(value, depth, isSecret) {
    if (typeof value === "string") return JSON.stringify(value.slice(0, INSPECTED_CHARS_MAX));
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol") return value.toString();
    if (typeof value === "function") return "[function]";
    if (typeof value !== "object" || value === null) return String(value);
    if (value instanceof Error) return errorText(value);
    if (value instanceof Node) return `<${value.nodeName.toLowerCase()}>`;
    if (depth >= DEPTH_MAX) return Array.isArray(value) ? "[…]" : "{…}";
    return Array.isArray(value) ? inspectArray(value, depth, isSecret) : inspectObject(value, depth, isSecret);
  }
  function inspectArray(array, depth, isSecret) {
    const shown = [];
    for (let index = 0; index < Math.min(array.length, MEMBERS_MAX); index += 1) {
      const descriptor = Object.getOwnPropertyDescriptor(array, index);
      shown.push(descriptor && "value" in descriptor ? inspect(descriptor.value, depth + 1, isSecret) : "…");
    }
    if (array.length > MEMBERS_MAX) shown.push("…");
    return `[${shown.join(",")}]`;
  }
  function inspectObject(object, depth, isSecret) {
    const shown = [];
    for (const name of Object.keys(object)) {
      if (shown.length >= MEMBERS_MAX) {
        shown.push("…");
        break;
      }
      const descriptor = Object.getOwnPropertyDescriptor(object, name);
      if (!descriptor || !("value" in descriptor)) continue;
      const text = isSecret(name) ? '"REDACTED"' : inspect(descriptor.value, depth + 1, isSecret);
      shown.push(`${JSON.stringify(name)}:${text}`);
    }
    return `{${shown.join(",")}}`;
  }
  function errorText(error) {
    const own = (name2) => Object.getOwnPropertyDescriptor(error, name2)?.value;
    const message = own("message");
    const name = own("name") ?? Object.getPrototypeOf(error)?.constructor?.name ?? "Error";
    return typeof message === "string" ? `${String(name)}: ${message}` : String(name);
  }

  // page/methods.js
  function wrapMethod(natives, owner, name, apply) {
    const native = owner[name];
    const wrapped = new natives.Proxy(native, { apply });
    owner[name] = wrapped;
    return () => {
      if (owner[name] === wrapped) owner[name] = native;
    };
  }

  // page/selector.js
  var ANCESTORS_MAX = 30;
  var CLASSES_MAX = 5;
  function selectorOf(element) {
    const parts = [];
    let current = (
      /** @type {Element | null} */
      element
    );
    for (let depth = 0; current && depth < ANCESTORS_MAX; depth += 1) {
      const part = partOf(current);
      parts.unshift(part);
      if (part.startsWith("#")) break;
      current = current.parentElement;
    }
    return parts.join(" > ");
  }
  function partOf(element) {
    const id = element.getAttribute("id");
    if (id && element.ownerDocument.querySelectorAll(`#${CSS.escape(id)}`).length === 1) return `#${CSS.escape(id)}`;
    const name = nameOf(element);
    const siblings = Array.from(element.parentElement?.children ?? []);
    const isAlone = siblings.filter((sibling) => nameOf(sibling) === name).length < 2;
    return isAlone ? name : `${name}:nth-child(${siblings.indexOf(element) + 1})`;
  }
  function nameOf(element) {
    const classes = Array.from(element.classList).slice(0, CLASSES_MAX);
    return element.localName + classes.map((one) => `.${CSS.escape(one)}`).join("");
  }

  // page/events.js
  var SEVERITIES = (
    /** @type {const} */
    { debug: 5, log: 9, info: 9, warn: 13, error: 17 }
  );
  var BUTTONS = ["left", "middle", "right"];
  function watchConsole({ window: window2, natives, redactor, emit }) {
    const { console } = window2;
    const restores = Object.entries(SEVERITIES).map(
      ([method, severity]) => wrapMethod(natives, console, method, (native, self2, args) => {
        const body = quietly(() => redactor.text(inspectAll(args, (name) => redactor.isSecretName(name)))) ?? "";
        emit("browser.console", { severity, body, attributes: { "browser.console.method": method } });
        return natives.apply(native, self2, args);
      })
    );
    return () => restores.forEach((restore) => restore());
  }
  function watchErrors({ window: window2, redactor, emit, listen }) {
    const report = (thrown, message) => {
      const isError = typeof thrown === "object" && thrown !== null;
      const text = (value) => typeof value === "string" ? redactor.text(value) : "";
      const said = text(quietly(() => String(thrown)) ?? message);
      const attributes = {
        "exception.type": isError && text(quietly(() => thrown.name)) || "Error",
        "exception.message": isError && text(quietly(() => thrown.message)) || said,
        "exception.stacktrace": isError ? text(quietly(() => thrown.stack)) : ""
      };
      const known = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value));
      emit("exception", { severity: 17, attributes: known });
    };
    listen(window2, "error", (event) => {
      if (event.target !== window2 && event.target !== null) return;
      if (event.error === void 0 && !event.message) return;
      report(event.error ?? event.message, event.message);
    });
    listen(window2, "unhandledrejection", (event) => report(event.reason, "unhandled rejection"));
  }
  function watchUser({ window: window2, emit, touch, listen }) {
    for (const type of ["pointerdown", "keydown", "touchstart", "wheel", "submit"]) {
      listen(window2, type, (event) => {
        if (event.isTrusted) touch();
      });
    }
    listen(window2, "click", (event) => {
      if (event.isTrusted) touch();
      const [element] = event.composedPath();
      if (!(element instanceof window2.Element) || element.hasAttribute("disabled")) return;
      const attributes = {
        "browser.page.x": event.pageX,
        "browser.page.y": event.pageY,
        "browser.tag_name": element.tagName,
        "browser.mouse_event.button": BUTTONS[event.button] ?? "left",
        "browser.css_selector": quietly(() => selectorOf(element)) ?? element.localName
      };
      emit("browser.user_action.click", { attributes });
    });
  }
  function watchNavigation({ window: window2, redactor, emit, listen, touch }) {
    let lastUrl = window2.document.URL;
    const changed = (type) => {
      const url = window2.document.URL;
      if (url === lastUrl) return;
      const [before, after] = [lastUrl.split("#")[0], url.split("#")[0]];
      lastUrl = url;
      touch();
      emit("browser.navigation", {
        severity: 9,
        attributes: {
          "url.full": redactor.url(url),
          "browser.navigation.same_document": true,
          "browser.navigation.hash_change": before === after && url.includes("#"),
          "browser.navigation.type": type
        }
      });
    };
    const { navigation } = window2;
    if (!navigation) return;
    listen(navigation, "currententrychange", (event) => changed(event.navigationType ?? "push"));
  }
  function watchWebSockets({ window: window2, natives, redactor, emit }) {
    return wrapConstructor(window2, natives, "WebSocket", (construct, args) => {
      const socket = construct(args);
      const attributes = () => ({ "url.full": redactor.url(socket.url) });
      const listen = (type, listener) => {
        const quiet = (event) => quietly(() => listener(event));
        natives.apply(natives.addEventListener, socket, [type, quiet]);
      };
      listen("open", () => emit("gasoline.websocket.open", { attributes: attributes() }));
      listen(
        "close",
        (event) => emit("gasoline.websocket.close", {
          severity: event.wasClean ? 9 : 13,
          attributes: {
            ...attributes(),
            "gasoline.websocket.close_code": event.code,
            "gasoline.websocket.was_clean": event.wasClean
          }
        })
      );
      return socket;
    });
  }

  // page/request-notes.js
  var RequestNotes = class {
    /**
     * @param {any} window
     * @param {import('./natives.js').Natives} natives
     */
    constructor(window2, natives) {
      this.natives = natives;
      this.notes = new natives.WeakMap();
      const around = (construct, args) => this.#make(construct, args);
      this.restores = [wrapConstructor(window2, natives, "Request", around), this.#wrapClone(window2.Request.prototype)];
    }
    /**
     * @param {object} request
     * @param {string} name
     * @returns {unknown} what the Request was made with; undefined: nothing, or it can be read from it
     */
    noted(request, name) {
      return this.notes.get(request)?.[name];
    }
    restore() {
      for (const restore of this.restores) restore();
    }
    /**
     * @param {(args: any[]) => any} construct
     * @param {any[]} args
     * @returns {any}
     */
    #make(construct, args) {
      const init = args[1];
      const isDictionary2 = typeof init === "object" && init !== null || typeof init === "function";
      const note = { ...quietly(() => this.#of(args[0])) };
      const request = construct(isDictionary2 ? [args[0], this.#noting(init, note)] : args);
      quietly(() => this.#keep(request, note));
      return request;
    }
    /**
     * @param {any} init of the page
     * @param {Record<string, unknown>} note
     * @returns {any} the same, each member asked for once, by the browser
     */
    #noting(init, note) {
      const { natives } = this;
      return new natives.Proxy(
        {},
        {
          get: (_2, name) => {
            const value = init[name];
            quietly(() => {
              if (value !== void 0 && natives.unreadableMembers.has(name)) note[name] = value;
            });
            return value;
          }
        }
      );
    }
    /**
     * @param {any} prototype of Request
     * @returns {() => void}
     */
    #wrapClone(prototype) {
      return wrapMethod(this.natives, prototype, "clone", (native, self2, args) => {
        const copy = this.natives.apply(native, self2, args);
        quietly(() => this.#keep(copy, { ...this.#of(self2) }));
        return copy;
      });
    }
    /**
     * @param {any} request
     * @returns {Record<string, unknown> | undefined}
     */
    #of(request) {
      return typeof request === "object" && request !== null ? this.notes.get(request) : void 0;
    }
    /**
     * @param {object} request
     * @param {Record<string, unknown>} note
     */
    #keep(request, note) {
      if (Object.keys(note).length > 0) this.notes.set(request, note);
    }
  };

  // page/fetch.js
  var NONE = Object.freeze({ get: () => null });
  function wrapFetch(window2, natives, manager) {
    const notes = new RequestNotes(window2, natives);
    const restore = wrapMethod(natives, window2, "fetch", (native, self2, args) => {
      const call = readCall({ window: window2, natives, manager, notes }, args);
      if (!call) return natives.apply(native, self2, args);
      if ("refusal" in call) return natives.reject(call.refusal);
      const send = (sent) => natives.apply(native, self2, sent);
      return run(natives, manager, { send, call });
    });
    return () => {
      notes.restore();
      restore();
    };
  }
  function run(natives, manager, { send, call }) {
    const { request, plainArgs } = call;
    const onResponse = (response) => {
      quietly(() => manager.end(request, endingOf(natives, response)));
      return response;
    };
    const onError = (error) => {
      const again = plainArgs && quietly(() => errorName(error)) === "TypeError" && quietly(plainArgs);
      if (again) {
        return natives.apply(natives.then, send(again), [
          (response) => {
            quietly(() => {
              const read = readerOf(natives, response);
              manager.giveUpOn(request, read("url"), read("redirected"));
            });
            return onResponse(response);
          },
          fail
        ]);
      }
      return fail(error);
    };
    const fail = (error) => {
      quietly(() => manager.end(request, { error: quietly(() => errorName(error)) ?? "Error" }));
      throw error;
    };
    return natives.apply(natives.then, send(call.args), [onResponse, onError]);
  }
  function errorName(error) {
    return typeof error?.name === "string" ? error.name.slice(0, 100) : "AbortError";
  }
  function readerOf({ apply, responseMembers }, response) {
    return (name) => apply(responseMembers[name], response, []);
  }
  function endingOf(natives, response) {
    const read = readerOf(natives, response);
    if (read("type") === "opaque" || read("type") === "opaqueredirect") return {};
    const serverTiming = natives.apply(natives.headerOf, read("headers"), ["server-timing"]);
    return { status: read("status"), responseUrl: read("url"), serverTiming };
  }
  function readCall({ window: window2, natives, manager, notes }, args) {
    const input = args[0];
    const init = args[1];
    if (args.length === 0 || typeof input === "symbol" || !isDictionary(init)) return null;
    try {
      const read = requestReader(natives, notes, input);
      const text = String(read ? read("url") : input);
      const url = new natives.URL(text, window2.document.baseURI);
      if (url.protocol !== "http:" && url.protocol !== "https:") return null;
      const own = onceReader(init);
      const given = memberOf(own, read, "headers");
      const isOnce = isReadOnce(natives, given);
      const headers = given === void 0 ? null : headersOf(natives, given, isOnce);
      if (headers && "refusal" in headers) return headers;
      const isBare = memberOf(own, read, "mode") === "no-cors";
      const request = manager.begin(String(memberOf(own, read, "method") ?? "GET"), url, headers ?? NONE, isBare);
      const call = { request, input: read ? input : text, init, headers, isOnce, own, read };
      return isBare ? untracedCall(natives, call) : tracedCall(natives, manager, call);
    } catch {
      return null;
    }
  }
  function untracedCall(natives, { request, input, init, headers, isOnce, own }) {
    const isNothing = init === void 0 || init === null;
    const sent = isNothing ? init : withHeaders(natives, init, own, isOnce ? headers : own("headers"), null);
    return { request, args: [input, sent], plainArgs: null };
  }
  function tracedCall(natives, manager, call) {
    const { request, init, headers, own, read } = call;
    const names = Object.keys(request.headers);
    if (names.length === 0 && !headers?.has("traceparent")) return untracedCall(natives, call);
    const redirect = memberOf(own, read, "redirect");
    const isSafe = request.method === "GET" || request.method === "HEAD";
    const mayRepeat = isSafe && redirect !== "error" && names.length > 0;
    const plainArgs = mayRepeat ? plainAgain(natives, call, names) : null;
    for (const name of names) headers?.set(name, request.headers[name] ?? "");
    const mark = manager.markOf(request, mayRepeat && redirect !== "manual");
    const otherwise = mark ? markedReader(natives, call) : referrerReader(natives, call);
    const traced = withHeaders(natives, init, own, headers ?? request.headers, otherwise);
    return { request, args: [mark ? request.url.href + mark : addressOf(call), traced], plainArgs };
  }
  function plainAgain(natives, call, names) {
    const { init, headers, own } = call;
    const before = names.map((name) => ({ name, value: headers?.get(name) ?? null }));
    const otherwise = referrerReader(natives, call);
    return () => {
      for (const { name, value } of before) {
        if (value === null) headers?.delete(name);
        else headers?.set(name, value);
      }
      return [addressOf(call), withHeaders(natives, init, own, headers ?? void 0, otherwise)];
    };
  }
  function addressOf({ request, input, read }) {
    return read ? input : request.url.href;
  }
  function referrerReader(natives, { own, read }) {
    if (!read || !isEmpty(natives, own)) return null;
    return (name) => isOfReferrer(name) ? read(name) : void 0;
  }
  function markedReader(natives, { own, read }) {
    if (!read || isEmpty(natives, own)) return read;
    return (name) => isOfReferrer(name) ? void 0 : read(name);
  }
  function isOfReferrer(name) {
    return name === "referrer" || name === "referrerPolicy";
  }
  function isEmpty({ initMembers }, own) {
    return initMembers.every((name) => own(name) === void 0);
  }
  function isReadOnce({ apply, iterator }, given) {
    if (typeof given !== "object" || given === null) return false;
    const iterate = given[iterator];
    return typeof iterate === "function" && apply(iterate, given, []) === given;
  }
  function headersOf({ Headers }, given, isOnce) {
    try {
      return new Headers(given);
    } catch (refusal) {
      if (isOnce) return { refusal };
      throw refusal;
    }
  }
  function isDictionary(init) {
    return init === void 0 || init === null || typeof init === "object" || typeof init === "function";
  }
  function requestReader(natives, notes, input) {
    if (typeof input !== "object" || input === null) return null;
    const read = (name) => {
      const getter = natives.requestMembers[name];
      return getter ? natives.apply(getter, input, []) : quietly(() => notes.noted(input, name));
    };
    try {
      read("url");
      return read;
    } catch {
      return null;
    }
  }
  function onceReader(init) {
    if (init === void 0 || init === null) return () => void 0;
    const known = { __proto__: null };
    return (name) => {
      if (!(name in known)) {
        const value = init[name];
        const isText = name === "method" || name === "referrer" || name === "integrity";
        known[name] = isText && typeof value === "object" && value !== null ? String(value) : value;
      }
      return known[name];
    };
  }
  function memberOf(own, otherwise, name) {
    const value = own(name);
    return value === void 0 && otherwise ? otherwise(name) : value;
  }
  function withHeaders(natives, init, own, headers, otherwise) {
    if (!otherwise && (init === void 0 || init === null)) return { __proto__: null, headers };
    return new natives.Proxy(
      {},
      {
        get: (_2, name) => name === "headers" ? headers : memberOf(own, otherwise, name)
      }
    );
  }

  // page/marks.js
  function hideMarks(window2, natives) {
    const { PerformanceEntry, PerformanceResourceTiming, Performance, PerformanceObserverEntryList } = window2;
    wrapGetter(natives, PerformanceEntry.prototype, "name", (name) => quietly(() => unmarked(name)) ?? name);
    for (const { prototype } of [PerformanceEntry, PerformanceResourceTiming]) {
      wrapMethod2(natives, prototype, "toJSON", (call) => {
        const json = call();
        quietly(() => json.name = unmarked(json.name));
        return json;
      });
    }
    for (const { prototype } of [Performance, PerformanceObserverEntryList]) {
      wrapMethod2(natives, prototype, "getEntriesByName", (call, name, ...rest) => {
        const found = call(name, ...rest);
        const marked = () => [MARK, STAY_MARK].flatMap((mark) => call(String(name) + mark, ...rest));
        const sorted = () => [...found, ...marked()].sort((a2, b2) => a2.startTime - b2.startTime);
        return quietly(sorted) ?? found;
      });
    }
  }
  function wrapGetter(natives, prototype, name, change) {
    const descriptor = natives.getOwnPropertyDescriptor(prototype, name);
    const get = new natives.Proxy(descriptor?.get, {
      apply: (target, self2) => change(natives.apply(target, self2, []))
    });
    natives.defineProperty(prototype, name, { ...descriptor, get });
  }
  function wrapMethod2(natives, prototype, name, around) {
    prototype[name] = new natives.Proxy(prototype[name], {
      apply: (target, self2, args) => args.length < target.length ? natives.apply(target, self2, args) : around((...sent) => natives.apply(target, self2, sent), ...args)
    });
  }

  // page/natives.js
  var REQUEST_MEMBERS = (
    /** @type {const} */
    [
      "url",
      "method",
      "headers",
      "mode",
      "credentials",
      "cache",
      "redirect",
      "referrer",
      "referrerPolicy",
      "integrity",
      "keepalive",
      "signal",
      "targetAddressSpace"
    ]
  );
  function captureNatives(window2) {
    const { Reflect, Proxy, Promise: Promise2, JSON: JSON2, Object: Object2, EventTarget, Event, CustomEvent, WeakMap: WeakMap2 } = window2;
    const { DOMException } = window2;
    const { Headers, Request, Response, URL: URL2, crypto: crypto2, performance: performance2 } = window2;
    const { apply, construct } = Reflect;
    const { getOwnPropertyDescriptor, defineProperty } = Object2;
    const getter = (prototype, name) => getOwnPropertyDescriptor(prototype, name)?.get;
    const now = performance2.now.bind(performance2);
    const initMembers = askedMembers(window2);
    return {
      apply,
      construct,
      Proxy,
      Event,
      CustomEvent,
      Headers,
      iterator: window2.Symbol.iterator,
      URL: URL2,
      WeakMap: WeakMap2,
      DOMException,
      getOwnPropertyDescriptor,
      defineProperty,
      stringify: JSON2.stringify,
      parse: JSON2.parse,
      then: Promise2.prototype.then,
      reject: Promise2.reject.bind(Promise2),
      addEventListener: EventTarget.prototype.addEventListener,
      removeEventListener: EventTarget.prototype.removeEventListener,
      dispatchEvent: EventTarget.prototype.dispatchEvent,
      detailOf: getter(CustomEvent.prototype, "detail"),
      requestMembers: getters(getter, Request.prototype, REQUEST_MEMBERS),
      responseMembers: getters(getter, Response.prototype, ["type", "status", "url", "redirected", "headers"]),
      headerOf: Headers.prototype.get,
      initMembers,
      /** What a Request does not tell of these. */
      unreadableMembers: new Set(initMembers.filter((name) => !(name in Request.prototype))),
      isServed: servedReader(window2, apply, getter),
      getRandomValues: crypto2.getRandomValues.bind(crypto2),
      monotonicNow: now,
      wallNow: window2.Date.now,
      queueMicrotask: window2.queueMicrotask.bind(window2),
      setTimeout: window2.setTimeout.bind(window2),
      clearTimeout: window2.clearTimeout.bind(window2),
      entriesOfType: performance2.getEntriesByType.bind(performance2)
    };
  }
  function getters(getter, prototype, names) {
    return Object.fromEntries(names.map((name) => [name, getter(prototype, name)]));
  }
  function askedMembers({ Request, Proxy }) {
    const names = /* @__PURE__ */ new Set();
    const get = (_2, name) => void names.add(name);
    void new Request("https://any.invalid/", new Proxy({}, { get }));
    return [...names];
  }
  function servedReader(window2, apply, getter) {
    const { ServiceWorkerContainer, navigator } = window2;
    if (!ServiceWorkerContainer || !navigator.serviceWorker) return () => false;
    const controller = getter(ServiceWorkerContainer.prototype, "controller");
    const container = navigator.serviceWorker;
    return () => apply(controller, container, []) !== null;
  }

  // messages.js
  var SESSION_ID_KEY = "gasoline:session-id";

  // session-manager.js
  function expiryOf(session, now, limits) {
    const idleAt = session.lastActivityAt + limits.idleTimeoutMs;
    const oldAt = session.startedAt + limits.maxAgeMs;
    if (now < idleAt && now < oldAt) return null;
    return idleAt <= oldAt ? { reason: "idle", time: idleAt } : { reason: "max_age", time: oldAt };
  }

  // page/page-session.js
  var TOUCH_INTERVAL_MS = 1e3;
  var DELETIONS_PER_MINUTE_MAX = 3;
  var PageSession = class {
    /**
     * @param {object} parts
     * @param {() => number} parts.now milliseconds since 1970
     * @param {() => Storage} parts.storage where the id is written: localStorage; may throw, too
     * @param {(message: object) => void} parts.tell the worker
     */
    constructor({ now, storage, tell }) {
      this.now = now;
      this.storage = storage;
      this.tell = tell;
      this.session = null;
      this.limits = { idleTimeoutMs: Infinity, maxAgeMs: Infinity };
      this.toldAt = -Infinity;
      this.written = "";
      this.endedId = "";
      this.deletions = [];
    }
    /** @param {Configuration} configuration the worker's word */
    apply({ session, idleTimeoutMs, maxAgeMs }) {
      this.limits = { idleTimeoutMs, maxAgeMs };
      if (this.#wasDeleted()) this.end("logout");
      if (session.id === this.endedId) return;
      const known = this.session;
      const isSame = known?.id === session.id;
      const seenAt = Math.max(session.lastActivityAt, isSame ? known.lastActivityAt : 0);
      this.session = { ...session, startedAt: session.startedAt || this.now(), lastActivityAt: seenAt || this.now() };
      this.#write();
    }
    /** @returns {string} the id for a request that begins now; empty while the worker has not spoken */
    current() {
      if (!this.session) return "";
      if (this.#wasDeleted()) this.end("logout");
      else if (expiryOf(this.session, this.now(), this.limits)) this.#moveOn();
      return this.session.id;
    }
    /** The person did something. */
    touch() {
      const now = this.now();
      if (!this.session || now - this.toldAt < TOUCH_INTERVAL_MS) return;
      this.toldAt = now;
      this.current();
      this.session.lastActivityAt = now;
      this.tell({ type: "touch" });
    }
    /** @param {'logout'} reason */
    end(reason) {
      if (!this.session) return;
      this.endedId = this.session.id;
      this.#moveOn();
      this.tell({ type: "end", reason });
    }
    /** Use the id that the worker made for what comes next; it is told of it by whatever happens next. */
    #moveOn() {
      if (!this.session) return;
      const now = this.now();
      this.session = { ...this.session, id: this.session.nextId, startedAt: now, lastActivityAt: now };
      this.written = "";
    }
    /** The stored id shows what the browser's rules send: it is written when the worker says so. */
    #write() {
      if (!this.session || this.deletions.length > DELETIONS_PER_MINUTE_MAX) return;
      const { id } = this.session;
      try {
        const storage = this.storage();
        if (storage.getItem(SESSION_ID_KEY) !== id) storage.setItem(SESSION_ID_KEY, id);
        this.written = id;
      } catch {
      }
    }
    /**
     * @returns {boolean} whether somebody removed the stored id since we wrote it: that is how an application logs out
     */
    #wasDeleted() {
      if (!this.written || this.written !== this.session?.id) return false;
      try {
        if (this.storage().getItem(SESSION_ID_KEY) !== null) return false;
      } catch {
        return false;
      }
      const now = this.now();
      this.deletions = this.deletions.filter((time) => now - time < 6e4);
      this.deletions.push(now);
      this.written = "";
      return this.deletions.length <= DELETIONS_PER_MINUTE_MAX;
    }
  };

  // page/server-timing.js
  function answeredSpan(entry) {
    if (!(entry.transferSize > entry.encodedBodySize)) return null;
    for (const { name, description } of entry.serverTiming ?? []) {
      const answered = name.toLowerCase() === "traceparent" ? parseTraceparent(description) : null;
      if (answered) return answered;
    }
    return null;
  }
  function restartedTrace(entry, asked) {
    const answered = answeredSpan(entry);
    return answered?.traceId === asked?.traceId ? null : answered;
  }

  // node_modules/web-vitals/dist/web-vitals.js
  var t = -1;
  var n = () => t;
  var e = (n2) => {
    addEventListener("pageshow", (e2) => {
      e2.persisted && (t = e2.timeStamp, n2(e2));
    }, true);
  };
  var i = (t2, n2, e2, i2) => {
    let o2, s2;
    return (a2) => {
      n2.value >= 0 && (a2 || i2) && (s2 = n2.value - (o2 ?? 0), (s2 || void 0 === o2) && (o2 = n2.value, n2.delta = s2, n2.rating = ((t3, n3) => t3 > n3[1] ? "poor" : t3 > n3[0] ? "needs-improvement" : "good")(n2.value, e2), t2(n2)));
    };
  };
  var o = (t2) => {
    requestAnimationFrame(() => requestAnimationFrame(() => t2()));
  };
  var s = () => {
    const t2 = performance.getEntriesByType("navigation")[0];
    if (t2 && t2.responseStart > 0 && t2.responseStart < performance.now()) return t2;
  };
  var a = () => s()?.activationStart ?? 0;
  var r = -1;
  var c = /* @__PURE__ */ new Set();
  var f = () => "hidden" !== document.visibilityState || document.prerendering ? 1 / 0 : 0;
  var h = (t2) => {
    if ("hidden" === document.visibilityState) {
      if ("visibilitychange" === t2.type) for (const t3 of c) t3();
      isFinite(r) || (r = "visibilitychange" === t2.type ? t2.timeStamp : 0, removeEventListener("prerenderingchange", h, true));
    }
  };
  var d = (t2 = false) => {
    if (t2 && (r = 1 / 0), r < 0) {
      const t3 = a(), n2 = document.prerendering ? void 0 : globalThis.performance.getEntriesByType("visibility-state").find((n3) => "hidden" === n3.name && n3.startTime >= t3)?.startTime;
      r = n2 ?? f(), addEventListener("visibilitychange", h, true), addEventListener("prerenderingchange", h, true), e(() => {
        setTimeout(() => {
          r = f();
        });
      });
    }
    return { get firstHiddenTime() {
      return r;
    }, onHidden(t3) {
      c.add(t3);
    } };
  };
  var l = (t2, e2 = -1, i2, o2 = 0, r2, c2, f2) => {
    const h2 = s(), d2 = h2?.navigationId || 0;
    let l2 = "navigate";
    i2 ? l2 = i2 : n() >= 0 ? l2 = "back-forward-cache" : h2 && (document.prerendering || a() > 0 ? l2 = "prerender" : document.wasDiscarded ? l2 = "restore" : h2.type && (l2 = h2.type.replace(/_/g, "-")));
    return { name: t2, value: e2, rating: "good", delta: 0, entries: [], id: `v6-${Date.now()}-${Math.floor(8999999999999 * Math.random()) + 1e12}`, navigationType: l2, navigationId: o2 || d2, navigationInteractionId: r2, navigationURL: c2 || h2?.name, navigationStartTime: f2 || 0 };
  };
  var g = /* @__PURE__ */ new WeakMap();
  function u(t2, n2) {
    let e2 = g.get(n2);
    return e2 || (e2 = /* @__PURE__ */ new WeakMap(), g.set(n2, e2)), e2.get(t2) || e2.set(t2, new n2()), e2.get(t2);
  }
  var v = class {
    t;
    i = 0;
    o = [];
    h(t2) {
      if (t2.hadRecentInput) return;
      const n2 = this.o[0], e2 = this.o.at(-1);
      this.i && n2 && e2 && t2.startTime - e2.startTime < 1e3 && t2.startTime - n2.startTime < 5e3 ? (this.i += t2.value, this.o.push(t2)) : (this.i = t2.value, this.o = [t2]), this.t?.(t2);
    }
  };
  var m = (t2, n2, e2 = {}) => {
    try {
      const i2 = t2.filter((t3) => PerformanceObserver.supportedEntryTypes.includes(t3));
      if (i2.length > 0) {
        const t3 = new PerformanceObserver((t4) => {
          queueMicrotask(() => {
            const e3 = t4.getEntries();
            i2.length > 1 && e3.sort((t5, n3) => t5.startTime + t5.duration - (n3.startTime + n3.duration)), n2(e3);
          });
        });
        for (const n3 of i2) t3.observe({ type: n3, buffered: true, ...e2 });
        return t3;
      }
    } catch {
    }
  };
  var p = (t2) => globalThis.PerformanceObserver?.supportedEntryTypes?.includes("soft-navigation") && "function" == typeof globalThis.PerformanceSoftNavigation?.prototype?.getLargestInteractionContentfulPaint && t2 && t2.reportSoftNavs;
  var b = (t2, n2) => {
    if (t2.set(n2.navigationId, n2), t2.size > 2) {
      const n3 = t2.keys().next().value;
      void 0 !== n3 && t2.delete(n3);
    }
  };
  var T = (t2) => {
    let n2 = false;
    return () => {
      n2 || (t2(), n2 = true);
    };
  };
  var y = class {
    l;
  };
  var _ = (t2) => {
    document.prerendering ? addEventListener("prerenderingchange", t2, true) : t2();
  };
  var E = [1800, 3e3];
  var M = (t2, s2 = {}) => {
    const r2 = p(s2);
    _(() => {
      const c2 = u(s2, y), f2 = d();
      let h2, g2 = l("FCP");
      const v2 = m(["paint"], (t3) => {
        for (const n2 of t3) "first-contentful-paint" === n2.name && (v2.disconnect(), n2.startTime < f2.firstHiddenTime && (g2.value = Math.max(n2.startTime - a(), 0), g2.entries.push(n2), g2.navigationId = n2.navigationId || g2.navigationId, h2(true)));
      });
      if (v2 && (h2 = i(t2, g2, E, s2.reportAllChanges), e((e2) => {
        g2 = l("FCP", -1, "back-forward-cache", g2.navigationId, g2.navigationInteractionId, g2.navigationURL, n()), h2 = i(t2, g2, E, s2.reportAllChanges), o(() => {
          g2.value = performance.now() - e2.timeStamp, h2(true);
        });
      })), r2) {
        m(["soft-navigation"], (n2) => {
          n2.forEach((n3) => {
            c2.l && n3.navigationId && b(c2.l, n3);
            const e2 = Math.max((n3.presentationTime || n3.paintTime || 0) - n3.startTime, 0);
            g2 = l("FCP", e2, "soft-navigation", n3.navigationId, n3.interactionId, n3.name, n3.startTime), h2 = i(t2, g2, E, s2.reportAllChanges), h2(true);
          });
        }, s2);
      }
    });
  };
  var L = [0.1, 0.25];
  var P = (t2, s2 = {}) => {
    const a2 = d();
    M(T(() => {
      let r2, c2 = l("CLS", 0);
      const f2 = u(s2, v), h2 = (n2, e2, o2, a3, h3) => {
        c2 = l("CLS", 0, n2, e2, o2, a3, h3), f2.i = 0, r2 = i(t2, c2, L, s2.reportAllChanges);
      }, d2 = (t3 = false) => {
        f2.i > c2.value && (c2.value = f2.i, c2.entries = f2.o), r2(t3);
      }, g2 = (t3) => {
        d2(true), h2("soft-navigation", t3.navigationId, t3.interactionId, t3.name, t3.startTime);
      }, b2 = (t3) => {
        for (const n2 of t3) "soft-navigation" !== n2.entryType ? f2.h(n2) : g2(n2);
        d2();
      }, T2 = ["layout-shift"];
      p(s2) && T2.push("soft-navigation");
      const y2 = m(T2, b2);
      y2 && (r2 = i(t2, c2, L, s2.reportAllChanges), a2.onHidden(() => {
        b2(y2.takeRecords()), r2(true);
      }), e(() => {
        h2("back-forward-cache", c2.navigationId, c2.navigationInteractionId, c2.navigationURL, n()), o(r2);
      }), setTimeout(r2));
    }));
  };
  var w = 0;
  var I = 1 / 0;
  var k = 0;
  var C = (t2) => {
    for (const n2 of t2) n2.interactionId && (I = Math.min(I, n2.interactionId), k = Math.max(k, n2.interactionId), w = k ? (k - I) / 7 + 1 : 0);
  };
  var F;
  var N = () => F ? w : performance.interactionCount ?? 0;
  var B = () => {
    "interactionCount" in performance || F || (F = m(["event"], C, { durationThreshold: 0 }));
  };
  var S = class {
    u = 0;
    v = [];
    m = /* @__PURE__ */ new Map();
    p;
    T;
    _() {
      return N() - this.u;
    }
    M() {
      this.u = N(), this.v.length = 0, this.m.clear();
    }
    L(t2) {
      const n2 = this._(), e2 = Math.min(this.v.length - 1, Math.floor(n2 / 50));
      return !n2 || -1 !== e2 || "soft-navigation" !== t2 && "back-forward-cache" !== t2 ? this.v[e2] : { P: 8, id: -1, entries: [] };
    }
    h(t2) {
      if (this.p?.(t2), !t2.interactionId) return;
      const n2 = this.v.at(-1);
      let e2 = this.m.get(t2.interactionId);
      if (e2 || this.v.length < 10 || t2.duration > n2.P) {
        if (e2 ? t2.duration > e2.P ? (e2.entries = [t2], e2.P = t2.duration) : t2.duration === e2.P && t2.startTime === e2.entries[0].startTime && e2.entries.push(t2) : (e2 = { id: t2.interactionId, entries: [t2], P: t2.duration }, this.m.set(e2.id, e2), this.v.push(e2)), this.v.sort((t3, n3) => n3.P - t3.P), this.v.length > 10) {
          const t3 = this.v.splice(10);
          for (const n3 of t3) this.m.delete(n3.id);
        }
        this.T?.(e2);
      }
    }
  };
  var q = (t2) => {
    const n2 = "requestIdleCallback" in globalThis ? 1e3 : 0, e2 = globalThis.requestIdleCallback || setTimeout, i2 = globalThis.cancelIdleCallback || clearTimeout;
    if ("hidden" === document.visibilityState) t2();
    else {
      const o2 = T(t2);
      let s2 = -1;
      const a2 = () => {
        i2(s2), o2();
      };
      addEventListener("visibilitychange", a2, { once: true, capture: true }), s2 = e2(() => {
        removeEventListener("visibilitychange", a2, { capture: true }), o2();
      }, { timeout: n2 });
    }
  };
  var A = [200, 500];
  var x = (t2, o2 = {}) => {
    if (!globalThis.PerformanceEventTiming || !("interactionId" in PerformanceEventTiming.prototype)) return;
    const s2 = d();
    _(() => {
      B();
      let a2, r2 = l("INP");
      const c2 = u(o2, S), f2 = (n2, e2, s3, f3, h3) => {
        c2.M(), r2 = l("INP", -1, n2, e2, s3, f3, h3), a2 = i(t2, r2, A, o2.reportAllChanges);
      }, h2 = () => {
        const t3 = c2.L(r2.navigationType);
        t3 && t3.P !== r2.value && (r2.value = t3.P, r2.entries = t3.entries, a2());
      }, d2 = (t3) => {
        h2(), a2(true), f2("soft-navigation", t3.navigationId, t3.interactionId, t3.name, t3.startTime);
      }, g2 = (t3, n2 = false) => {
        q(() => {
          for (const n3 of t3) "soft-navigation" !== n3.entryType ? c2.h(n3) : d2(n3);
          h2(), n2 && a2(true);
        });
      }, v2 = ["event", "first-input"];
      p(o2) && v2.push("soft-navigation");
      const b2 = m(v2, g2, { ...o2, durationThreshold: o2.durationThreshold ?? 40 });
      a2 = i(t2, r2, A, o2.reportAllChanges), b2 && (s2.onHidden(() => {
        g2(b2.takeRecords(), true);
      }), e(() => {
        f2("back-forward-cache", r2.navigationId, r2.navigationInteractionId, r2.navigationURL, n());
      }));
    });
  };
  var H = class {
    p;
    l;
    h(t2) {
      this.p?.(t2);
    }
  };
  var O = [2500, 4e3];
  var U = (t2, s2 = {}) => {
    let r2 = false;
    const c2 = p(s2);
    _(() => {
      let f2, h2 = d(), g2 = l("LCP");
      const v2 = u(s2, H), p2 = (n2, e2, o2, a2, c3) => {
        g2 = l("LCP", -1, n2, e2, o2, a2, c3), f2 = i(t2, g2, O, s2.reportAllChanges), r2 = false, "soft-navigation" === n2 && (h2 = d(true));
      }, T2 = (t3) => {
        v2.l && t3.navigationId && b(v2.l, t3), r2 || f2(true), p2("soft-navigation", t3.navigationId, t3.interactionId, t3.name, t3.startTime);
        const n2 = t3.getLargestInteractionContentfulPaint?.();
        n2 && y2([n2]);
      }, y2 = (t3) => {
        s2.reportAllChanges || c2 || (t3 = t3.slice(-1));
        for (const n2 of t3) {
          if (!n2) continue;
          if ("soft-navigation" === n2.entryType) {
            T2(n2);
            continue;
          }
          let t4 = 0, e2 = [], i2 = n2.startTime;
          if ("largest-contentful-paint" === n2.entryType) t4 = Math.max(n2.startTime - a(), 0), v2.h(n2), e2 = [n2];
          else if ("interaction-contentful-paint" === n2.entryType) {
            const o2 = n2;
            if (!g2.navigationId) continue;
            if ("interactionId" in o2 && o2.interactionId != g2.navigationInteractionId) continue;
            i2 = o2.largestContentfulPaint?.renderTime || 0, t4 = Math.max(i2 - n2.startTime, 0), o2.largestContentfulPaint && (v2.h(o2.largestContentfulPaint), e2 = [o2.largestContentfulPaint]);
          }
          i2 < h2.firstHiddenTime && (g2.value = t4, g2.entries = e2, f2());
        }
      }, _2 = ["largest-contentful-paint"];
      c2 && _2.push("interaction-contentful-paint", "soft-navigation");
      const E2 = m(_2, y2);
      if (E2) {
        f2 = i(t2, g2, O, s2.reportAllChanges);
        const a2 = ["keydown", "click", "visibilitychange"], h3 = (t3) => {
          if (t3.isTrusted && !r2) {
            const t4 = g2.id;
            q(() => {
              if (!r2) {
                if (!c2) {
                  E2.disconnect();
                  for (const t5 of a2) removeEventListener(t5, h3, { capture: true });
                }
                t4 === g2.id && (r2 = true, f2(true));
              }
            });
          }
        };
        for (const t3 of a2) addEventListener(t3, h3, { capture: true });
        e((e2) => {
          p2("back-forward-cache", g2.navigationId, g2.navigationInteractionId, g2.navigationURL, n()), f2 = i(t2, g2, O, s2.reportAllChanges), o(() => {
            g2.value = performance.now() - e2.timeStamp, r2 = true, f2(true);
          });
        });
      }
    });
  };
  var W = [800, 1800];
  var $ = (t2) => {
    document.prerendering ? _(() => $(t2)) : "complete" !== document.readyState ? addEventListener("load", () => $(t2), true) : setTimeout(t2);
  };
  var D = (t2, o2 = {}) => {
    const r2 = p(o2);
    let c2 = l("TTFB"), f2 = i(t2, c2, W, o2.reportAllChanges);
    $(() => {
      const h2 = s();
      if (h2) {
        const s2 = h2.responseStart;
        if (c2.value = Math.max(s2 - a(), 0), c2.entries = [h2], f2(true), e(() => {
          c2 = l("TTFB", 0, "back-forward-cache", c2.navigationId, c2.navigationInteractionId, c2.navigationURL, n()), f2 = i(t2, c2, W, o2.reportAllChanges), f2(true);
        }), r2) {
          m(["soft-navigation"], (n2) => {
            n2.forEach((n3) => {
              n3.navigationId && (c2 = l("TTFB", 0, "soft-navigation", n3.navigationId, n3.interactionId, n3.name, n3.startTime), c2.entries = [n3], f2 = i(t2, c2, W, o2.reportAllChanges), f2(true));
            });
          }, o2);
        }
      }
    });
  };

  // page/timings.js
  var NAVIGATION_TIMES = (
    /** @type {const} */
    [
      "dom_complete",
      "dom_content_loaded_event_end",
      "dom_content_loaded_event_start",
      "dom_interactive",
      "load_event_end",
      "load_event_start",
      "redirect_count",
      "unload_event_end",
      "unload_event_start"
    ]
  );
  var FETCH_TIMES = (
    /** @type {const} */
    [
      "duration",
      "fetch_start",
      "domain_lookup_start",
      "domain_lookup_end",
      "connect_start",
      "connect_end",
      "secure_connection_start",
      "request_start",
      "response_start",
      "response_end",
      "transfer_size",
      "encoded_body_size",
      "decoded_body_size"
    ]
  );
  var RESOURCE_FIELDS = (
    /** @type {const} */
    [
      "initiator_type",
      "redirect_start",
      "redirect_end",
      "worker_start",
      "next_hop_protocol",
      "render_blocking_status"
    ]
  );
  function reader(prefix, names) {
    const pairs = names.map((name) => ({
      attribute: `${prefix}.${name}`,
      member: name.replace(/_([a-z])/g, (_2, letter) => letter.toUpperCase())
    }));
    return (entry) => {
      const attributes = {};
      for (const { attribute, member } of pairs) {
        const value = entry[member];
        if (typeof value === "number" || typeof value === "string" && value !== "") attributes[attribute] = value;
      }
      return attributes;
    };
  }
  var navigationTimes = reader("browser.navigation_timing", NAVIGATION_TIMES);
  var fetchTimes = reader("browser.resource_timing", FETCH_TIMES);
  var resourceFields = reader("browser.resource_timing", RESOURCE_FIELDS);
  function navigationTiming(entry, redactor) {
    return {
      "url.full": redactor.url(entry.name),
      "browser.navigation_timing.type": entry.type,
      ...navigationTimes(entry),
      ...fetchTimes(entry)
    };
  }
  function resourceTiming(entry, redactor) {
    const status = entry.responseStatus ? { "http.response.status_code": entry.responseStatus } : {};
    return {
      "url.full": redactor.url(entry.name),
      ...fetchTimes(entry),
      ...resourceFields(entry),
      ...status
    };
  }
  function watchWebVitals(emit) {
    const report = (metric) => emit({
      "browser.web_vital.name": metric.name.toLowerCase(),
      "browser.web_vital.value": metric.value,
      "browser.web_vital.delta": metric.delta,
      "browser.web_vital.rating": metric.rating,
      "browser.web_vital.id": metric.id,
      "browser.web_vital.navigation_type": metric.navigationType
    });
    for (const watch of [P, M, x, U, D]) watch(report);
  }

  // page/xhr-repeat.js
  var XhrRepeater = class {
    /**
     * @param {import('./natives.js').Natives} natives
     * @param {any} xhr just made
     * @param {(xhr: XMLHttpRequest, name: string) => any} read a member of it, past what the page put over it
     */
    constructor(natives, xhr, read) {
      this.natives = natives;
      this.xhr = xhr;
      this.read = read;
      this.repeatable = null;
      this.attempt = "first";
      this.isOverUntold = false;
      const steps = {
        readystatechange: (event) => this.#onState(event),
        loadstart: (event) => this.attempt === "starting" && event.stopImmediatePropagation(),
        error: (event) => this.#onError(event),
        timeout: () => this.#tellEnd(),
        abort: () => this.#tellEnd(),
        load: () => this.attempt === "second" && this.repeatable?.onSuccess(),
        loadend: (event) => this.#onEnd(event)
      };
      for (const [type, step] of Object.entries(steps)) {
        const quiet = (event) => event.isTrusted && quietly(() => step(event));
        natives.apply(natives.addEventListener, xhr, [type, quiet]);
      }
    }
    /** @param {Repeatable | null} repeatable what is about to be sent, asynchronous and without a body; null: leave it */
    use(repeatable) {
      this.repeatable = repeatable;
      this.attempt = "first";
      this.isOverUntold = false;
    }
    /** @param {any} event */
    #onState(event) {
      if (!this.repeatable) return;
      this.isOverUntold = this.attempt === "first" && this.#isOver();
      if (this.isOverUntold || this.attempt === "starting") event.stopImmediatePropagation();
    }
    /** @returns {boolean} */
    #isOver() {
      return this.read(this.xhr, "readyState") === 4 && this.read(this.xhr, "status") === 0;
    }
    /** @param {any} event */
    #onError(event) {
      if (!this.repeatable || this.attempt !== "first") return;
      this.attempt = "failed";
      event.stopImmediatePropagation();
    }
    #tellEnd() {
      if (!this.repeatable || !this.isOverUntold) return;
      const { natives, xhr } = this;
      this.use(null);
      natives.apply(natives.dispatchEvent, xhr, [new natives.Event("readystatechange")]);
    }
    /** @param {any} event */
    #onEnd(event) {
      if (this.read(this.xhr, "readyState") !== 4) return;
      if (!this.repeatable || this.attempt !== "failed") {
        this.use(null);
        return;
      }
      event.stopImmediatePropagation();
      this.attempt = "starting";
      this.repeatable.sendAgain();
      this.attempt = "second";
    }
  };

  // page/xhr.js
  var ENDING = /[\0-\x20]+$/;
  var ASCII = /^[\0-\x7f]*$/;
  function wrapXhr(window2, natives, manager) {
    const { prototype } = window2.XMLHttpRequest;
    const native = nativesOf(natives, prototype);
    const opened = new natives.WeakMap();
    const repeaters = new natives.WeakMap();
    const running = new RunningRequests(natives, manager, native);
    const handlers = {
      open(xhr, args) {
        const address = args[1];
        const text = args.length < 2 || typeof address === "symbol" ? void 0 : String(address);
        const opening = quietly(() => openingOf({ window: window2, natives, manager, repeaters }, xhr, args, text));
        const ending = quietly(() => running.endingOf(xhr));
        natives.apply(native.open, xhr, text === void 0 ? args : withAddress(args, opening?.marked ?? text));
        quietly(() => {
          if (ending) running.end(xhr, ending);
          opened.delete(xhr);
          repeaters.get(xhr)?.use(null);
          if (opening) opened.set(xhr, opening.state);
        });
        return void 0;
      },
      setRequestHeader(xhr, args) {
        const state = quietly(() => native.read(xhr, "readyState") === 1 ? opened.get(xhr) : void 0);
        if (state && args.length > 1 && quietly(() => keepsHeader(manager, state, args))) return void 0;
        natives.apply(native.setRequestHeader, xhr, args);
        quietly(() => state && noteHeader(state, args));
        return void 0;
      },
      send(xhr, args) {
        quietly(() => {
          const state = opened.get(xhr);
          opened.delete(xhr);
          const request = state ? start({ natives, manager, native, running }, xhr, state) : null;
          if (!state?.mayRepeat || !request) return;
          const sendAgain = () => sendPlain(natives, native, xhr, state);
          const onSuccess = () => manager.giveUpOn(request, native.read(xhr, "responseURL"));
          repeaters.get(xhr)?.use({ sendAgain, onSuccess });
        });
        try {
          return natives.apply(native.send, xhr, args);
        } catch (error) {
          throw quietly(() => withoutMark(natives, error)) ?? error;
        }
      }
    };
    const restores = Object.entries(handlers).map(
      ([name, handler]) => wrapMethod(natives, prototype, name, (_2, self2, args) => handler(self2, args))
    );
    const around = (construct, args) => {
      const xhr = construct(args);
      quietly(() => {
        repeaters.set(xhr, new XhrRepeater(natives, xhr, native.read));
        running.watch(xhr);
      });
      return xhr;
    };
    restores.push(wrapConstructor(window2, natives, "XMLHttpRequest", around));
    return () => restores.forEach((restore) => restore());
  }
  function nativesOf({ apply, getOwnPropertyDescriptor }, prototype) {
    const { open, send, setRequestHeader, getAllResponseHeaders, getResponseHeader } = prototype;
    const members = ["readyState", "status", "responseURL"];
    const getters2 = new Map(members.map((name) => [name, getOwnPropertyDescriptor(prototype, name)?.get]));
    const read = (xhr, name) => apply(getters2.get(name), xhr, []);
    return { open, send, setRequestHeader, getAllResponseHeaders, getResponseHeader, read };
  }
  function openingOf({ window: window2, natives, manager, repeaters }, xhr, args, text) {
    const url = text === void 0 ? null : urlOf(window2, natives, text);
    if (text === void 0 || !url) return null;
    const method = String(args[0]).toUpperCase();
    const isAsync = args.length < 3 || Boolean(args[2]);
    const isReading = method === "GET" || method === "HEAD";
    const target = { method, url, origin: url.origin };
    const mayRepeat = isAsync && isReading && repeaters.has(xhr) && manager.mayTrace(target);
    const mark = manager.markOf(target, mayRepeat);
    const state = { ...target, traceparent: null, tracestate: null, headers: [], mayRepeat };
    const isParsedAlike = window2.document.characterSet === "UTF-8" || ASCII.test(text);
    const plain = withAddress(args, isParsedAlike ? url.href : text);
    return { state: { ...state, args: plain }, marked: mark ? text.replace(ENDING, "") + mark : text };
  }
  function withAddress(args, address) {
    const given = [];
    for (let index = 0; index < args.length; index += 1) given[index] = index === 1 ? address : args[index];
    return given;
  }
  function keepsHeader(manager, state, args) {
    const name = String(args[0]).toLowerCase();
    if (name !== "traceparent" && name !== "tracestate") return false;
    state[name] = state[name] === null ? String(args[1]) : `${state[name]}, ${String(args[1])}`;
    return name === "tracestate" && manager.mayTrace(state);
  }
  function noteHeader(state, args) {
    const isTracestate = String(args[0]).toLowerCase() === "tracestate";
    if (!isTracestate) state.headers[state.headers.length] = [args[0], args[1]];
  }
  function withoutMark(natives, error) {
    const message = String(error?.message).replace(/\S+(?='\.?$)/, unmarked);
    return message === error?.message ? error : new natives.DOMException(message, error.name);
  }
  var RunningRequests = class {
    /**
     * @param {import('./natives.js').Natives} natives
     * @param {import('../request-manager.js').RequestManager} manager
     * @param {Native} native
     */
    constructor(natives, manager, native) {
      this.natives = natives;
      this.manager = manager;
      this.native = native;
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
      const isOver = this.native.read(xhr, "readyState") === 4 && this.native.read(xhr, "status") !== 0;
      return isOver ? this.#loaded(xhr) : { error: "AbortError" };
    }
    /**
     * @param {XMLHttpRequest} xhr that has its response
     * @returns {import('../request-manager.js').Ending}
     */
    #loaded(xhr) {
      const { natives, native } = this;
      return {
        status: native.read(xhr, "status"),
        responseUrl: native.read(xhr, "responseURL"),
        serverTiming: serverTimingOf(natives, native, xhr)
      };
    }
    /** @param {XMLHttpRequest} xhr */
    #listen(xhr) {
      const { natives } = this;
      const listen = (type, ending) => {
        const listener = (event) => event.isTrusted && quietly(() => this.end(xhr, ending()));
        natives.apply(natives.addEventListener, xhr, [type, listener]);
      };
      listen("error", () => ({ error: "TypeError" }));
      listen("abort", () => ({ error: "AbortError" }));
      listen("timeout", () => ({ error: "timeout" }));
      listen("load", () => this.#loaded(xhr));
    }
  };
  function start({ natives, manager, native, running }, xhr, state) {
    const callersHeaders = { get: (name) => state[
      /** @type {'traceparent'} */
      name
    ] ?? null };
    const request = manager.begin(state.method, state.url, callersHeaders);
    for (const [name, value] of Object.entries(request.headers)) {
      try {
        natives.apply(native.setRequestHeader, xhr, [name, value]);
      } catch {
      }
    }
    running.begin(xhr, request);
    return request;
  }
  function sendPlain(natives, native, xhr, { args, headers, tracestate }) {
    natives.apply(native.open, xhr, args);
    for (const header of headers) natives.apply(native.setRequestHeader, xhr, header);
    if (tracestate !== null) natives.apply(native.setRequestHeader, xhr, ["tracestate", tracestate]);
    natives.apply(native.send, xhr, []);
  }
  function serverTimingOf({ apply }, native, xhr) {
    const isExposed = apply(native.getAllResponseHeaders, xhr, []).includes("server-timing");
    return isExposed ? apply(native.getResponseHeader, xhr, ["server-timing"]) : null;
  }
  function urlOf(window2, natives, url) {
    try {
      const parsed = new natives.URL(String(url), window2.document.baseURI);
      return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed : null;
    } catch {
      return null;
    }
  }

  // page/main.js
  var URGENT_EVENTS = (
    /** @type {Record<string, boolean>} */
    { exception: true, "browser.user_action.click": true }
  );
  var LOGOUT_EVENT = "gasoline:logout";
  var PageObserver = class {
    /** @param {any} window */
    constructor(window2) {
      this.window = window2;
      this.natives = captureNatives(window2);
      this.channel = new Channel(this.natives, window2);
      this.announced = readAnnounced(window2, this.natives);
      this.isTop = window2 === window2.top;
      this.redactor = new Redactor();
      const { monotonicNow, wallNow } = this.natives;
      this.clock = new PageClock(window2.performance.timeOrigin, monotonicNow, wallNow);
      this.page = this.announced?.configuration.page ?? null;
      this.isLoadOver = false;
      this.isLoadTold = false;
      this.restores = [];
      this.listeners = [];
      let storage;
      this.session = new PageSession({
        now: () => this.clock.now(),
        // Asked for once: to get it costs more than to read from it, and each request reads.
        storage: () => storage ??= window2.localStorage,
        tell: (message) => this.channel.send(message)
      });
      this.requests = new RequestManager({
        origin: window2.self.origin,
        sessionId: () => this.session.current(),
        page: () => this.page,
        now: () => this.clock.now(),
        monotonicNow,
        emit: (record) => this.channel.record(record),
        onOwnTracing: (origin) => this.channel.send({ type: "own-tracing", origin }),
        onStray: (address) => this.channel.send({ type: "stray", address }),
        isServed: this.natives.isServed,
        redactor: this.redactor
      });
    }
    /** Begin, if the bridge is there. */
    start() {
      if (this.announced?.isCertain) this.#configure(this.announced.configuration);
      const hello = { traceId: this.page?.traceId ?? "", navigatedAt: this.clock.at(0) };
      if (!this.channel.open(hello, (message) => quietly(() => this.#hear(message)))) return;
      const { window: window2, natives, requests } = this;
      hideMarks(window2, natives);
      this.restores.push(wrapFetch(window2, natives, requests), wrapXhr(window2, natives, requests));
      const sources = {
        window: window2,
        natives,
        redactor: this.redactor,
        emit: this.#log.bind(this),
        touch: () => this.session.touch(),
        listen: this.#listen.bind(this)
      };
      this.restores.push(watchConsole(sources), watchWebSockets(sources), ...this.#listenOnAfterReopening());
      watchErrors(sources);
      watchUser(sources);
      watchNavigation(sources);
      this.#watchLoad();
      this.#watchResources();
      this.#watchServiceWorker();
      if (this.isTop) watchWebVitals((attributes) => this.#log("browser.web_vital", { attributes, inPage: true }));
    }
    /** @param {any} message of the bridge */
    #hear(message) {
      if (message.type === "configuration") this.#configure(message.configuration);
      if (message.type === "off") this.stop();
    }
    /** @param {import('../worker/announcement.js').Configuration} configuration */
    #configure(configuration) {
      this.session.apply(configuration);
      this.page = configuration.page ?? this.page;
      this.requests.targets = new Set(configuration.targets);
      this.requests.headerRules = configuration.headerRules;
      this.requests.avoid(configuration.strays);
      this.redactor.use(configuration.redactedNames);
      if (this.isLoadOver) this.#tellLoad();
    }
    /** Leave the page as it was. */
    stop() {
      this.restores.splice(0).forEach((restore) => restore());
      for (const [target, type, listener] of this.listeners.splice(0)) {
        this.natives.apply(this.natives.removeEventListener, target, [type, listener, true]);
      }
      this.observer?.disconnect();
      this.isStopped = true;
    }
    /**
     * @param {any} target
     * @param {string} type
     * @param {(event: any) => void} listener
     */
    #listen(target, type, listener) {
      const quiet = (event) => quietly(() => listener(event));
      this.natives.apply(this.natives.addEventListener, target, [type, quiet, true]);
      this.listeners.push([target, type, quiet]);
    }
    /**
     * document.open takes all listeners off the window and the document; to write into one that is done opens it, too.
     * @returns {(() => void)[]}
     */
    #listenOnAfterReopening() {
      const { natives, window: window2 } = this;
      const { apply, addEventListener: addEventListener2 } = natives;
      const listenOn = () => {
        for (const [target, type, listener] of this.listeners) apply(addEventListener2, target, [type, listener, true]);
      };
      return ["open", "write", "writeln"].map(
        (name) => wrapMethod(natives, window2.Document.prototype, name, (native, self2, args) => {
          const result = apply(native, self2, args);
          quietly(listenOn);
          return result;
        })
      );
    }
    /**
     * @param {string} event
     * @param {{ severity?: number, body?: string, time?: number, inPage?: boolean,
     *   context?: import('../shared/ids.js').SpanContext | null, attributes: import('../shared/records.js').Attributes
     * }} fields
     */
    #log(event, { severity = 9, body, time, inPage = false, context = inPage ? this.page : null, attributes }) {
      if (this.isStopped) return;
      quietly(() => {
        const sessionId = this.session.current();
        const at = time ?? this.clock.now();
        const record = { kind: "log", event, time: at, severity, body, sessionId, attributes, ...context };
        this.channel.record(record, URGENT_EVENTS[event]);
      });
    }
    /** Where the page has a service worker, the page's requests come from there, and have no mark. */
    #watchServiceWorker() {
      const { natives, window: window2 } = this;
      const tell = () => this.channel.send({ type: "served" });
      if (natives.isServed()) tell();
      else if (window2.navigator.serviceWorker) natives.apply(natives.then, window2.navigator.serviceWorker.ready, [tell]);
    }
    #watchLoad() {
      const { window: window2 } = this;
      const url = window2.document.URL;
      if (url.startsWith("http")) {
        const attributes = {
          "url.full": this.redactor.url(url),
          "browser.navigation.same_document": false,
          "browser.navigation.hash_change": false
        };
        this.#log("browser.navigation", { time: this.clock.at(0), attributes, inPage: true });
      }
      const over = () => {
        this.isLoadOver = true;
        this.#tellLoad();
      };
      this.#listen(window2, "load", () => window2.setTimeout(over, 0));
      this.#listen(window2, "pagehide", () => {
        this.#tellLoad();
        this.#tellResources(this.observer?.takeRecords() ?? []);
        this.requests.endAll();
        this.channel.send({ type: "hide" });
        this.#gatherIfSeen(false);
      });
      this.#listen(window2, "pageshow", (event) => {
        if (!event.persisted) return;
        this.channel.send({ type: "resume" });
        this.#gatherIfSeen();
      });
      this.#listen(window2.document, "visibilitychange", () => this.#gatherIfSeen());
      this.#gatherIfSeen();
      this.#listen(window2, LOGOUT_EVENT, () => this.session.end("logout"));
      this.#listen(window2, "storage", () => this.session.current());
    }
    /** @param {boolean} [stays] whether the page is not about to go */
    #gatherIfSeen(stays = true) {
      this.channel.gathers = stays && !this.window.document.hidden;
      if (!this.channel.gathers) this.channel.flush();
    }
    /** The page load, once it is over or the page goes: the root of what the server did for it. */
    #tellLoad() {
      const [entry] = this.natives.entriesOfType("navigation");
      if (this.isLoadTold || this.isStopped || !this.isTop || !entry || !this.page) return;
      this.isLoadTold = true;
      const { url, attributes } = this.#pageAttributes(entry);
      const isIncomplete = entry.loadEventEnd === 0;
      const status = entry.responseStatus;
      const record = {
        kind: "span",
        name: "documentLoad",
        start: this.clock.at(0),
        end: isIncomplete ? this.clock.now() : this.clock.at(entry.loadEventEnd),
        ...this.page,
        sessionId: this.session.current(),
        attributes: {
          ...attributes,
          ...targetAttributes(this.announced?.configuration.method ?? "GET", url, this.redactor),
          ...status ? { "http.response.status_code": status } : {},
          ...status >= 400 ? { "error.type": String(status) } : {},
          ...isIncomplete ? { "gasoline.incomplete": true } : {}
        },
        ...status >= 400 ? { error: true } : {}
      };
      this.channel.record(record);
      this.#log("browser.navigation_timing", { attributes: navigationTiming(entry, this.redactor), inPage: true });
      this.#tellRestart(entry, this.page);
    }
    /**
     * A server that answers in a trace of its own: an event in that trace, which brings it into the session.
     * @param {any} entry of the page load or of a resource
     * @param {import('../shared/ids.js').SpanContext | null} asked what the request carried
     */
    #tellRestart(entry, asked) {
      const context = restartedTrace(entry, asked);
      if (!context) return;
      this.#log("gasoline.propagation.restart", {
        time: this.clock.at(entry.responseStart),
        body: "the server answered in a trace of its own",
        attributes: {
          "url.full": this.redactor.url(entry.name),
          ...asked ? { "gasoline.request.id": asked.traceId } : {}
        },
        context
      });
    }
    /**
     * @param {any} entry
     * @returns {{ url: URL, attributes: import('../shared/records.js').Attributes }}
     */
    #pageAttributes(entry) {
      const { referrer } = this.window.document;
      const url = new this.natives.URL(entry.name);
      return { url, attributes: referrer ? { "browser.document.referrer": this.redactor.url(referrer) } : {} };
    }
    #watchResources() {
      const { PerformanceObserver: PerformanceObserver2 } = this.window;
      this.observer = new PerformanceObserver2(
        (list) => quietly(() => this.#tellResources(list.getEntries()))
      );
      this.observer.observe({ type: "resource", buffered: true });
    }
    /** @param {any[]} entries */
    #tellResources(entries) {
      for (const entry of entries) {
        if (!entry.name.startsWith("http")) continue;
        const isScripted = entry.initiatorType === "fetch" || entry.initiatorType === "xmlhttprequest";
        const request = isScripted ? this.requests.requestOf(entry.name, entry.startTime, answeredSpan(entry)) : null;
        const context = request ? request.context : this.page;
        const time = this.clock.at(entry.startTime);
        this.#log("browser.resource_timing", { time, attributes: resourceTiming(entry, this.redactor), context });
        this.#tellRestart(entry, context);
      }
    }
  };
  if (self.origin !== "null") new PageObserver(window).start();
})();
