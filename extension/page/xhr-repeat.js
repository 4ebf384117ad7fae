/**
 * Sends an XMLHttpRequest that failed once more without our headers, as page/fetch.js does: it may have been redirected
 * to an origin that does not bear them. The page is not told of the first attempt: our listeners are there from the
 * construction on, and so are called before any of the page's.
 */

import { quietly } from './quietly.js';

/**
 * @typedef {object} Repeatable
 * @property {() => void} sendAgain without our headers
 * @property {() => void} onSuccess of the second attempt
 */

export class XhrRepeater {
  /**
   * @param {import('./natives.js').Natives} natives
   * @param {any} xhr just made
   * @param {(xhr: XMLHttpRequest, name: string) => any} read a member of it, past what the page put over it
   */
  constructor(natives, xhr, read) {
    this.natives = natives;
    this.xhr = xhr;
    this.read = read;
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
    for (const [type, step] of Object.entries(steps)) {
      // What the page dispatches by itself is its own affair.
      const quiet = (/** @type {Event} */ event) => event.isTrusted && quietly(() => step(event));
      natives.apply(natives.addEventListener, xhr, [type, quiet]);
    }
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
    this.isOverUntold = this.attempt === 'first' && this.#isOver();
    if (this.isOverUntold || this.attempt === 'starting') event.stopImmediatePropagation();
  }

  /** @returns {boolean} */
  #isOver() {
    return this.read(this.xhr, 'readyState') === 4 && this.read(this.xhr, 'status') === 0;
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
    // It was used again by who heard of its load or error: this is the end of what was before.
    if (this.read(this.xhr, 'readyState') !== 4) return;
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
