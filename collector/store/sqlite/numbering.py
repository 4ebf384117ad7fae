"""Numbers for long ids: traces, sessions and contexts are numbered on first sight.

Numbers grow, so the tables that are keyed by them grow at their end instead of at random places. Only the
ids that were seen of late are held in memory.
"""

import hashlib
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from collector.correlation.join import TraceKey
from collector.correlation.record import Context

HOT_IDS_MAX = 50_000
HOT_CONTEXTS_MAX = 2_000
TRACE_KINDS = ("trace", "session", "service")
# A context's `last_c` is written anew only when it is this old, so its true last use is at most so much later.
CONTEXT_TOUCH_COMMITS = 1_000

_Id = TypeVar("_Id")


class HotMap(Generic[_Id]):
    """The least recently used id leaves when there are more than `size_max`."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._numbers: OrderedDict[_Id, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._numbers)

    def get(self, key: _Id) -> int | None:
        """Return the number of an id that is held, and hold it for longer."""
        number = self._numbers.get(key)
        if number is not None:
            self._numbers.move_to_end(key)
        return number

    def put(self, key: _Id, number: int) -> None:
        """Hold an id; the one not used for longest leaves."""
        self._numbers[key] = number
        if len(self._numbers) > self._size_max:
            self._numbers.popitem(last=False)

    def drop(self, key: _Id) -> None:
        """Hold this id no longer."""
        self._numbers.pop(key, None)

    def clear(self) -> None:
        """Hold nothing."""
        self._numbers.clear()


class Numbering:
    """Gives numbers inside the writer's transactions; belongs to the writer thread."""

    def __init__(self, connection: sqlite3.Connection, hot_ids_max: int = HOT_IDS_MAX) -> None:
        self._connection = connection
        self._traces: HotMap[TraceKey] = HotMap(hot_ids_max)
        self._sessions: HotMap[str] = HotMap(hot_ids_max)
        self._contexts: HotMap[bytes] = HotMap(HOT_CONTEXTS_MAX)
        self._contexts_touched: dict[int, int] = {}
        self._next_trace = self._highest("trace") + 1
        self._next_session = self._highest("session") + 1

    def forget(self) -> None:
        """Hold nothing: a transaction was rolled back or rows were deleted."""
        self._traces.clear()
        self._sessions.clear()
        self._contexts.clear()
        self._contexts_touched.clear()
        self._next_trace = self._highest("trace") + 1
        self._next_session = self._highest("session") + 1

    def drop_trace(self, key: TraceKey) -> None:
        """Hold a trace no longer whose row is deleted."""
        self._traces.drop(key)

    def drop_session(self, session_id: str) -> None:
        """Hold a session no longer whose row is deleted."""
        self._sessions.drop(session_id)

    def trace_numbers(self, keys: Iterable[TraceKey]) -> dict[TraceKey, int]:
        """Return the numbers of these traces, numbering the new ones."""

        def find(key: TraceKey) -> int | None:
            row = self._connection.execute(
                "SELECT n FROM trace WHERE kind = ? AND value = ?", (TRACE_KINDS.index(key.kind), key.value)
            ).fetchone()
            return row[0] if row else None

        def insert(new: list[tuple[int, TraceKey]]) -> int:
            return self._connection.executemany(
                "INSERT OR IGNORE INTO trace (n, kind, value) VALUES (?, ?, ?)",
                [(number, TRACE_KINDS.index(key.kind), key.value) for number, key in new],
            ).rowcount

        numbers, self._next_trace = _number(keys, self._traces, self._next_trace, insert, find)
        return numbers

    def session_numbers(self, ids: Iterable[str]) -> dict[str, int]:
        """Return the numbers of these sessions, numbering the new ones; that of "" is 0."""

        def find(key: str) -> int | None:
            row = self._connection.execute("SELECT n FROM session WHERE id = ?", (key,)).fetchone()
            return row[0] if row else None

        def insert(new: list[tuple[int, str]]) -> int:
            return self._connection.executemany("INSERT OR IGNORE INTO session (n, id) VALUES (?, ?)", new).rowcount

        wanted = [key for key in ids if key]
        numbers, self._next_session = _number(wanted, self._sessions, self._next_session, insert, find)
        numbers[""] = 0
        return numbers

    def context_number(self, context: Context, commit: int) -> int:
        """Return the number of a context, numbering a new one and keeping `last_c` fresh."""
        number = self._contexts.get(context.envelope)
        if number is not None and commit - self._contexts_touched.get(number, 0) < CONTEXT_TOUCH_COMMITS:
            return number
        digest = hashlib.blake2b(context.envelope, digest_size=16).digest()
        (number,) = self._connection.execute(
            "INSERT INTO context (hash, envelope, service, host, last_c) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (hash) DO UPDATE SET last_c = excluded.last_c RETURNING n",
            (digest, context.envelope, context.service, context.host, commit),
        ).fetchone()
        self._contexts.put(context.envelope, number)
        if len(self._contexts_touched) > 2 * HOT_CONTEXTS_MAX:
            self._contexts_touched.clear()
        self._contexts_touched[number] = commit
        return number

    def keep_high_water(self) -> None:
        """Write down how far numbers have gone, inside a transaction that deletes: none may come again."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO counter (name, value) VALUES (?, ?)",
            [("trace", self._next_trace - 1), ("session", self._next_session - 1)],
        )

    def _highest(self, table: str) -> int:
        (highest,) = self._connection.execute(
            f"SELECT max(coalesce((SELECT max(n) FROM {table}), 0), "  # noqa: S608 a constant of this file
            "coalesce((SELECT value FROM counter WHERE name = ?), 0))",
            (table,),
        ).fetchone()
        return highest


def _number(
    keys: Iterable[_Id],
    hot: HotMap[_Id],
    next_number: int,
    insert: Callable[[list[tuple[int, _Id]]], int],
    find: Callable[[_Id], int | None],
) -> tuple[dict[_Id, int], int]:
    numbers: dict[_Id, int] = {}
    new: list[tuple[int, _Id]] = []
    for key in keys:
        if key in numbers:
            continue
        number = hot.get(key)
        if number is None:
            number = next_number
            next_number += 1
            new.append((number, key))
        numbers[key] = number
    if not new:
        return numbers, next_number
    # Mostly all are new and one statement does; only if some were there each is looked up.
    if insert(new) != len(new):
        for _, key in new:
            found = find(key)
            if found is None:
                raise AssertionError(f"{key!r} was just inserted and is not there")
            numbers[key] = found
    for _, key in new:
        hot.put(key, numbers[key])
    return numbers, next_number
