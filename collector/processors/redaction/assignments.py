"""Secrets that a text gives a name: `password=…`, `"token": "…"`, `Cookie: …`, `?sig=…`, `--api-key …`."""

from collections import Counter
from typing import NamedTuple

from collector.processors.redaction.names import AUTHORIZATION_CODE, AUTHORIZATION_CODE_BYTES_MIN, NUMBERS, SecretNames
from collector.processors.redaction.nested import Nested, end_of_quoted
from collector.processors.redaction.pattern import Match, compile_bytes

_BLANKS = r"[ \t]*"
_QUOTE = r"\\*[\"']"
# What may stand between a name and its value. The last ones: a pair in a tuple, two members of a JSON object,
# an argument on a command line.
_SIGN = (
    rf"(?:{_QUOTE})?(?:\]|%5[dD])?{_BLANKS}(?:=>|[:=>]|%3[dD]|%3[aA]|\\{{1,8}}u003[aAdD]){_BLANKS}"
    rf"|{_QUOTE}{_BLANKS},{_BLANKS}(?:{_QUOTE}value{_QUOTE}{_BLANKS}:{_BLANKS})?"
    r"|[ \t]+"
)
_ONE_WORD = r"[^\s\"'<>,;&]+"
# As far as a value without quotes goes.
_PLAIN = (
    r"(?:[^\s&;\"'<>\\%]|\\[^\s\"'\\nrt]"
    r"|%(?:[013-9A-Fa-f][0-9A-Fa-f]|2[0-57-9A-Fa-f]|[^\s&;\"'<>\\%0-9A-Fa-f]))+"
)
# What begins a query's name and what ends it, also as JSON and HTML escape them.
_BEFORE_NAME = r"[?&](?:amp;)?|\\{1,8}u0026"
_EQUALS = r"=|\\{1,8}u003[dD]"
_ONE_OF_QUERY = r"[^&#\s\"'<>]"
# As far as a value in a query goes: not over what JSON writes for `&`, `"` and the like.
_NOT_IN_QUERY = r"&#\s\"'<>\\"
_IN_QUERY = (
    rf"(?:[^{_NOT_IN_QUERY}]|\\+(?:[^u{_NOT_IN_QUERY}]|u(?:[^0{_NOT_IN_QUERY}]|0(?:[^0{_NOT_IN_QUERY}]"
    rf"|0(?:[^23{_NOT_IN_QUERY}]|2[^02367{_NOT_IN_QUERY}]|3[^cCeE{_NOT_IN_QUERY}])))))+"
)
_AUTHORIZATION = (
    rf"(?:bearer|basic|token|negotiate|ntlm|apikey|dpop)[ \t]+{_ONE_WORD}"
    rf"|(?:digest|aws4-hmac-sha256|hawk|oauth|signature)[ \t]+[^\r\n]+|{_ONE_WORD}"
)
# Any other scheme, and one word; the word counts if it looks like a token, or nothing follows it.
_OTHER_SCHEME = r"[a-z][a-z0-9\-]*[ \t]+([a-z0-9._~+/\-]+=*)(\\*[\"'<>,;]|[\r\n]|$)?"
_TOKEN_BYTES_MIN = 8
# A cookie's value may stand in quotes: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
_LINE = r"(?:=\\*\"[^\s\"',;\\]*\\*\"|[^\r\n\"'<>])+"
_CLOSING = b",)}]."


class _Value(NamedTuple):
    """Where a value is, what is to be written in its place, and in which quotes; without a label it stays."""

    start: int
    end: int
    label: str
    quote: bytes = b""


class Assignments:
    """Replaces the values of names that hold secrets."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        key = rf"[A-Za-z0-9_.\-]*(?:{names.source})"
        in_query = rf"(?:{names.source_in_queries}|{names.source_of_codes})"
        self._assigned = compile_bytes(
            rf"((?:{_BEFORE_NAME})?)({key})({_SIGN})|(?:{_BEFORE_NAME})({in_query})(?:{_EQUALS})", any_case=True
        )
        self._plain = compile_bytes(_PLAIN)
        self._in_query = compile_bytes(_IN_QUERY)
        self._authorization = compile_bytes(_AUTHORIZATION, any_case=True)
        self._other_scheme = compile_bytes(_OTHER_SCHEME, any_case=True)
        self._line = compile_bytes(_LINE)
        self._quote = compile_bytes(rf"[bBuUrR]?{_QUOTE}")
        self._nested = Nested()

    @property
    def source(self) -> str:
        """A pattern, for any case, of which each text that changes holds a match."""
        code = rf"{self._names.source_of_codes}(?:{_EQUALS}){_ONE_OF_QUERY}{{{AUTHORIZATION_CODE_BYTES_MIN}}}"
        return rf"{self._names.source}|{self._names.source_in_queries}(?:{_EQUALS})|{code}"

    def redact(self, text: bytes, counts: Counter[str]) -> bytes:
        """Return the text with these values replaced; names, quotes and everything else stay."""
        parts: list[bytes] = []
        done = read = 0
        for match in self._assigned.finditer(text):
            if match.start() < read:
                continue
            for value in self._values(text, match):
                read = value.end
                if value.label:
                    parts += (text[done : value.start], value.quote, f"[redacted:{value.label}]".encode(), value.quote)
                    done = value.end
                    counts[value.label] += 1
        return b"".join((*parts, text[done:])) if parts else text

    def _values(self, text: bytes, match: Match) -> list[_Value]:
        if match.group(4):
            return self._unquoted(text, match.end(), self._names.label_in_query(match.group(4)), b"", True)
        key, sign = match.group(2), match.group(3)
        if match.group(1) and (sign == b"=" or sign.lower().endswith(b"u003d")):
            return self._unquoted(text, match.end(), self._names.label_in_query(key), key, True)
        label = "" if self._names.is_kept(key) else self._names.label_of(key.lstrip(b"-."))
        if not label or _is_parse_error(text, match.start(2), key):
            return []
        quote = self._quote.match(text, match.end())
        if sign.isspace():
            # `password 'x'` in SQL, `--token x` in a shell; else it is prose.
            if not key.startswith(b"-") and not (quote and label in ("password", "secret")):
                return []
        elif b"," in sign and not quote and not sign.endswith(b":"):
            return []
        if quote:
            return [value for value in [self._quoted(text, quote, label)] if self._is_secret(text, value)]
        if self._nested.opens(text, match.end()):
            return self._in_nested(text, match.end(), label)
        is_listed = text[match.end() : match.end() + 1] in (b"[", b"(")
        return self._unquoted(text, match.end() + is_listed, label, b"" if is_listed else key, False)

    def _unquoted(self, text: bytes, start: int, label: str, key: bytes, in_query: bool) -> list[_Value]:
        if not label:
            return []
        pattern = self._plain
        if in_query:
            pattern = self._in_query
        elif label == "authorization":
            pattern = self._authorization
        elif key.lower().endswith((b"cookie", b"cookies")):
            pattern = self._line
        match = pattern.match(text, start)
        if not match or (label == AUTHORIZATION_CODE and len(match.group()) < AUTHORIZATION_CODE_BYTES_MIN):
            return []
        end = match.end() if in_query else start + len(match.group().rstrip(_CLOSING))
        if pattern is self._authorization:
            end = max(end, self._end_of_credentials(text, start))
        value = _Value(start, end, label)
        return [value] if self._is_secret(text, value) else []

    def _end_of_credentials(self, text: bytes, start: int) -> int:
        """Return where a token ends that stands behind the word of a scheme; `start` if there is none."""
        match = self._other_scheme.match(text, start)
        if not match:
            return start
        token, ends = match.group(1), match.start(2) >= 0
        is_token = len(token) >= _TOKEN_BYTES_MIN and any(48 <= byte <= 57 for byte in token)
        # `x y=z` and `x y: z` are something else.
        after = text[match.end(1) : match.end(1) + 1]
        is_name = after == b":" or (token.endswith(b"=") and after.isalnum())
        return match.end(1) if (ends or is_token) and not is_name else start

    def _in_nested(self, text: bytes, start: int, label: str) -> list[_Value]:
        """Return every value in an object or a list, as those in an attribute of this name; the last says how far."""
        found: list[_Value] = []
        for member in self._nested.members(text, start):
            value = _Value(member.start, member.end, label)
            if not member.quote and text[member.start : member.end].isdigit():
                # JSON would not be JSON with a mark in place of a number.
                own = label if label in NUMBERS else self._names.label_of(member.key)
                value = _Value(member.start, member.end, own if own in NUMBERS else "", member.key_quote)
            if self._names.is_kept(member.key) or not self._is_secret(text, value):
                value = _Value(member.start, member.end, "")
            found.append(value)
        return found

    def _quoted(self, text: bytes, quote: Match, label: str) -> _Value:
        return _Value(quote.end(), end_of_quoted(text, quote)[0], label)

    def _is_secret(self, text: bytes, value: _Value) -> bool:
        return not self._names.is_harmless(text[value.start : value.end])


def _is_parse_error(text: bytes, start: int, key: bytes) -> bool:
    """Tell whether this is `Unexpected token: …` and the like."""
    return key.lower() == b"token" and text[max(0, start - 12) : start].lower().endswith((b"unexpected ", b"invalid "))
