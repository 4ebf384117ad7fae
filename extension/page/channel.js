/**
 * The private way to the bridge: synchronous events with names that nobody else knows. The bridge listens for the hello
 * from before the page's first script, takes the first one, and stops it from going further.
 */

import { randomHex } from '../shared/ids.js';

/** The one name that the page could know; it is used once, before any script of the page runs. */
export const HELLO = 'gasoline:hello';

export class Channel {
  /**
   * @param {import('./natives.js').Natives} natives
   * @param {EventTarget} target
   */
  constructor(natives, target) {
    this.natives = natives;
    this.target = target;
    this.up = randomHex(16);
    this.down = randomHex(16);
  }

  /**
   * @param {object} hello what the page knows of itself
   * @param {(message: any) => void} onMessage what the bridge has to say
   * @returns {boolean} whether a bridge is there
   */
  open(hello, onMessage) {
    const { natives, target, up, down } = this;
    natives.apply(natives.addEventListener, target, [
      down,
      (/** @type {Event} */ event) => onMessage(natives.parse(natives.apply(natives.detailOf, event, []))),
    ]);
    const detail = natives.stringify({ ...hello, up, down });
    const event = new natives.CustomEvent(HELLO, { detail, cancelable: true });
    return !natives.apply(natives.dispatchEvent, target, [event]);
  }

  /** @param {object} message */
  send(message) {
    const { natives, target, up } = this;
    const event = new natives.CustomEvent(up, { detail: natives.stringify(message) });
    natives.apply(natives.dispatchEvent, target, [event]);
  }
}
