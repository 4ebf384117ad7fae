"""What deleting a trace, or a session's share of one, takes: chunks, parts, numbers and sums together.

Every method belongs into a transaction of the writer thread.
"""

import sqlite3
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from collector.correlation.join import TraceKey
from collector.store.sqlite.chunk import Share, delete_records, sessions_of, shares_of
from collector.store.sqlite.codec import Decompressor, compress_plain
from collector.store.sqlite.numbering import TRACE_KINDS, Numbering


class Deletion:
    """Deletes from the store's tables, and keeps numbers and sums in step."""

    def __init__(self, connection: sqlite3.Connection, numbering: Numbering) -> None:
        self.connection = connection
        self.numbering = numbering
        self._commits: set[int] = set()
        self._counts: Counter[Share] = Counter()
        self._sizes: Counter[Share] = Counter()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Run what is inside in one transaction that counts as one eviction."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._write_services()
            self._forget_received()
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
        finally:
            self._forget()

    def trace(self, trace: int) -> int:
        """Delete a whole trace; return how many records went."""
        execute = self.connection.execute
        deleted = 0
        claims: list[tuple[int, int]] = []
        for chunk, commit, header in execute("SELECT n, c, header FROM chunk WHERE t = ?", (trace,)).fetchall():
            deleted += self._take_from_services(header)
            claims += [(session, chunk) for session in sessions_of(header)]
            self._commits.add(commit)
        self.connection.executemany("DELETE FROM session_chunk WHERE s = ? AND n = ?", claims)
        execute("DELETE FROM body WHERE n IN (SELECT n FROM chunk WHERE t = ?)", (trace,))
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
        chunks = execute(
            "SELECT chunk.n, header, dictionary, bytes FROM session_chunk "
            "JOIN chunk ON chunk.n = session_chunk.n JOIN body ON body.n = chunk.n WHERE s = ? AND chunk.t = ?",
            (session, trace),
        ).fetchall()
        for chunk, header, dictionary, body in chunks:
            deleted += self._take_from_services(header, {session})
            header = decompressor.whole_header(header)
            header, rest = delete_records(header, decompressor.decompress(dictionary, body), {session})
            if header:
                execute("DELETE FROM session_chunk WHERE s = ? AND n = ?", (session, chunk))
                execute(
                    "UPDATE chunk SET named = ?, header = ? WHERE n = ?", (bool(sessions_of(header)), header, chunk)
                )
                execute("UPDATE body SET dictionary = 0, bytes = ? WHERE n = ?", (compress_plain(rest), chunk))
            else:
                self._chunk(chunk, {session})
        return deleted

    def _chunk(self, chunk: int, sessions: set[int]) -> None:
        execute = self.connection.execute
        for session in sessions:
            execute("DELETE FROM session_chunk WHERE s = ? AND n = ?", (session, chunk))
        execute("DELETE FROM body WHERE n = ?", (chunk,))
        (commit,) = execute("DELETE FROM chunk WHERE n = ? RETURNING c", (chunk,)).fetchone()
        self._commits.add(commit)

    def _forget_received(self) -> None:
        """Take requests of which nothing is left as new when they are sent again: somebody may want them back."""
        execute = self.connection.execute
        for commit in self._commits:
            # The chunks of one commit are numbered in a row.
            (first,) = execute(
                "SELECT coalesce(max(last_chunk), 0) + 1 FROM commits WHERE c = ?", (commit - 1,)
            ).fetchone()
            (last,) = execute("SELECT max(last_chunk) FROM commits WHERE c = ?", (commit,)).fetchone()
            left = execute(
                "SELECT 1 FROM chunk WHERE n BETWEEN ? AND ? AND c = ? LIMIT 1", (first, last, commit)
            ).fetchone()
            if not left:
                execute("DELETE FROM received WHERE c = ?", (commit,))

    def session_row(self, session: int) -> None:
        """Delete a session that has no records left."""
        row = self.connection.execute("DELETE FROM session WHERE n = ? RETURNING id", (session,)).fetchone()
        if row:
            self.numbering.drop_session(row[0])

    def _take_from_services(self, header: bytes, sessions: set[int] | None = None) -> int:
        counts, sizes = shares_of(header, sessions)
        # Not by Counter.update, which takes as long as all the rest.
        for share, count in counts.items():
            self._counts[share] += count
            self._sizes[share] += sizes[share]
        return sum(counts.values())

    def _write_services(self) -> None:
        """Take from the sums of the services what the transaction has deleted, once for all of it."""
        for share, count in self._counts.items():
            column = "logs" if share.is_log else "spans"
            self.connection.execute(
                f"UPDATE service SET {column} = {column} - ?, bytes = bytes - ? "  # noqa: S608 one of two constants
                "WHERE service = (SELECT service FROM context WHERE n = ?)",
                (count, self._sizes[share], share.context),
            )

    def _forget(self) -> None:
        self._commits.clear()
        self._counts.clear()
        self._sizes.clear()
