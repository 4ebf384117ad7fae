"""Patterns that match in time linear in the text, whatever pattern and text are: RE2's.

https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

_ASSERTIONS = frozenset("bBAzC")


class Match(Protocol):
    """As `re.Match` of bytes."""

    @property
    def string(self) -> bytes:
        """See re.Match."""
        ...

    def group(self, group: int = 0, /) -> bytes:
        """See re.Match."""
        ...

    def start(self, group: int = 0, /) -> int:
        """See re.Match."""
        ...

    def end(self, group: int = 0, /) -> int:
        """See re.Match."""
        ...


class Pattern(Protocol):
    """As `re.Pattern` of bytes."""

    def search(self, text: bytes, position: int = 0, /) -> Match | None:
        """See re.Pattern."""
        ...

    def match(self, text: bytes, position: int = 0, /) -> Match | None:
        """See re.Pattern."""
        ...

    def fullmatch(self, text: bytes, /) -> Match | None:
        """See re.Pattern."""
        ...

    def finditer(self, text: bytes, /) -> Iterator[Match]:
        """See re.Pattern."""
        ...

    def sub(self, replacement: bytes, text: bytes, /) -> bytes:
        """See re.Pattern."""
        ...


def compile_bytes(source: str, *, any_case: bool = False) -> Pattern:
    """Compile a pattern of our own, in ASCII; it sees a text as bytes, so that it can search a whole request."""
    re2: Any = import_module("re2")
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = not any_case
    return re2.compile(source.encode("ascii"), options)


def compile_configured(source: str) -> Pattern:
    """Compile a pattern that somebody configured; it sees a text as UTF-8.

    A request is searched as a whole, so what looks at the text around a match cannot be told there. Raises
    ValueError for such a pattern, for one that matches the empty text, and for what RE2 does not take.
    """
    re2: Any = import_module("re2")
    assertion = _assertion_in(source)
    if assertion:
        raise ValueError(f"{source!r} holds {assertion}, which looks at the text around it; leave it out")
    options = re2.Options()
    options.log_errors = False
    try:
        pattern: Pattern = re2.compile(source.encode(), options)
    except re2.error as error:
        raise ValueError(f"{source!r} is no pattern in the syntax of RE2: {_reason(error)}") from error
    if pattern.match(b""):
        raise ValueError(f"{source!r} matches the empty text; say what has to be there")
    return pattern


def _reason(error: Exception) -> str:
    reason: object = error.args[0] if error.args else "it cannot be read"
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _assertion_in(source: str) -> str:
    """Return the first `^`, `$`, `\\b` or the like that stands outside a class and is not quoted; "" if none does."""
    position = 0
    in_class = False
    while position < len(source):
        mark = source[position]
        if mark == "\\":
            escaped = source[position + 1 : position + 2]
            if escaped == "Q":
                end = source.find("\\E", position)
                position = end + 2 if end >= 0 else len(source)
                continue
            if not in_class and escaped in _ASSERTIONS and escaped:
                return mark + escaped
            position += 2
            continue
        if in_class:
            in_class = mark != "]"
        elif mark in "^$":
            return mark
        elif mark == "[":
            in_class = True
            # A bracket that closes right away stands for itself.
            position += 1 + source.startswith("^", position + 1)
            position += source.startswith("]", position)
            continue
        position += 1
    return ""
