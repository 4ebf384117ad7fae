// Built by `npm run build` from the folder beside; a test holds it fresh.
"use strict";
(() => {
  // messages.js
  var SESSION_ID_KEY = "gasoline:session-id";

  // page/channel.js
  var HELLO = "gasoline:hello";

  // bridge/outbox.js
  var OUTBOX_RECORDS_MAX = 5e3;
  var OUTBOX_CHARS_MAX = 4 * 1024 * 1024;
  var GATHER_MS = 100;
  var GATHERED_RECORDS_MAX = 200;
  var Outbox = class {
    /** @param {string} bridgeId */
    constructor(bridgeId) {
      this.bridgeId = bridgeId;
      this.seq = 0;
      this.dropped = 0;
      this.chars = 0;
      this.count = 0;
      this.open = [];
      this.unstored = [];
      this.sizes = /* @__PURE__ */ new Map();
      this.openChars = 0;
    }
    /** @returns {boolean} */
    get isEmpty() {
      return this.count === 0;
    }
    /**
     * @param {object} record
     * @param {number} chars that it has as JSON
     * @returns {number} milliseconds within which what is open is to be sealed and sent
     */
    add(record, chars) {
      if (this.count >= OUTBOX_RECORDS_MAX || this.chars + chars > OUTBOX_CHARS_MAX) {
        this.dropped += 1;
        return GATHER_MS;
      }
      this.open.push(record);
      this.openChars += chars;
      this.chars += chars;
      this.count += 1;
      return this.open.length < GATHERED_RECORDS_MAX ? GATHER_MS : 0;
    }
    /** @returns {Batch | null} what has been added since the last time, to be sent; null if nothing was */
    seal() {
      if (this.open.length === 0) return null;
      const { bridgeId, open: records, dropped } = this;
      this.seq += 1;
      const batch = { type: "records", bridgeId, seq: this.seq, records, dropped };
      this.sizes.set(this.seq, this.openChars);
      this.unstored.push(batch);
      this.open = [];
      this.openChars = 0;
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
        this.count -= batch.records.length;
        this.chars -= this.sizes.get(batch.seq) ?? 0;
        this.sizes.delete(batch.seq);
      }
    }
  };

  // bridge/main.js
  var Bridge = class {
    /** @param {{ up: string, down: string, traceId: string, navigatedAt: number }} hello */
    constructor(hello) {
      this.hello = hello;
      this.outbox = new Outbox(crypto.randomUUID());
      this.port = null;
      this.page = null;
      this.flushTimer = void 0;
      this.isLeaving = false;
      this.isOver = false;
      window.addEventListener(hello.up, (event) => this.#fromPage(
        /** @type {CustomEvent} */
        event.detail
      ));
      document.addEventListener("visibilitychange", () => this.#flush());
      this.#connect();
    }
    /** @param {string} detail a message of the page script, as JSON */
    #fromPage(detail) {
      if (this.isOver) return;
      const message = JSON.parse(detail);
      if (message.type === "record") {
        this.#flushWithin(this.outbox.add(message.record, detail.length));
      } else if (message.type === "hide") {
        this.isLeaving = true;
        this.#flush();
        this.#post({ type: "leave" });
      } else if (message.type === "resume") {
        this.isLeaving = false;
        this.port?.disconnect();
        this.port = null;
        this.#connect();
      } else {
        this.#flush();
        this.#post(message);
      }
    }
    /** Records travel together: a message to the worker costs the page more than all else that is done for a record. */
    #flushWithin(delayMs) {
      if (delayMs === 0 || this.isLeaving || document.hidden) this.#flush();
      else this.flushTimer ??= setTimeout(() => this.#flush(), delayMs);
    }
    #flush() {
      clearTimeout(this.flushTimer);
      this.flushTimer = void 0;
      const batch = this.outbox.seal();
      if (batch) this.#post(batch);
    }
    /** @param {object} message */
    #post(message) {
      if (this.isOver) return;
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
      window.dispatchEvent(new CustomEvent(this.hello.down, { detail: JSON.stringify(message) }));
    }
  };
  if (self.origin !== "null") {
    window.addEventListener(
      HELLO,
      (event) => {
        event.stopImmediatePropagation();
        event.preventDefault();
        void new Bridge(JSON.parse(
          /** @type {CustomEvent} */
          event.detail
        ));
      },
      { once: true, capture: true }
    );
  }
})();
