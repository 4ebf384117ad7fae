"""The secrets of one text, and where in a whole request there may be some."""

from collections import Counter
from collections.abc import Sequence

from collector.processors.redaction.assignments import Assignments
from collector.processors.redaction.inserts import Inserts
from collector.processors.redaction.names import PLAIN_CONNECTION, IdNames, SecretNames
from collector.processors.redaction.pattern import compile_bytes, compile_configured
from collector.processors.redaction.shapes import Shapes


class Secrets:
    """What is a secret: by name, by shape, and by patterns of one's own.

    Nothing here looks at what stands around a text, so that a text which holds a secret is found wherever in a
    request it stands: `spans` never misses one, and may find what `redact` leaves.
    """

    def __init__(self, names: SecretNames, blocked_values: Sequence[str] = ()) -> None:
        """Raises ValueError if one of `blocked_values` cannot be used."""
        self.names = names
        self.ids = IdNames()
        self._assignments = Assignments(names)
        self._inserts = Inserts(names)
        self._shapes = Shapes()
        self._blocked = [compile_configured(source) for source in blocked_values]
        self._any = compile_bytes(rf"(?i:{self._assignments.source})|{self._shapes.source}")
        self._any_shape = compile_bytes(self._shapes.source)

    def spans(self, body: bytes) -> list[tuple[int, int]]:
        """Return the pieces of a request in which a secret may be, by start and end, in order; usually none."""
        found = [
            (match.start(), match.end())
            for pattern in (self._any, *self._blocked)
            for match in pattern.finditer(body)
            if match.end() > match.start() and match.group() != PLAIN_CONNECTION
        ]
        return sorted(found)

    def redact(self, text: bytes, counts: Counter[str]) -> bytes:
        """Return the text with every secret replaced, and count them by label; the same bytes if there is none."""
        # What follows costs a search for each kind of secret; most texts have none of most kinds.
        if self._any.search(text):
            has_shape = self._any_shape.search(text) is not None
            if has_shape:
                text = self._shapes.redact_blocks(text, counts)
            text = self._inserts.redact(self._assignments.redact(text, counts), counts)
            if has_shape:
                text = self._shapes.redact(text, counts)
        for pattern in self._blocked:
            replaced = pattern.sub(b"[redacted:blocked_value]", text)
            if replaced != text:
                counts["blocked_value"] += 1
                text = replaced
        return text

    def redact_query(self, text: bytes, counts: Counter[str]) -> bytes:
        """The same for the query of a URL without its question mark."""
        redacted = self.redact(b"?" + text, counts)
        return redacted.removeprefix(b"?")
