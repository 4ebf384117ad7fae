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
const NUMBER_OR_CONFIRMATION = String.raw`(?:[-_.]?\d{1,2}|[-_.](?:confirm|confirmation|repeat|again))?`;
const SECRET_NAME = new RegExp(
  '^(?:.*[-_.])?(?:token|pass|passwd|password|passphrase|pwd|secret|key|apikey|privatekey|accesskey|sig|signature' +
    '|auth|authorization|credential|credentials|code|otp|pin|state|nonce|assertion|samlresponse|session|sessionid|sid' +
    '|cookie|jwt|bearer|ticket|awsaccesskeyid|jsessionid|phpsessid|sessid|tokens|passwords|secrets' +
    '|x-amz-.*|x-goog-.*' +
    `)${NUMBER_OR_CONFIRMATION}$`,
  'i',
);
/** Names of these that often stand before what is no secret, as in `statusCode: 502` and `sort_key=price`. */
const VAGUE_NAME = new RegExp(
  '^(?:session|ticket|auth|credentials|(?:.*[-_.])?(?:code|state|(?<!(?:api|private|access|secret)[-_.])key))' +
    `${NUMBER_OR_CONFIRMATION}$`,
  'i',
);
/** What follows those then: a number, a word. */
const WORD = String.raw`(?:-?\d{1,5}|[A-Z][A-Z_]{2,}|[A-Za-z][a-z]{0,12})`;
const ORDINARY = new RegExp(String.raw`^${WORD}[).:\]]*$`);
/** Or a list or object, which is looked into name by name, as is what follows in `[state=loading][pid=3]`. */
const LOOKED_INTO = new RegExp(String.raw`[[{]|${WORD}\]\[`, 'y');
/** Or, in quotes, words. */
const PHRASE = /^\p{L}[\p{L}.,'’-]*(?: \p{L}[\p{L}.,'’-]*)+$/u;
/** Names before which a number counts something, as in `"prompt_tokens":1234`. */
const COUNTED_NAME = /^(?:.*[-_.])?tokens$/i;
const COUNT = /^\d{1,7}(?:\.\d{1,3})?[).:\]]*$/;
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
  [/\b(authorization["']?\s*[:=]\s*["']?(?:token|digest|negotiate|apikey))\s+[^\s"',]{3,}/gi, `$1 ${REDACTED}`],
  [/(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@:]*:[^\s/@]*@/gi, `$1${REDACTED}@`],
];
/** Cards of payment begin with 3 to 6, or 22 to 27; times as `20261129004358`, and most ids, do not. */
const CARD_NUMBER = /\b(?=[3-6]|2[2-7])(?:\d[ -]?){13,18}\d\b/g;
/** A name, as `name=`, `"name":` or `user[name]=`; in JSON within JSON its quotes have backslashes before them. */
const NAME_OF_VALUE = /(\\{0,8}["']?)\b([\w.[\]-]{2,40})\1\s*[:=]\s*/g;
/**
 * The value there and what it begins with: quoted, a list or object with what follows it at once, or up to where
 * another one may begin.
 */
const VALUE = new RegExp(
  [
    String.raw`(\\{1,8}["'])((?:(?!\\{1,8}["'])[^])*)`,
    String.raw`(")((?:[^"\\]|\\[^])*)`,
    String.raw`(')((?:[^'\\]|\\[^])*)`,
    String.raw`([[{])([^\]}]*(?:[\]}]+[^\s"'&,;}\])]+)*)`,
    String.raw`()([^\s"'&,;}]{2,}[^\s"'&,;}\]])`,
  ].join('|'),
  'y',
);
/** In a part of a query: a name, its value, and what follows that without a name; or what has no name. */
const PIECE = /[^?;=]+=[^?;]*(?:[?;][^?;=]*(?=[?;]|$))*|[^?;]+/g;
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
    return this.#secretParts(name).length > 0;
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
    const query = parsed.search.slice(1).replace(/[^&]+/g, (part) => this.#queryPart(part));
    const fragment = parsed.hash.includes('=')
      ? `#${REDACTED}`
      : parsed.hash.replace(/[^#/?&;]+/g, (part) => this.#part(part));
    return cut(`${parsed.protocol}//${authority}${parsed.host}${path}${query && `?${query}`}${fragment}`);
  }

  /**
   * @param {string} text
   * @returns {string}
   */
  text(text) {
    return this.#textWithoutSecrets(text, true);
  }

  /**
   * @param {string} text
   * @param {boolean} countsVague whether names that often stand before what is no secret count
   * @returns {string}
   */
  #textWithoutSecrets(text, countsVague) {
    // Cut first with room to spare, so that a huge text costs no more than a long one.
    let kept = text.length > 2 * TEXT_CHARS_MAX ? text.slice(0, 2 * TEXT_CHARS_MAX) : text;
    kept = kept.replace(URL_IN_TEXT, (url) => this.url(url));
    for (const [pattern, replacement] of TEXT_PATTERNS) kept = kept.replace(pattern, replacement);
    kept = redactCards(kept);
    kept = this.#withoutNamed(kept, countsVague);
    return cut(kept);
  }

  /**
   * @param {string} text
   * @param {boolean} countsVague
   * @returns {string} without the values that follow names of secrets
   */
  #withoutNamed(text, countsVague) {
    let kept = '';
    let from = 0;
    NAME_OF_VALUE.lastIndex = 0;
    for (let named = NAME_OF_VALUE.exec(text); named; named = NAME_OF_VALUE.exec(text)) {
      const parts = this.#secretParts(named[2] ?? '');
      if (parts.length === 0) continue;
      const isVague = parts.every((part) => !this.#isAdded(part) && VAGUE_NAME.test(part));
      LOOKED_INTO.lastIndex = VALUE.lastIndex = NAME_OF_VALUE.lastIndex;
      if (isVague && (!countsVague || LOOKED_INTO.test(text))) continue;
      const found = VALUE.exec(text)?.slice(1).filter((part) => part !== undefined);
      const [around = '', value = ''] = found ?? [];
      if (isVague && isOrdinary(around, value)) continue;
      if (!this.#isSecretValue(parts, around, value)) continue;
      const start = NAME_OF_VALUE.lastIndex + around.length;
      kept += text.slice(from, start) + REDACTED;
      from = start + value.length;
      NAME_OF_VALUE.lastIndex = from;
    }
    return kept + text.slice(from);
  }

  /**
   * @param {readonly string[]} parts of a name that hold secrets
   * @param {string} around what the value begins with: a quote, a bracket, nothing
   * @param {string} value that follows it in a text
   * @returns {boolean}
   */
  #isSecretValue(parts, around, value) {
    if (value === '' || value === REDACTED) return false;
    if (parts.some((part) => this.#isAdded(part))) return true;
    const isCounted = parts.every((part) => part.toLowerCase() === 'pass' || COUNTED_NAME.test(part));
    return !EMPTY.test(value) && !(isCounted && around === '' && COUNT.test(value));
  }

  /**
   * @param {string} name as `token`, or `user[token]`
   * @returns {string[]} of its parts those that name secrets, their words joined by `_` where capitals joined them
   */
  #secretParts(name) {
    const parts = name.split(/[[\]]+/).map(withoutCamel);
    return parts.filter((part) => this.#isAdded(part) || SECRET_NAME.test(part));
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
   * @param {string} part of a query, between two `&`: it may hold further ones, separated otherwise
   * @returns {string}
   */
  #queryPart(part) {
    if (this.#namesSecret(part)) return withoutValue(part);
    return part.replace(PIECE, (piece) =>
      this.#namesSecret(piece) ? withoutValue(piece) : piece.replace(/[^?;]+/g, (one) => this.#part(one)),
    );
  }

  /**
   * @param {string} part of a path, a query or a fragment: a segment, or a name with its value
   * @returns {string}
   */
  #part(part) {
    const at = part.indexOf('=');
    if (at < 0) return LONG_HEX.test(part) || this.#holdsSecret(decoded(part)) ? REDACTED : part;
    return this.#namesSecret(part) || this.#holdsSecret(decoded(part.slice(at + 1))) ? withoutValue(part) : part;
  }

  /**
   * @param {string} part a name with its value, or anything else
   * @returns {boolean} whether there is a value and it is secret by its name
   */
  #namesSecret(part) {
    const at = part.indexOf('=');
    const value = part.slice(at + 1);
    if (at < 0 || value === '') return false;
    const parts = this.#secretParts(decoded(part.slice(0, at)));
    const isCounted = parts.every((name) => !this.#isAdded(name) && COUNTED_NAME.test(name)) && COUNT.test(value);
    return parts.length > 0 && !isCounted;
  }

  /**
   * @param {string} value
   * @returns {boolean} whether it has a secret's form, or is an address, a query or JSON in which there is a secret
   */
  #holdsSecret(value) {
    if (value.length < 10 || value.includes(REDACTED)) return false;
    // What is searched for often has names as `state`; in addresses these are those of OAuth.
    if (/[=:]/.test(value)) return this.#textWithoutSecrets(value, value.startsWith('/')).includes(REDACTED);
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
 * @param {string} around what the value begins with: a quote, nothing
 * @param {string} value
 * @returns {boolean} whether it is what often follows names that are vague
 */
function isOrdinary(around, value) {
  return ORDINARY.test(value) || (around !== '' && PHRASE.test(value));
}

/**
 * @param {string} part a name with its value
 * @returns {string} the name alone
 */
function withoutValue(part) {
  return `${part.slice(0, part.indexOf('='))}=${REDACTED}`;
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
