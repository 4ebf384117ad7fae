"""Values that stand on the line behind that of their name, as YAML, XML and people write them."""

from typing import NamedTuple

from collector.processors.redaction.pattern import compile_bytes

# A line's end, also as JSON escapes it; before it YAML says how a text in lines is to be read.
LINE_END = r"(?:\r?\n|\\{1,8}(?:r\\{1,8})?n)"
_INDENT = r"(?:[ \t]|\\{1,8}t)*"
_SCHEME = r"(?:(?i:bearer|basic|token|negotiate|ntlm|apikey|dpop)[ \t]+)?"
_WORD = r"(?:[^\s\"'<>\\]|\\[^\s\"'\\nrt])+"
_END = r"[ \t]*(?:[\r\n\"'<]|\\[nr\"\\]|$)"
_TOKEN_BYTES_MIN = 8
_NAME = r"[A-Za-z_][A-Za-z0-9_.\-]*=[^=]"


class Lone(NamedTuple):
    """A value that has a line to itself, and whether it is a member of a list."""

    start: int
    end: int
    is_item: bool


class NextLine:
    """Finds what stands below a name, in time linear in the text."""

    def __init__(self) -> None:
        self._start = compile_bytes(
            rf"(?:[|>][+\-0-9]{{0,2}})?[ \t]*{LINE_END}(?:{_INDENT}{LINE_END})?({_INDENT})(-[ \t]+)?"
        )
        self._alone = compile_bytes(rf"({_SCHEME}{_WORD})({_END})?")
        self._name = compile_bytes(_NAME)

    def lone(self, text: bytes, position: int) -> Lone | None:
        """Return the place on the next line, and how far a value without quotes goes that stands there alone.

        None if no line ends here; the place is empty if there is another name, or more on that line and the first word
        does not look like a token.
        """
        begins = self._start.match(text, position)
        if not begins:
            return None
        start, is_item = begins.end(), begins.start(2) >= 0
        found = self._alone.match(text, start)
        word = found.group(1) if found else b""
        is_alone = found is not None and found.start(2) >= 0
        is_name = word.endswith(b":") or (not begins.group(1) and self._name.match(word) is not None)
        is_value = not is_name and (is_alone or looks_like_token(word))
        return Lone(start, start + len(word) if is_value else start, is_item)


def looks_like_token(word: bytes) -> bool:
    """Tell whether a word is hardly one of a sentence."""
    return len(word) >= _TOKEN_BYTES_MIN and any(48 <= byte <= 57 for byte in word)
