"""Every implementation of the store's contract, on a clock that the test turns, and records to put into it."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.store.api import Batch, Reader, Writer
from collector.store.memory import MemoryStore
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.writer import SqliteWriter

START_UNIX_NANO = 1_795_000_000_000_000_000


@dataclass
class Clock:
    """Stands still until it is turned."""

    now_unix_nano: int = START_UNIX_NANO

    def __call__(self) -> int:
        return self.now_unix_nano

    def turn_ms(self, milliseconds: float) -> None:
        self.now_unix_nano += int(milliseconds * 1_000_000)


@dataclass
class Store:
    """One implementation, by its two halves."""

    writer: Writer
    reader: Reader
    clock: Clock


class OpenStore(Protocol):
    def __call__(self, name: str) -> Store: ...


@dataclass
class _Opened:
    stores: list[Store] = field(default_factory=list[Store])


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[OpenStore]:
    """Open implementations by name, "memory" or "sqlite", each on a folder of its own; all are closed at the end."""
    opened = _Opened()

    def open_one(name: str) -> Store:
        clock = Clock()
        if name == "memory":
            both = MemoryStore(clock)
            store = Store(both, both, clock)
        else:
            data_dir = tmp_path / str(len(opened.stores))
            writer = SqliteWriter.open(data_dir, clock_unix_nano=clock)
            store = Store(writer, SqliteReader(data_dir), clock)
        opened.stores.append(store)
        return store

    yield open_one
    for store in opened.stores:
        store.reader.close()
        if isinstance(store.writer, SqliteWriter):
            store.writer.stop()  # may be called twice


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, open_store: OpenStore) -> Store:
    """Each implementation in turn."""
    return open_store(request.param)


BatchOf = Callable[[Signal, bytes], Batch]


@pytest.fixture
def batch_of() -> BatchOf:
    """Make a batch of a request's body as the pipeline does."""

    def make(signal: Signal, body: bytes) -> Batch:
        records = correlate(signal, cut_request(signal, body), SessionKeys()).records
        return Batch(signal, hashlib.blake2b(body, digest_size=16).digest(), records)

    return make


SpanBatch = Callable[[str, Sequence[Span]], Batch]
LogBatch = Callable[[str, Sequence[LogRecord]], Batch]


@pytest.fixture
def span_batch(batch_of: BatchOf) -> SpanBatch:
    """Make a batch of spans of one service."""

    def make(service: str, spans: Sequence[Span]) -> Batch:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.append(_text("service.name", service))
        resource_spans.scope_spans.add(spans=spans).scope.name = "test"
        return batch_of(Signal.TRACES, request.SerializeToString())

    return make


@pytest.fixture
def log_batch(batch_of: BatchOf) -> LogBatch:
    """Make a batch of log records of one service."""

    def make(service: str, records: Sequence[LogRecord]) -> Batch:
        request = ExportLogsServiceRequest()
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.append(_text("service.name", service))
        resource_logs.scope_logs.add(log_records=records)
        return batch_of(Signal.LOGS, request.SerializeToString())

    return make


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))
