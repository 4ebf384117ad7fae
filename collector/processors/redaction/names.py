"""Which names hold secrets: of attributes, of assignments inside texts, of values in URL queries."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from types import MappingProxyType

from collector.processors.redaction.pattern import compile_bytes

LABELS_HELD_MAX = 1_000
LABEL_HELD_BYTES_MAX = 256
_AND = r"[._\- ]?"
_KEYS = (
    *("api", "access", "private", "encryption", "signing", "account", "master", "storage", "auth", "license"),
    *("subscription", "functions", "hmac", "aes", "ssh", "rsa", "shared", "cipher", "decryption"),
)
# Of many tokens, those of a language or a bill are more common: only what looks like a secret is one.
TOKENS = "tokens"
# What sends a number to somebody's telephone, and what else is typed to prove who one is.
_CODES = (
    rf"security|t?otp|mfa|2fa|sms|pin|verification|(?:two|2|multi){_AND}factor|auth|authorization|recovery|backup"
    rf"|one{_AND}time"
)
# How a name ends that holds a secret, by what the secret is called in its place. In lower case.
_ENDINGS = MappingProxyType(
    {
        "password": rf"pass[._\-]?(?:word|wd|phrase|code)s?(?:{_AND}(?:confirmation|confirm|hash|repeat))?[0-9]?",
        "secret": rf"secrets?(?:{_AND}(?:value|text|string|key(?:{_AND}base)?|access{_AND}key))?[0-9]?",
        "token": rf"token(?:{_AND}(?:value|secret))?",
        TOKENS: "tokens",
        "key": (rf"(?:{'|'.join(_KEYS)}){_AND}keys?(?:{_AND}(?:value|id))?"),
        "authorization": "authorization",
        "cookie": r"cookies?|jsessionid|phpsessid|connect[._]sid",
        "credential": "credentials?",
        "card": rf"card{_AND}(?:number|num|no)|cc{_AND}(?:number|num)|primary{_AND}account{_AND}number",
    }
)
# What stands behind the name where a list or an object is flattened: `passwords.0`, `password.value`.
_FLATTENED = re.compile(rb"(?:\.(?:[0-9]{1,4}|value)){1,4}$")
# These are no ends of longer words: they have to be a word by themselves.
_WORDS = MappingProxyType(
    {
        "password": "pwd|pass|psw|(?:require|store|key)pass|masterauth",
        "token": rf"jwt|bearer|[cx]srf|code{_AND}verifier|client{_AND}assertion|saml{_AND}response",
        "code": rf"cvv2?|cvc2?|t?otp|pin|(?:{_CODES}){_AND}code",
        "authorization": rf"auth|basic{_AND}auth",
        "credential": "creds?",
        "connection_string": rf"dsn|conn(?:ection)?{_AND}str(?:ing)?",
    }
)
# What stands behind such a word where it is a name: a sign, a quote, a bracket, a comma of columns, or the next
# field of the message, whose number and type are one byte: of a value, of the attributes of a span ("J") or of a log
# record ("2").
_AFTER_WORD = r"(?:\.(?:[0-9]|value)|[ \t]*[\x00-\x1f\"'`:=>?|+!%\[\](),&\\J2]|[ \t]+(?:value|in[ \t]*\(|not[ \t]))"
# These are words of prose and of counts, too: `auth: user bob logged in`, `pass: 12, fail: 0`.
_COMMON_WORDS = "pass|pin|auth|bearer"
# What errors begin with, as services and packages are called: `user-auth`, but not the header `X-Auth`.
_WORDS_OF_PROSE = "(?:.*[a-z0-9]{2}[^a-z0-9])?auth|bearer|jwt|token|secrets?|cookies?"
_COUNT = "[0-9]{1,3}(?:/[0-9]+|%)?"
# By its definition in OpenTelemetry it comes without credentials; with a user or a password it is changed all the same.
PLAIN_CONNECTION = b"db.connection_string"
# A whole number under such a name is a secret; under others it counts something: `token: 812`.
NUMBERS = frozenset({"password", "code", "card", "blocked_key"})
# Under these a whole number is a card's if it looks like one; a text says which card.
_OF_CARDS = "pan|card"
# In a URL's query a name counts as a whole: with up to four of these before it.
_QUALIFIERS = (
    "access|refresh|id|auth|oauth|oauth2|session|csrf|xsrf|security|bearer|user|login|reset|sas|invite|verification|"
    "magic|client|device|app|new|old|current|confirm|db|admin|x|amz|goog|aws|azure|proxy|set|credit|debit|payment"
)
_QUALIFIED = rf"(?:(?:{_QUALIFIERS}){_AND}){{0,4}}"
# What OAuth gives a browser to exchange for a token: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
AUTHORIZATION_CODE = "authorization_code"
# Whatever else is called `code` in a query is shorter.
AUTHORIZATION_CODE_BYTES_MIN = 16
_AUTHORIZATION_CODE_NAME = rf"(?:(?:auth|authorization|oauth){_AND})?code"
# With other words before it a name counts, too, if it says by itself what it is: `reset_password_token`, `sslpassword`.
_ENDINGS_IN_QUERIES = MappingProxyType(
    {
        **{label: rf".*(?:{_ENDINGS[label]})" for label in ("password", "secret")},
        **{label: rf".*[^a-z0-9](?:{_ENDINGS[label]})" for label in ("token", TOKENS, "key", "card", "authorization")},
    }
)
_IN_QUERIES_ONLY = MappingProxyType({"signature": "sig|signature", "password": "pass", "token": "auth", "code": "pin"})
# What pages through a list is called a token too.
_PAGES = (
    "page|next|prev|previous|continuation|cancellation|resume|cursor|start|stop|end|eos|bos|pad|paging|pagination|skip"
    "|sync|delta|scroll|list|offset|change|range|partition|idempotency|iterator|checkpoint|before|after|first|last"
    "|more|seek|position|bookmark"
)
_HARMLESS_NAME = rf"(?:^|[^a-z0-9])(?:(?:{_PAGES}){_AND}){{1,3}}token"
# What stands where a secret would, and is none.
_HARMLESS_VALUE = (
    r"|[|>][+\-]?|null|none|nil|undefined|true|false|\*+|\$[0-9]+|\?|%s|\{\}|\[?redacted(?::[a-z_]+)?\]?|\[filtered\]?"
    r"|include|omit|same-origin|required|missing|invalid|incorrect|expired|empty|denied|failed|refused|ok|success"
    r"|succeeded|passed|enabled|disabled|unknown|anonymous|yes|no|sent|used|valid|verified|changed|updated"
    r"|string!?|str|basic|bearer|digest|oauth2?|saml|jwt|ldap|mtls"
    # What is masked but for its end, a file, and what a form says of a field.
    r"|(?:[*x]{4}[ \-]?){1,4}[0-9]{4}|(?-i:(?:/[a-z0-9._\-]+)(?:/[a-z0-9._\-]+)+)"
    r"|(?:(?:this|the)[ \t](?:field|value|password|token)|is|must|should|can(?:not|'t)|does(?:[ \t]not|n't)|has)[ \t].*"
)
_WORDS_OF_VALUE = re.compile(rb"[A-Za-z0-9_\-.~+/]{8,}")
# Where a connection string names neither a user nor settings.
_HARMLESS_CONNECTION = r"[a-z][a-z0-9+.:\-]*:(?://)?(?:REDACTED(?::REDACTED)?@)?[^\s@;?=&\"']*"
# What is numbered or counted; digits that stand under such a name are no card's number.
_NUMBERED = (
    "session|trace|span|parent|request|order|message|msg|event|user|customer|cart|basket|item|product|article|shipment"
    "|parcel|tracking|invoice|ticket|transaction|job|task|batch|process|thread|device|tenant|client|correlation"
    "|conversation|document|record|row|entry|object|file|block|partition|serial|sequence|build|version|revision|reference"
)
_SESSION_ID = r"session(?:[._\- ]?previous)?[._\- ]?id"
_ID = (
    rf"(?:{_NUMBERED})(?:[._\- ]?previous)?[._\- ]?(?:ids?|number|num|no\.?|nr\.?)|(?:[^a-z0-9]|^)ids?|uu?id|guid"
    r"|snowflake|(?:order|invoice|trace|span|tracking|ticket|parcel|shipment|serial|offset|sequence|seq|timestamp"
    r"|nanos?|micros|millis|checksum|hash)s?"
)
# `/orders/4539578763621486`
_IN_PATH = rf"(?:{_NUMBERED})s?/"
_ID_SIGN = r"\\{0,8}[\"']?\]?[ \t]{0,8}(?:=>|[:=/#]|%3d|%3a|%2f|\\{1,8}u003[ad])?[ \t]{0,8}[bur]?\\{0,8}[\"']?"
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = "(?:^|[^0-9a-z])[0-9a-f]{2}-[0-9a-f]{32}-"
_BEFORE_ID_BYTES_MAX = 96
_CAMEL = re.compile(rb"([a-z0-9])([A-Z])")

# Never touched: what binds a record to its session and request.
CORRELATION_KEYS = frozenset(
    {
        "http.request.header.x-session-id",
        "http.request.header.x_session_id",
        "trace_id",
        "span_id",
        "request_id",
        "oteltraceid",
        "otelspanid",
        "traceparent",
        "tracestate",
        "http.request.header.traceparent",
        "http.request.header.tracestate",
    }
)


class SecretNames:
    """Tells the label of a name: what is written in place of the value that it holds.

    `blocked` are names of one's own, `kept` those whose values are never touched; both count as a whole, in any case.
    """

    def __init__(self, blocked: Sequence[str] = (), kept: Collection[str] = ()) -> None:
        self._blocked = frozenset(name.lower().encode() for name in blocked)
        self._kept = frozenset(name.lower().encode() for name in (*CORRELATION_KEYS, *kept))
        self._harmless_name = compile_bytes(f"{_HARMLESS_NAME}$")
        self._attributes = [
            *((label, compile_bytes(f"(?:{ending})$")) for label, ending in _ENDINGS.items()),
            *((label, compile_bytes(f"(?:^|[^a-z0-9])(?:{words})$")) for label, words in _WORDS.items()),
        ]
        self._harmless_value = compile_bytes(_HARMLESS_VALUE, any_case=True)
        self._harmless_connection = compile_bytes(_HARMLESS_CONNECTION, any_case=True)
        self._common_word = compile_bytes(rf"(?:[^a-z0-9]|^)(?:{_COMMON_WORDS})$", any_case=True)
        self._word_of_prose = compile_bytes(_WORDS_OF_PROSE, any_case=True)
        self._of_card = compile_bytes(rf"(?:[^a-z0-9]|^)(?:{_OF_CARDS})$", any_case=True)
        self._count = compile_bytes(_COUNT)
        # Names come again and again, and each is held against many patterns.
        self._held_label = lru_cache(maxsize=LABELS_HELD_MAX)(self._find_label)
        self._any = compile_bytes(self.source, any_case=True)
        self._in_queries = [
            (label, compile_bytes(rf"{_QUALIFIED}(?:{names})"))
            for sources in (_IN_QUERIES_ONLY, _ENDINGS, _WORDS)
            for label, names in sources.items()
        ]
        self._ends_in_queries = [(label, compile_bytes(ends)) for label, ends in _ENDINGS_IN_QUERIES.items()]
        self._in_queries.insert(0, (AUTHORIZATION_CODE, compile_bytes(_AUTHORIZATION_CODE_NAME)))

    @property
    def source(self) -> str:
        """A pattern, for any case, of which each name that has a label, however it is written, holds a match."""
        return "|".join((*_ENDINGS.values(), *_WORDS.values(), *sorted(map(_quoted, self._blocked))))

    @property
    def source_in_requests(self) -> str:
        """The same for a name and what stands behind it in a request, which says whether a common word is a name."""
        words = "|".join(_WORDS.values())
        always = "|".join((*_ENDINGS.values(), *sorted(map(_quoted, self._blocked))))
        # An attribute's value is the field behind its name.
        of_cards = rf"(?:{_OF_CARDS})\x12"
        return rf"{always}|{of_cards}|{re.escape(PLAIN_CONNECTION.decode())}|(?:{words}){_AFTER_WORD}|-(?:{words})[ \t]"

    @property
    def source_in_queries(self) -> str:
        """The same for the names that have a label in URL queries only, whatever their value is."""
        return rf"{_QUALIFIED}(?:{'|'.join(_IN_QUERIES_ONLY.values())})"

    @property
    def source_of_codes(self) -> str:
        """The same for the name of what is a secret there from AUTHORIZATION_CODE_BYTES_MIN on."""
        return _AUTHORIZATION_CODE_NAME

    def is_kept(self, name: bytes) -> bool:
        """Tell whether what stands under the name is never touched."""
        return name.lower() in self._kept

    def is_harmless(self, value: bytes, label: str) -> bool:
        """Tell whether a value under the name of a secret is none: empty, a placeholder, a word about it."""
        stripped = value.strip()
        if label == "connection_string" and self._harmless_connection.fullmatch(stripped):
            return True
        if label == TOKENS and not any(map(_has_letter_and_digit, _WORDS_OF_VALUE.findall(stripped))):
            return True
        return self._harmless_value.fullmatch(stripped) is not None

    def is_common_word(self, name: bytes) -> bool:
        """Tell whether a text may say this before a sign without meaning a secret."""
        return self._common_word.search(_CAMEL.sub(rb"\1_\2", name)) is not None

    def is_word_of_prose(self, name: bytes) -> bool:
        """Tell whether a text may say this before a colon and what happened to it."""
        return self._word_of_prose.fullmatch(_CAMEL.sub(rb"\1_\2", name)) is not None

    def is_count(self, value: bytes) -> bool:
        """Tell whether a number under a common word counts something."""
        return self._count.fullmatch(value) is not None

    def is_of_card(self, name: bytes) -> bool:
        """Tell whether a whole number under this name may be a card's."""
        return self._of_card.search(_CAMEL.sub(rb"\1_\2", name)) is not None

    def is_result(self, name: bytes, label: str, number: int) -> bool:
        """Tell whether a whole number says how many tests passed: a password is no such number, a PIN may be."""
        return label == "password" and self.is_common_word(name) and self.is_count(str(number).encode())

    def label_of(self, name: bytes) -> str:
        """Return the label of what an attribute or an assignment of this name holds; "" if it is no secret."""
        return self._label(name, False)

    def label_in_query(self, name: bytes) -> str:
        """Return the label of a value in a URL's query by its whole name, or how that ends; "" if it is no secret."""
        return self._label(name, True)

    def _label(self, name: bytes, in_query: bool) -> str:
        find = self._held_label if len(name) <= LABEL_HELD_BYTES_MAX else self._find_label
        return find(name, in_query)

    def _find_label(self, name: bytes, in_query: bool) -> str:
        return self._find_in_query(name) if in_query else self._find(name)

    def _find(self, name: bytes) -> str:
        if name.lower() in self._blocked:
            return "blocked_key"
        name = _FLATTENED.sub(b"", name)
        lowered = name.lower()
        if not self._any.search(name) or lowered.endswith(PLAIN_CONNECTION):
            return ""
        # A name is taken as it came, too: `PassWord` has no border between two words.
        spellings = (_CAMEL.sub(rb"\1_\2", name).lower(), lowered)
        for label, pattern in self._attributes:
            if any(pattern.search(spelling) for spelling in spellings):
                return "" if any(self._harmless_name.search(spelling) for spelling in spellings) else label
        return ""

    def _find_in_query(self, name: bytes) -> str:
        lowered = name.lower()
        if lowered in self._blocked:
            return "blocked_key"
        whole = next((label for label, pattern in self._in_queries if pattern.fullmatch(lowered)), "")
        spellings = (_CAMEL.sub(rb"\1_\2", name).lower(), lowered)
        if whole or any(self._harmless_name.search(spelling) for spelling in spellings):
            return whole
        ends = (label for label, pattern in self._ends_in_queries if any(map(pattern.fullmatch, spellings)))
        return next(ends, "")


def _has_letter_and_digit(word: bytes) -> bool:
    return re.search(rb"[A-Za-z]", word) is not None and re.search(rb"[0-9]", word) is not None


def _quoted(name: bytes) -> str:
    return re.escape(name.decode())


class IdNames:
    """Tells ids, and what else is numbered, by the names that they stand under."""

    def __init__(self) -> None:
        self._name = compile_bytes(rf"(?:{_ID})$", any_case=True)
        self._before = compile_bytes(rf"(?:(?:{_ID}){_ID_SIGN}|{_IN_PATH}|{_TRACEPARENT})$", any_case=True)
        self._before_session = compile_bytes(rf"{_SESSION_ID}{_ID_SIGN}$", any_case=True)

    def is_name(self, name: bytes) -> bool:
        """Tell whether an attribute of this name is one."""
        return self._name.search(_CAMEL.sub(rb"\1_\2", name)) is not None

    def is_before(self, text: bytes, position: int) -> bool:
        """Tell whether such a name stands right before this place in a text."""
        before = _CAMEL.sub(rb"\1_\2", text[max(0, position - _BEFORE_ID_BYTES_MAX) : position])
        return self._before.search(before) is not None

    def is_session_before(self, text: bytes, position: int) -> bool:
        """Tell whether a session's name stands right before this place in a text."""
        return self._before_session.search(text[max(0, position - _BEFORE_ID_BYTES_MAX) : position]) is not None
