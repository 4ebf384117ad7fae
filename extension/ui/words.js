/** Numbers, sizes and times as popup and options say them. Pure: the clock is passed in. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const KIBIBYTE = 1024;

/**
 * @param {number} at milliseconds since 1970
 * @param {number} now milliseconds since 1970
 * @returns {string} such as `just now`, `40 s ago`, `3 h ago`
 */
export function ago(at, now) {
  const elapsedMs = now - at;
  if (elapsedMs < 2 * SECOND_MS) return 'just now';
  return `${span(elapsedMs)} ago`;
}

/**
 * @param {number} durationMs at least 0
 * @returns {string} in the largest unit that fits, rounded down: `40 s`, `30 min`, `4 h`, `2 d`
 */
export function span(durationMs) {
  if (durationMs < MINUTE_MS) return `${Math.floor(durationMs / SECOND_MS)} s`;
  if (durationMs < HOUR_MS) return `${Math.floor(durationMs / MINUTE_MS)} min`;
  if (durationMs < DAY_MS) return `${Math.floor(durationMs / HOUR_MS)} h`;
  return `${Math.floor(durationMs / DAY_MS)} d`;
}

/**
 * @param {number} amount
 * @param {string} noun in the singular
 * @returns {string} such as `1 record` or `1,204 records`
 */
export function count(amount, noun) {
  return `${amount.toLocaleString('en')} ${noun}${amount === 1 ? '' : 's'}`;
}

/**
 * @param {number} bytes at least 0
 * @returns {string} such as `812 B`, `12 KiB`, `1.5 MiB`
 */
export function size(bytes) {
  if (bytes < KIBIBYTE) return `${bytes} B`;
  if (bytes < KIBIBYTE * KIBIBYTE) return `${Math.round(bytes / KIBIBYTE)} KiB`;
  return `${(bytes / KIBIBYTE / KIBIBYTE).toFixed(1).replace(/\.0$/, '')} MiB`;
}

/**
 * @param {string} text such as an error's message
 * @returns {string} the same with a capital first, unless it begins with an address, a name or a number
 */
export function sentence(text) {
  return /^[a-z]+[ ,;]/.test(text) ? `${text[0]?.toUpperCase()}${text.slice(1)}` : text;
}
