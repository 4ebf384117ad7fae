"""One commit: the records of several requests, filed by trace, in one transaction."""

import sqlite3
from collections.abc import Callable, Sequence

from collector.store.api import Batch, WriteResult
from collector.store.resent import RESENT_WITHIN_NANO, is_resent
from collector.store.sqlite.chunk import has_pages
from collector.store.sqlite.chunk_maker import ChunkMaker
from collector.store.sqlite.codec import Compressor, Train, pack_facts, train_for_bodies, train_for_facts
from collector.store.sqlite.filing import Filed
from collector.store.sqlite.numbering import Numbering
from collector.store.sqlite.recompression import Recompression

FORGET_RECEIVED_COMMITS = 256
# dictionary.purpose
BODIES, FACTS = 0, 1


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
        self.bodies = self._compressor(BODIES, train_for_bodies)
        self.facts = self._compressor(FACTS, train_for_facts)
        self.recompression = Recompression(connection)
        self.last_commit: int = connection.execute(
            "SELECT max(coalesce((SELECT max(c) FROM commits), 0), "
            "coalesce((SELECT value FROM counter WHERE name = 'commit'), 0))"
        ).fetchone()[0]
        self._last_chunk = self._highest_chunk()
        self.resent_requests = 0

    def _compressor(self, purpose: int, train: Train) -> Compressor:
        row = self._connection.execute(
            "SELECT n, bytes, trained FROM dictionary WHERE purpose = ? ORDER BY n DESC LIMIT 1", (purpose,)
        ).fetchone()
        return Compressor(train, *row) if row else Compressor(train)

    def forget_dictionaries(self) -> None:
        """Use none any more: they are deleted."""
        self.bodies, self.facts = Compressor(train_for_bodies), Compressor(train_for_facts)
        self.recompression.stop()

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
            trained = [
                (compressor, *stored)
                for purpose, compressor in ((BODIES, self.bodies), (FACTS, self.facts))
                if (stored := self._store_dictionary(purpose, compressor))
            ]
            if commit % FORGET_RECEIVED_COMMITS == 0:
                self._forget_received(now)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._numbering.forget()
            self._last_chunk = self._highest_chunk()
            raise
        for compressor, number, dictionary in trained:
            if compressor is self.bodies and not compressor.number:
                self.recompression.begin(self._last_chunk)
            compressor.use(number, dictionary)
        if kept:
            self.last_commit = commit
        self.resent_requests += len(batches) - len(kept)
        return [WriteResult(self.last_commit, resent=not is_fresh) for is_fresh in fresh]

    def _receive(self, batches: Sequence[Batch], now: int) -> list[bool]:
        """Tell of each batch whether it is new, and write down those that are."""
        commit = self.last_commit + 1
        identities = [batch.signal.encode() + batch.body_hash for batch in batches]
        # Mostly all are new, and one statement does.
        inserted = self._connection.executemany(
            "INSERT OR IGNORE INTO received (hash, time_unix_nano, c) VALUES (?, ?, ?)",
            [(identity, now, commit) for identity in identities],
        ).rowcount
        if inserted == len(identities):
            return [True] * inserted
        marks = ", ".join("?" * len(identities))
        times: dict[bytes, int] = dict(
            self._connection.execute(
                f"SELECT hash, time_unix_nano FROM received WHERE hash IN ({marks})",  # noqa: S608 only marks
                identities,
            )
        )
        # Of those that were just inserted the time is now, so they are not taken for their own copies.
        fresh = [not is_resent(times[identity], now) for identity in identities]
        self._connection.executemany(
            "UPDATE received SET time_unix_nano = ?, c = ? WHERE hash = ?",
            [(now, commit, identity) for identity, is_fresh in zip(identities, fresh, strict=True) if is_fresh],
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
        encode = self._chunks.encode
        compress, dictionary = self.bodies.compress, self.bodies.number
        compress_facts, facts_dictionary = self.facts.compress, self.facts.number
        chunks: list[tuple[int, int, int, bool, bytes]] = []
        bodies: list[tuple[int, int, bytes]] = []
        session_chunks: list[tuple[int, int]] = []
        chunk = self._last_chunk
        for trace_key, records in filed.traces.items():
            chunk += 1
            header, facts, body, named = encode(records, contexts, sessions)
            session_chunks += [(sessions[session_id], chunk) for session_id in named]
            frame = compress_facts(facts) if facts else b""
            # Pages stay as they are: few chunks have any, and timelines ask each chunk for them.
            is_packed = facts_dictionary and facts and not has_pages(facts)
            stored = pack_facts(header, facts_dictionary, frame) if is_packed else header + facts
            chunks.append((chunk, traces[trace_key], commit, bool(named), stored))
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

    def _store_dictionary(self, purpose: int, compressor: Compressor) -> tuple[int, bytes] | None:
        """Store a dictionary that was trained meanwhile; it may be used once this transaction is committed."""
        trained = compressor.trained_dictionary()
        if not trained:
            return None
        (number,) = self._connection.execute(
            "INSERT INTO dictionary (bytes, purpose, trained) VALUES (?, ?, ?) RETURNING n",
            (trained, purpose, compressor.trained + 1),
        ).fetchone()
        return number, trained
