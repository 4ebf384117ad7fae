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
from collector.store.sqlite.part_detail import decode_part

_ANY_TRACE = TraceKey("trace", b"")


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
        for commit, header in execute("SELECT c, header FROM chunk WHERE t = ?", (trace,)).fetchall():
            deleted += self._take_counts(records_by_context(header))
            for (detail,) in execute("SELECT detail FROM part WHERE c = ? AND t = ?", (commit, trace)).fetchall():
                self._take_bytes(detail)
            execute("DELETE FROM part WHERE c = ? AND t = ?", (commit, trace))
        execute("DELETE FROM chunk WHERE t = ?", (trace,))
        row = execute("DELETE FROM trace WHERE n = ? RETURNING kind, value", (trace,)).fetchone()
        if row:
            self.numbering.drop_trace(TraceKey(TRACE_KINDS[row[0]], row[1]))
        return deleted

    def share_of_trace(self, trace: int, session: int) -> int:
        """Delete one session's own records from a trace that others claim too; return how many went."""
        execute = self.connection.execute
        decompressor = Decompressor(self.connection)
        deleted = 0
        commits = execute("SELECT c, detail FROM part WHERE s = ? AND t = ?", (session, trace)).fetchall()
        for commit, detail in commits:
            dictionary, header, body = execute(
                "SELECT dictionary, header, body FROM chunk WHERE t = ? AND c = ?", (trace, commit)
            ).fetchone()
            deleted += self._take_counts(records_by_context(header, {session}))
            header, rest = delete_records(header, decompressor.decompress(dictionary, body), {session})
            if header:
                execute(
                    "UPDATE chunk SET dictionary = 0, header = ?, body = ? WHERE t = ? AND c = ?",
                    (header, compress_plain(rest), trace, commit),
                )
            else:
                execute("DELETE FROM chunk WHERE t = ? AND c = ?", (trace, commit))
            execute("DELETE FROM part WHERE c = ? AND t = ? AND s = ?", (commit, trace, session))
            self._take_bytes(detail)
        return deleted

    def session_row(self, session: int) -> None:
        """Delete a session that has no records left."""
        row = self.connection.execute("DELETE FROM session WHERE n = ? RETURNING id", (session,)).fetchone()
        if row:
            self.numbering.drop_session(row[0])

    def _take_bytes(self, detail: bytes) -> None:
        part = decode_part(0, _ANY_TRACE, "", detail)
        self.connection.executemany(
            "UPDATE service SET bytes = bytes - ? WHERE service = ?",
            [(size, service) for service, size in part.service_bytes.items()],
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
