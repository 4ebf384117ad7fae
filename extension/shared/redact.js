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
    '|cookie|jwt|bearer|ticket|awsaccesskeyid|x-amz-.*|x-goog-.*)$',
  'i',
);
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
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]*@/gi, `$1${REDACTED}@`],
];
const CARD_NUMBER = /\b(?:\d[ -]?){12,18}\d\b/g;
const ASSIGNMENT = /(["']?)\b([\w.-]{2,40})\1(\s*[:=]\s*)(["']?)([^\s"'&,;}]{3,})\4/g;
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
    return this.#isAdded(name) || SECRET_NAME.test(name.replace(CAMEL, '$1_$2'));
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
    const path = parsed.pathname.split('/').map(redactSegment).join('/');
    const fragment = parsed.hash.includes('=') ? `#${REDACTED}` : parsed.hash;
    return cut(`${parsed.protocol}//${authority}${parsed.host}${path}${this.#query(parsed.search)}${fragment}`);
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
    kept = kept.replace(CARD_NUMBER, redactCard);
    kept = kept.replace(ASSIGNMENT, (whole, quote, name, sign, valueQuote, value) =>
      this.#isSecret(name, value)
        ? `${quote}${name}${quote}${sign}${valueQuote}${REDACTED}${valueQuote}`
        : whole,
    );
    return cut(kept);
  }

  /**
   * @param {string} name
   * @param {string} value that follows it in a text
   * @returns {boolean}
   */
  #isSecret(name, value) {
    if (value === REDACTED) return false;
    return this.#isAdded(name) || (this.isSecretName(name) && !ORDINARY.test(value));
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
   * @param {string} search with its question mark
   * @returns {string}
   */
  #query(search) {
    if (search.length < 2) return search;
    const pairs = search.slice(1).split('&');
    return `?${pairs.map((pair) => this.#pair(pair)).join('&')}`;
  }

  /**
   * @param {string} pair
   * @returns {string}
   */
  #pair(pair) {
    const at = pair.indexOf('=');
    if (at < 0) return redactSegment(pair);
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    return value && (this.isSecretName(decoded(name)) || value.match(JWT)) ? `${name}=${REDACTED}` : pair;
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
  return name.replace(CAMEL, '$1_$2').replace(/[-.]/g, '_').toLowerCase();
}

/** Words and numbers that follow `code:` or `state=` in messages that hold no secret, and `token: bearer`. */
const ORDINARY =
  /^(?:-?\d{1,5}\b.*|true|false|null|undefined|[Bb]earer|[Bb]asic|REDACTED.*|[A-Z][A-Z_]{2,}|[a-z]{1,12})$/;

/**
 * @param {string} segment
 * @returns {string}
 */
function redactSegment(segment) {
  const isSecret = LONG_HEX.test(segment) || segment.match(JWT) !== null;
  return isSecret ? REDACTED : segment;
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
