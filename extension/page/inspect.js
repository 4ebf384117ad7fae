/**
 * Console arguments as one line. Reads data that is there and runs nothing of the page: no getter, no toJSON, no
 * toString of an object; an element is shown as its tag, never its value.
 */

/** How deep, how many members, and how many characters in all are shown. */
export const DEPTH_MAX = 3;
export const MEMBERS_MAX = 20;
export const INSPECTED_CHARS_MAX = 4096;

/** @typedef {(name: string) => boolean} IsSecret whether a member of that name holds a secret */

/**
 * @param {unknown[]} values
 * @param {IsSecret} isSecret
 * @returns {string}
 */
export function inspectAll(values, isSecret) {
  let text = '';
  for (const value of values) {
    if (text) text += ' ';
    text += typeof value === 'string' ? value.slice(0, INSPECTED_CHARS_MAX) : inspect(value, 0, isSecret);
    if (text.length > INSPECTED_CHARS_MAX) break;
  }
  return text.slice(0, INSPECTED_CHARS_MAX);
}

/**
 * @param {unknown} value
 * @param {number} depth
 * @param {IsSecret} isSecret
 * @returns {string}
 */
function inspect(value, depth, isSecret) {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, INSPECTED_CHARS_MAX));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol') return value.toString();
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Error) return errorText(value);
  if (value instanceof Node) return `<${value.nodeName.toLowerCase()}>`;
  if (depth >= DEPTH_MAX) return Array.isArray(value) ? '[…]' : '{…}';
  return Array.isArray(value) ? inspectArray(value, depth, isSecret) : inspectObject(value, depth, isSecret);
}

/**
 * @param {unknown[]} array
 * @param {number} depth
 * @param {IsSecret} isSecret
 * @returns {string}
 */
function inspectArray(array, depth, isSecret) {
  const shown = [];
  for (let index = 0; index < Math.min(array.length, MEMBERS_MAX); index += 1) {
    const descriptor = Object.getOwnPropertyDescriptor(array, index);
    shown.push(descriptor && 'value' in descriptor ? inspect(descriptor.value, depth + 1, isSecret) : '…');
  }
  if (array.length > MEMBERS_MAX) shown.push('…');
  return `[${shown.join(',')}]`;
}

/**
 * @param {object} object
 * @param {number} depth
 * @param {IsSecret} isSecret
 * @returns {string}
 */
function inspectObject(object, depth, isSecret) {
  const shown = [];
  for (const name of Object.keys(object)) {
    if (shown.length >= MEMBERS_MAX) {
      shown.push('…');
      break;
    }
    const descriptor = Object.getOwnPropertyDescriptor(object, name);
    if (!descriptor || !('value' in descriptor)) continue;
    const text = isSecret(name) ? '"REDACTED"' : inspect(descriptor.value, depth + 1, isSecret);
    shown.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${shown.join(',')}}`;
}

/**
 * @param {Error} error
 * @returns {string}
 */
function errorText(error) {
  const own = (/** @type {string} */ name) => Object.getOwnPropertyDescriptor(error, name)?.value;
  const message = own('message');
  const name = own('name') ?? Object.getPrototypeOf(error)?.constructor?.name ?? 'Error';
  return typeof message === 'string' ? `${String(name)}: ${message}` : String(name);
}
