"""The writer thread: what it puts into one commit, and what it does when a commit fails."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from collector.errors import BusyError
from collector.store.api import Batch, WriteResult
from collector.store.sqlite import writer as writer_module
from collector.store.sqlite.retention import TRANSACTION_TRACES_MAX, Retention, RetentionSettings
from collector.store.sqlite.schema import STORE_FILE_NAME, open_for_writing
from collector.store.sqlite.writer import COMMIT_BATCHES_MAX, COMMIT_RECORDS_MAX

pytestmark = pytest.mark.anyio

OpenStore = Callable[..., Any]
SpanBatch = Callable[..., Batch]
ROWS_MAX = 100_000
POISON = 13
WAIT_S_MAX = 10.0


class FailingConnection:
    """Hands everything on, but for the n-th statement after `fail_at(n)`: that one fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._left = -1

    def fail_at(self, number: int) -> None:
        self._left = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        self._count()
        return self._connection.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self._count()
        return self._connection.executemany(*arguments)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise sqlite3.OperationalError("disk I/O error")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[FailingConnection]:
    """The connections of the writers that are opened, in order."""
    opened: list[FailingConnection] = []

    def open_failing(data_dir: Path) -> FailingConnection:
        opened.append(FailingConnection(open_for_writing(data_dir)))
        return opened[-1]

    monkeypatch.setattr(writer_module, "open_for_writing", open_failing)
    return opened


async def settle(store: Any, span_batch: SpanBatch) -> int:
    """Write until no round of retention is due any more; return the last commit."""
    await store.writer.write(span_batch([900]))
    return (await store.writer.write(span_batch([900]))).commit


async def hold_and_write(store: Any, first: Batch, batches: Sequence[Batch]) -> list[WriteResult | BaseException]:
    """Hold the writer in the commit of `first` until all `batches` wait; return what became of these."""
    store.clock.hold()
    begun = asyncio.create_task(store.writer.write(first))
    await store.clock.until_asked()
    tasks = [asyncio.create_task(store.writer.write(batch)) for batch in batches]
    await asyncio.sleep(0)  # Each task runs up to where it waits for its answer.
    store.clock.open.set()
    await begun
    return await asyncio.gather(*tasks, return_exceptions=True)


def everything(store: Any) -> object:
    upto = store.reader.position().commit
    parts = sorted(store.reader.parts(upto), key=repr)
    rows = {part.trace_key: store.reader.rows(part.trace_key, upto, ROWS_MAX) for part in parts}
    keys = [row.key for of_trace in rows.values() for row in of_trace]
    services = store.reader.status().services
    return store.reader.position(), parts, rows, store.reader.bodies(keys), store.reader.session_ids("", 100), services


async def test_writes_that_wait_are_committed_together(open_store: OpenStore, span_batch: SpanBatch) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    results = await hold_and_write(store, span_batch([1]), [span_batch([number]) for number in range(2, 12)])
    assert results == [WriteResult(last + 2)] * 10


async def test_a_commit_takes_no_more_than_its_number_of_batches(open_store: OpenStore, span_batch: SpanBatch) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    batches = [span_batch([1]) for _ in range(COMMIT_BATCHES_MAX + 1)]
    results = await hold_and_write(store, span_batch([1]), batches)
    assert results == [WriteResult(last + 2)] * COMMIT_BATCHES_MAX + [WriteResult(last + 3)]


async def test_a_commit_takes_no_batch_more_once_it_has_its_number_of_records(
    open_store: OpenStore, span_batch: SpanBatch
) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    nearly, one, full = ([1] * (COMMIT_RECORDS_MAX - 1)), [1], [1] * COMMIT_RECORDS_MAX
    batches = [span_batch(traces) for traces in (nearly, one, one, full, one)]
    results = await hold_and_write(store, span_batch(one), batches)
    # One short of the limit takes another; at the limit it is closed. What is over by itself goes alone or last.
    assert results == [WriteResult(last + 2)] * 2 + [WriteResult(last + 3)] * 2 + [WriteResult(last + 4)]


async def test_one_bad_batch_fails_alone(open_store: OpenStore, span_batch: SpanBatch, tmp_path: Path) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    poison = sqlite3.connect(tmp_path / STORE_FILE_NAME)
    poison.execute(
        "CREATE TRIGGER poison BEFORE INSERT ON trace WHEN NEW.value = "
        f"X'{POISON.to_bytes(16, 'big').hex()}' BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
    )
    poison.commit()
    batches = [span_batch([1, 2]), span_batch([3, POISON], session="lost"), span_batch([4], session="kept")]
    first, bad, second = await hold_and_write(store, span_batch([5]), batches)
    assert (first, second) == (WriteResult(last + 2), WriteResult(last + 3))
    assert isinstance(bad, BusyError)
    assert (str(bad), bad.retry_after_s) == ("the store could not be written (poisoned); send again later", 1.0)
    assert [trace[-1] for trace in store.reader.trace_ids("", 10)] == [1, 2, 4, 5, 900 % 256]
    assert list(store.reader.session_ids("", 10)) == ["kept"]
    assert store.writer.counters["failed_writes"] == 2
    poison.execute("DROP TRIGGER poison")
    poison.commit()
    poison.close()
    assert await store.writer.write(batches[1]) == WriteResult(last + 4)
    assert list(store.reader.session_ids("", 10)) == ["kept", "lost"]


async def test_a_write_that_fails_at_any_statement_leaves_nothing_and_can_be_repeated(
    open_store: OpenStore, span_batch: SpanBatch, connections: list[FailingConnection]
) -> None:
    store = open_store()
    await settle(store, span_batch)
    statements = 0
    for number in count(1):
        batch = span_batch([number, number + 1, 900], session=f"s-{number}", service=f"service-{number}")
        before = everything(store)
        connections[0].fail_at(number)
        try:
            await store.writer.write(batch)
        except BusyError:
            statements = number
            assert everything(store) == before
            await store.writer.write(batch)
            assert {row.session_id for row in trace_rows(store, number)} >= {f"s-{number}"}
        else:
            break
    assert statements >= 8
    expected = sorted({f"s-{number}" for number in range(1, statements + 2)})
    assert list(store.reader.session_ids("s-", 100)) == expected


def trace_rows(store: Any, trace: int) -> Iterator[Any]:
    upto = store.reader.position().commit
    for part in store.reader.parts(upto):
        if part.trace_key.value == trace.to_bytes(16, "big"):
            yield from store.reader.rows(part.trace_key, upto, ROWS_MAX)


async def test_a_clear_that_fails_at_any_statement_leaves_everything_and_can_be_repeated(
    open_store: OpenStore, span_batch: SpanBatch, connections: list[FailingConnection]
) -> None:
    store = open_store()
    await settle(store, span_batch)
    statements = 0
    for number in count(1):
        await store.writer.write(span_batch([1, 2], session="s-1"))
        await store.writer.write(span_batch([2, 3], session="s-2"))
        before = everything(store)
        connections[0].fail_at(number)
        try:
            assert await store.writer.clear("s-1") == 2
        except BusyError:
            statements = number
            assert everything(store) == before
            assert await store.writer.clear("s-1") > 0
        else:
            break
        assert list(store.reader.session_ids("", 10)) == ["s-2"]
    assert statements >= 8


async def test_a_full_disk_is_answered_with_busy_and_loses_nothing(
    open_store: OpenStore, span_batch: SpanBatch, connections: list[FailingConnection]
) -> None:
    store = open_store()
    await settle(store, span_batch)
    pages = connections[0].execute("PRAGMA page_count").fetchone()[0]
    connections[0].execute(f"PRAGMA max_page_count = {pages + 30}")
    stored = 0
    batch = span_batch([1], filler=4_000)
    before = everything(store)
    with pytest.raises(BusyError, match="database or disk is full") as full:
        while stored < 100:
            await store.writer.write(batch)
            stored += 1
            before = everything(store)
            batch = span_batch([1], filler=4_000)
    assert full.value.reason == "busy_store"
    assert 5 < stored < 100
    assert everything(store) == before
    connections[0].execute("PRAGMA max_page_count = 100000")
    await store.writer.write(batch)
    (part, *_) = store.reader.parts(store.reader.position().commit, session_id=None, after=2)
    rows = store.reader.rows(part.trace_key, store.reader.position().commit, ROWS_MAX)
    assert len(rows) == stored + 1


async def test_shutdown_commits_what_waits_and_takes_nothing_more(open_store: OpenStore, span_batch: SpanBatch) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    store.clock.hold()
    first = asyncio.create_task(store.writer.write(span_batch([1])))
    await store.clock.until_asked()
    waiting = [asyncio.create_task(store.writer.write(span_batch([number]))) for number in (2, 3)]
    await asyncio.sleep(0)
    ending = asyncio.create_task(store.writer.shutdown())
    store.clock.open.set()
    assert [await first, *await asyncio.gather(*waiting)] == [WriteResult(last + 1)] + [WriteResult(last + 2)] * 2
    await ending
    with pytest.raises(BusyError, match="shutting down"):
        await store.writer.write(span_batch([4]))
    with pytest.raises(BusyError, match="shutting down"):
        await store.writer.clear()
    await store.writer.shutdown()
    assert store.reader.position().commit == last + 2


async def test_what_is_too_much_goes_at_once_when_nothing_comes(
    open_store: OpenStore, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, is_done = Retention.run, threading.Event()

    def watched(self: Retention) -> int:
        evicted = run(self)
        if self.evicted_records and self.pause_s:
            is_done.set()
        return evicted

    monkeypatch.setattr(Retention, "run", watched)
    # More than one round takes; were it not for what is left, the next would come in an hour.
    store = open_store(RetentionSettings(disk_bytes_max=1, interval_s=3_600))
    count = 20 * TRANSACTION_TRACES_MAX
    await store.writer.write(span_batch(range(1, count + 1)))
    assert await asyncio.to_thread(is_done.wait, WAIT_S_MAX)
    assert store.reader.trace_ids("", count) == []


async def test_a_cancelled_write_does_not_disturb_the_others(open_store: OpenStore, span_batch: SpanBatch) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    store.clock.hold()
    first = asyncio.create_task(store.writer.write(span_batch([1])))
    await store.clock.until_asked()
    second, third = (asyncio.create_task(store.writer.write(span_batch([number]))) for number in (2, 3))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    store.clock.open.set()
    assert await third == WriteResult(last + 2)
    assert first.cancelled()
    assert second.cancelled()


@pytest.mark.parametrize("action", ["write", "clear"])
async def test_an_event_loop_that_closed_meanwhile_does_not_end_the_writer(
    open_store: OpenStore, span_batch: SpanBatch, action: str
) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    store.clock.hold()

    async def leave() -> None:
        first = asyncio.create_task(store.writer.write(span_batch([1])))
        await store.clock.until_asked()
        second = asyncio.create_task(store.writer.clear() if action == "clear" else store.writer.write(span_batch([2])))
        await asyncio.sleep(0)
        for task in (first, second):
            task.cancel()

    thread = threading.Thread(target=asyncio.run, args=(leave(),))
    thread.start()
    await asyncio.to_thread(thread.join)
    store.clock.open.set()
    following = await asyncio.wait_for(store.writer.write(span_batch([3])), WAIT_S_MAX)
    assert following.commit > last


async def test_a_clear_takes_its_turn_among_the_writes(open_store: OpenStore, span_batch: SpanBatch) -> None:
    store = open_store()
    last = await settle(store, span_batch)
    store.clock.hold()
    first = asyncio.create_task(store.writer.write(span_batch([1], session="s")))
    await store.clock.until_asked()
    before = asyncio.create_task(store.writer.write(span_batch([2], session="s")))
    clear = asyncio.create_task(store.writer.clear("s"))
    after = asyncio.create_task(store.writer.write(span_batch([3], session="s")))
    await asyncio.sleep(0)
    store.clock.open.set()
    results = [await first, await before, await clear, await after]
    assert results == [WriteResult(last + 1), WriteResult(last + 2), 2, WriteResult(last + 3)]
    upto = store.reader.position().commit
    assert [part.commit for part in store.reader.parts(upto, session_id="s")] == [last + 3]
