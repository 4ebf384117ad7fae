/**
 * Sends an XMLHttpRequest that failed once more without our headers, as page/fetch.js does: it may have been redirected
 * to an origin that does not bear them. The page is not told of the first attempt: our listeners are there from the
 * construction on, and so are called before any of the page's.
 */

/**
 * @typedef {object} Repeatable
 * @property {() => void} sendAgain without our headers
 * @property {() => void} onSuccess of the second attempt
 */

export class XhrRepeater {
  /**
   * @param {import('./natives.js').Natives} natives
   * @param {any} xhr just made
   */
  constructor(natives, xhr) {
    this.natives = natives;
    this.xhr = xhr;
    /** @type {Repeatable | null} */
    this.repeatable = null;
    /** @type {'first' | 'failed' | 'starting' | 'second'} */
    this.attempt = 'first';
    this.isOverUntold = false;
    const steps = {
      readystatechange: (/** @type {any} */ event) => this.#onState(event),
      loadstart: (/** @type {any} */ event) => this.attempt === 'starting' && event.stopImmediatePropagation(),
      error: (/** @type {any} */ event) => this.#onError(event),
      timeout: () => this.#tellEnd(),
      abort: () => this.#tellEnd(),
      load: () => this.attempt === 'second' && this.repeatable?.onSuccess(),
      loadend: (/** @type {any} */ event) => this.#onEnd(event),
    };
    for (const [type, step] of Object.entries(steps)) natives.apply(natives.addEventListener, xhr, [type, step]);
  }

  /** @param {Repeatable | null} repeatable what is about to be sent, asynchronous and without a body; null: leave it */
  use(repeatable) {
    this.repeatable = repeatable;
    this.attempt = 'first';
    this.isOverUntold = false;
  }

  /** @param {any} event */
  #onState(event) {
    if (!this.repeatable) return;
    // Whether it failed, ran out of time or was called off is told next.
    this.isOverUntold = this.attempt === 'first' && this.xhr.readyState === 4 && this.xhr.status === 0;
    if (this.isOverUntold || this.attempt === 'starting') event.stopImmediatePropagation();
  }

  /** @param {any} event */
  #onError(event) {
    if (!this.repeatable || this.attempt !== 'first') return;
    this.attempt = 'failed';
    event.stopImmediatePropagation();
  }

  #tellEnd() {
    if (!this.repeatable || !this.isOverUntold) return;
    const { natives, xhr } = this;
    this.use(null);
    natives.apply(natives.dispatchEvent, xhr, [new natives.Event('readystatechange')]);
  }

  /** @param {any} event */
  #onEnd(event) {
    if (!this.repeatable || this.attempt !== 'failed') {
      this.use(null);
      return;
    }
    event.stopImmediatePropagation();
    this.attempt = 'starting';
    this.repeatable.sendAgain();
    this.attempt = 'second';
  }
}
