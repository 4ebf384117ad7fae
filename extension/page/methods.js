/** Puts something around a function, which stays what it is to the page: its name and its length. */

/**
 * @param {import('./natives.js').Natives} natives
 * @param {any} owner of it
 * @param {string} name
 * @param {(native: any, self: any, args: any[]) => unknown} apply what is done where it is called
 * @returns {() => void} takes it off again, if nobody has put something over it
 */
export function wrapMethod(natives, owner, name, apply) {
  const native = owner[name];
  const wrapped = new natives.Proxy(native, { apply });
  owner[name] = wrapped;
  return () => {
    if (owner[name] === wrapped) owner[name] = native;
  };
}
