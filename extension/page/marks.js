/**
 * Keeps the marks on addresses from the page: the timings of its requests, the one place where a page can read the
 * fragment of an address that was fetched, have the address that it asked for.
 */

import { MARK, STAY_MARK, unmarked } from '../shared/marks.js';
import { quietly } from './quietly.js';

/**
 * Never taken off again: entries of marked requests stay for as long as the page does.
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 */
export function hideMarks(window, natives) {
  const { PerformanceEntry, PerformanceResourceTiming, Performance, PerformanceObserverEntryList } = window;
  wrapGetter(natives, PerformanceEntry.prototype, 'name', (name) => quietly(() => unmarked(name)) ?? name);
  for (const { prototype } of [PerformanceEntry, PerformanceResourceTiming]) {
    wrapMethod(natives, prototype, 'toJSON', (call) => {
      const json = call();
      quietly(() => (json.name = unmarked(json.name)));
      return json;
    });
  }
  for (const { prototype } of [Performance, PerformanceObserverEntryList]) {
    wrapMethod(natives, prototype, 'getEntriesByName', (call, name, ...rest) => {
      const found = call(name, ...rest);
      const marked = () => [MARK, STAY_MARK].flatMap((mark) => call(String(name) + mark, ...rest));
      const sorted = () => [...found, ...marked()].sort((a, b) => a.startTime - b.startTime);
      return quietly(sorted) ?? found;
    });
  }
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} prototype
 * @param {string} name
 * @param {(value: string) => string} change
 */
function wrapGetter(natives, prototype, name, change) {
  const descriptor = natives.getOwnPropertyDescriptor(prototype, name);
  const get = new natives.Proxy(descriptor?.get, {
    apply: (/** @type {any} */ target, /** @type {any} */ self) => change(natives.apply(target, self, [])),
  });
  natives.defineProperty(prototype, name, { ...descriptor, get });
}

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} prototype
 * @param {string} name
 * @param {(call: (...args: any[]) => any, ...args: any[]) => any} around is not asked where there are no arguments
 *   though there must be some: the browser says so
 */
function wrapMethod(natives, prototype, name, around) {
  prototype[name] = new natives.Proxy(prototype[name], {
    apply: (/** @type {any} */ target, /** @type {any} */ self, /** @type {any[]} */ args) =>
      args.length < target.length
        ? natives.apply(target, self, args)
        : around((...sent) => natives.apply(target, self, sent), ...args),
  });
}
