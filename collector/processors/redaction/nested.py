"""What stands in an object or a list that is written in a text: its keys and its values, whatever wrote it.

JSON, also where it is escaped in a JSON string, the `repr` of Python, what Java and Go print of a map.
"""

from collections.abc import Iterator
from typing import NamedTuple

from collector.processors.redaction.pattern import Match, compile_bytes

_QUOTE = r"\\*[\"']"
_OPENING = b"{[("
_CLOSING = b"]})"
_ESCAPED_BLANKS = (b"\\n", b"\\r", b"\\t")


class Member(NamedTuple):
    """A value: its place without its quotes, the quote before it, the key it is under, the quote before that."""

    start: int
    end: int
    quote: bytes
    key: bytes
    key_quote: bytes


class _Token(NamedTuple):
    """A key or a value, its place without its quotes, where reading goes on, and the quote before it."""

    start: int
    end: int
    behind: int
    quote: bytes


class Nested:
    """Reads objects and lists, however deep, in time linear in their text."""

    def __init__(self) -> None:
        self._quote = compile_bytes(rf"[bBuUrR]?({_QUOTE})")
        self._bare = compile_bytes(r"[^\s\"'\\,:={}\[\]()]+")
        self._bare_value = compile_bytes(r"(?:[^\s\"'\\,{}\[\]()]|\\[^\s\"'\\nrt])+")
        self._key_sign = compile_bytes(r"\s*(?:=>|[:=])")
        self._opening = compile_bytes(rf"\{{|[\[(][\[(\s]*(?:\{{|[bBuUrR]?{_QUOTE})")

    def opens(self, text: bytes, position: int) -> bool:
        """Tell whether an object begins here, or a list of objects, lists or quoted texts."""
        return self._opening.match(text, position) is not None

    def members(self, text: bytes, start: int) -> Iterator[Member]:
        """Yield the values of what opens at `start`, and of all in it; where it does not close, of all that follows.

        The last one is empty and begins where reading ended.
        """
        position, nesting = start, 0
        key = key_quote = first_quote = b""
        expects_value = False
        while position < len(text):
            token = self._token(text, position, is_value=expects_value and key != b"")
            if token:
                first_quote = first_quote or token.quote
                if token.quote and len(token.quote) < len(first_quote):
                    # The text in which this is escaped ends here.
                    break
                sign = None if expects_value and key else self._key_sign.match(text, token.behind)
                if sign:
                    key, key_quote = text[token.start : token.end], token.quote
                elif token.quote or expects_value:
                    yield Member(token.start, token.end, token.quote, key, key_quote)
                expects_value, position = sign is not None, sign.end() if sign else token.behind
                continue
            mark = text[position : position + 1]
            nesting += (mark in _OPENING) - (mark in _CLOSING)
            # A line's end in JSON that is escaped is two characters.
            position += 2 if text[position : position + 2] in _ESCAPED_BLANKS else 1
            if not nesting:
                break
            if mark in b"{[(,]})":
                expects_value = mark not in _CLOSING
                # A list is under the key that stands before it.
                key = key if mark in b"[(" else b""
        yield Member(position, position, b"", b"", b"")

    def _token(self, text: bytes, position: int, *, is_value: bool) -> _Token | None:
        quote = self._quote.match(text, position)
        if quote:
            return _Token(quote.end(), *end_of_quoted(text, quote), quote.group(1))
        bare = (self._bare_value if is_value else self._bare).match(text, position)
        return _Token(bare.start(), bare.end(), bare.end(), b"") if bare else None


def end_of_quoted(text: bytes, quote: Match) -> tuple[int, int]:
    """Return where what stands in quotes ends, and where reading goes on; where they do not close, the text's end.

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
            return position - depth, position + 1
        position = text.find(mark, position + 1)
    return len(text), len(text)
