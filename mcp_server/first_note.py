"""A fact that an agent should hear once, unasked: it goes with the first answer."""

import threading
from collections.abc import Callable
from typing import Any


class FirstNote:
    """Adds what `note()` returns to the notes of one answer: the first for which it returns more than "".

    Safe to use from several threads.
    """

    def __init__(self, note: Callable[[], str]) -> None:
        self._note = note
        self._lock = threading.Lock()
        self._is_said = False

    def add_to(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return `answer`, with the note behind its own if it has not been said yet."""
        with self._lock:
            note = "" if self._is_said else self._note()
            self._is_said = self._is_said or bool(note)
        return {**answer, "notes": [*answer.get("notes", ()), note]} if note else answer
