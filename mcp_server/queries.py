"""Questions off the event loop: a bounded number of threads, each of which can be told to stop waiting.

A query reads files and may wait for telemetry, so it never runs on the loop that serves the others. A
caller that goes away is released at once; its thread follows when it next looks, and its place is taken
until then, so that callers who come and go cannot pile up threads.
"""

import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

from collector.errors import QueryError

QUERIES_AT_ONCE_MAX = 32
DRAIN_S = 5.0

T = TypeVar("T")


class QueryThreads:
    """Runs blocking questions in threads, at most `at_once_max` of them; a further one is refused."""

    def __init__(self, at_once_max: int = QUERIES_AT_ONCE_MAX) -> None:
        self._at_once_max = at_once_max
        self._lock = threading.Condition()
        self._places: set[_Place] = set()

    @asynccontextmanager
    async def drained(self) -> AsyncGenerator[None]:
        """Leave only when no thread asks any more, or after DRAIN_S: what they read is closed next."""
        try:
            yield
        finally:
            self.end_waits()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._wait_until_idle)

    def end_waits(self) -> None:
        """Have the questions that wait for telemetry answered with what is there."""
        with self._lock:
            for place in self._places:
                place.cancelled.set()

    async def run(self, ask: Callable[[Callable[[], bool]], T]) -> T:
        """Return `ask(is_cancelled)`, run in a thread; `is_cancelled()` turns true when the caller has gone.

        Raises QueryError when too many questions are being answered, and what `ask` raises.
        """
        place = _Place()
        with self._lock:
            if len(self._places) >= self._at_once_max:
                raise QueryError(
                    f"{len(self._places)} questions are being answered just now; ask again, without wait_for"
                )
            self._places.add(place)

        def answer() -> T | None:
            if not place.take():
                return None
            try:
                return ask(place.cancelled.is_set)
            finally:
                self._leave(place)

        try:
            result = await anyio.to_thread.run_sync(answer, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))
        finally:
            place.cancelled.set()
            if place.take():
                self._leave(place)
        return result  # pyright: ignore[reportReturnType]  # None only where nobody waits for it any more

    def _leave(self, place: "_Place") -> None:
        with self._lock:
            self._places.discard(place)
            self._lock.notify_all()

    def _wait_until_idle(self) -> None:
        with self._lock:
            self._lock.wait_for(lambda: not self._places, DRAIN_S)


class _Place:
    """One question's place; either its thread takes it, or a caller who went away before the thread began."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._lock = threading.Lock()
        self._taken = False

    def take(self) -> bool:
        with self._lock:
            taken, self._taken = self._taken, True
            return not taken
