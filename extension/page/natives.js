/**
 * What the browser gave the page, taken before the page's first script could change it. Everything that carries
 * records or touches requests uses these, so that a page which replaces them neither reads along nor breaks us, nor we
 * it.
 */

/**
 * @param {any} window
 */
export function captureNatives(window) {
  const { Reflect, Proxy, Promise, JSON, Object, EventTarget, CustomEvent, WeakMap } = window;
  const { Headers, Request, URL, crypto, performance } = window;
  const getter = (/** @type {any} */ prototype, /** @type {string} */ name) =>
    Object.getOwnPropertyDescriptor(prototype, name)?.get;
  const { apply } = Reflect;
  const now = performance.now.bind(performance);
  return {
    apply,
    Proxy,
    CustomEvent,
    Headers,
    URL,
    WeakMap,
    stringify: JSON.stringify,
    parse: JSON.parse,
    then: Promise.prototype.then,
    addEventListener: EventTarget.prototype.addEventListener,
    removeEventListener: EventTarget.prototype.removeEventListener,
    dispatchEvent: EventTarget.prototype.dispatchEvent,
    detailOf: getter(CustomEvent.prototype, 'detail'),
    requestUrl: getter(Request.prototype, 'url'),
    requestMethod: getter(Request.prototype, 'method'),
    requestHeaders: getter(Request.prototype, 'headers'),
    requestMode: getter(Request.prototype, 'mode'),
    requestRedirect: getter(Request.prototype, 'redirect'),
    requestReferrer: getter(Request.prototype, 'referrer'),
    requestReferrerPolicy: getter(Request.prototype, 'referrerPolicy'),
    getRandomValues: crypto.getRandomValues.bind(crypto),
    monotonicNow: now,
    wallNow: window.Date.now,
    entriesOfType: performance.getEntriesByType.bind(performance),
  };
}

/** @typedef {ReturnType<typeof captureNatives>} Natives */
