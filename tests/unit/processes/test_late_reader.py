"""A reader that comes before its store."""

import threading
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.correlation.keys import SessionKeys, correlate
from collector.late_reader import LateReader
from collector.pdata.envelope import Signal, cut_request
from collector.store.api import Batch, Position
from collector.store.memory import MemoryStore

TRACE_ID = bytes(range(16))


def batch() -> Batch:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=TRACE_ID, span_id=b"12345678")
    span.attributes.add(key="session.id").value.string_value = "session-one"
    groups = cut_request(Signal.TRACES, request.SerializeToString())
    return Batch(Signal.TRACES, b"h" * 16, correlate(Signal.TRACES, groups, SessionKeys()).records)


@pytest.mark.anyio
async def test_it_is_empty_until_the_store_is_there_and_then_is_that_store() -> None:
    store = MemoryStore(lambda: 7)
    await store.write(batch())
    is_there = False
    reader = LateReader(lambda: store, lambda: is_there)
    assert reader.position() == Position(0, 0)
    assert (reader.session_ids("", 9), reader.trace_ids("", 9), list(reader.parts(9))) == ([], [], [])
    assert reader.status() == MemoryStore().status()
    reader.close()
    is_there = True
    assert reader.position() == store.position()
    assert reader.commit_time_unix_nano(1) == 7
    (part,) = reader.parts(1, session_id="session-one")
    (row,) = reader.rows(part.trace_key, 1, 9)
    assert list(reader.bodies([row.key])) == [row.key]
    assert (reader.session_ids("session-", 9), reader.trace_ids("0001", 9)) == (["session-one"], [TRACE_ID])
    assert reader.session_loss("session-one") == 0
    assert reader.status() == store.status()
    reader.close()


@pytest.mark.anyio
async def test_waiting_starts_before_the_store_is_there() -> None:
    store = MemoryStore()
    await store.write(batch())
    appeared, asked = threading.Event(), threading.Event()

    def exists() -> bool:
        asked.set()
        return appeared.is_set()

    reader = LateReader(lambda: store, exists)
    commits: list[int] = []
    waiter = threading.Thread(target=lambda: commits.append(reader.wait_for_commit(0, 10)))
    waiter.start()
    assert asked.wait(10)
    appeared.set()
    waiter.join(10)
    assert commits == [1]


def test_waiting_ends_with_its_time_when_no_store_appears(tmp_path: Path) -> None:
    reader = LateReader(MemoryStore, (tmp_path / "store").exists)
    assert reader.wait_for_commit(0, 0.01) == 0
