// Built by `npm run build` from the folder beside; a test holds it fresh.
"use strict";
(() => {
  // messages.js
  var SESSION_ID_KEY = "gasoline:session-id";

  // page/channel.js
  var HELLO = "gasoline:hello";
  var UP = "up";
  var DOWN = "down";

  // bridge/outbox.js
  var OUTBOX_RECORDS_MAX = 5e3;
  var OUTBOX_CHARS_MAX = 4 * 1024 * 1024;
  var HELD_MAX = 100;
  var Outbox = class {
    /** @param {string} bridgeId */
    constructor(bridgeId) {
      this.bridgeId = bridgeId;
      this.seq = 0;
      this.dropped = 0;
      this.chars = 0;
      this.count = 0;
      this.unstored = [];
      this.held = [];
    }
    /** @param {any} message that cannot be sent yet: records wait here anyhow */
    hold(message) {
      if (message.type !== "records" && this.held.length < HELD_MAX) this.held.push(message);
    }
    /** @returns {object[]} what was held, once */
    release() {
      return this.held.splice(0);
    }
    /** @returns {boolean} */
    get isEmpty() {
      return this.count === 0;
    }
    /**
     * @param {number} count
     * @param {string} text so many records, a list as JSON
     * @returns {Batch | null} to be sent; null if there is no room for it
     */
    add(count, text) {
      if (this.count + count > OUTBOX_RECORDS_MAX || this.chars + text.length > OUTBOX_CHARS_MAX) {
        this.dropped += count;
        return null;
      }
      const { bridgeId, dropped } = this;
      this.seq += 1;
      const batch = { type: "records", bridgeId, seq: this.seq, count, text, dropped };
      this.unstored.push(batch);
      this.chars += text.length;
      this.count += count;
      this.dropped = 0;
      return batch;
    }
    /** @param {number} seq of a batch: it and all before it are safe */
    stored(seq) {
      while (this.unstored[0] && this.unstored[0].seq <= seq) {
        const batch = (
          /** @type {Batch} */
          this.unstored.shift()
        );
        this.count -= batch.count;
        this.chars -= batch.text.length;
      }
    }
  };

  // bridge/main.js
  var Bridge = class {
    /** @param {Element} node by which the page script speaks and is spoken to; its text is what it knows of the page */
    constructor(node) {
      this.node = node;
      this.hello = JSON.parse(node.textContent ?? "");
      this.outbox = new Outbox(crypto.randomUUID());
      this.port = null;
      this.page = null;
      this.isOver = false;
      node.addEventListener(UP, (event) => this.#fromPage(
        /** @type {CustomEvent} */
        event.detail
      ));
      const { document } = (
        /** @type {{ document: Document & { prerendering?: boolean } }} */
        window
      );
      this.isPrerendering = document.prerendering === true;
      if (!this.isPrerendering) this.#connect();
      else document.addEventListener("prerenderingchange", () => this.#activate(), { once: true });
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
      if (message.type === "records") {
        const batch = this.outbox.add(message.count, message.text);
        if (batch) this.#post(batch);
      } else if (message.type === "hide") {
        this.#post({ type: "leave" });
      } else if (message.type === "resume") {
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
      if (!this.port) {
        this.#connect();
        if (
          /** @type {any} */
          message.type === "records"
        ) return;
      }
      try {
        this.port?.postMessage(message);
      } catch {
        this.port = null;
      }
    }
    #connect() {
      try {
        this.port = chrome.runtime.connect({ name: "page" });
      } catch {
        this.#end();
        return;
      }
      const { port, hello } = this;
      port.onMessage.addListener((message) => this.#fromWorker(message));
      port.onDisconnect.addListener(() => {
        if (this.port !== port) return;
        this.port = null;
        if (!this.outbox.isEmpty) this.#connect();
      });
      const { traceId, navigatedAt } = hello;
      port.postMessage({ type: "connect", traceId, navigatedAt, resumed: this.page !== null, page: this.page });
      for (const batch of this.outbox.unstored) port.postMessage(batch);
    }
    /** @param {any} message */
    #fromWorker(message) {
      if (message.type === "stored") {
        this.outbox.stored(message.seq);
        return;
      }
      if (message.type === "off") {
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
      this.#toPage({ type: "off" });
      try {
        localStorage.removeItem(SESSION_ID_KEY);
      } catch {
      }
    }
    /** @param {object} message */
    #toPage(message) {
      this.node.dispatchEvent(new CustomEvent(DOWN, { detail: JSON.stringify(message) }));
    }
  };
  if (self.origin !== "null") {
    window.addEventListener(
      HELLO,
      (event) => {
        event.stopImmediatePropagation();
        event.preventDefault();
        void new Bridge(
          /** @type {Element} */
          /** @type {FocusEvent} */
          event.relatedTarget
        );
      },
      { once: true, capture: true }
    );
  }
})();
