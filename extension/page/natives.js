/**
 * What the browser gave the page, taken before the page's first script could change it. Everything that carries
 * records or touches requests uses these, so that a page which replaces them neither reads along nor breaks us, nor we
 * it.
 */

/** The address of a Request, and all that can be read and that one without a body passes on when it is fetched. */
const REQUEST_MEMBERS = /** @type {const} */ ([
  'url',
  'method',
  'headers',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'referrer',
  'referrerPolicy',
  'integrity',
  'keepalive',
  'signal',
  'targetAddressSpace',
]);

/**
 * @param {any} window
 */
export function captureNatives(window) {
  const { Reflect, Proxy, Promise, JSON, Object, EventTarget, Event, CustomEvent, WeakMap } = window;
  const { DOMException } = window;
  const { Headers, Request, Response, URL, crypto, performance } = window;
  const { apply, construct } = Reflect;
  const { getOwnPropertyDescriptor, defineProperty } = Object;
  const getter = (/** @type {any} */ prototype, /** @type {string} */ name) =>
    getOwnPropertyDescriptor(prototype, name)?.get;
  const now = performance.now.bind(performance);
  const initMembers = askedMembers(window);
  return {
    apply,
    construct,
    Proxy,
    Event,
    CustomEvent,
    Headers,
    iterator: window.Symbol.iterator,
    URL,
    WeakMap,
    DOMException,
    getOwnPropertyDescriptor,
    defineProperty,
    stringify: JSON.stringify,
    parse: JSON.parse,
    then: Promise.prototype.then,
    reject: Promise.reject.bind(Promise),
    addEventListener: EventTarget.prototype.addEventListener,
    removeEventListener: EventTarget.prototype.removeEventListener,
    dispatchEvent: EventTarget.prototype.dispatchEvent,
    detailOf: getter(CustomEvent.prototype, 'detail'),
    requestMembers: getters(getter, Request.prototype, REQUEST_MEMBERS),
    responseMembers: getters(getter, Response.prototype, ['type', 'status', 'url', 'redirected', 'headers']),
    headerOf: Headers.prototype.get,
    initMembers,
    /** What a Request does not tell of these. */
    unreadableMembers: new Set(initMembers.filter((name) => !(name in Request.prototype))),
    isServed: servedReader(window, apply, getter),
    getRandomValues: crypto.getRandomValues.bind(crypto),
    monotonicNow: now,
    wallNow: window.Date.now,
    queueMicrotask: window.queueMicrotask.bind(window),
    setTimeout: window.setTimeout.bind(window),
    clearTimeout: window.clearTimeout.bind(window),
    entriesOfType: performance.getEntriesByType.bind(performance),
  };
}

/**
 * @param {(prototype: any, name: string) => any} getter
 * @param {any} prototype
 * @param {readonly string[]} names
 * @returns {Record<string, any>} the getters of these members
 */
function getters(getter, prototype, names) {
  return Object.fromEntries(names.map((name) => [name, getter(prototype, name)]));
}

/**
 * @param {any} window
 * @returns {string[]} what this browser asks for when a Request is made
 */
function askedMembers({ Request, Proxy }) {
  /** @type {Set<string>} */
  const names = new Set();
  const get = (/** @type {any} */ _, /** @type {string} */ name) => void names.add(name);
  // Nothing is sent.
  void new Request('https://any.invalid/', new Proxy({}, { get }));
  return [...names];
}

/**
 * @param {any} window
 * @param {typeof Reflect.apply} apply
 * @param {(prototype: any, name: string) => any} getter
 * @returns {() => boolean} whether requests of this page pass through a service worker of its own
 */
function servedReader(window, apply, getter) {
  const { ServiceWorkerContainer, navigator } = window;
  // Not there on plain HTTP beyond this machine.
  if (!ServiceWorkerContainer || !navigator.serviceWorker) return () => false;
  const controller = getter(ServiceWorkerContainer.prototype, 'controller');
  const container = navigator.serviceWorker;
  return () => apply(controller, container, []) !== null;
}

/** @typedef {ReturnType<typeof captureNatives>} Natives */
