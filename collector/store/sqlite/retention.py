"""What goes when the store is too old or too large, in short transactions on the writer thread.

Age counts from the commit, never from event times: recordings and imports carry old ones. For size, traces
of no session go first, oldest commit first, from the service that holds most bytes, so that a chatty service
does not push out the others; then sessions, the one least recently active first.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from collector.store.sqlite.chunk import shares_of
from collector.store.sqlite.clearing import claims, delete_from_trace
from collector.store.sqlite.deletion import Deletion
from collector.store.sqlite.numbering import CONTEXT_TOUCH_COMMITS
from collector.store.sqlite.schema import EVICTED_COUNTER

DISK_BYTES_MAX = 2 * 1024 * 1024 * 1024
AGE_S_MAX = 72 * 3600.0
INTERVAL_S = 1.0
TRANSACTION_TRACES_MAX = 100
SCAN_CHUNKS_MAX = 500
OLDEST_SESSIONS_MAX = 200
ROUND_S_MAX = 0.02
VACUUM_PAGES_MAX = 256
_AFTER_ALL = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How much is kept: bytes of the store's file, and seconds since the commit."""

    disk_bytes_max: int = DISK_BYTES_MAX
    age_s_max: float = AGE_S_MAX
    interval_s: float = INTERVAL_S


class Retention:
    """Evicts; belongs to the writer thread."""

    def __init__(
        self,
        deletion: Deletion,
        settings: RetentionSettings,
        clock_unix_nano: Callable[[], int],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deletion = deletion
        self._connection = deletion.connection
        self._settings = settings
        self._clock_unix_nano = clock_unix_nano
        self._monotonic_s = monotonic_s
        self._next_run_s = 0.0
        self._scanned: dict[str, int] = {}
        self._oldest: list[tuple[int, int]] = []
        self.evicted_records = 0

    @property
    def interval_s(self) -> float:
        """How long the writer may wait between two rounds."""
        return self._settings.interval_s

    def is_due(self) -> bool:
        """Tell whether the next round's time has come."""
        return self._monotonic_s() >= self._next_run_s

    def run(self) -> int:
        """Evict for about ROUND_S_MAX at most; return how many records went.

        If there is more, the next round is due at once. Raises sqlite3.Error; the transaction that failed is undone.
        """
        end_s = self._monotonic_s() + ROUND_S_MAX
        before = self.evicted_records
        more = True
        while more and self._monotonic_s() < end_s:
            more = self._evict_old() or self._evict_for_size()
        self._connection.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES_MAX})").fetchall()
        self._next_run_s = self._monotonic_s() + (0.0 if more else self._settings.interval_s)
        return self.evicted_records - before

    def _evict_old(self) -> bool:
        cutoff = self._clock_unix_nano() - int(self._settings.age_s_max * 1e9)
        # Commits are made in the order of their times, so the old ones stand first and are all that is looked at.
        first = self._connection.execute("SELECT c, time_unix_nano FROM commits ORDER BY c LIMIT 1").fetchone()
        if not first or first[1] >= cutoff:
            return False
        kept = self._connection.execute(
            "SELECT c FROM commits WHERE time_unix_nano >= ? ORDER BY c LIMIT 1", (cutoff,)
        ).fetchone()
        last_commit, last_chunk = self._connection.execute(
            "SELECT c, last_chunk FROM commits WHERE c < ? ORDER BY c DESC LIMIT 1",
            (kept[0] if kept else _AFTER_ALL,),
        ).fetchone()
        traces = self._connection.execute(
            "SELECT DISTINCT t FROM chunk WHERE n <= ? AND NOT EXISTS "
            "(SELECT 1 FROM chunk AS newer WHERE newer.t = chunk.t AND newer.c > ?) LIMIT ?",
            (last_chunk, last_commit, TRANSACTION_TRACES_MAX),
        ).fetchall()
        if not traces:
            return False
        self._evict_traces([trace for (trace,) in traces])
        return True

    def _evict_for_size(self) -> bool:
        if self.bytes_used() <= self._settings.disk_bytes_max:
            return False
        services = self._connection.execute("SELECT service FROM service WHERE bytes > 0 ORDER BY bytes DESC")
        for (service,) in services.fetchall():
            traces, is_end = self._traces_of_no_session(service)
            if traces:
                self._evict_traces(traces)
            if traces or not is_end:
                return True
        return self._evict_from_oldest_session()

    def bytes_used(self) -> int:
        """Return the bytes of the store's file that hold something."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _traces_of_no_session(self, service: str) -> tuple[list[int], bool]:
        """Look through one page of chunks for traces that are mostly of this service and that no session claims.

        Returns the oldest of them, and whether the page was the last. The next call goes on behind a page that
        held none: what was claimed or of another service stays so.
        """
        scanned = self._scanned.get(service, 0)
        rows = self._connection.execute(
            "SELECT n, t, header FROM chunk WHERE n > ? AND named = 0 AND NOT EXISTS "
            "(SELECT 1 FROM chunk AS other WHERE other.t = chunk.t AND other.named = 1) ORDER BY n LIMIT ?",
            (scanned, SCAN_CHUNKS_MAX),
        ).fetchall()
        traces = dict.fromkeys(trace for _, trace, header in rows if self._main_service(header) == service)
        if rows and not traces:
            self._scanned[service] = rows[-1][0]
        return list(traces)[:TRANSACTION_TRACES_MAX], len(rows) < SCAN_CHUNKS_MAX

    def _main_service(self, header: bytes) -> str:
        _, sizes = shares_of(header)
        largest = max(sizes, key=lambda share: sizes[share])
        row = self._connection.execute("SELECT service FROM context WHERE n = ?", (largest.context,)).fetchone()
        return row[0]

    def _evict_from_oldest_session(self) -> bool:
        session = self._oldest_session()
        if session is None:
            return False
        traces = self._connection.execute(
            "SELECT t, min(session_chunk.n) AS first FROM session_chunk JOIN chunk ON chunk.n = session_chunk.n "
            "WHERE s = ? GROUP BY t ORDER BY first LIMIT ?",
            (session, TRANSACTION_TRACES_MAX),
        ).fetchall()
        with self._deletion.transaction():
            self._count(sum(delete_from_trace(self._deletion, trace, session) for trace, _ in traces))
            self._mark_loss({session})
            self._sweep()
        return True

    def _oldest_session(self) -> int | None:
        """Return the session that is least recently active; the order is read for many of them at once."""
        for is_fresh in (False, True):
            if is_fresh:
                self._oldest = self._connection.execute(
                    "SELECT s, max(n) AS last FROM session_chunk GROUP BY s ORDER BY last LIMIT ?",
                    (OLDEST_SESSIONS_MAX,),
                ).fetchall()[::-1]
            while self._oldest:
                session, last = self._oldest[-1]
                row = self._connection.execute("SELECT max(n) FROM session_chunk WHERE s = ?", (session,)).fetchone()
                if row[0] == last:
                    return session
                # It was active again, or is gone.
                self._oldest.pop()
        return None

    def _evict_traces(self, traces: list[int]) -> None:
        with self._deletion.transaction():
            for trace in traces:
                sessions = claims(self._deletion, trace)
                self._count(self._deletion.trace(trace))
                self._mark_loss(sessions)
            self._sweep()

    def _count(self, records: int) -> None:
        self.evicted_records += records
        self._connection.execute(
            "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
            (EVICTED_COUNTER, records),
        )

    def _mark_loss(self, sessions: set[int]) -> None:
        for session in sessions:
            if self._connection.execute("SELECT 1 FROM session_chunk WHERE s = ? LIMIT 1", (session,)).fetchone():
                self._connection.execute(
                    "UPDATE session SET lost_c = (SELECT max(c) FROM commits) WHERE n = ?", (session,)
                )
            else:
                self._deletion.session_row(session)

    def _sweep(self) -> None:
        """Delete commits and contexts that no chunk can name any more."""
        row = self._connection.execute("SELECT c FROM chunk ORDER BY n LIMIT 1").fetchone()
        (newest,) = self._connection.execute("SELECT max(c) FROM commits").fetchone()
        before = row[0] if row else newest
        if before is not None:
            self._connection.execute("DELETE FROM commits WHERE c < ?", (before,))
            swept = self._connection.execute(
                "DELETE FROM context WHERE last_c < ?", (before - CONTEXT_TOUCH_COMMITS,)
            ).rowcount
            if swept:
                self._deletion.numbering.forget()
