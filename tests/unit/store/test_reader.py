"""Readers: beside a writer of another process, across deletions, and asked for what never was."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.correlation.join import TraceKey
from collector.errors import StoreUnavailableError
from collector.store.api import Batch, RowKey
from collector.store.sqlite import reader as reader_module
from collector.store.sqlite.reader import SqliteReader

pytestmark = pytest.mark.anyio

OpenStore = Callable[..., Any]
SpanBatch = Callable[..., Batch]
ROWS_MAX = 100_000
SPANS_PER_BATCH = 7
# Reads as often as it can until it is told to stop; every commit must be there whole.
WATCH = """
import sys, threading
from pathlib import Path
from collector.store.sqlite.reader import SqliteReader
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
reader = SqliteReader(Path(sys.argv[1]))
print("reading", flush=True)
reads = last = 0
while True:
    ending = stop.is_set()
    upto = reader.wait_for_commit(last, 0.05)
    spans = {}
    for part in reader.parts(upto, after=last):
        spans[part.commit] = spans.get(part.commit, 0) + part.spans
        rows = reader.rows(part.trace_key, upto, 100000)
        assert len(reader.bodies([row.key for row in rows])) == len(rows)
    assert sorted(spans) == list(range(last + 1, upto + 1)), (last, upto, sorted(spans))
    assert all(count % 7 == 0 for count in spans.values()), spans
    reads, last = reads + 1, upto
    if ending:
        break
print(reads, last)
"""


def start_watching(data_dir: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WATCH, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


async def test_another_process_reads_whole_commits_while_they_are_written(
    open_store: OpenStore, span_batch: SpanBatch, tmp_path: Path
) -> None:
    store = open_store()
    process = await asyncio.to_thread(start_watching, tmp_path)
    try:
        assert process.stdout
        assert await asyncio.to_thread(process.stdout.readline) == "reading\n"
        for round_number in range(40):
            traces = [1 + round_number % 5] * (SPANS_PER_BATCH - 2) + [100 + round_number] * 2
            await asyncio.gather(*(store.writer.write(span_batch(traces, session="s")) for _ in range(4)))
        output, _ = await asyncio.to_thread(process.communicate, "", 30)
    finally:
        process.kill()
        process.wait()
    reads, last = map(int, output.split())
    assert process.returncode == 0
    assert reads > 1
    assert last == store.reader.position().commit


async def test_what_is_committed_after_a_deletion_and_a_restart_is_read(
    open_store: OpenStore, span_batch: SpanBatch
) -> None:
    store = open_store()
    await store.writer.write(span_batch([1]))
    last = (await store.writer.write(span_batch(range(2, 30), session="gone"))).commit
    await store.writer.clear("gone")
    store.writer.stop()
    store = open_store()
    commit = (await store.writer.write(span_batch([50], session="new"))).commit
    assert commit == last + 1
    key = TraceKey("trace", (50).to_bytes(16, "big"))
    for wanted in ({}, {"session_id": "new"}, {"trace_keys": [key]}):
        assert [part.trace_key for part in store.reader.parts(commit, after=last, **wanted)] == [key]
    store.writer.stop()
    store = open_store()
    await store.writer.clear()
    store.writer.stop()
    store = open_store()
    commit = (await store.writer.write(span_batch([51]))).commit
    assert [part.commit for part in store.reader.parts(commit, after=commit - 1)] == [commit]


async def test_a_reader_that_was_there_before_sees_what_comes_after_a_clear(
    open_store: OpenStore, span_batch: SpanBatch
) -> None:
    store = open_store()
    for session in ("first", "second"):
        batch = span_batch([1, 2], session=session, service=session)
        commit = (await store.writer.write(batch)).commit
        for number in (1, 2):
            rows = store.reader.rows(TraceKey("trace", number.to_bytes(16, "big")), commit, ROWS_MAX)
            assert [(row.session_id, row.service) for row in rows] == [(session, session)]
            (body,) = store.reader.bodies([rows[0].key]).values()
            assert (body.raw, body.context) == (batch.records[number - 1].raw, batch.records[0].context.envelope)
        assert await store.writer.clear() == 2


@pytest.mark.parametrize("prefix", ["xyz", "A", "0" * 33, "-1", " 1", "é"])
async def test_a_prefix_of_no_trace_id_finds_none(open_store: OpenStore, span_batch: SpanBatch, prefix: str) -> None:
    store = open_store()
    await store.writer.write(span_batch([1, 0xA]))
    assert list(store.reader.trace_ids(prefix, 10)) == []


async def test_session_ids_with_any_text_are_found_by_their_beginning(
    open_store: OpenStore, span_batch: SpanBatch
) -> None:
    store = open_store()
    ids = ["a\0b", "a\0c", "a%", "a_", "\U0010ffff", "\U0010ffffx", "é" * 128]
    for number, session in enumerate(ids, start=1):
        await store.writer.write(span_batch([number], session=session))
    for session in ids:
        for end in range(len(session) + 1):
            prefix = session[:end]
            assert list(store.reader.session_ids(prefix, 100)) == sorted(one for one in ids if one.startswith(prefix))
        assert [part.session_id for part in store.reader.parts(100, session_id=session)] == [session]


async def test_positions_that_never_were_are_missing(open_store: OpenStore, span_batch: SpanBatch) -> None:
    store = open_store()
    await store.writer.write(span_batch([1]))
    key = TraceKey("trace", (1).to_bytes(16, "big"))
    assert store.reader.bodies([RowKey(key, 1, 1), RowKey(key, 2, 0), RowKey(key, 0, 0)]) == {}


@pytest.mark.parametrize(("chunks_max", "told"), [(2, False), (1, True)])
async def test_where_too_much_is_new_a_session_may_have_news(
    open_store: OpenStore, span_batch: SpanBatch, monkeypatch: pytest.MonkeyPatch, chunks_max: int, told: bool
) -> None:
    store = open_store()
    for number in range(3):
        await store.writer.write(span_batch([number + 1]))
    monkeypatch.setattr(reader_module, "NEWS_CHUNKS_MAX", chunks_max)
    assert store.reader.has_news("nobody", 1, 3) is told


async def test_waiting_ends_with_a_commit_or_with_the_reader(open_store: OpenStore, span_batch: SpanBatch) -> None:
    store = open_store()
    waiting = asyncio.create_task(asyncio.to_thread(store.reader.wait_for_commit, 0, 30))
    await store.writer.write(span_batch([1]))
    assert await waiting == 1
    reader = SqliteReader(store.data_dir)
    waiting = asyncio.create_task(asyncio.to_thread(store.reader.wait_for_commit, 1, 0.05))
    assert await waiting == 1
    reader.close()
    reader.close()
    with pytest.raises(StoreUnavailableError, match="is closed"):
        await asyncio.to_thread(reader.position)
