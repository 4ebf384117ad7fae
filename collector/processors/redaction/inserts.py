"""What `INSERT INTO users (email, password) VALUES ('…', '…')` writes into columns that hold secrets, by position."""

from collections import Counter
from collections.abc import Iterator

from collector.processors.redaction.names import NUMBERS, SecretNames
from collector.processors.redaction.nested import end_of_quoted
from collector.processors.redaction.pattern import compile_bytes
from collector.processors.redaction.steps import mark

_INSERT = (
    r"(?:insert|replace)(?:\s+(?:ignore|or\s+[a-z]{1,8}))?\s+into\s+[^\s(]+\s*\(([^()]*)\)"
    r"(?:\s*overriding\s+(?:system|user)\s+value)?\s*values\s*\("
)
_NEXT_ROW = r"\s*,\s*\("
_QUOTE = r"\\*[\"']"
_ROUND_NAME = b" \t\r\n\\\"'`[]"


class Inserts:
    """Replaces literals in rows, in time linear in the text; what a function is given counts, too."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        self._insert = compile_bytes(_INSERT, any_case=True)
        self._next_row = compile_bytes(_NEXT_ROW)
        self._mark = compile_bytes(rf"[(),]|{_QUOTE}|[0-9]+")

    def redact(self, text: bytes, counts: Counter[str]) -> bytes:
        """Return the text with these values replaced."""
        parts: list[bytes] = []
        done = read = 0
        for insert in self._insert.finditer(text):
            if insert.start() < read:
                continue
            labels = [self._names.label_of(column.strip(_ROUND_NAME)) for column in insert.group(1).split(b",")]
            if not any(labels):
                continue
            for start, end, label in self._literals(text, insert.end(), labels):
                read = end
                if label:
                    parts += (text[done:start], mark(label, counts))
                    done = end
        return b"".join((*parts, text[done:])) if parts else text

    def _literals(self, text: bytes, position: int, labels: list[str]) -> Iterator[tuple[int, int, str]]:
        """Yield the literals of columns with a label, from the first row's beginning on; the last says how far."""
        column, nesting = 0, 1
        while found := self._mark.search(text, position):
            position = found.end()
            sign = found.group()
            label = labels[column] if column < len(labels) else ""
            if sign in (b"(", b")"):
                nesting += 1 if sign == b"(" else -1
            elif sign == b",":
                column += nesting == 1
            elif sign.isdigit():
                is_literal = text[found.start() - 1 : found.start()] in (b"(", b",", b" ")
                if nesting == 1 and is_literal and label in NUMBERS:
                    yield found.start(), found.end(), label
            else:
                end, position = end_of_quoted(text, found)
                if label and not self._names.is_harmless(text[found.end() : end], label):
                    yield found.end(), end, label
            if not nesting:
                row = self._next_row.match(text, position)
                if not row:
                    break
                column, nesting, position = 0, 1, row.end()
        else:
            position = len(text)
        yield position, position, ""
