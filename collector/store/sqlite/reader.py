"""Reading a store's file, in the collector's process or any other, beside its writer or without one.

Each thread has its own read-only connection, and no transaction outlives one call, so the write-ahead log
can always be cut back.
"""

import re
import sqlite3
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from collector.correlation.join import Part, TraceKey
from collector.correlation.keys import SESSION_ID_BYTES_MAX
from collector.errors import StoreUnavailableError
from collector.store.api import Body, Position, Row, RowKey, ServiceActivity, StoreStatus, TraceRows
from collector.store.sqlite.bodies import BodyReader
from collector.store.sqlite.codec import Decompressor
from collector.store.sqlite.headers import ContextFacts, Names, RowsOfTraces, StoredChunk, decode_parts
from collector.store.sqlite.numbering import TRACE_KINDS
from collector.store.sqlite.schema import EVICTED_COUNTER, open_for_reading

POLL_INTERVAL_S = 0.02
CHUNKS_PER_READ_MAX = 2_000
TRACES_PER_READ_MAX = 500
BODIES_PER_READ_MAX = 200
NEWS_CHUNKS_MAX = 5_000
HOT_NAMES_MAX = 50_000
HOT_ENVELOPES_MAX = 2_000
_TRACE_ID_PREFIX = re.compile("[0-9a-f]{0,32}")
# What begins with a text and is no longer than a session id sorts before the text with this behind it.
_BEHIND_ANY_ID = chr(sys.maxunicode) * (SESSION_ID_BYTES_MAX // 4 + 1)
_CHUNKS_OF_SESSION = (
    "(SELECT chunk.* FROM session CROSS JOIN session_chunk ON session_chunk.s = session.n "
    "CROSS JOIN chunk ON chunk.n = session_chunk.n WHERE session.id = :session) AS chunk"
)
# What has no trace id is of one session, or of none.
_HAS_NEWS = """
WITH ends AS (SELECT coalesce((SELECT last_chunk FROM commits WHERE c <= :after ORDER BY c DESC LIMIT 1), 0) AS low,
    coalesce((SELECT last_chunk FROM commits WHERE c <= :upto ORDER BY c DESC LIMIT 1), 0) AS high)
SELECT high - low > :most OR EXISTS (
    SELECT 1 FROM (SELECT DISTINCT t FROM chunk WHERE n > low AND n <= high) AS news
    CROSS JOIN trace ON trace.n = news.t AND (kind = 0 OR kind = 1 AND value = CAST(:session AS BLOB))
    CROSS JOIN session ON session.id = :session CROSS JOIN chunk ON chunk.t = news.t AND chunk.n <= high
    CROSS JOIN session_chunk ON session_chunk.s = session.n AND session_chunk.n = chunk.n)
FROM ends
"""


class _Connection:
    """One thread's connection and what it has learned; numbers never change their meaning."""

    def __init__(self, data_dir: Path) -> None:
        self.sqlite = open_for_reading(data_dir)
        self.in_use = threading.Lock()
        self.decompressor = Decompressor(self.sqlite)
        self.bodies = BodyReader()
        self._contexts: dict[int, ContextFacts] = {}
        self._envelopes: dict[int, bytes] = {}
        self._sessions: dict[int, str] = {}
        self.names = Names(self.context, self.session)

    def context(self, number: int) -> ContextFacts:
        facts = self._contexts.get(number)
        if facts is None:
            row = self.sqlite.execute("SELECT service, host FROM context WHERE n = ?", (number,)).fetchone()
            facts = ContextFacts(*row)
            if len(self._contexts) >= HOT_NAMES_MAX:
                self._contexts.clear()
            self._contexts[number] = facts
        return facts

    def envelope(self, number: int) -> bytes:
        envelope = self._envelopes.get(number)
        if envelope is None:
            (envelope,) = self.sqlite.execute("SELECT envelope FROM context WHERE n = ?", (number,)).fetchone()
            if len(self._envelopes) >= HOT_ENVELOPES_MAX:
                self._envelopes.clear()
            self._envelopes[number] = envelope
        return envelope

    def session(self, number: int) -> str:
        if number == 0:
            return ""
        session_id = self._sessions.get(number)
        if session_id is None:
            row = self.sqlite.execute("SELECT id FROM session WHERE n = ?", (number,)).fetchone()
            session_id = row[0] if row else ""
            if len(self._sessions) >= HOT_NAMES_MAX:
                self._sessions.clear()
            self._sessions[number] = session_id
        return session_id


class SqliteReader:
    """Reader of a data folder; see store.api.Reader."""

    def __init__(self, data_dir: Path) -> None:
        """Open the store. Raises StoreUnavailableError if there is none, StoreNewerError if it is too new."""
        self._data_dir = data_dir
        self._local = threading.local()
        self._opened: list[_Connection] = []
        self._opened_lock = threading.Lock()
        self._closing = threading.Event()
        self._connection()

    def _connection(self) -> _Connection:
        if self._closing.is_set():
            raise StoreUnavailableError(f"the reader of {self._data_dir} is closed")
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _Connection(self._data_dir)
            self._local.connection = connection
            with self._opened_lock:
                self._opened.append(connection)
        return connection

    @contextmanager
    def _snapshot(self) -> Generator[_Connection]:
        """Give one thread's connection inside a read transaction, so that what one call reads fits together."""
        connection = self._connection()
        try:
            # `close` waits for the calls that other threads are in.
            with connection.in_use:
                connection.sqlite.execute("BEGIN")
                try:
                    yield connection
                finally:
                    connection.sqlite.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"cannot read the store in {self._data_dir}: {error}") from error

    def position(self) -> Position:
        """See Reader."""
        with self._snapshot() as connection:
            return _position(connection.sqlite)

    def wait_for_commit(self, after: int, timeout_s: float) -> int:
        """See Reader; another process may be the writer, so it looks every POLL_INTERVAL_S."""
        end_s = time.monotonic() + timeout_s
        while True:
            commit = self.position().commit
            left_s = end_s - time.monotonic()
            if commit > after or left_s <= 0:
                return commit
            self._closing.wait(min(POLL_INTERVAL_S, left_s))
            if self._closing.is_set():
                return commit

    def commit_time_unix_nano(self, commit: int) -> int:
        """See Reader."""
        with self._snapshot() as connection:
            row = connection.sqlite.execute("SELECT time_unix_nano FROM commits WHERE c = ?", (commit,)).fetchone()
        return row[0] if row else 0

    def parts(
        self,
        upto: int,
        *,
        after: int = 0,
        session_id: str | None = None,
        trace_keys: Sequence[TraceKey] | None = None,
    ) -> Iterator[Part]:
        """See Reader."""
        if trace_keys is not None:
            for part in self._parts_of_traces(upto, after, trace_keys):
                if session_id is None or part.session_id == session_id:
                    yield part
            return
        with self._snapshot() as connection:
            row = connection.sqlite.execute(
                "SELECT last_chunk FROM commits WHERE c <= ? ORDER BY c DESC LIMIT 1", (after,)
            ).fetchone()
        last_chunk: int = row[0] if row else 0
        source = "chunk" if session_id is None else _CHUNKS_OF_SESSION
        sql = (
            f"SELECT chunk.n, kind, value, c, header FROM {source} CROSS JOIN trace ON trace.n = chunk.t "  # noqa: S608 one of two constants
            "WHERE chunk.n > :last AND c > :after AND c <= :upto ORDER BY chunk.n LIMIT :limit"
        )
        parameters = {"after": after, "upto": upto, "session": session_id, "limit": CHUNKS_PER_READ_MAX}
        while True:
            with self._snapshot() as connection:
                rows = connection.sqlite.execute(sql, parameters | {"last": last_chunk}).fetchall()
                parts = decode_parts(_whole_chunks([row[1:] for row in rows], connection), connection.names)
            for part in parts:
                if session_id is None or part.session_id == session_id:
                    yield part
            if len(rows) < CHUNKS_PER_READ_MAX:
                return
            last_chunk = rows[-1][0]

    def _parts_of_traces(self, upto: int, after: int, trace_keys: Sequence[TraceKey]) -> Sequence[Part]:
        parts: list[Part] = []
        with self._snapshot() as connection:
            for cursor in _chunks_of_traces(connection.sqlite, trace_keys, after, upto):
                while rows := cursor.fetchmany(CHUNKS_PER_READ_MAX):
                    parts += decode_parts(_whole_chunks(rows, connection), connection.names)
        parts.sort(key=lambda part: part.commit)
        return parts

    def trace_keys(self, session_id: str, upto: int, limit: int | None = None) -> Sequence[TraceKey]:
        """See Reader."""
        first: dict[TraceKey, int] = {}
        newest = 0
        with self._snapshot() as connection:
            for kind, value, commit in connection.sqlite.execute(
                "SELECT kind, value, c FROM session CROSS JOIN session_chunk ON session_chunk.s = session.n "
                "CROSS JOIN chunk ON chunk.n = session_chunk.n CROSS JOIN trace ON trace.n = chunk.t "
                "WHERE session.id = ? AND c <= ? ORDER BY session_chunk.n",
                (session_id, upto),
            ):
                # Chunks come in commit order, so at the first commit behind the limit those before are complete.
                if limit is not None and len(first) >= limit and commit > newest:
                    break
                trace_key = TraceKey(TRACE_KINDS[kind], value)
                if trace_key not in first:
                    first[trace_key] = newest = commit
        return sorted(first, key=lambda trace_key: (first[trace_key], trace_key))[:limit]

    def has_news(self, session_id: str, after: int, upto: int) -> bool:
        """See Reader; one statement, since a thread may wait for its turn with each row that it fetches."""
        parameters = {"session": session_id, "after": after, "upto": upto, "most": NEWS_CHUNKS_MAX}
        with self._snapshot() as connection:
            return bool(connection.sqlite.execute(_HAS_NEWS, parameters).fetchone()[0])

    def traces(self, trace_keys: Sequence[TraceKey], upto: int, limit: int) -> Mapping[TraceKey, TraceRows]:
        """See Reader."""
        with self._snapshot() as connection:
            connection.decompressor.load()
            rows_of = RowsOfTraces(connection.decompressor.whole_header)
            found = rows_of.traces
            for cursor in _chunks_of_traces(connection.sqlite, trace_keys, 0, upto):
                while rows := cursor.fetchmany(CHUNKS_PER_READ_MAX):
                    chunks = _chunks(rows)
                    full = {key for key, of_trace in found.items() if len(of_trace.rows) >= limit}
                    if full:
                        chunks = [chunk for chunk in chunks if chunk.trace_key not in full]
                        if len(trace_keys) == 1:
                            break
                    rows_of.add(chunks, connection.names)
        rows_of.cut(limit)
        return found

    def rows(self, trace_key: TraceKey, upto: int, limit: int) -> Sequence[Row]:
        """See Reader."""
        of_trace = self.traces([trace_key], upto, limit).get(trace_key)
        return list(of_trace.rows) if of_trace else []

    def bodies(self, keys: Sequence[RowKey]) -> Mapping[RowKey, Body]:
        """See Reader."""
        found: dict[RowKey, Body] = {}
        by_chunk: dict[tuple[TraceKey, int], list[RowKey]] = {}
        for key in keys:
            by_chunk.setdefault(key[:2], []).append(key)
        chunks = list(by_chunk.items())
        with self._snapshot() as connection:
            for start in range(0, len(chunks), BODIES_PER_READ_MAX):
                some = chunks[start : start + BODIES_PER_READ_MAX]
                for index, dictionary, header, body in _bodies_of_chunks(connection.sqlite, some):
                    (trace_key, _), wanted = some[index]
                    trace_id = trace_key.value if trace_key.is_trace else b""
                    body_bytes = connection.decompressor.decompress(dictionary, body)
                    records = connection.bodies.records(trace_id, header, body_bytes, [key.position for key in wanted])
                    for key in wanted:
                        record = records.get(key.position)
                        if record:
                            found[key] = Body(record[0], connection.envelope(record[1]))
        return found

    def session_ids(self, prefix: str, limit: int) -> Sequence[str]:
        """See Reader."""
        with self._snapshot() as connection:
            rows = connection.sqlite.execute(
                "SELECT id FROM session WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                (prefix, prefix + _BEHIND_ANY_ID, limit),
            ).fetchall()
        return [session_id for (session_id,) in rows]

    def trace_ids(self, prefix: str, limit: int) -> Sequence[bytes]:
        """See Reader."""
        if not _TRACE_ID_PREFIX.fullmatch(prefix):
            return []
        first = bytes.fromhex(prefix.ljust(32, "0"))
        last = bytes.fromhex(prefix.ljust(32, "f"))
        with self._snapshot() as connection:
            rows = connection.sqlite.execute(
                "SELECT value FROM trace WHERE kind = 0 AND value BETWEEN ? AND ? ORDER BY value LIMIT ?",
                (first, last, limit),
            ).fetchall()
        return [value for (value,) in rows]

    def session_loss(self, session_id: str) -> int:
        """See Reader."""
        with self._snapshot() as connection:
            row = connection.sqlite.execute("SELECT lost_c FROM session WHERE id = ?", (session_id,)).fetchone()
        return row[0] if row else 0

    def status(self) -> StoreStatus:
        """See Reader."""
        with self._snapshot() as connection:
            execute = connection.sqlite.execute
            services = execute(
                "SELECT service, last_commit_unix_nano, spans, logs FROM service "
                "WHERE spans + logs > 0 ORDER BY service"
            ).fetchall()
            pages, free, size = (
                execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
            )
            commit = _position(connection.sqlite).commit
            evicted = execute("SELECT value FROM counter WHERE name = ?", (EVICTED_COUNTER,)).fetchone()
        counters = {EVICTED_COUNTER: evicted[0] if evicted else 0}
        return StoreStatus([ServiceActivity(*service) for service in services], commit, (pages - free) * size, counters)

    def close(self) -> None:
        """See Reader."""
        self._closing.set()
        with self._opened_lock:
            for connection in self._opened:
                with connection.in_use:
                    connection.sqlite.close()
            self._opened.clear()


def _position(connection: sqlite3.Connection) -> Position:
    commit, evictions = connection.execute(
        "SELECT max(coalesce((SELECT max(c) FROM commits), 0), "
        "coalesce((SELECT value FROM counter WHERE name = 'commit'), 0)), "
        "coalesce((SELECT value FROM counter WHERE name = 'evictions'), 0)"
    ).fetchone()
    return Position(commit, evictions)


def _chunks_of_traces(
    connection: sqlite3.Connection, trace_keys: Sequence[TraceKey], after: int, upto: int
) -> Iterator[sqlite3.Cursor]:
    """Find the chunks of traces, each trace's in commit order."""
    for number, kind in enumerate(TRACE_KINDS):
        values = list({trace_key.value for trace_key in trace_keys if trace_key.kind == kind})
        for start in range(0, len(values), TRACES_PER_READ_MAX):
            some = values[start : start + TRACES_PER_READ_MAX]
            yield connection.execute(
                "SELECT kind, value, c, header FROM trace CROSS JOIN chunk ON chunk.t = trace.n "  # noqa: S608 marks
                f"WHERE kind = ? AND value IN ({', '.join('?' * len(some))}) AND c > ? AND c <= ? ORDER BY value, c",
                (number, *some, after, upto),
            )


def _bodies_of_chunks(
    connection: sqlite3.Connection, chunks: Sequence[tuple[tuple[TraceKey, int], object]]
) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield index, dictionary, header and body of those of these chunks that are there."""
    wanted = [
        value
        for index, ((trace_key, commit), _) in enumerate(chunks)
        for value in (index, TRACE_KINDS.index(trace_key.kind), trace_key.value, commit)
    ]
    return connection.execute(
        f"WITH wanted (i, kind, value, c) AS (VALUES {', '.join(['(?, ?, ?, ?)'] * len(chunks))}) "  # noqa: S608 marks
        "SELECT i, dictionary, header, bytes FROM wanted "
        "CROSS JOIN trace ON trace.kind = wanted.kind AND trace.value = wanted.value "
        "CROSS JOIN chunk ON chunk.t = trace.n AND chunk.c = wanted.c CROSS JOIN body ON body.n = chunk.n",
        wanted,
    )


def _whole_chunks(rows: Sequence[tuple[int, bytes, int, bytes]], connection: _Connection) -> list[StoredChunk]:
    whole_header = connection.decompressor.whole_header
    return _chunks([(kind, value, commit, whole_header(header)) for kind, value, commit, header in rows])


def _chunks(rows: Sequence[tuple[int, bytes, int, bytes]]) -> list[StoredChunk]:
    """Make chunks of rows; those of one trace that stand together share one key, which costs less than to make it."""
    new = tuple[object, ...].__new__  # half the time of the named tuple's own constructor
    chunks: list[StoredChunk] = []
    trace_key = TraceKey("", b"")
    last_kind, last_value = -1, b""
    for kind, value, commit, header in rows:
        if value != last_value or kind != last_kind:
            trace_key = TraceKey(TRACE_KINDS[kind], value)
            last_kind, last_value = kind, value
        chunks.append(new(StoredChunk, (trace_key, commit, header)))
    return chunks
