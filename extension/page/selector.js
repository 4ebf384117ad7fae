/**
 * How a person's target is named: by id where one element has it, else by tag, classes and place from the last such id
 * on.
 */

/** Ancestors that a selector goes through. */
export const ANCESTORS_MAX = 30;
/** Classes of one element that are named. */
export const CLASSES_MAX = 5;

/**
 * @param {Element} element
 * @returns {string} a CSS selector such as `#main > div:nth-child(2) > button.submit`
 */
export function selectorOf(element) {
  const parts = [];
  let current = /** @type {Element | null} */ (element);
  for (let depth = 0; current && depth < ANCESTORS_MAX; depth += 1) {
    const part = partOf(current);
    parts.unshift(part);
    if (part.startsWith('#')) break;
    current = current.parentElement;
  }
  return parts.join(' > ');
}

/**
 * @param {Element} element
 * @returns {string}
 */
function partOf(element) {
  const id = element.getAttribute('id');
  if (id && element.ownerDocument.querySelectorAll(`#${CSS.escape(id)}`).length === 1) return `#${CSS.escape(id)}`;
  const name = nameOf(element);
  const siblings = Array.from(element.parentElement?.children ?? []);
  const isAlone = siblings.filter((sibling) => nameOf(sibling) === name).length < 2;
  return isAlone ? name : `${name}:nth-child(${siblings.indexOf(element) + 1})`;
}

/**
 * @param {Element} element
 * @returns {string}
 */
function nameOf(element) {
  const classes = Array.from(element.classList).slice(0, CLASSES_MAX);
  return element.localName + classes.map((one) => `.${CSS.escape(one)}`).join('');
}
