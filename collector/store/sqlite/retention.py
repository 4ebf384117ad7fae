"""What goes when the store is too old or too large, in short transactions on the writer thread.

Age counts from the commit, never from event times: recordings and imports carry old ones. For size, traces
of no session go first, oldest commit first, from the service that holds most bytes, so that a chatty service
does not push out the others; then sessions, the one least recently active first.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from collector.store.sqlite.clearing import claims, delete_from_trace
from collector.store.sqlite.deletion import Deletion
from collector.store.sqlite.numbering import CONTEXT_TOUCH_COMMITS
from collector.store.sqlite.oldest import IdleSessions, UnclaimedTraces
from collector.store.sqlite.schema import EVICTED_COUNTER

DISK_BYTES_MAX = 2 * 1024 * 1024 * 1024
AGE_S_MAX = 72 * 3600.0
INTERVAL_S = 1.0
TRANSACTION_TRACES_MAX = 50
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
        self._has_more = False
        self._unclaimed = UnclaimedTraces(deletion.connection)
        self._idle = IdleSessions(deletion.connection)
        self.evicted_records = 0

    @property
    def pause_s(self) -> float:
        """How long the writer may wait for the next round when it has nothing else to do."""
        return 0.0 if self._has_more else self._settings.interval_s

    def is_due(self) -> bool:
        """Tell whether the next round's time has come."""
        return self._monotonic_s() >= self._next_run_s

    def run(self) -> int:
        """Evict for about ROUND_S_MAX at most; return how many records went.

        If there is more, the next round is due at once. Raises sqlite3.Error; the transaction that failed is undone.
        """
        end_s = self._monotonic_s() + ROUND_S_MAX
        # A round that fails is tried again at its time, not at once.
        self._has_more = False
        before = self.evicted_records
        more = True
        while more and self._monotonic_s() < end_s:
            more = self._evict_old() or self._evict_for_size()
        self._connection.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES_MAX})").fetchall()
        self._has_more = more
        self._next_run_s = self._monotonic_s() + self.pause_s
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
            traces, at_end = self._unclaimed.oldest(service, TRANSACTION_TRACES_MAX)
            if traces:
                self._evict_traces(traces)
            if traces or not at_end:
                return True
        sessions, at_end = self._idle.oldest(TRANSACTION_TRACES_MAX)
        if sessions:
            self._evict_from_sessions(sessions)
        return bool(sessions) or not at_end

    def bytes_used(self) -> int:
        """Return the bytes of the store's file that hold something."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _evict_from_sessions(self, sessions: list[int]) -> None:
        """Evict the first of these sessions, as many as there is room for; of one with more traces its oldest."""
        room = TRANSACTION_TRACES_MAX
        with self._deletion.transaction():
            for session in sessions:
                traces = self._connection.execute(
                    "SELECT t, min(session_chunk.n) AS first FROM session_chunk "
                    "JOIN chunk ON chunk.n = session_chunk.n WHERE s = ? GROUP BY t ORDER BY first LIMIT ?",
                    (session, room),
                ).fetchall()
                self._count(sum(delete_from_trace(self._deletion, trace, session) for trace, _ in traces))
                self._mark_loss({session})
                room -= len(traces)
                if room <= 0:
                    break
            self._sweep()

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
