"""What retention takes first: the oldest traces that no session claims, then the session that was idle longest.

Both go through the chunks in the order of their commits, a bounded number at a step, and over each of them once: what
was claimed stays so, and a session that has a later chunk has one for good. To look at the whole store for each
deletion would hold up the writer for seconds.
"""

import sqlite3
from itertools import islice
from typing import NamedTuple

from collector.store.sqlite.chunk import sessions_of, shares_of

SCAN_CHUNKS_MAX = 500
UNCLAIMED_TRACES_MAX = 10_000


class Step(NamedTuple):
    """What one step found; if it found nothing and is not `at_end`, the next one looks further."""

    found: list[int]
    at_end: bool


class UnclaimedTraces:
    """Traces by the service that most of their bytes are of; belongs to the writer thread.

    Of each service the oldest UNCLAIMED_TRACES_MAX are known; the chunks are gone through again for more.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._passed = 0
        self._by_service: dict[str, dict[int, None]] = {}
        self._left_out: dict[str, int] = {}

    def oldest(self, service: str, count_max: int) -> Step:
        """Return the numbers of the oldest of a service's traces that no session claims by now."""
        found = self._known(service, count_max)
        if found:
            return Step(found, at_end=False)
        if service in self._left_out:
            self._passed = self._left_out.pop(service) - 1
        at_end = self._scan()
        return Step(self._known(service, count_max), at_end)

    def _known(self, service: str, count_max: int) -> list[int]:
        """Return those that are known, and forget what is gone or claimed."""
        known = self._by_service.get(service, {})
        while known:
            some = list(islice(known, count_max))
            still = self._unclaimed(some)
            for trace in some:
                if trace not in still:
                    del known[trace]
            if still:
                return [trace for trace in some if trace in still]
        return []

    def _scan(self) -> bool:
        """Look at the next chunks; return whether they were the last."""
        rows = self._connection.execute(
            "SELECT n, t, CASE WHEN named OR EXISTS "
            "(SELECT 1 FROM chunk AS other WHERE other.t = chunk.t AND other.named = 1) THEN NULL ELSE header END "
            "FROM chunk WHERE n > ? ORDER BY n LIMIT ?",
            (self._passed, SCAN_CHUNKS_MAX),
        ).fetchall()
        for chunk, trace, header in rows:
            if header is not None:
                self._keep(self._main_service(header), trace, chunk)
        if rows:
            self._passed = rows[-1][0]
        return len(rows) < SCAN_CHUNKS_MAX

    def _keep(self, service: str, trace: int, chunk: int) -> None:
        if service in self._left_out:
            return
        traces = self._by_service.setdefault(service, {})
        if len(traces) < UNCLAIMED_TRACES_MAX:
            traces[trace] = None
        elif trace not in traces:
            self._left_out[service] = chunk

    def _unclaimed(self, traces: list[int]) -> set[int]:
        rows = self._connection.execute(
            f"SELECT t FROM chunk WHERE t IN ({', '.join('?' * len(traces))}) GROUP BY t HAVING NOT max(named)",  # noqa: S608 only marks
            traces,
        )
        return {trace for (trace,) in rows}

    def _main_service(self, header: bytes) -> str:
        _, sizes = shares_of(header)
        largest = max(sizes, key=lambda share: sizes[share])
        row = self._connection.execute("SELECT service FROM context WHERE n = ?", (largest.context,)).fetchone()
        return row[0]


class IdleSessions:
    """Sessions by their last activity; belongs to the writer thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._passed = 0

    def oldest(self, count_max: int) -> Step:
        """Return the numbers of the sessions that were idle longest: a session's last chunk tells how long."""
        rows = self._connection.execute(
            "SELECT n, CASE WHEN named THEN header END FROM chunk WHERE n > ? ORDER BY n LIMIT ?",
            (self._passed, SCAN_CHUNKS_MAX),
        ).fetchall()
        found: list[int] = []
        for chunk, header in rows:
            if header is not None:
                found += [session for session in sorted(sessions_of(header)) if self._last_chunk(session) == chunk]
            if len(found) >= count_max:
                break
            if not found:
                self._passed = chunk
        return Step(found[:count_max], not found and len(rows) < SCAN_CHUNKS_MAX)

    def _last_chunk(self, session: int) -> int | None:
        return self._connection.execute("SELECT max(n) FROM session_chunk WHERE s = ?", (session,)).fetchone()[0]
