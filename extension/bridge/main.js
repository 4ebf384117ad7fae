/**
 * The bridge between the page script and the worker, in a world of its own that the page cannot reach. It keeps every
 * record until the worker has said that it is stored. Bundled to built/bridge.js.
 */

import { SESSION_ID_KEY } from '../messages.js';
import { DOWN, HELLO, UP } from '../page/channel.js';
import { Outbox } from './outbox.js';

class Bridge {
  /** @param {Element} node by which the page script speaks and is spoken to; its text is what it knows of the page */
  constructor(node) {
    this.node = node;
    /** @type {{ traceId: string, navigatedAt: number }} */
    this.hello = JSON.parse(node.textContent ?? '');
    this.outbox = new Outbox(crypto.randomUUID());
    /** @type {chrome.runtime.Port | null} */
    this.port = null;
    /** @type {import('../shared/ids.js').SpanContext | null} */
    this.page = null;
    this.isOver = false;
    node.addEventListener(UP, (event) => this.#fromPage(/** @type {CustomEvent} */ (event).detail));
    const { document } = /** @type {{ document: Document & { prerendering?: boolean } }} */ (window);
    this.isPrerendering = document.prerendering === true;
    if (!this.isPrerendering) this.#connect();
    else document.addEventListener('prerenderingchange', () => this.#activate(), { once: true });
  }

  /** Until now nobody saw the page, and its tab had another: it counts as loaded from here on. */
  #activate() {
    this.isPrerendering = false;
    this.#connect();
    for (const message of this.outbox.release()) this.#post(message);
  }

  /** @param {string} detail a message of the page script, as JSON */
  #fromPage(detail) {
    if (this.isOver) return;
    const message = JSON.parse(detail);
    if (message.type === 'records') {
      const batch = this.outbox.add(message.count, message.text);
      if (batch) this.#post(batch);
    } else if (message.type === 'hide') {
      this.#post({ type: 'leave' });
    } else if (message.type === 'resume') {
      // The browser cut the connection while the page was frozen, and says nothing of it.
      this.port?.disconnect();
      this.port = null;
      this.#connect();
    } else {
      this.#post(message);
    }
  }

  /** @param {object} message */
  #post(message) {
    if (this.isOver) return;
    if (this.isPrerendering) {
      this.outbox.hold(message);
      return;
    }
    // Connecting sends all that is not acknowledged, a new batch too.
    if (!this.port) {
      this.#connect();
      if (/** @type {any} */ (message).type === 'records') return;
    }
    try {
      /** @type {chrome.runtime.Port | null} */ (this.port)?.postMessage(message);
    } catch {
      this.port = null;
    }
  }

  #connect() {
    try {
      this.port = chrome.runtime.connect({ name: 'page' });
    } catch {
      // The extension was updated or removed: this bridge leads nowhere any more.
      this.#end();
      return;
    }
    const { port, hello } = this;
    port.onMessage.addListener((message) => this.#fromWorker(message));
    port.onDisconnect.addListener(() => {
      if (this.port !== port) return;
      this.port = null;
      // The worker ended before it had stored everything: the next one gets it.
      if (!this.outbox.isEmpty) this.#connect();
    });
    const { traceId, navigatedAt } = hello;
    port.postMessage({ type: 'connect', traceId, navigatedAt, resumed: this.page !== null, page: this.page });
    for (const batch of this.outbox.unstored) port.postMessage(batch);
  }

  /** @param {any} message */
  #fromWorker(message) {
    if (message.type === 'stored') {
      this.outbox.stored(message.seq);
      return;
    }
    if (message.type === 'off') {
      this.#end();
      return;
    }
    this.page = message.configuration?.page ?? this.page;
    this.#toPage(message);
  }

  #end() {
    this.isOver = true;
    this.port?.disconnect();
    this.port = null;
    this.#toPage({ type: 'off' });
    try {
      localStorage.removeItem(SESSION_ID_KEY);
    } catch {
      // Storage is blocked here, so there is nothing of ours in it.
    }
  }

  /** @param {object} message */
  #toPage(message) {
    this.node.dispatchEvent(new CustomEvent(DOWN, { detail: JSON.stringify(message) }));
  }
}

if (self.origin !== 'null') {
  window.addEventListener(
    HELLO,
    (event) => {
      event.stopImmediatePropagation();
      event.preventDefault();
      // Not kept anywhere: it lives by its listeners.
      void new Bridge(/** @type {Element} */ (/** @type {FocusEvent} */ (event).relatedTarget));
    },
    { once: true, capture: true },
  );
}
