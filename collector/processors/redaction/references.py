"""What stands in a statement where a secret would, and only says where it comes from: a parameter, a column."""

import re

from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.pattern import compile_bytes

_WORD = r"[A-Za-z_][A-Za-z0-9_$]{0,63}"
_PART = rf"(?:{_WORD}|\\*\"{_WORD}\\*\"|`{_WORD}`|\[{_WORD}\])"
_CAST = r"(?:::[A-Za-z_][A-Za-z0-9_]{0,31}(?:\[\])?)?"
_BEFORE_COLUMN_BYTES_MAX = 16
_END = r"(?:[\s,;)\]}\"']|\\|$)"
# `?`, `$1`, `:1`, `@p1`, `%s`, `%(name)s`, as the drivers of databases have them.
_NUMBERED = rf"\?[0-9]{{0,5}}|\$[0-9]{{1,5}}|:[0-9]{{1,5}}|[:@](?:[a-z]|param_?)[0-9]{{1,5}}|%s|%\({_WORD}\)s"

_NAMED = rf"(?:{_NUMBERED}|[:@]{_WORD})"
# A function of such alone or of nothing, and what MySQL calls the value that was to be inserted.
_CALL = (
    rf"{_WORD}\([ \t]*\)|{_WORD}\([ \t]*(?:array\[)?{_NAMED}\]?{_CAST}"
    rf"(?:[ \t]*,[ \t]*(?:{_NAMED}|{_PART}|[0-9]{{1,9}}){_CAST}){{0,4}}[ \t]*\)"
    rf"|values\([ \t]*{_PART}[ \t]*\)"
)


class References:
    """Tells what refers to a value from the value itself."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        self._numbered = compile_bytes(rf"(?:\(?(?:{_NUMBERED})|{_CALL}){_CAST}{_END}", any_case=True)
        named = compile_bytes(rf"\(?(?:[:@]|\$\{{)({_WORD})\}}?{_CAST}{_END}")
        # With digits it is rather a password: `$Secret2024`.
        variable = compile_bytes(rf"\(?\$([A-Za-z_]{{1,64}}){_CAST}{_END}")
        column = compile_bytes(rf"(?:{_PART}\.){{1,3}}({_PART}){_END}")
        self._by_name = (named, variable, column)
        self._quoted_column = compile_bytes(rf"(?:\\*\"{_WORD}\\*\"|`{_WORD}`|\[{_WORD}\])\.(?:\\*\"|[`\[])")
        self._any_column = compile_bytes(rf"{_WORD}\.{_WORD}{_END}")
        self._before_column = re.compile(rb"\b(?:where|and|or|on)[\s(]+$", re.IGNORECASE)

    def begins(self, text: bytes, position: int) -> bool:
        """Tell whether a parameter begins here, or a column of a table; by a name, only if that is one of secrets."""
        if self._numbered.match(text, position) or self._quoted_column.match(text, position):
            return True
        named = next(filter(None, (one.match(text, position) for one in self._by_name)), None)
        return named is not None and self._names.label_of(named.group(1).strip(b'\\"`[]').rstrip(b"0123456789_")) != ""

    def joins(self, text: bytes, name_start: int, name: bytes, sign: bytes, position: int) -> bool:
        """Tell whether a column is held against one of another table, whatever that is called: `ON a.token = b.id`."""
        if b"." not in name or sign != b" = " or not self._any_column.match(text, position):
            return False
        return self._before_column.search(text[max(0, name_start - _BEFORE_COLUMN_BYTES_MAX) : name_start]) is not None
