/**
 * What stands in the form of the options, as settings, and back. Pure.
 * @import { Settings } from '../messages.js'
 */

import {
  ORIGINS_MAX,
  REDACTED_NAMES_MAX,
  REDACTED_NAME_CHARS_MAX,
  SESSION_MS_MAX,
  SESSION_MS_MIN,
  exactOrigin,
  redactedName,
} from '../worker/settings.js';

const MINUTE_MS = 60_000;
/**
 * @typedef {object} FormFields all as text, as the person wrote it; times in minutes, one target or name a line
 * @property {string} endpoint
 * @property {string} queryEndpoint
 * @property {string} token
 * @property {string} scope
 * @property {string} idleTimeoutMs
 * @property {string} maxAgeMs
 * @property {string} targets
 * @property {string} redactedNames
 */

/** @typedef {Pick<Settings, keyof FormFields>} FormSettings */
/** @typedef {Partial<Record<keyof FormFields, string>>} FormErrors what is wrong, by field */

/**
 * @param {Settings} settings
 * @returns {FormFields}
 */
export function formFields(settings) {
  return {
    endpoint: settings.endpoint,
    queryEndpoint: settings.queryEndpoint,
    token: settings.token,
    scope: settings.scope,
    idleTimeoutMs: String(settings.idleTimeoutMs / MINUTE_MS),
    maxAgeMs: String(settings.maxAgeMs / MINUTE_MS),
    targets: settings.targets.join('\n'),
    redactedNames: settings.redactedNames.join('\n'),
  };
}

/**
 * @param {FormFields} fields
 * @returns {{ settings: FormSettings, errors: FormErrors }} the settings count only where there are no errors
 */
export function readForm(fields) {
  /** @type {FormErrors} */
  const errors = {};
  /**
   * @template Value
   * @param {keyof FormFields} name
   * @param {(text: string) => Value} read
   * @param {Value} otherwise
   * @returns {Value}
   */
  const take = (name, read, otherwise) => {
    try {
      return read(fields[name]);
    } catch (error) {
      errors[name] = /** @type {Error} */ (error).message;
      return otherwise;
    }
  };
  const settings = {
    endpoint: take('endpoint', readBaseUrl, ''),
    queryEndpoint: take('queryEndpoint', readBaseUrl, ''),
    token: take('token', readToken, ''),
    scope: /** @type {'origin' | 'tab'} */ (fields.scope === 'tab' ? 'tab' : 'origin'),
    idleTimeoutMs: take('idleTimeoutMs', readMinutes, 0),
    maxAgeMs: take('maxAgeMs', readMinutes, 0),
    targets: take('targets', readTargets, []),
    redactedNames: take('redactedNames', readNames, []),
  };
  if (!errors.idleTimeoutMs && !errors.maxAgeMs && settings.idleTimeoutMs > settings.maxAgeMs) {
    errors.maxAgeMs = 'Give at least the time without use.';
  }
  return { settings, errors };
}

/**
 * @param {FormSettings} settings that the form says
 * @param {FormFields} fields of which they were read
 * @param {FormFields} filled what the form was filled with
 * @returns {Partial<FormSettings>} what the person changed; the two times together: one bounds the other
 */
export function changedFields(settings, fields, filled) {
  const hasChanged = (/** @type {string} */ name) => {
    const key = /** @type {keyof FormFields} */ (name);
    return fields[key] !== filled[key];
  };
  const isTime = (/** @type {string} */ name) => name === 'idleTimeoutMs' || name === 'maxAgeMs';
  const haveTimesChanged = hasChanged('idleTimeoutMs') || hasChanged('maxAgeMs');
  const isSent = (/** @type {string} */ name) => (isTime(name) ? haveTimesChanged : hasChanged(name));
  return Object.fromEntries(Object.entries(settings).filter(([name]) => isSent(name)));
}

/**
 * @param {string} text
 * @returns {string} scheme, host and port
 * @throws {Error} if it is more or less than that
 */
function readBaseUrl(text) {
  const fault = faultOf(text, 'http://127.0.0.1:4318');
  if (fault) throw new Error(fault);
  return exactOrigin(text) ?? '';
}

/**
 * @param {string} text
 * @param {string} example
 * @returns {string} why the text is no exact origin; empty: it is one
 */
function faultOf(text, example) {
  if (exactOrigin(text)) return '';
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return `Write it with http:// or https://, such as ${example}`;
  return `Write one exact host and port with nothing before or after, such as ${example}`;
}

/**
 * @param {string} text
 * @returns {string}
 * @throws {Error} if no header can hold it
 */
function readToken(text) {
  const token = text.trim();
  if (!/^[\x21-\x7e]*$/.test(token)) throw new Error('A token has no blanks, and no letters beyond ASCII.');
  return token;
}

/**
 * @param {string} text minutes
 * @returns {number} milliseconds
 * @throws {Error} if it is no number, or out of range
 */
function readMinutes(text) {
  const written = text.trim().replace(',', '.');
  const durationMs = /^\d+(\.\d+)?$/.test(written) ? Math.round(Number(written) * MINUTE_MS) : NaN;
  if (!(durationMs >= SESSION_MS_MIN && durationMs <= SESSION_MS_MAX)) {
    const least = Math.ceil((SESSION_MS_MIN / MINUTE_MS) * 100) / 100;
    throw new Error(`Give minutes, from ${least} to ${SESSION_MS_MAX / MINUTE_MS}.`);
  }
  return durationMs;
}

/**
 * @param {string} text one origin a line; empty lines do not count
 * @returns {string[]} each once
 * @throws {Error} that names the line that is no origin
 */
function readTargets(text) {
  return readLines(text, ORIGINS_MAX, (line) => {
    const fault = faultOf(line, 'https://api.shop.example');
    if (fault) throw new Error(`${line}: ${fault}`);
    return exactOrigin(line) ?? '';
  });
}

/**
 * @param {string} text one name a line; empty lines do not count
 * @returns {string[]} each once
 * @throws {Error} that names the line that is no name
 */
function readNames(text) {
  return readLines(text, REDACTED_NAMES_MAX, (line) => {
    const name = redactedName(line);
    if (name) return name;
    throw new Error(`${line}: Letters, digits, _ - and . make a name, at most ${REDACTED_NAME_CHARS_MAX}.`);
  });
}

/**
 * @param {string} text
 * @param {number} max
 * @param {(line: string) => string} read
 * @returns {string[]} each once
 * @throws {Error} if there are too many, or read throws it
 */
function readLines(text, max, read) {
  const lines = text.split('\n').map((line) => line.trim());
  const distinct = [...new Set(lines.filter((line) => line !== '').map(read))];
  if (distinct.length > max) throw new Error(`List at most ${max}; these are ${distinct.length}.`);
  return distinct;
}
