"""Ids keep their numbers, however few of them are held in memory, and no number is given twice."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.correlation.join import TraceKey
from collector.correlation.record import Context
from collector.store.sqlite.deletion import Deletion
from collector.store.sqlite.numbering import CONTEXT_TOUCH_COMMITS, HotMap, Numbering
from collector.store.sqlite.schema import open_for_writing

IDS = 50
HELD = 4


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_for_writing(tmp_path)
    yield opened
    opened.close()


def key(number: int) -> TraceKey:
    return TraceKey("trace", number.to_bytes(16, "big"))


@pytest.mark.requirement("risk:index-memory")
def test_a_hot_map_holds_its_number_and_lets_the_longest_unused_go() -> None:
    held: HotMap[str] = HotMap(2)
    held.put("a", 1)
    held.put("b", 2)
    assert (len(held), held.get("a"), held.get("b")) == (2, 1, 2)
    assert held.get("a") == 1
    held.put("c", 3)
    assert (len(held), held.get("a"), held.get("b"), held.get("c")) == (2, 1, None, 3)
    held.drop("a")
    held.drop("nobody")
    assert (len(held), held.get("a")) == (1, None)
    held.clear()
    assert len(held) == 0


@pytest.mark.requirement("risk:index-memory")
def test_ids_that_left_memory_keep_their_numbers(connection: sqlite3.Connection) -> None:
    numbering = Numbering(connection, hot_ids_max=HELD)
    traces = numbering.trace_numbers(map(key, range(IDS)))
    sessions = numbering.session_numbers(f"s-{number}" for number in range(IDS))
    assert sorted(traces.values()) == sorted(number for name, number in sessions.items() if name)
    assert len(set(traces.values())) == IDS
    assert sessions[""] == 0
    for start in range(0, IDS, 7):
        some = [key(number) for number in range(start, min(start + 9, IDS))]
        # Old and new ones mixed: each old one is found again, each new one gets a number of its own.
        found = numbering.trace_numbers([*some, key(1_000 + start)])
        assert {one: found[one] for one in some} == {one: traces[one] for one in some}
        assert found[key(1_000 + start)] not in {*traces.values()}
        traces[key(1_000 + start)] = found[key(1_000 + start)]
    assert len(set(traces.values())) == len(traces)
    again = Numbering(connection, hot_ids_max=HELD)
    assert again.trace_numbers(traces) == traces
    assert again.session_numbers(sessions) == sessions


@pytest.mark.parametrize("reopened", [False, True])
def test_a_number_is_not_given_again_after_its_id_was_deleted(connection: sqlite3.Connection, reopened: bool) -> None:
    numbering = Numbering(connection)
    deletion = Deletion(connection, numbering)
    traces = numbering.trace_numbers(map(key, range(5)))
    sessions = numbering.session_numbers(["a", "b"])
    with deletion.transaction():
        for number in traces.values():
            deletion.trace(number)
        deletion.session_row(sessions["a"])
        deletion.session_row(sessions["b"])
    if reopened:
        numbering = Numbering(connection)
    highest = max(traces.values())
    assert numbering.trace_numbers([key(1), key(9)]) == {key(1): highest + 1, key(9): highest + 2}
    highest = max(sessions.values())
    assert numbering.session_numbers(["b", "c"]) == {"b": highest + 1, "c": highest + 2, "": 0}


def test_a_transaction_that_was_undone_leaves_no_number_behind(connection: sqlite3.Connection) -> None:
    numbering = Numbering(connection)
    first = numbering.trace_numbers([key(1)])
    connection.execute("BEGIN")
    numbering.trace_numbers([key(2)])
    numbering.session_numbers(["s"])
    context = Context(b"envelope", "shop", "host")
    numbering.context_number(context, 1)
    connection.execute("ROLLBACK")
    numbering.forget()
    assert numbering.trace_numbers([key(1)]) == first
    assert numbering.trace_numbers([key(2)])[key(2)] > first[key(1)]
    assert connection.execute("SELECT count(*) FROM context").fetchone() == (0,)
    assert numbering.context_number(context, 2) == 1


def test_a_context_in_use_says_so_now_and_then(connection: sqlite3.Connection) -> None:
    numbering = Numbering(connection)
    context = Context(b"envelope", "shop", "host")

    def last_commit() -> int:
        return connection.execute("SELECT last_c FROM context").fetchone()[0]

    written = {commit: (numbering.context_number(context, commit), last_commit()) for commit in (1, 2, 1_000)}
    assert written == dict.fromkeys((1, 2, 1_000), (1, 1))
    edge = 1 + CONTEXT_TOUCH_COMMITS
    assert (numbering.context_number(context, edge - 1), last_commit()) == (1, 1)
    assert (numbering.context_number(context, edge), last_commit()) == (1, edge)
