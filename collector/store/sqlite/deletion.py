"""What deleting a trace, or a session's share of one, takes: chunks, parts, numbers and sums together.

Every method belongs into a transaction of the writer thread.
"""

import sqlite3
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from collector.correlation.join import TraceKey
from collector.store.sqlite.chunk import delete_records, records_by_context
from collector.store.sqlite.codec import Decompressor, compress_plain
from collector.store.sqlite.numbering import TRACE_KINDS, Numbering
from collector.store.sqlite.part_detail import join_parts, split_parts
from collector.store.sqlite.stored_pb2 import PartDetail


class Deletion:
    """Deletes from the store's tables, and keeps numbers and sums in step."""

    def __init__(self, connection: sqlite3.Connection, numbering: Numbering) -> None:
        self.connection = connection
        self.numbering = numbering

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Run what is inside in one transaction that counts as one eviction."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.numbering.keep_high_water()
            self.connection.execute(
                "INSERT INTO counter (name, value) VALUES ('evictions', 1) "
                "ON CONFLICT (name) DO UPDATE SET value = value + 1"
            )
            self.connection.execute(
                "INSERT OR REPLACE INTO counter (name, value) SELECT 'commit', max(c) FROM commits HAVING max(c) > 0"
            )
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self.numbering.forget()
            raise

    def trace(self, trace: int) -> int:
        """Delete a whole trace; return how many records went."""
        execute = self.connection.execute
        deleted = 0
        chunks = execute(
            "SELECT chunk.n, header, details FROM chunk JOIN part ON part.n = chunk.n WHERE chunk.t = ?", (trace,)
        ).fetchall()
        for chunk, header, details in chunks:
            deleted += self._take_counts(records_by_context(header))
            for session, detail in split_parts(details).items():
                self._take_bytes(detail)
                if session:
                    execute("DELETE FROM session_chunk WHERE s = ? AND n = ?", (session, chunk))
            execute("DELETE FROM part WHERE n = ?", (chunk,))
            execute("DELETE FROM chunk WHERE n = ?", (chunk,))
        row = execute("DELETE FROM trace WHERE n = ? RETURNING kind, value", (trace,)).fetchone()
        if row:
            self.numbering.drop_trace(TraceKey(TRACE_KINDS[row[0]], row[1]))
        return deleted

    def share_of_trace(self, trace: int, session: int) -> int:
        """Delete one session's own records from a trace that others claim too; return how many went."""
        execute = self.connection.execute
        decompressor = Decompressor(self.connection)
        deleted = 0
        chunks = execute(
            "SELECT chunk.n, dictionary, header, body, details FROM session_chunk "
            "JOIN chunk ON chunk.n = session_chunk.n JOIN part ON part.n = chunk.n WHERE s = ? AND chunk.t = ?",
            (session, trace),
        ).fetchall()
        for chunk, dictionary, header, body, details in chunks:
            deleted += self._take_counts(records_by_context(header, {session}))
            parts = split_parts(details)
            self._take_bytes(parts.pop(session))
            execute("DELETE FROM session_chunk WHERE s = ? AND n = ?", (session, chunk))
            header, rest = delete_records(header, decompressor.decompress(dictionary, body), {session})
            if header:
                execute(
                    "UPDATE chunk SET dictionary = 0, header = ?, body = ? WHERE n = ?",
                    (header, compress_plain(rest), chunk),
                )
                execute(
                    "UPDATE part SET named = ?, details = ? WHERE n = ?", (max(parts) > 0, join_parts(parts), chunk)
                )
            else:
                execute("DELETE FROM chunk WHERE n = ?", (chunk,))
                execute("DELETE FROM part WHERE n = ?", (chunk,))
        return deleted

    def session_row(self, session: int) -> None:
        """Delete a session that has no records left."""
        row = self.connection.execute("DELETE FROM session WHERE n = ? RETURNING id", (session,)).fetchone()
        if row:
            self.numbering.drop_session(row[0])

    def _take_bytes(self, detail: PartDetail) -> None:
        self.connection.executemany(
            "UPDATE service SET bytes = bytes - ? WHERE service = ?",
            list(zip(detail.service_bytes, detail.services, strict=True)),
        )

    def _take_counts(self, counts: Counter[tuple[int, bool]]) -> int:
        for (context, is_log), count in counts.items():
            column = "logs" if is_log else "spans"
            self.connection.execute(
                f"UPDATE service SET {column} = {column} - ? "  # noqa: S608 one of two constants
                "WHERE service = (SELECT service FROM context WHERE n = ?)",
                (count, context),
            )
        return counts.total()
