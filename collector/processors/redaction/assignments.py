"""Secrets that a text gives a name: `password=…`, `"token": "…"`, `Cookie: …`, `?sig=…`, `--api-key …`."""

from collections import Counter
from typing import NamedTuple

from collector.processors.redaction.names import AUTHORIZATION_CODE, AUTHORIZATION_CODE_BYTES_MIN, SecretNames
from collector.processors.redaction.pattern import Match, compile_bytes

_BLANKS = r"[ \t]*"
_QUOTE = r"\\*[\"']"
# What may stand between a name and its value. The last ones: a pair in a tuple, two members of a JSON object,
# an argument on a command line.
_SIGN = (
    rf"(?:{_QUOTE})?(?:\]|%5[dD])?{_BLANKS}(?:=>|[:=>]|%3[dD]|%3[aA]){_BLANKS}"
    rf"|{_QUOTE}{_BLANKS},{_BLANKS}(?:{_QUOTE}value{_QUOTE}{_BLANKS}:{_BLANKS})?"
    r"|[ \t]+"
)
_ONE_WORD = r"[^\s\"'<>,;&]+"
# As far as a value without quotes goes.
_PLAIN = (
    r"(?:[^\s&;\"'<>\\%]|\\[^\s\"'\\nrt]"
    r"|%(?:[013-9A-Fa-f][0-9A-Fa-f]|2[0-57-9A-Fa-f]|[^\s&;\"'<>\\%0-9A-Fa-f]))+"
)
_ONE_OF_QUERY = r"[^&#\s\"'<>]"
_IN_QUERY = rf"{_ONE_OF_QUERY}+"
_AUTHORIZATION = (
    rf"(?:bearer|basic|token|negotiate|ntlm|apikey|dpop)[ \t]+{_ONE_WORD}"
    rf"|(?:digest|aws4-hmac-sha256|hawk|oauth|signature)[ \t]+[^\r\n]+|{_ONE_WORD}"
)
_LINE = r"[^\r\n\"'<>]+"
_CLOSING = b",)}]."


class _Value(NamedTuple):
    """Where a value is, and what is to be written in its place."""

    start: int
    end: int
    label: str


class Assignments:
    """Replaces the values of names that hold secrets."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        key = rf"[A-Za-z0-9_.\-]*(?:{names.source})"
        in_query = rf"(?:{names.source_in_queries}|{names.source_of_codes})="
        self._assigned = compile_bytes(rf"([?&]?)({key})({_SIGN})|([?&])({in_query})", any_case=True)
        self._plain = compile_bytes(_PLAIN)
        self._in_query = compile_bytes(_IN_QUERY)
        self._authorization = compile_bytes(_AUTHORIZATION, any_case=True)
        self._line = compile_bytes(_LINE)
        self._quote = compile_bytes(rf"[bBuUrR]?{_QUOTE}")
        self._next_quote = compile_bytes(rf"[ \t]*,[ \t]*[bBuUrR]?{_QUOTE}")

    @property
    def source(self) -> str:
        """A pattern, for any case, of which each text that changes holds a match."""
        code = rf"{self._names.source_of_codes}={_ONE_OF_QUERY}{{{AUTHORIZATION_CODE_BYTES_MIN}}}"
        return rf"{self._names.source}|{self._names.source_in_queries}=|{code}"

    def redact(self, text: bytes, counts: Counter[str]) -> bytes:
        """Return the text with these values replaced; names, quotes and everything else stay."""
        parts: list[bytes] = []
        done = 0
        for match in self._assigned.finditer(text):
            if match.start() < done:
                continue
            for value in self._values(text, match):
                parts += (text[done : value.start], f"[redacted:{value.label}]".encode())
                done = value.end
                counts[value.label] += 1
        return b"".join((*parts, text[done:])) if parts else text

    def _values(self, text: bytes, match: Match) -> list[_Value]:
        if match.group(5):
            return self._unquoted(text, match.end(), self._names.label_in_query(match.group(5)[:-1]), b"", True)
        key, sign = match.group(2), match.group(3)
        if match.group(1) and sign == b"=":
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
        if text[match.end() : match.end() + 1] in (b"[", b"("):
            return self._listed(text, match.end() + 1, label)
        return self._unquoted(text, match.end(), label, key, False)

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
        value = _Value(start, end, label)
        return [value] if self._is_secret(text, value) else []

    def _listed(self, text: bytes, start: int, label: str) -> list[_Value]:
        """Return the quoted members of a list, else what stands there without quotes."""
        quote = self._quote.match(text, start)
        if not quote:
            return self._unquoted(text, start, label, b"", False)
        found: list[_Value] = []
        while quote:
            value = self._quoted(text, quote, label)
            if self._is_secret(text, value):
                found.append(value)
            quote = self._next_quote.match(text, value.end + len(quote.group().lstrip(b" \t,bBuUrR")))
        return found

    def _quoted(self, text: bytes, quote: Match, label: str) -> _Value:
        """Return what stands in quotes; where they do not close, all that follows.

        A quote that JSON has escaped some times closes with as many backslashes; one inside the value has more.
        """
        mark = quote.group()[-1:]
        depth = quote.group().count(b"\\")
        position = text.find(mark, quote.end())
        while position >= 0:
            before = position
            while before > quote.end() and text[before - 1 : before] == b"\\":
                before -= 1
            if (position - before) % (2 * (depth + 1)) == depth:
                return _Value(quote.end(), position - depth, label)
            position = text.find(mark, position + 1)
        return _Value(quote.end(), len(text), label)

    def _is_secret(self, text: bytes, value: _Value) -> bool:
        return not self._names.is_harmless(text[value.start : value.end])


def _is_parse_error(text: bytes, start: int, key: bytes) -> bool:
    """Tell whether this is `Unexpected token: …` and the like."""
    return key.lower() == b"token" and text[max(0, start - 12) : start].lower().endswith((b"unexpected ", b"invalid "))
