"""Whether one member of a list names the next one: `("password", "x")`, `["Cookie", "x", …]`, `["--token", "x"]`.

Most lists are of names alone: the columns of a statement, the fields of a form.
"""

import re

from collector.processors.redaction.pattern import compile_bytes

# What is called as a column, a field or a header is; a secret has digits or is longer.
_NAME = r"[A-Za-z_][A-Za-z_.\-]{0,31}"
# In a list of any length one with digits is a secret if it is long or in both cases, but `addressLine1` is none.
_LONG_BYTES_MIN = 16
_DIGIT = re.compile(rb"[0-9]")
_NUMBERED_NAME = r"[a-z]{1,32}(?:_[a-z]{1,32}|[A-Z][a-z]{1,31}){1,8}_?[0-9]{1,2}"
# Of `curl`: https://curl.se/docs/manpage.html#-u
_USER_OPTIONS = frozenset({b"-u", b"--user", b"-U", b"--proxy-user"})
_CURL = re.compile(rb"(?:^|[/\\])curl(?:\.exe)?$")
# So much of a statement is read for what its list is of.
_BEFORE_BYTES_MAX = 1024
_OPENING = re.compile(rb"[\[(]\s*[bBuUrR]?\\*[\"']$")
_OF_COLUMNS = re.compile(rb"\binto\s+[^\s(]{1,80}\s*\([^()]*$", re.IGNORECASE)
# Behind these a member was the name of something itself: `"password", "a": 1`, `"password", "a"."b"`.
_BEHIND_NAME = (b":", b".", b"=")


class Listed:
    """Tells values from names where both stand in one list."""

    def __init__(self) -> None:
        self._name = compile_bytes(_NAME)
        self._numbered_name = compile_bytes(_NUMBERED_NAME)

    def is_value(self, name: bytes, label: str, value: bytes, *, is_pair: bool, is_of_columns: bool = False) -> bool:
        """Tell whether `value`, which follows on a name with this label, is what that name holds."""
        if name.startswith(b"-"):
            return not value.startswith(b"--")
        if is_pair or is_header(name, label):
            return self._name.fullmatch(value) is None
        is_long = len(value) >= _LONG_BYTES_MIN or (value != value.lower() and value != value.upper())
        is_token = is_long and _DIGIT.search(value) is not None and self._numbered_name.fullmatch(value) is None
        return is_token and not is_of_columns

    def is_user(self, program: bytes, option: bytes, value: bytes) -> bool:
        """Tell whether a program's argument is a user with a password."""
        return option in _USER_OPTIONS and b":" in value and _CURL.search(program) is not None

    def is_value_in_text(self, text: bytes, name: tuple[int, int], label: str, value: tuple[int, int, int]) -> bool:
        """The same in a text: places of the name and of the value without their quotes, and where reading goes on."""
        start, end, behind = value
        after = text[behind : behind + 2].lstrip(b" \t")[:1]
        if after in _BEHIND_NAME:
            return False
        before = text[max(0, name[0] - _BEFORE_BYTES_MAX) : name[0]]
        is_of_columns = _OF_COLUMNS.search(before) is not None
        is_pair = after in (b")", b"]") and _OPENING.search(before) is not None and not is_of_columns
        said = text[name[0] : name[1]]
        return self.is_value(said, label, text[start:end], is_pair=is_pair, is_of_columns=is_of_columns)


def is_header(name: bytes, label: str) -> bool:
    """Tell whether a name is that of a header of HTTP; Node writes these and their values as one list."""
    return b"-" in name or label == "cookie" or name.lower() == b"authorization"
