"""Facts that an agent should hear unasked: some with every answer for as long as they hold, one once."""

import threading
from collections.abc import Callable
from typing import Any


def nothing_to_tell() -> str:
    """Return the note of those who have none."""
    return ""


class UnaskedNotes:
    """Adds to the notes of an answer: `standing()` to each, `first()` to the first for which it returns more than "".

    Safe to use from several threads.
    """

    def __init__(
        self, *, first: Callable[[], str] = nothing_to_tell, standing: Callable[[], str] = nothing_to_tell
    ) -> None:
        self._first = first
        self._standing = standing
        self._lock = threading.Lock()
        self._is_first_said = False

    def add_to(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return `answer` with its notes between the standing one, before which none is cut, and the first."""
        standing = self._standing()
        with self._lock:
            first = "" if self._is_first_said else self._first()
            self._is_first_said = self._is_first_said or bool(first)
        if not standing and not first:
            return answer
        return {**answer, "notes": [note for note in (standing, *answer.get("notes", ()), first) if note]}
