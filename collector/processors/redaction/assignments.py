"""Secrets that a text gives a name: `password=…`, `"token": "…"`, `Cookie: …`, `?sig=…`, `--api-key …`."""

import re
from collections import Counter
from typing import NamedTuple

from collector.processors.redaction.calls import Quotes
from collector.processors.redaction.listed import Listed, is_header
from collector.processors.redaction.names import AUTHORIZATION_CODE, AUTHORIZATION_CODE_BYTES_MIN, NUMBERS, SecretNames
from collector.processors.redaction.nested import Nested, end_of_quoted
from collector.processors.redaction.next_line import LINE_END, Lone, NextLine, looks_like_token
from collector.processors.redaction.pattern import Match, Pattern, compile_bytes
from collector.processors.redaction.prose import Prose
from collector.processors.redaction.references import References

# What colours a terminal, too, also as JSON and shells escape it.
_COLOUR = r"(?:\x1b|\\{1,8}(?:u001[bB]|x1[bB]|033))\[[0-9;]{0,16}m"
_END_OF_COLOUR = re.compile(rb"^[0-9]{1,3}m")
_BLANKS = rf"(?:[ \t]|{_COLOUR})*"
_QUOTE = r"\\*[\"']"
_ESCAPED_QUOTE = r"&quot;|&#34;|\\{1,8}(?:u00|x)22"
# What may stand between a name and its value. The last ones: a pair in a tuple, two members of a JSON object (or
# of YAML's, on two lines), two attributes of an XML element, an argument of a function, one on a command line.
_SIGN = (
    rf"(?:\.(?:[0-9]{{1,4}}|value)){{0,2}}(?:{_COLOUR})?(?:{_QUOTE}|%22|{_ESCAPED_QUOTE}|`)?"
    rf"(?:\]|%5[dD]|\[[^\s\[\]=]{{0,32}}\]|%5[bB][^\s\[\]=%]{{0,32}}%5[dD]){{0,4}}{_BLANKS}"
    rf"(?:[:?|+!]{{0,2}}={{1,3}}>?|[:>]|%(?:25){{0,4}}3[aAdD]|\\{{1,8}}u003[aAdD]){_BLANKS}"
    rf"|(?:{_QUOTE})?,?{LINE_END}[ \t]*(?:{_QUOTE})?value(?:{_QUOTE})?:[ \t]*"
    rf"|{_QUOTE}{_BLANKS},{_BLANKS}(?:{_QUOTE}value{_QUOTE}{_BLANKS}:{_BLANKS})?"
    rf"|(?:{_QUOTE})?[ \t]+value{_BLANKS}={_BLANKS}|\({_BLANKS}"
    rf"|(?:{_QUOTE}|[`\]])?[ \t]+(?:not[ \t]+)?in[ \t]*\({_BLANKS}|[ \t]+"
    rf"|{_QUOTE}(?:\r?\n){{2}}|{_QUOTE}(?:(?:\\{{1,8}}r)?\\{{1,8}}n){{2}}"
)
# What stands between the name of an element of XML and its text, and what a part of a form has before its name.
_OF_ELEMENT = r"(?:[ \t]+[A-Za-z_][A-Za-z0-9:_.\-]*=\\*(?:\"[^\"<>]*\"|'[^'<>]*'))*[ \t]*>"
_CDATA = b"<![CDATA["
_IN_CLOSING_TAG = re.compile(rb"</(?:[A-Za-z0-9_.\-]+:)?$")
_OF_FORM = re.compile(rb"name=\\*\"$")
_LINE_OF_FORM = r"[^\r\n\\]+"
_TEXT_OF_ELEMENT = r"\s*([^<]*[^<\s])\s*</"
_ONE_WORD = r"[^\s\"'<>,;&]+"
# As far as a value without quotes goes.
_PLAIN = (
    r"(?:[^\s&;\"'<>\\%\x1b]|\\[^\s\"'\\nrt]"
    r"|%(?:[013-9A-Fa-f][0-9A-Fa-f]|2[0-57-9A-Fa-f]|[^\s&;\"'<>\\%0-9A-Fa-f]))+"
)
# What else a value goes on with: `a;b`, but not `a;x=b`.
_GOES_ON = r"(?:&amp;|[;&])+([^\s&;\"'<>\\%=]+)(=|%3[dD])?"
# What begins a query's name and what ends it, also as JSON and HTML escape them.
_BEFORE_NAME = r"[?&](?:amp;)?|\\{1,8}u0026"
_EQUALS = r"=|\\{1,8}u003[dD]|%(?:25){0,4}3[dD]"
# The same in a URL that is a value in another, and before a parameter of a path: `/a;sig=b`.
_BEFORE_NAME_INSIDE = r";|%(?:25){0,4}(?:26|3[fF])"
_ONE_OF_QUERY = r"[^&#\s\"'<>]"
# As far as a value in a query goes: not over what JSON writes for `&`, `"` and the like.
_NOT_IN_QUERY = r"&#\s\"'<>\\"
_IN_QUERY = (
    rf"(?:[^{_NOT_IN_QUERY}]|\\+(?:[^u{_NOT_IN_QUERY}]|u(?:[^0{_NOT_IN_QUERY}]|0(?:[^0{_NOT_IN_QUERY}]"
    rf"|0(?:[^23{_NOT_IN_QUERY}]|2[^02367{_NOT_IN_QUERY}]|3[^cCeE{_NOT_IN_QUERY}])))))+"
)
_AUTHORIZATION = (
    rf"(?:bearer|basic|token|negotiate|ntlm|apikey|dpop|aws|sharedkey(?:lite)?)[ \t]+{_ONE_WORD}"
    rf"|(?:digest|aws4-hmac-sha256|hawk|oauth|signature)[ \t]+[^\r\n]+|{_ONE_WORD}"
)
# Any other scheme, and one word; the word counts if it looks like a token, or nothing follows it.
_OTHER_SCHEME = r"[a-z][a-z0-9\-]*[ \t]+([a-z0-9._~+/\-]+=*)(\\*[\"'<>,;]|[\r\n]|$)?"
_TOKEN_BYTES_MIN_IN_PROSE = 16
# A cookie's value may stand in quotes: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
_LINE = r"(?:=\\*\"[^\s\"',;\\]*\\*\"|[^\r\n\"'<>])+"
_LISTED = r"[^\r\n\"'<>\[\](){}\\]+"
_REFUSED = re.compile(rb"\\*[\"']?([A-Za-z0-9_\-.+/=]{16,256})")
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
            rf"((?:{_BEFORE_NAME})?)({key})({_SIGN})|(?:{_BEFORE_NAME}|({_BEFORE_NAME_INSIDE}))({in_query})(?:{_EQUALS})",
            any_case=True,
        )
        self._plain = compile_bytes(_PLAIN)
        self._goes_on = compile_bytes(_GOES_ON)
        self._next_line = NextLine()
        self._in_query = compile_bytes(_IN_QUERY)
        self._authorization = compile_bytes(_AUTHORIZATION, any_case=True)
        self._other_scheme = compile_bytes(_OTHER_SCHEME, any_case=True)
        self._escaped_quote = compile_bytes(_ESCAPED_QUOTE)
        self._of_element = compile_bytes(_OF_ELEMENT)
        self._text_of_element = compile_bytes(_TEXT_OF_ELEMENT)
        self._line_of_form = compile_bytes(_LINE_OF_FORM)
        self._line = compile_bytes(_LINE)
        self._listed = compile_bytes(_LISTED)
        self._quotes = Quotes()
        self._references = References(names)
        self._nested = Nested()
        self._prose = Prose(names)
        self._members = Listed()

    @property
    def source(self) -> str:
        """A pattern, for any case, of which each text that changes holds a match."""
        code = rf"{self._names.source_of_codes}(?:{_EQUALS}){_ONE_OF_QUERY}{{{AUTHORIZATION_CODE_BYTES_MIN}}}"
        return rf"{self._names.source_in_requests}|{self._names.source_in_queries}(?:{_EQUALS})|{code}"

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
        if match.group(5):
            pattern = self._plain if match.group(4) else self._in_query
            return self._unquoted(text, match.end(), self._names.label_in_query(match.group(5)), pattern)
        key, sign = match.group(2), match.group(3)
        if text[max(0, match.start(2) - 1) : match.start(2)] in (b"[", b";"):
            key = _END_OF_COLOUR.sub(b"", key)
        if match.group(1) and (sign == b"=" or sign.lower().endswith(b"u003d")):
            return self._unquoted(text, match.end(), self._names.label_in_query(key), self._in_query)
        label = "" if self._names.is_kept(key) else self._names.label_of(key.lstrip(b"-."))
        if not label or _is_parse_error(text, match):
            return []
        if sign.endswith(b"n") or sign.endswith(b"\n"):
            is_form = _OF_FORM.search(text[max(0, match.start(2) - 16) : match.start(2)])
            return self._unquoted(text, match.end(), label, self._line_of_form) if is_form else []
        element = self._in_element(text, match, label)
        if element:
            return element
        if sign[:1] == b">" and _IN_CLOSING_TAG.search(text[max(0, match.start(2) - 64) : match.start(2)]):
            return []
        return self._behind_sign(text, match, label, key)

    def _behind_sign(self, text: bytes, match: Match, label: str, key: bytes) -> list[_Value]:
        """Return the values behind a name with this label, by what stands between."""
        sign = match.group(3)
        if sign == b":" and self._prose.is_place(text, match, 2, label):
            return []
        if sign.rstrip().endswith(b","):
            return self._in_list(text, match, label)
        if not sign.isspace():
            return self._signed(text, match, label, key)
        # `password 'x'` in SQL, `--token x` in a shell; else it is prose, as `secret "db" not found`.
        quote = self._quotes.opening(text, match.end())
        is_literal = quote and (label == "password" or (label == "secret" and quote.group().endswith(b"'")))
        if key.startswith(b"-") or is_literal:
            return self._whole(text, match.end(), label) or self._behind_name(text, match.end(), label, key, sign)
        return []

    def _in_list(self, text: bytes, match: Match, label: str) -> list[_Value]:
        """Return what follows on a name in a list, if that is its value."""
        quote = self._quotes.opening(text, match.end())
        if not quote:
            key = match.group(2)
            return self._whole(text, match.end(), label) if key[:1] == b"-" or is_header(key, label) else []
        end, behind = end_of_quoted(text, quote)
        name, value = (match.start(2), match.end(2)), (quote.end(), end, behind)
        is_value = self._members.is_value_in_text(text, name, label, value)
        return self._whole(text, match.end(), label) if is_value else []

    def _signed(self, text: bytes, match: Match, label: str, key: bytes) -> list[_Value]:
        """Return the values behind a name and a sign, on its line or on the next one."""
        behind, sign = match.end(), match.group(3)
        lone = self._next_line.lone(text, behind)
        if lone and lone.is_item:
            return self._items(text, lone, label)
        start = lone.start if lone else behind
        if b"(" in sign:
            return self._of_call(text, start, label)
        if self._references.begins(text, start) or self._references.joins(text, match.start(2), key, sign, start):
            return []
        found = self._whole(text, start, label)
        if found:
            return found
        escaped = self._escaped_quote.match(text, start)
        if escaped:
            end = text.find(escaped.group(), escaped.end())
            if end >= 0:
                return self._secrets(text, [_Value(escaped.end(), end, label)])
            start = escaped.end()
        if lone:
            return self._secrets(text, [_Value(lone.start, lone.end, label)])
        if text[start : start + 1] in (b"[", b"("):
            return self._unquoted(text, start + 1, label, self._listed)
        return self._behind_name(text, start, label, key, sign)

    def _whole(self, text: bytes, start: int, label: str) -> list[_Value]:
        """Return what begins here in quotes, or all of an object or a list; one that is no secret has no label."""
        quote = self._quotes.opening(text, start)
        if quote:
            value = self._quoted(text, quote, label)
            mark = quote.group()[-1:]
            if value.start == value.end and text.startswith(mark, quote.end() + 1):
                # Three quotes hold a text in lines, as Python, TOML and Kotlin write it.
                end = text.find(mark * 3, quote.end() + 2)
                value = _Value(quote.end() + 2, end if end >= 0 else len(text), label)
            return [value if self._is_secret(text, value) else value._replace(label="")]
        if self._nested.opens(text, start):
            return self._in_nested(text, start, label)
        return self._arguments(text, self._quotes.in_call(text, start), label)

    def _in_element(self, text: bytes, match: Match, label: str) -> list[_Value]:
        """Return the text of an element of XML, which may be quoted as a whole, if the name is that of one."""
        if text[max(0, match.start(2) - 1) : match.start(2)] not in (b"<", b":"):
            return []
        start = self._of_element.match(text, match.end(2))
        if not start or self._names.is_common_word(match.group(2)):
            return []
        if text.startswith(_CDATA, start.end()):
            end = text.find(b"]]>", start.end())
            value = _Value(start.end() + len(_CDATA), end if end >= 0 else len(text), label)
        else:
            inner = self._text_of_element.match(text, start.end())
            value = _Value(inner.start(1), inner.end(1), label) if inner else _Value(0, 0, "")
        return self._secrets(text, [value])

    def _of_call(self, text: bytes, start: int, label: str) -> list[_Value]:
        """Return the quoted arguments of a call from here on; of an object or list that is the first, its values."""
        found = self._in_nested(text, start, label) if self._nested.opens(text, start) else []
        behind = found[-1].end if found else start
        return found + self._arguments(text, self._quotes.arguments(text, behind), label)

    def _arguments(self, text: bytes, places: list[tuple[int, int]], label: str) -> list[_Value]:
        values = [_Value(start, end, label) for start, end in places]
        return [value if self._is_secret(text, value) else value._replace(label="") for value in values]

    def _behind_name(self, text: bytes, start: int, label: str, key: bytes, sign: bytes) -> list[_Value]:
        """Return the value without quotes behind a name on its line."""
        is_prose = sign[-1:].isspace() and not key.startswith(b"-")
        if sign.strip() == b":" and self._prose.is_said(text, start, key, is_key=not is_prose):
            return []
        pattern = self._plain
        if label == "authorization":
            pattern = self._authorization
        elif key.lower().endswith((b"cookie", b"cookies")) and not key.startswith(b"-"):
            pattern = self._line
        found = self._unquoted(text, start, label, pattern)
        if not found or not self._names.is_common_word(key):
            return found
        value = text[start : found[0].end]
        if self._names.is_count(value):
            return []
        is_token = len(value) >= _TOKEN_BYTES_MIN_IN_PROSE or any(48 <= byte <= 57 for byte in value)
        return [] if is_prose and not is_token and text[found[0].end : found[0].end + 1] in (b" ", b"\t") else found

    def _unquoted(self, text: bytes, start: int, label: str, pattern: Pattern) -> list[_Value]:
        match = pattern.match(text, start) if label else None
        if not match or (label == AUTHORIZATION_CODE and len(match.group()) < AUTHORIZATION_CODE_BYTES_MIN):
            return []
        end = match.end() if pattern is self._in_query else start + len(match.group().rstrip(_CLOSING))
        if pattern is self._authorization:
            end = max(end, self._end_of_credentials(text, start))
        elif pattern is self._plain and end == match.end():
            end = self._end_of_more(text, end)
        return self._secrets(text, [_Value(start, end, label)])

    def _end_of_more(self, text: bytes, end: int) -> int:
        """Return where a value ends that goes on behind a `;` or `&`: not before the next name."""
        more = self._goes_on.match(text, end)
        while more and not more.group(2) and not more.group(1).endswith(b":"):
            end = more.end()
            more = self._goes_on.match(text, end)
        return end

    def _items(self, text: bytes, first: Lone, label: str) -> list[_Value]:
        """Return the members of a list, one on each line."""
        found: list[_Value] = []
        item: Lone | None = first
        while item and item.is_item:
            quote = self._quotes.opening(text, item.start)
            value = self._quoted(text, quote, label) if quote else _Value(item.start, item.end, label)
            found.append(value)
            item = self._next_line.lone(text, value.end + (quote.group().count(b"\\") + 1 if quote else 0))
        return self._secrets(text, found)

    def _secrets(self, text: bytes, values: list[_Value]) -> list[_Value]:
        return [value for value in values if self._is_secret(text, value)]

    def _end_of_credentials(self, text: bytes, start: int) -> int:
        """Return where a token ends that stands behind the word of a scheme; `start` if there is none."""
        match = self._other_scheme.match(text, start)
        if not match:
            return start
        token, ends = match.group(1), match.start(2) >= 0
        # `x y=z` and `x y: z` are something else.
        after = text[match.end(1) : match.end(1) + 1]
        is_name = after == b":" or (token.endswith(b"=") and after.isalnum())
        return match.end(1) if (ends or looks_like_token(token)) and not is_name else start

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
        return not self._names.is_harmless(text[value.start : value.end], value.label)


def _is_parse_error(text: bytes, match: Match) -> bool:
    """Tell whether this is `Unexpected token: …` and the like, and no token that was refused."""
    before = text[max(0, match.start(2) - 12) : match.start(2)].lower()
    if match.group(2).lower() != b"token" or not before.endswith((b"unexpected ", b"invalid ")):
        return False
    word = _REFUSED.match(text, match.end())
    return word is None or not looks_like_token(word.group(1))
