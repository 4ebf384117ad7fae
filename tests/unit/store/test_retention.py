"""What leaves the store, in which order, and how little at a time."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.correlation.join import TraceKey
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.store.api import Batch
from collector.store.sqlite import oldest, retention
from collector.store.sqlite.commit import Committer
from collector.store.sqlite.deletion import Deletion
from collector.store.sqlite.numbering import CONTEXT_TOUCH_COMMITS, Numbering
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.retention import TRANSACTION_TRACES_MAX, Retention, RetentionSettings
from collector.store.sqlite.schema import STORE_FILE_NAME, open_for_writing

SpanBatch = Callable[..., Batch]
AGE_S = 100.0
NANO = 1_000_000_000
START = 1_795_000_000 * NANO
PLENTY = 1 << 40


class Kept:
    """A store without its writer thread: commits and rounds of retention come when the test says so."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / STORE_FILE_NAME
        self.connection = open_for_writing(data_dir)
        self.reader = SqliteReader(data_dir)
        self.now = START
        numbering = Numbering(self.connection)
        self.committer = Committer(self.connection, numbering, lambda: self.now)
        self.deletion = Deletion(self.connection, numbering)
        self.retention = self.with_limits()

    def with_limits(self, disk_bytes_max: int = PLENTY, age_s_max: float = AGE_S) -> Retention:
        """Set limits. The clock for the length of a round makes each round end after one step."""
        settings = RetentionSettings(disk_bytes_max=disk_bytes_max, age_s_max=age_s_max, interval_s=1.0)
        steps = iter(range(1 << 40))
        self.retention = Retention(self.deletion, settings, lambda: self.now, lambda: next(steps) * 0.015)
        return self.retention

    def write(self, *batches: Batch) -> int:
        return self.committer.commit(batches)[0].commit

    def traces(self) -> list[int]:
        return [int.from_bytes(trace, "big") for trace in self.reader.trace_ids("", 10_000)]

    def count(self, table: str) -> int:
        return self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 a constant of a test

    def shrink(self, disk_bytes_max: int) -> Iterator[set[int]]:
        """Run round after round until nothing more goes; yield the traces that each has removed."""
        self.with_limits(disk_bytes_max)
        before = set(self.traces())
        while self.retention.run():
            after = set(self.traces())
            yield before - after
            before = after


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    store = Kept(tmp_path)
    yield store
    store.reader.close()
    store.connection.close()


def test_age_counts_from_the_commit(kept: Kept, span_batch: SpanBatch) -> None:
    # The spans' own times are all of START and before; only the commits' times differ.
    kept.write(span_batch([1]))
    kept.now += 50 * NANO
    kept.write(span_batch([2]))
    kept.now += 50 * NANO
    assert kept.retention.run() == 0
    assert kept.traces() == [1, 2]
    kept.now += 1
    assert kept.retention.run() == 1
    assert kept.traces() == [2]
    kept.now += 50 * NANO
    assert kept.retention.run() == 1
    assert kept.traces() == []
    assert list(kept.reader.status().services) == []
    assert kept.reader.position().commit == 2
    assert kept.write(span_batch([3])) == 3


def test_a_trace_that_goes_on_is_not_old(kept: Kept, span_batch: SpanBatch) -> None:
    kept.write(span_batch([1, 2]))
    kept.now += 90 * NANO
    kept.write(span_batch([1]))
    kept.now += 20 * NANO
    kept.retention.run()
    assert kept.traces() == [1]
    assert len(kept.reader.rows(TraceKey("trace", (1).to_bytes(16, "big")), 2, 10)) == 2


def test_a_session_that_lost_something_says_so(kept: Kept, span_batch: SpanBatch) -> None:
    kept.write(span_batch([1], session="long"), span_batch([2], session="short"))
    kept.now += 90 * NANO
    kept.write(span_batch([3], session="long"))
    kept.write(span_batch([4], session="whole"))
    assert kept.reader.session_loss("long") == 0
    kept.now += 20 * NANO
    kept.retention.run()
    assert kept.traces() == [3, 4]
    assert [kept.reader.session_loss(session) for session in ("long", "short", "whole")] == [3, 0, 0]
    assert list(kept.reader.session_ids("", 10)) == ["long", "whole"]
    assert kept.retention.evicted_records == 2
    assert kept.reader.position().evictions == 1
    query = QueryService(kept.reader)
    of_session = query.observe(parse_params({"what": "session-trace", "session_id": "long"}))
    assert (of_session["total"], of_session["notes"][0]) == (1, "retention has taken a part of this session")
    assert query.observe(parse_params({"what": "status"}))["dropped"] == {"retention": 2}


def test_one_transaction_takes_no_more_than_its_number_of_traces(kept: Kept, span_batch: SpanBatch) -> None:
    kept.write(span_batch(range(1, 2 * TRANSACTION_TRACES_MAX + 2)))
    kept.now += 101 * NANO
    gone = [kept.retention.run() for _ in range(4)]
    assert gone == [TRANSACTION_TRACES_MAX, TRANSACTION_TRACES_MAX, 1, 0]
    assert kept.reader.position().evictions == 3


def test_what_is_left_after_eviction_is_as_it_was(kept: Kept, span_batch: SpanBatch) -> None:
    kept.write(span_batch([1, 2], service="old"))
    kept.now += 90 * NANO
    batch = span_batch([3, 4], service="new", session="s")
    kept.write(batch)
    before = list(kept.reader.parts(2, after=1))
    kept.now += 20 * NANO
    kept.retention.run()
    assert list(kept.reader.parts(2)) == before
    keys = [row.key for part in before for row in kept.reader.rows(part.trace_key, 2, 10)]
    assert {body.raw for body in kept.reader.bodies(keys).values()} == {record.raw for record in batch.records}
    assert [(one.service, one.spans) for one in kept.reader.status().services] == [("new", 2)]


def test_for_size_the_oldest_traces_of_the_largest_service_go_first(kept: Kept, span_batch: SpanBatch) -> None:
    for number in range(10):
        kept.write(
            span_batch([1_000 + number], service="quiet", filler=2_000),
            span_batch(range(10 * number + 1, 10 * number + 11), service="chatty", filler=2_000),
            span_batch([2_000 + number], service="chatty", session=f"s-{number}", filler=2_000),
        )
    gone = [trace for group in kept.shrink(kept.retention.bytes_used() // 2) for trace in sorted(group)]
    assert gone
    assert gone == list(range(1, len(gone) + 1))
    assert set(range(1_000, 1_010)) <= set(kept.traces())
    assert set(range(2_000, 2_010)) <= set(kept.traces())
    assert kept.retention.bytes_used() <= kept.with_limits().bytes_used()


def test_then_the_services_are_brought_down_together(kept: Kept, span_batch: SpanBatch) -> None:
    for number in range(4):
        kept.write(
            span_batch(range(1_000 * number + 1, 1_000 * number + 201), service="chatty", filler=500),
            span_batch(range(1_000 * number + 501, 1_000 * number + 551), service="quiet", filler=500),
        )
    list(kept.shrink(kept.retention.bytes_used() // 4))
    spans = {"chatty": 0, "quiet": 0} | {one.service: one.spans for one in kept.reader.status().services}
    assert 0 < spans["quiet"] < 200
    assert abs(spans["chatty"] - spans["quiet"]) <= TRANSACTION_TRACES_MAX


def test_sessions_go_last_and_by_their_last_activity(
    kept: Kept, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TRANSACTION_TRACES_MAX", 1)
    kept.write(span_batch([1], session="came back", filler=20_000))
    kept.write(span_batch([2], session="left early", filler=20_000))
    kept.write(span_batch([3], session="left late", filler=20_000))
    kept.write(span_batch([4], session="came back", filler=20_000))
    kept.write(span_batch([5], filler=20_000))
    assert list(kept.shrink(1)) == [{5}, {2}, {3}, {1}, {4}]
    assert kept.reader.session_ids("", 10) == []


def test_sessions_that_are_small_go_together(
    kept: Kept, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TRANSACTION_TRACES_MAX", 3)
    kept.write(span_batch([1], session="one"), span_batch([2], session="two"))
    kept.write(span_batch(range(3, 8), session="large"), span_batch([8], session="two"))
    assert list(kept.shrink(1)) == [{1, 3, 4}, {5, 6, 7}, {2, 8}]
    assert kept.reader.session_ids("", 10) == []


def test_a_trace_of_two_sessions_goes_with_the_second(
    kept: Kept, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TRANSACTION_TRACES_MAX", 2)
    kept.write(span_batch([1, 2], session="first", filler=5_000))
    kept.write(span_batch([1], session="second", filler=5_000))
    rounds = kept.shrink(1)
    assert next(rounds) == {2}
    assert list(kept.reader.session_ids("", 10)) == ["second"]
    assert [part.session_id for part in kept.reader.parts(2)] == ["second"]
    assert list(rounds) == [{1}]
    assert [kept.count(table) for table in ("chunk", "trace", "session", "session_chunk")] == [0] * 4


def test_more_traces_than_are_known_at_a_time_go_in_the_same_order(
    kept: Kept, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oldest, "UNCLAIMED_TRACES_MAX", 3)
    monkeypatch.setattr(retention, "TRANSACTION_TRACES_MAX", 2)
    for number in range(10):
        kept.write(
            span_batch([1_000 + number], service="quiet", filler=2_000),
            span_batch(range(10 * number + 1, 10 * number + 11), service="chatty", filler=20_000),
        )
    gone = list(kept.shrink(1))
    assert [trace for group in gone for trace in sorted(group) if trace < 1_000] == list(range(1, 101))
    assert [trace for group in gone for trace in sorted(group) if trace >= 1_000] == list(range(1_000, 1_010))
    assert kept.traces() == []


def test_a_step_costs_the_same_however_much_is_stored(
    kept: Kept, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oldest, "SCAN_CHUNKS_MAX", 20)
    taken: list[int] = []
    for traces in (range(50), range(50, 500), range(500, 600)):
        for trace in traces:
            # The span that names the session comes in a commit of its own, as from another service.
            kept.write(span_batch([trace + 1], session=f"s-{trace}"))
            kept.write(span_batch([trace + 1], service="orders"))
        kept.with_limits(1)
        taken.append(instructions_of(kept.connection, kept.retention.run))
    assert max(taken) < 2 * taken[0]


def instructions_of(connection: sqlite3.Connection, run: Callable[[], object]) -> int:
    """Count the instructions of SQLite's virtual machine."""
    seen: list[None] = []
    connection.set_progress_handler(lambda: seen.append(None), 1)
    run()
    connection.set_progress_handler(None, 1)
    return len(seen)


def test_commits_and_contexts_go_when_nothing_names_them(kept: Kept, span_batch: SpanBatch) -> None:
    kept.write(span_batch([1], service="gone"))
    kept.now += 90 * NANO
    for number in range(CONTEXT_TOUCH_COMMITS + 1):
        kept.write(span_batch([2 + number % 3], service="stays"))
    assert (kept.count("commits"), kept.count("context")) == (CONTEXT_TOUCH_COMMITS + 2, 2)
    kept.now += 20 * NANO
    kept.retention.run()
    assert (kept.count("commits"), kept.count("context")) == (CONTEXT_TOUCH_COMMITS + 1, 2)
    kept.now += 90 * NANO
    kept.write(span_batch([9], service="stays"))
    kept.now += 20 * NANO
    kept.retention.run()
    assert kept.traces() == [9]
    assert (kept.count("commits"), kept.count("context")) == (1, 1)
    assert [row.service for row in kept.reader.rows(TraceKey("trace", (9).to_bytes(16, "big")), 10_000, 10)] == [
        "stays"
    ]


def test_the_file_shrinks(kept: Kept, span_batch: SpanBatch) -> None:
    for number in range(20):
        kept.write(span_batch(range(10 * number + 1, 10 * number + 11), filler=2_000))
    kept.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = kept.path.stat().st_size
    kept.now += 101 * NANO
    while kept.retention.run():
        pass
    while kept.connection.execute("PRAGMA freelist_count").fetchone()[0]:
        kept.retention.run()
    kept.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert kept.path.stat().st_size < before / 4


def test_a_round_that_fails_takes_nothing(kept: Kept, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.write(span_batch([1, 2], session="s"))
    kept.now += 101 * NANO
    before = (kept.reader.position(), list(kept.reader.parts(1)), kept.traces())
    numbering = kept.deletion.numbering

    def fail() -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(numbering, "keep_high_water", fail)
    with pytest.raises(sqlite3.OperationalError):
        kept.retention.run()
    assert (kept.reader.position(), list(kept.reader.parts(1)), kept.traces()) == before
    monkeypatch.undo()
    assert kept.retention.run() == 2
    assert kept.traces() == []
