/**
 * The private way to the bridge: synchronous events at a node that nobody else has. It is in no document, so that
 * document.open takes no listener off it; it is in a shadow tree, so that window.event does not show what happens
 * there. The bridge listens for the hello that hands it over from before the page's first script, takes the first one,
 * and stops it from going further.
 */

import { quietly } from './quietly.js';

/** The one name that the page could know; it is used once, before any script of the page runs. */
export const HELLO = 'gasoline:hello';
/** What goes to the bridge, and what comes from it. */
export const UP = 'up';
export const DOWN = 'down';

const HTML = 'http://www.w3.org/1999/xhtml';

/** How long records wait for others before they go to the bridge, and how many wait. */
export const GATHER_MS = 100;
export const GATHERED_RECORDS_MAX = 200;

export class Channel {
  /**
   * @param {import('./natives.js').Natives} natives
   * @param {any} window
   */
  constructor(natives, window) {
    this.natives = natives;
    this.window = window;
    this.node = window.document.createElementNS(HTML, 'i');
    /** @type {object[]} */
    this.records = [];
    /** @type {number | undefined} */
    this.timer = undefined;
    /** Whether records wait for others: a page that is hidden or goes has slow timers, or none any more. */
    this.gathers = true;
    this.isFlushing = false;
  }

  /**
   * @param {object} hello what the page knows of itself
   * @param {(message: any) => void} onMessage what the bridge has to say
   * @returns {boolean} whether a bridge is there
   */
  open(hello, onMessage) {
    const { natives, window, node } = this;
    natives.apply(natives.addEventListener, node, [
      DOWN,
      (/** @type {Event} */ event) => onMessage(natives.parse(natives.apply(natives.detailOf, event, []))),
    ]);
    node.textContent = natives.stringify(hello);
    // Of all events, this kind passes a node from one world to another.
    const event = new window.FocusEvent(HELLO, { relatedTarget: node, cancelable: true });
    const isAnswered = !natives.apply(natives.dispatchEvent, window, [event]);
    const host = window.document.createElementNS(HTML, 'div');
    host.attachShadow({ mode: 'closed' }).appendChild(node);
    return isAnswered;
  }

  /**
   * Records travel together: to hand one over costs the page more than all else that is done for it.
   * @param {object} record
   * @param {boolean} [isUrgent] whether it goes, with all before it, as soon as the page's code at work is done
   */
  record(record, isUrgent = false) {
    // Not pushed: pages put functions of their own over those of arrays.
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
    this.timer = undefined;
    const count = this.records.length;
    if (count === 0) return;
    // One by one, as text: pages give arrays a toJSON of their own.
    let text = '';
    for (let index = 0; index < count; index += 1) {
      text += `${index === 0 ? '[' : ','}${this.natives.stringify(this.records[index])}`;
    }
    this.records = [];
    this.#dispatch({ type: 'records', count, text: `${text}]` });
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
}
