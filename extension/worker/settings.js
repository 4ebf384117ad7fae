/** Settings: their defaults, and which values are taken. */

/** Shortest and longest that a session may be set to live. */
export const SESSION_MS_MIN = 1000;
export const SESSION_MS_MAX = 30 * 24 * 60 * 60 * 1000;
/** Origins that can be switched on at once, and targets. */
export const ORIGINS_MAX = 50;
/** Names that are added to those that hold secrets: every page is told of them. */
export const REDACTED_NAMES_MAX = 50;
export const REDACTED_NAME_CHARS_MAX = 40;
/** Characters of a token. */
export const TOKEN_CHARS_MAX = 4096;

/** @typedef {import('../messages.js').Settings} Settings */

/** @type {Readonly<Settings>} */
export const DEFAULT_SETTINGS = Object.freeze({
  endpoint: 'http://127.0.0.1:4318',
  token: '',
  queryEndpoint: 'http://127.0.0.1:4319',
  scope: 'origin',
  idleTimeoutMs: 30 * 60 * 1000,
  maxAgeMs: 4 * 60 * 60 * 1000,
  origins: [],
  targets: [],
  redactedNames: [],
});

/**
 * @param {unknown} text
 * @returns {string | null} the origin as browsers write it; null if the text is more or less than one web origin
 */
export function exactOrigin(text) {
  if (typeof text !== 'string') return null;
  try {
    const url = new URL(text.trim());
    const isBare = url.pathname === '/' && !url.search && !url.hash && !url.username && !url.password;
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    return isBare && isWeb && !text.includes('*') ? url.origin : null;
  } catch {
    return null;
  }
}

/**
 * @param {Settings} settings
 * @param {any} changes
 * @returns {Settings} whole; throws an Error that says what is wrong with a change
 */
export function changedSettings(settings, changes) {
  const next = { ...settings };
  for (const [name, value] of Object.entries(changes ?? {})) {
    const check = CHECKS[/** @type {keyof Settings} */ (name)];
    if (!check) throw new Error(`there is no setting ${name}`);
    Object.assign(next, { [name]: check(value, name) });
  }
  return next;
}

/**
 * @param {unknown} stored
 * @returns {Settings} what was stored, with defaults for what is missing or no longer taken
 */
export function readSettings(stored) {
  let settings = { ...DEFAULT_SETTINGS };
  for (const [name, value] of Object.entries(stored ?? {})) {
    try {
      settings = changedSettings(settings, { [name]: value });
    } catch {
      // A setting of another version: the default is what is left.
    }
  }
  return settings;
}

/** @type {Record<keyof Settings, (value: any, name: string) => unknown>} */
const CHECKS = {
  endpoint: checkedEndpoint,
  queryEndpoint: checkedEndpoint,
  token: (value) => {
    const isToken = typeof value === 'string' && value.length <= TOKEN_CHARS_MAX && /^[\x21-\x7e]*$/.test(value.trim());
    if (!isToken) throw new Error('a token is one word of printable characters');
    return value.trim();
  },
  scope: (value) => {
    if (value !== 'origin' && value !== 'tab') throw new Error("scope is 'origin' or 'tab'");
    return value;
  },
  idleTimeoutMs: checkedDuration,
  maxAgeMs: checkedDuration,
  origins: checkedOrigins,
  targets: checkedOrigins,
  redactedNames: checkedNames,
};

/**
 * @param {any} value
 * @param {string} name
 * @returns {string}
 */
function checkedEndpoint(value, name) {
  const origin = exactOrigin(value);
  if (!origin) throw new Error(`${name}: write scheme, host and port alone, such as http://127.0.0.1:4318`);
  return origin;
}

/**
 * @param {any} value
 * @param {string} name
 * @returns {number}
 */
function checkedDuration(value, name) {
  if (!Number.isFinite(value) || value < SESSION_MS_MIN || value > SESSION_MS_MAX) {
    throw new Error(`${name}: between one second and thirty days, in milliseconds`);
  }
  return value;
}

/**
 * @param {any} value
 * @param {string} name
 * @returns {string[]}
 */
function checkedOrigins(value, name) {
  if (!Array.isArray(value) || value.length > ORIGINS_MAX) throw new Error(`${name}: at most ${ORIGINS_MAX} origins`);
  const origins = value.map((text) => {
    const origin = exactOrigin(text);
    if (!origin)
      {throw new Error(`${name}: ${String(text).slice(0, 100)} is not an exact origin like https://shop.test:8443`);}
    return origin;
  });
  return [...new Set(origins)];
}

/**
 * @param {unknown} text
 * @returns {string | null} a name as parameters and properties have them; null if it is none, or too long
 */
export function redactedName(text) {
  const name = String(text).trim();
  return name.length <= REDACTED_NAME_CHARS_MAX && /^[\w.-]+$/.test(name) ? name : null;
}

/**
 * @param {any} value
 * @param {string} name
 * @returns {string[]}
 */
function checkedNames(value, name) {
  if (!Array.isArray(value) || value.length > REDACTED_NAMES_MAX) {
    throw new Error(`${name}: at most ${REDACTED_NAMES_MAX} names`);
  }
  const names = value.map((text) => {
    const read = redactedName(text);
    if (!read) throw new Error(`${name}: ${String(text).slice(0, 100)} is no name of a parameter or property`);
    return read;
  });
  return [...new Set(names)];
}
