"""What stands in quotes behind a name, with what a language writes before them: `N'…'`, `f"…"`, `crypt('…', x)`."""

from collections.abc import Iterator

from collector.processors.redaction.nested import end_of_quoted
from collector.processors.redaction.pattern import Match, compile_bytes

# Calls, each an argument of the one before, that are read from one name on.
CALLS_NESTED_MAX = 8
_QUOTE = r"\\*[\"']"
# Letters and marks before quotes in SQL, Python, C, C#, shells and Perl.
_PREFIX = r"(?:[bBfFtT]?[rR]|[rR]?[bBfFtT]|[uU]8?&?|[nNeExXLS]|@?\$|\$?@)?"
_NAME = r"(?:new[ \t]+|await[ \t]+|[&*])?[A-Za-z_][A-Za-z0-9_.:$]{0,63}"
_GENERIC = r"(?:::)?<[A-Za-z0-9_.:<>,\[\] ]{0,32}>"
# What Go and PHP print of a value's type and length: https://pkg.go.dev/github.com/davecgh/go-spew/spew,
# https://www.php.net/var_dump
_IN_PARENTHESES = r"\([A-Za-z0-9_.*\[\]= ]{1,64}\)[ \t]*"
_TYPE = rf"(?:{_IN_PARENTHESES}){{1,3}}(?:\((?:{_IN_PARENTHESES})?)?|string\([0-9]{{1,9}}\)[ \t]"
# Behind these an argument begins; behind anything else what the call stands in has ended.
_BEFORE_ARGUMENT = frozenset(b"( \t\r\n,=:[{+|>&")


class Quotes:
    """Finds texts in quotes, in time linear in the text."""

    def __init__(self) -> None:
        self._quote = compile_bytes(rf"{_PREFIX}{_QUOTE}")
        self._typed = compile_bytes(rf"(?:{_TYPE}){_PREFIX}{_QUOTE}")
        self._type = compile_bytes(_TYPE)
        self._call = compile_bytes(rf"{_NAME}(?:{_GENERIC})?[ \t]?\(")
        self._inside = compile_bytes(rf"[()]|{_PREFIX}{_QUOTE}")

    def opening(self, text: bytes, position: int) -> Match | None:
        """Return the quote that opens here, behind its prefix or its type, if one does."""
        if self._typed.match(text, position):
            typed = self._type.match(text, position)
            position = typed.end() if typed else position
        return self._quote.match(text, position)

    def in_call(self, text: bytes, position: int) -> list[tuple[int, int]]:
        """Return where the quoted arguments are of a call that begins here, and of those in it."""
        call = self._call.match(text, position)
        return self.arguments(text, call.end()) if call else []

    def arguments(self, text: bytes, position: int) -> list[tuple[int, int]]:
        """Return the same where its arguments begin."""
        return list(self._arguments(text, position))

    def _arguments(self, text: bytes, position: int) -> Iterator[tuple[int, int]]:
        nesting = 1
        while 0 < nesting <= CALLS_NESTED_MAX:
            found = self._inside.search(text, position)
            if not found:
                return
            position = found.end()
            mark = found.group()
            if mark in (b"(", b")"):
                nesting += 1 if mark == b"(" else -1
                continue
            if text[found.start() - 1] not in _BEFORE_ARGUMENT:
                return
            end, position = end_of_quoted(text, found)
            yield found.end(), end
