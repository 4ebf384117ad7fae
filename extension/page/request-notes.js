/**
 * Notes what a Request was made with and no script can read from it, as its priority: a Request that is sent to an
 * address with a mark is made anew, and would lose that. Which members these are, the browser itself says.
 */

import { wrapConstructor } from './constructors.js';
import { wrapMethod } from './methods.js';
import { quietly } from './quietly.js';

export class RequestNotes {
  /**
   * @param {any} window
   * @param {import('./natives.js').Natives} natives
   */
  constructor(window, natives) {
    this.natives = natives;
    /** @type {WeakMap<object, Record<string, unknown>>} */
    this.notes = new natives.WeakMap();
    const around = (/** @type {(args: any[]) => any} */ construct, /** @type {any[]} */ args) =>
      this.#make(construct, args);
    this.restores = [wrapConstructor(window, natives, 'Request', around), this.#wrapClone(window.Request.prototype)];
  }

  /**
   * @param {object} request
   * @param {string} name
   * @returns {unknown} what the Request was made with; undefined: nothing, or it can be read from it
   */
  noted(request, name) {
    return this.notes.get(request)?.[name];
  }

  restore() {
    for (const restore of this.restores) restore();
  }

  /**
   * @param {(args: any[]) => any} construct
   * @param {any[]} args
   * @returns {any}
   */
  #make(construct, args) {
    const init = args[1];
    const isDictionary = (typeof init === 'object' && init !== null) || typeof init === 'function';
    /** @type {Record<string, unknown>} */
    const note = { ...quietly(() => this.#of(args[0])) };
    const request = construct(isDictionary ? [args[0], this.#noting(init, note)] : args);
    quietly(() => this.#keep(request, note));
    return request;
  }

  /**
   * @param {any} init of the page
   * @param {Record<string, unknown>} note
   * @returns {any} the same, each member asked for once, by the browser
   */
  #noting(init, note) {
    const { natives } = this;
    return new natives.Proxy(
      {},
      {
        get: (/** @type {any} */ _, /** @type {string} */ name) => {
          const value = init[name];
          quietly(() => {
            if (value !== undefined && natives.unreadableMembers.has(name)) note[name] = value;
          });
          return value;
        },
      },
    );
  }

  /**
   * @param {any} prototype of Request
   * @returns {() => void}
   */
  #wrapClone(prototype) {
    return wrapMethod(this.natives, prototype, 'clone', (native, self, args) => {
      const copy = this.natives.apply(native, self, args);
      quietly(() => this.#keep(copy, { ...this.#of(self) }));
      return copy;
    });
  }

  /**
   * @param {any} request
   * @returns {Record<string, unknown> | undefined}
   */
  #of(request) {
    return typeof request === 'object' && request !== null ? this.notes.get(request) : undefined;
  }

  /**
   * @param {object} request
   * @param {Record<string, unknown>} note
   */
  #keep(request, note) {
    if (Object.keys(note).length > 0) this.notes.set(request, note);
  }
}
