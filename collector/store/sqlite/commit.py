"""One commit: the records of several requests, filed by trace, in one transaction."""

import sqlite3
from collections.abc import Callable, Sequence

from collector.store.api import Batch, WriteResult
from collector.store.resent import RESENT_WITHIN_NANO, is_resent
from collector.store.sqlite.chunk_maker import ChunkMaker
from collector.store.sqlite.codec import Compressor
from collector.store.sqlite.filing import Filed
from collector.store.sqlite.numbering import Numbering

FORGET_RECEIVED_COMMITS = 256


class Committer:
    """Writes groups of batches; belongs to the writer thread and its connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        numbering: Numbering,
        clock_unix_nano: Callable[[], int],
        chunks: ChunkMaker | None = None,
    ) -> None:
        self._connection = connection
        self._chunks = chunks or ChunkMaker()
        self._numbering = numbering
        self._clock_unix_nano = clock_unix_nano
        row = connection.execute("SELECT n, bytes FROM dictionary ORDER BY n DESC LIMIT 1").fetchone()
        self.compressor = Compressor(*row) if row else Compressor()
        self.last_commit: int = connection.execute(
            "SELECT max(coalesce((SELECT max(c) FROM commits), 0), "
            "coalesce((SELECT value FROM counter WHERE name = 'commit'), 0))"
        ).fetchone()[0]
        self._last_chunk = self._highest_chunk()
        self.resent_requests = 0

    def _highest_chunk(self) -> int:
        # Not of the chunks: the last ones may have been deleted, and no number may come again.
        row = self._connection.execute("SELECT last_chunk FROM commits ORDER BY c DESC LIMIT 1").fetchone()
        return row[0] if row else 0

    def commit(self, batches: Sequence[Batch]) -> list[WriteResult]:
        """Write the batches in one transaction and return what became of each, in order.

        Raises sqlite3.Error; nothing is written then.
        """
        connection = self._connection
        now = self._clock_unix_nano()
        commit = self.last_commit + 1
        connection.execute("BEGIN IMMEDIATE")
        try:
            fresh = self._receive(batches, now)
            kept = [batch for batch, is_fresh in zip(batches, fresh, strict=True) if is_fresh]
            if kept:
                self._write(commit, self._chunks.file([batch.records for batch in kept], now), now)
            dictionary = self._store_dictionary()
            if commit % FORGET_RECEIVED_COMMITS == 0:
                self._forget_received(now)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._numbering.forget()
            self._last_chunk = self._highest_chunk()
            raise
        if dictionary:
            self.compressor.use(*dictionary)
        if kept:
            self.last_commit = commit
        self.resent_requests += len(batches) - len(kept)
        return [WriteResult(self.last_commit, resent=not is_fresh) for is_fresh in fresh]

    def _receive(self, batches: Sequence[Batch], now: int) -> list[bool]:
        """Tell of each batch whether it is new, and write down those that are."""
        identities = [batch.signal.encode() + batch.body_hash for batch in batches]
        marks = ", ".join("?" * len(identities))
        times: dict[bytes, int] = dict(
            self._connection.execute(
                f"SELECT hash, time_unix_nano FROM received WHERE hash IN ({marks})",  # noqa: S608 only marks
                identities,
            )
        )
        fresh = [identity not in times or not is_resent(times[identity], now) for identity in identities]
        self._connection.executemany(
            "INSERT OR REPLACE INTO received (hash, time_unix_nano, c) VALUES (?, ?, ?)",
            [
                (identity, now, self.last_commit + 1)
                for identity, is_fresh in zip(identities, fresh, strict=True)
                if is_fresh
            ],
        )
        return fresh

    def _forget_received(self, now: int) -> None:
        """Delete what is too old to be sent again; commits stand in the order of their times."""
        self._connection.execute(
            "DELETE FROM received WHERE c <= (SELECT c FROM commits WHERE time_unix_nano < ? ORDER BY c DESC LIMIT 1)",
            (now - RESENT_WITHIN_NANO,),
        )

    def _write(self, commit: int, filed: Filed, now: int) -> None:
        traces = self._numbering.trace_numbers(filed.traces)
        sessions = self._numbering.session_numbers(filed.sessions)
        contexts = {context: self._numbering.context_number(context, commit) for context in filed.totals}
        compress, dictionary, encode = self.compressor.compress, self.compressor.number, self._chunks.encode
        chunks: list[tuple[int, int, int, bool, bytes]] = []
        bodies: list[tuple[int, int, bytes]] = []
        session_chunks: list[tuple[int, int]] = []
        chunk = self._last_chunk
        for trace_key, records in filed.traces.items():
            chunk += 1
            header, body, named = encode(records, contexts, sessions)
            session_chunks += [(sessions[session_id], chunk) for session_id in named]
            chunks.append((chunk, traces[trace_key], commit, bool(named), header))
            bodies.append((chunk, dictionary, compress(body)))
        many = self._connection.executemany
        many("INSERT INTO chunk (n, t, c, named, header) VALUES (?, ?, ?, ?, ?)", chunks)
        many("INSERT INTO body (n, dictionary, bytes) VALUES (?, ?, ?)", bodies)
        many("INSERT INTO session_chunk (s, n) VALUES (?, ?)", session_chunks)
        many(
            "INSERT INTO service (service, bytes, spans, logs, last_commit_unix_nano) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (service) DO UPDATE SET bytes = bytes + excluded.bytes, spans = spans + excluded.spans, "
            "logs = logs + excluded.logs, last_commit_unix_nano = excluded.last_commit_unix_nano",
            [(context.service, *total, now) for context, total in filed.totals.items()],
        )
        self._connection.execute(
            "INSERT INTO commits (c, time_unix_nano, last_chunk) VALUES (?, ?, ?)", (commit, now, chunk)
        )
        self._last_chunk = chunk

    def _store_dictionary(self) -> tuple[int, bytes] | None:
        """Store a dictionary that was trained meanwhile; it may be used once this transaction is committed."""
        trained = self.compressor.trained_dictionary()
        if not trained:
            return None
        (number,) = self._connection.execute(
            "INSERT INTO dictionary (bytes) VALUES (?) RETURNING n", (trained,)
        ).fetchone()
        return number, trained
