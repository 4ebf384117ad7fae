/**
 * The page script: at document_start, in the page's own world, before the page's first script. Bundled to
 * built/page.js.
 */

import { RequestManager, targetAttributes } from '../request-manager.js';
import { PageClock } from '../shared/clock.js';
import { Redactor } from '../shared/redact.js';
import { readAnnounced } from './announced.js';
import { Channel } from './channel.js';
import { watchConsole, watchErrors, watchNavigation, watchUser, watchWebSockets } from './events.js';
import { wrapFetch } from './fetch.js';
import { hideMarks } from './marks.js';
import { wrapMethod } from './methods.js';
import { captureNatives } from './natives.js';
import { PageSession } from './page-session.js';
import { quietly } from './quietly.js';
import { answeredSpan, restartedTrace } from './server-timing.js';
import { navigationTiming, resourceTiming, watchWebVitals } from './timings.js';
import { wrapXhr } from './xhr.js';

/** Rare, and what the person looks for: they do not wait for others, lest the tab is closed meanwhile. */
const URGENT_EVENTS = /** @type {Record<string, boolean>} */ ({ exception: true, 'browser.user_action.click': true });
/** The event by which an application says that its user has logged out. */
const LOGOUT_EVENT = 'gasoline:logout';

class PageObserver {
  /** @param {any} window */
  constructor(window) {
    this.window = window;
    this.natives = captureNatives(window);
    this.channel = new Channel(this.natives, window);
    this.announced = readAnnounced(window, this.natives);
    this.isTop = window === window.top;
    this.redactor = new Redactor();
    const { monotonicNow, wallNow } = this.natives;
    this.clock = new PageClock(window.performance.timeOrigin, monotonicNow, wallNow);
    /** @type {import('../shared/ids.js').SpanContext | null} */
    this.page = this.announced?.configuration.page ?? null;
    this.isLoadOver = false;
    this.isLoadTold = false;
    /** @type {(() => void)[]} */
    this.restores = [];
    /** @type {[any, string, (event: any) => void][]} */
    this.listeners = [];
    /** @type {import('./page-session.js').Storage | undefined} */
    let storage;
    this.session = new PageSession({
      now: () => this.clock.now(),
      // Asked for once: to get it costs more than to read from it, and each request reads.
      storage: () => (storage ??= window.localStorage),
      tell: (message) => this.channel.send(message),
    });
    this.requests = new RequestManager({
      origin: window.self.origin,
      sessionId: () => this.session.current(),
      page: () => this.page,
      now: () => this.clock.now(),
      monotonicNow,
      emit: (record) => this.channel.record(record),
      onOwnTracing: (origin) => this.channel.send({ type: 'own-tracing', origin }),
      onStray: (address) => this.channel.send({ type: 'stray', address }),
      isServed: this.natives.isServed,
      redactor: this.redactor,
    });
  }

  /** Begin, if the bridge is there. */
  start() {
    if (this.announced?.isCertain) this.#configure(this.announced.configuration);
    const hello = { traceId: this.page?.traceId ?? '', navigatedAt: this.clock.at(0) };
    if (!this.channel.open(hello, (message) => quietly(() => this.#hear(message)))) return;
    const { window, natives, requests } = this;
    hideMarks(window, natives);
    this.restores.push(wrapFetch(window, natives, requests), wrapXhr(window, natives, requests));
    const sources = {
      window,
      natives,
      redactor: this.redactor,
      emit: this.#log.bind(this),
      touch: () => this.session.touch(),
      listen: this.#listen.bind(this),
    };
    this.restores.push(watchConsole(sources), watchWebSockets(sources), ...this.#listenOnAfterReopening());
    watchErrors(sources);
    watchUser(sources);
    watchNavigation(sources);
    this.#watchLoad();
    this.#watchResources();
    this.#watchServiceWorker();
    if (this.isTop) watchWebVitals((attributes) => this.#log('browser.web_vital', { attributes, inPage: true }));
  }

  /** @param {any} message of the bridge */
  #hear(message) {
    if (message.type === 'configuration') this.#configure(message.configuration);
    if (message.type === 'off') this.stop();
  }

  /** @param {import('../worker/announcement.js').Configuration} configuration */
  #configure(configuration) {
    this.session.apply(configuration);
    this.page = configuration.page ?? this.page;
    this.requests.targets = new Set(configuration.targets);
    this.requests.headerRules = configuration.headerRules;
    this.requests.avoid(configuration.strays);
    this.redactor.use(configuration.redactedNames);
    // A tab that was just opened hears of its trace late.
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
    const quiet = (/** @type {any} */ event) => quietly(() => listener(event));
    this.natives.apply(this.natives.addEventListener, target, [type, quiet, true]);
    this.listeners.push([target, type, quiet]);
  }

  /**
   * document.open takes all listeners off the window and the document; to write into one that is done opens it, too.
   * @returns {(() => void)[]}
   */
  #listenOnAfterReopening() {
    const { natives, window } = this;
    const { apply, addEventListener } = natives;
    const listenOn = () => {
      for (const [target, type, listener] of this.listeners) apply(addEventListener, target, [type, listener, true]);
    };
    return ['open', 'write', 'writeln'].map((name) =>
      wrapMethod(natives, window.Document.prototype, name, (native, self, args) => {
        const result = apply(native, self, args);
        quietly(listenOn);
        return result;
      }),
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
      const record = { kind: 'log', event, time: at, severity, body, sessionId, attributes, ...context };
      this.channel.record(record, URGENT_EVENTS[event]);
    });
  }

  /** Where the page has a service worker, the page's requests come from there, and have no mark. */
  #watchServiceWorker() {
    const { natives, window } = this;
    const tell = () => this.channel.send({ type: 'served' });
    if (natives.isServed()) tell();
    else if (window.navigator.serviceWorker) natives.apply(natives.then, window.navigator.serviceWorker.ready, [tell]);
  }

  #watchLoad() {
    const { window } = this;
    const url = window.document.URL;
    if (url.startsWith('http')) {
      const attributes = {
        'url.full': this.redactor.url(url),
        'browser.navigation.same_document': false,
        'browser.navigation.hash_change': false,
      };
      this.#log('browser.navigation', { time: this.clock.at(0), attributes, inPage: true });
    }
    const over = () => {
      this.isLoadOver = true;
      this.#tellLoad();
    };
    this.#listen(window, 'load', () => window.setTimeout(over, 0));
    this.#listen(window, 'pagehide', () => {
      this.#tellLoad();
      this.#tellResources(this.observer?.takeRecords() ?? []);
      this.requests.endAll();
      this.channel.send({ type: 'hide' });
      this.#gatherIfSeen(false);
    });
    this.#listen(window, 'pageshow', (event) => {
      if (!event.persisted) return;
      this.channel.send({ type: 'resume' });
      this.#gatherIfSeen();
    });
    this.#listen(window.document, 'visibilitychange', () => this.#gatherIfSeen());
    this.#gatherIfSeen();
    this.#listen(window, LOGOUT_EVENT, () => this.session.end('logout'));
    this.#listen(window, 'storage', () => this.session.current());
  }

  /** @param {boolean} [stays] whether the page is not about to go */
  #gatherIfSeen(stays = true) {
    this.channel.gathers = stays && !this.window.document.hidden;
    if (!this.channel.gathers) this.channel.flush();
  }

  /** The page load, once it is over or the page goes: the root of what the server did for it. */
  #tellLoad() {
    const [entry] = this.natives.entriesOfType('navigation');
    if (this.isLoadTold || this.isStopped || !this.isTop || !entry || !this.page) return;
    this.isLoadTold = true;
    const { url, attributes } = this.#pageAttributes(entry);
    const isIncomplete = entry.loadEventEnd === 0;
    const status = entry.responseStatus;
    /** @type {import('../shared/records.js').SpanRecord} */
    const record = {
      kind: 'span',
      name: 'documentLoad',
      start: this.clock.at(0),
      end: isIncomplete ? this.clock.now() : this.clock.at(entry.loadEventEnd),
      ...this.page,
      sessionId: this.session.current(),
      attributes: {
        ...attributes,
        ...targetAttributes(this.announced?.configuration.method ?? 'GET', url, this.redactor),
        ...(status ? { 'http.response.status_code': status } : {}),
        ...(status >= 400 ? { 'error.type': String(status) } : {}),
        ...(isIncomplete ? { 'gasoline.incomplete': true } : {}),
      },
      ...(status >= 400 ? { error: true } : {}),
    };
    this.channel.record(record);
    this.#log('browser.navigation_timing', { attributes: navigationTiming(entry, this.redactor), inPage: true });
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
    this.#log('gasoline.propagation.restart', {
      time: this.clock.at(entry.responseStart),
      body: 'the server answered in a trace of its own',
      attributes: {
        'url.full': this.redactor.url(entry.name),
        ...(asked ? { 'gasoline.request.id': asked.traceId } : {}),
      },
      context,
    });
  }

  /**
   * @param {any} entry
   * @returns {{ url: URL, attributes: import('../shared/records.js').Attributes }}
   */
  #pageAttributes(entry) {
    const { referrer } = this.window.document;
    const url = new this.natives.URL(entry.name);
    return { url, attributes: referrer ? { 'browser.document.referrer': this.redactor.url(referrer) } : {} };
  }

  #watchResources() {
    const { PerformanceObserver } = this.window;
    this.observer = new PerformanceObserver((/** @type {any} */ list) =>
      quietly(() => this.#tellResources(list.getEntries())),
    );
    this.observer.observe({ type: 'resource', buffered: true });
  }

  /** @param {any[]} entries */
  #tellResources(entries) {
    for (const entry of entries) {
      if (!entry.name.startsWith('http')) continue;
      const isScripted = entry.initiatorType === 'fetch' || entry.initiatorType === 'xmlhttprequest';
      const request = isScripted
        ? this.requests.requestOf(entry.name, entry.startTime, answeredSpan(entry))
        : null;
      const context = request ? request.context : this.page;
      const time = this.clock.at(entry.startTime);
      this.#log('browser.resource_timing', { time, attributes: resourceTiming(entry, this.redactor), context });
      this.#tellRestart(entry, context);
    }
  }
}

// A sandboxed frame says that it belongs to the host, but its requests do not: headers on them would break them.
if (self.origin !== 'null') new PageObserver(window).start();
