"""Stores on a clock that the test turns, and records to put into them."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.store.api import Batch
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.retention import RetentionSettings
from collector.store.sqlite.writer import SqliteWriter

START_UNIX_NANO = 1_795_000_000_000_000_000
WAIT_S_MAX = 30.0


@dataclass
class Clock:
    """Stands still until it is turned; the writer asks it once a commit, so it can hold the writer up."""

    now_unix_nano: int = START_UNIX_NANO
    asked: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def __call__(self) -> int:
        self.asked.set()
        assert self.open.wait(WAIT_S_MAX)
        return self.now_unix_nano

    def turn_s(self, seconds: float) -> None:
        self.now_unix_nano += int(seconds * 1e9)

    def hold(self) -> None:
        """Let the writer wait in its next commit."""
        self.asked.clear()
        self.open.clear()

    async def until_asked(self) -> None:
        """Return when the writer waits."""
        assert await asyncio.to_thread(self.asked.wait, WAIT_S_MAX)


@dataclass
class Open:
    """One store, its two halves and its clock."""

    data_dir: Path
    writer: SqliteWriter
    reader: SqliteReader
    clock: Clock


OpenStore = Callable[..., Open]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[OpenStore]:
    """Open the store of this test's folder; may be called again after its writer was stopped."""
    opened: list[Open] = []

    def make(retention: RetentionSettings | None = None) -> Open:
        clock = opened[-1].clock if opened else Clock()
        # Rounds of retention ask the clock too: none comes unless the test wants one.
        writer = SqliteWriter.open(tmp_path, retention or RetentionSettings(interval_s=3_600), clock)
        opened.append(Open(tmp_path, writer, SqliteReader(tmp_path), clock))
        return opened[-1]

    yield make
    for one in opened:
        one.clock.open.set()
        one.reader.close()
        one.writer.stop()


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


SpanBatch = Callable[..., Batch]


@pytest.fixture
def span_batch() -> SpanBatch:
    """Make a batch with one span in each of these traces, of one service and one session or none."""
    numbers = iter(range(1, 1 << 40))

    def make(traces: Sequence[int], *, service: str = "shop", session: str = "", filler: int = 0) -> Batch:
        request = ExportTraceServiceRequest()
        outer = request.resource_spans.add()
        outer.resource.attributes.append(text("service.name", service))
        inner = outer.scope_spans.add()
        for trace in traces:
            span = Span(
                trace_id=trace.to_bytes(16, "big"),
                span_id=next(numbers).to_bytes(8, "big"),
                start_time_unix_nano=START_UNIX_NANO + trace,
                end_time_unix_nano=START_UNIX_NANO + trace + 5,
            )
            if session:
                span.attributes.append(text("session.id", session))
            if filler:
                # Unlike any other text, so that it takes its room on disk too.
                noise = hashlib.shake_256(span.span_id).hexdigest(filler // 2)
                span.attributes.append(text("filler", noise))
            inner.spans.append(span)
        return batch_of(Signal.TRACES, request.SerializeToString())

    return make


@pytest.fixture
def trace_batch() -> Callable[[ExportTraceServiceRequest], Batch]:
    """Make a batch of a request."""
    return lambda request: batch_of(Signal.TRACES, request.SerializeToString())


@pytest.fixture
def log_batch() -> Callable[[str, Sequence[LogRecord]], Batch]:
    """Make a batch of log records of one service."""

    def make(service: str, records: Sequence[LogRecord]) -> Batch:
        request = ExportLogsServiceRequest()
        outer = request.resource_logs.add()
        outer.resource.attributes.append(text("service.name", service))
        outer.scope_logs.add(log_records=records)
        return batch_of(Signal.LOGS, request.SerializeToString())

    return make


def batch_of(signal: Signal, body: bytes) -> Batch:
    records = correlate(signal, cut_request(signal, body), SessionKeys()).records
    return Batch(signal, hashlib.blake2b(body, digest_size=16).digest(), records)
