/** Puts something around a constructor, which stays what it is to the page: its name, its instances, `new`. */

/**
 * @param {any} window
 * @param {import('./natives.js').Natives} natives
 * @param {string} name of a member of window
 * @param {(construct: (args: any[]) => any, args: any[]) => any} around makes the instance
 * @returns {() => void} takes it off again, if nobody has put something over it
 */
export function wrapConstructor(window, natives, name, around) {
  const native = window[name];
  const wrapped = new natives.Proxy(native, {
    construct: (/** @type {any} */ target, /** @type {any[]} */ args, /** @type {any} */ newTarget) =>
      around((given) => natives.construct(target, given, newTarget === wrapped ? target : newTarget), args),
  });
  window[name] = wrapped;
  native.prototype.constructor = wrapped;
  return () => {
    if (window[name] !== wrapped) return;
    window[name] = native;
    native.prototype.constructor = native;
  };
}
