/** The few steps in which popup and options touch their document. */

/**
 * @template {Element} Kind
 * @param {string} id
 * @param {new () => Kind} kind such as HTMLButtonElement
 * @returns {Kind}
 * @throws {Error} if the document has no such element of that kind
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`no ${kind.name} has the id ${id}`);
  return element;
}

/**
 * Change a text only if it differs, so that a screen reader does not read it again.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLElement} element
 * @param {boolean} shown
 */
export function setShown(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/**
 * @param {unknown} error
 * @returns {string} what to tell the person
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
