/**
 * Takes secrets out of what is recorded, in the page and once more in the worker. Pure; what is redacted stays
 * redacted.
 *
 * URLs keep their keys and lose the values of those that name a secret; texts lose what has a secret's form.
 */

/** Characters of one attribute or body that are kept. */
export const TEXT_CHARS_MAX = 4096;

const REDACTED = 'REDACTED';
/** Names that hold a secret wherever they stand: `token`, `accessToken`, `x-api-key`, `X-Amz-Signature`, … */
const SECRET_NAME = new RegExp(
  '^(?:.*[-_.])?(?:token|pass|passwd|password|passphrase|pwd|secret|key|apikey|privatekey|accesskey|sig|signature' +
    '|auth|authorization|credential|credentials|code|otp|pin|state|nonce|assertion|samlresponse|session|sessionid|sid' +
    '|cookie|jwt|bearer|ticket|awsaccesskeyid|jsessionid|phpsessid|sessid|tokens|passwords|secrets' +
    '|x-amz-.*|x-goog-.*)' +
    '(?:[-_.]?\\d{1,2}|[-_.](?:confirm|confirmation|repeat|again))?$',
  'i',
);
/** Names of these that often stand before what is no secret, as in `statusCode: 502` and `state=loading`. */
const VAGUE_NAME = /^(?:key|session|ticket|auth|credentials|(?:.*[-_.])?(?:code|state))$/i;
/** What follows those then: a number, a word. */
const ORDINARY = /^(?:-?\d{1,5}[).:\]]*|[A-Z][A-Z_]{2,}|[a-z]{1,12})$/;
/** What follows any name and is no secret. */
const EMPTY = /^(?:true|false|null|undefined|bearer|basic|REDACTED.*)$/i;
const CAMEL = /([a-z0-9])([A-Z])/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?/g;
const LONG_HEX = /^[0-9a-f]{32,}$/i;
/** @type {readonly (readonly [RegExp, string])[]} */
const TEXT_PATTERNS = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [JWT, REDACTED],
  [/\b(bearer|basic)\s+[\w.~+/-]{6,}=*/gi, `$1 ${REDACTED}`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\b(?:gh[pousr]_|github_pat_|xox[abprs]-|sk-|sk_live_|glpat-)[\w-]{10,}/g, REDACTED],
  [/\b(authorization["']?\s{0,8}[:=]\s{0,8}["']?(?:token|digest|negotiate|apikey))\s+[^\s"',]{3,}/gi, `$1 ${REDACTED}`],
  [/(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@:]*:[^\s/@]*@/gi, `$1${REDACTED}@`],
];
const CARD_NUMBER = /\b(?:\d[ -]?){13,18}\d\b/g;
/** A name, as `name=`, `"name":` or `user[name]=`; in JSON within JSON its quotes have backslashes before them. */
const NAME_OF_VALUE = /(\\{0,8}["']?)\b([\w.[\]-]{2,40})\1\s{0,8}[:=]\s{0,8}/g;
/** The value there and what it begins with: quoted, a list, an object, or up to where another one may begin. */
const VALUE = new RegExp(
  [
    String.raw`(\\{1,8}["'])((?:(?!\\{1,8}["'])[^])*)`,
    String.raw`(")((?:[^"\\]|\\[^])*)`,
    String.raw`(')((?:[^'\\]|\\[^])*)`,
    String.raw`([[{])([^\]}]*)`,
    String.raw`()([^\s"'&,;}\]]{3,})`,
  ].join('|'),
  'y',
);
const URL_IN_TEXT = /\bhttps?:\/\/[^\s"'<>()]+/gi;

export class Redactor {
  /** @param {readonly string[]} [names] that hold secrets, too: those that the person added */
  constructor(names = []) {
    /** @type {string[]} */
    this.names = [];
    this.last = { url: '', redacted: '' };
    this.use(names);
  }

  /** @param {readonly string[]} names from now on */
  use(names) {
    this.names = names.map(plainName);
    this.last = { url: '', redacted: '' };
  }

  /**
   * @param {string} name of a query parameter, a property, a variable
   * @returns {boolean} whether its value is a secret
   */
  isSecretName(name) {
    return name.split(/[[\]]+/).some((part) => this.#isAdded(part) || SECRET_NAME.test(withoutCamel(part)));
  }

  /**
   * @param {string} url absolute, or anything that is not: that is treated as text
   * @returns {string} without user and password, secret values, fragments that hold parameters, and secret path
   *   segments
   */
  url(url) {
    // A request and its timing are told one after the other.
    if (url !== this.last.url) this.last = { url, redacted: this.#urlWithoutSecrets(url) };
    return this.last.redacted;
  }

  /**
   * @param {string} url
   * @returns {string}
   */
  #urlWithoutSecrets(url) {
    let parsed;
    try {
      parsed = new URL(url);
    } catch {
      return this.text(url);
    }
    if (parsed.protocol === 'data:' || parsed.protocol === 'blob:') return parsed.protocol;
    const authority = parsed.username || parsed.password ? `${REDACTED}:${REDACTED}@` : '';
    const path = parsed.pathname.replace(/[^/;]+/g, (part) => this.#part(part));
    const query = parsed.search.replace(/[^?&;]+/g, (part) => this.#part(part));
    const fragment = parsed.hash.includes('=')
      ? `#${REDACTED}`
      : parsed.hash.replace(/[^#/?&;]+/g, (part) => this.#part(part));
    return cut(`${parsed.protocol}//${authority}${parsed.host}${path}${query}${fragment}`);
  }

  /**
   * @param {string} text
   * @returns {string}
   */
  text(text) {
    // Cut first with room to spare, so that a huge text costs no more than a long one.
    let kept = text.length > 2 * TEXT_CHARS_MAX ? text.slice(0, 2 * TEXT_CHARS_MAX) : text;
    kept = kept.replace(URL_IN_TEXT, (url) => this.url(url));
    for (const [pattern, replacement] of TEXT_PATTERNS) kept = kept.replace(pattern, replacement);
    kept = redactCards(kept);
    kept = this.#withoutNamed(kept);
    return cut(kept);
  }

  /**
   * @param {string} text
   * @returns {string} without the values that follow names of secrets
   */
  #withoutNamed(text) {
    let kept = '';
    let from = 0;
    NAME_OF_VALUE.lastIndex = 0;
    for (let named = NAME_OF_VALUE.exec(text); named; named = NAME_OF_VALUE.exec(text)) {
      if (!this.isSecretName(named[2] ?? '')) continue;
      VALUE.lastIndex = NAME_OF_VALUE.lastIndex;
      const found = VALUE.exec(text)?.slice(1).filter((part) => part !== undefined);
      const [around = '', value = ''] = found ?? [];
      if (!this.#isSecretValue(named[2] ?? '', value)) continue;
      const start = NAME_OF_VALUE.lastIndex + around.length;
      kept += text.slice(from, start) + REDACTED;
      from = start + value.length;
      NAME_OF_VALUE.lastIndex = from;
    }
    return kept + text.slice(from);
  }

  /**
   * @param {string} name of a secret
   * @param {string} value that follows it in a text
   * @returns {boolean}
   */
  #isSecretValue(name, value) {
    if (value === '' || value === REDACTED) return false;
    if (name.split(/[[\]]+/).some((part) => this.#isAdded(part))) return true;
    return !EMPTY.test(value) && !(VAGUE_NAME.test(withoutCamel(name)) && ORDINARY.test(value));
  }

  /**
   * @param {string} name
   * @returns {boolean} whether it is an added one, or ends with it: `customerIban` for `iban`
   */
  #isAdded(name) {
    if (this.names.length === 0) return false;
    const plain = plainName(name);
    return this.names.some((added) => plain === added || plain.endsWith(`_${added}`));
  }

  /**
   * @param {string} part of a path, a query or a fragment: a segment, or a name with its value
   * @returns {string}
   */
  #part(part) {
    const at = part.indexOf('=');
    if (at < 0) return LONG_HEX.test(part) || this.#holdsSecret(decoded(part)) ? REDACTED : part;
    const [name, value] = [part.slice(0, at), part.slice(at + 1)];
    const isSecret = value !== '' && (this.isSecretName(decoded(name)) || this.#holdsSecret(decoded(value)));
    return isSecret ? `${name}=${REDACTED}` : part;
  }

  /**
   * @param {string} value
   * @returns {boolean} whether it has a secret's form, or is an address, a query or JSON in which there is a secret
   */
  #holdsSecret(value) {
    if (value.length < 10 || value.includes(REDACTED)) return false;
    if (/[=:]/.test(value)) return this.text(value).includes(REDACTED);
    return TEXT_PATTERNS.some(([pattern]) => value.search(pattern) >= 0) || redactCards(value) !== value;
  }
}

/**
 * @param {string} text
 * @returns {string} at most TEXT_CHARS_MAX characters
 */
export function cut(text) {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX - 1)}…` : text;
}

/**
 * @param {string} name
 * @returns {string} in lower case, its words joined by `_` however they were joined
 */
function plainName(name) {
  return withoutCamel(name).replace(/[-.]/g, '_').toLowerCase();
}

/**
 * @param {string} name
 * @returns {string} its words joined by `_` where capitals joined them
 */
function withoutCamel(name) {
  return name.replace(CAMEL, '$1_$2');
}

/**
 * @param {string} text
 * @returns {string}
 */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {string} text
 * @returns {string} without numbers of cards
 */
function redactCards(text) {
  return text.replace(CARD_NUMBER, redactCard);
}

/**
 * @param {string} digits
 * @returns {string} redacted if they pass the check that card numbers pass (Luhn)
 */
function redactCard(digits) {
  const numbers = [...digits].filter((one) => one >= '0' && one <= '9').map(Number);
  const sum = numbers.reverse().reduce((total, number, index) => {
    const doubled = index % 2 === 1 ? number * 2 : number;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0 ? REDACTED : digits;
}
