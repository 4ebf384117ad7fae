"""A small world to ask questions about: records by hand, the real envelope, correlation and store."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import anyio
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.query.status import LiveStatus
from collector.store.api import Batch
from collector.store.memory import MemoryStore

Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]

T0 = 1_700_000_000_000_000_000
MS = 1_000_000
KINDS = {
    "internal": Span.SPAN_KIND_INTERNAL,
    "server": Span.SPAN_KIND_SERVER,
    "client": Span.SPAN_KIND_CLIENT,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
    "": Span.SPAN_KIND_UNSPECIFIED,
}
HTTP: Mapping[str, Any] = {"http.request.method": "GET"}


def any_value(value: object) -> AnyValue:
    """A Python value as OTLP holds it."""
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case str():
            return AnyValue(string_value=value)
        case list():
            items = cast("list[object]", value)
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in items]))
        case dict():
            members = cast("dict[str, object]", value)
            return AnyValue(kvlist_value=KeyValueList(values=key_values(members)))
        case _:
            raise TypeError(type(value).__name__)


def key_values(attributes: Mapping[str, object]) -> list[KeyValue]:
    """Attributes as OTLP holds them."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


class World:
    """Records wait until `commit`; ids are short names, times milliseconds after T0."""

    def __init__(self) -> None:
        self.now = T0 + 3_600_000 * MS
        self.store = MemoryStore(lambda: self.now)
        self.live: LiveStatus | None = None
        self.query = self.fresh_query()
        self._spans = ExportTraceServiceRequest()
        self._logs = ExportLogsServiceRequest()

    def fresh_query(self, time_limit_s: float = 60.0) -> QueryService:
        """Another service over the same store, as another process would have."""
        return QueryService(
            self.store, clock_unix_nano=lambda: self.now, live_status=lambda: self.live, time_limit_s=time_limit_s
        )

    @staticmethod
    def trace_id(name: str) -> str:
        """The hex trace id of a name; hex names are kept and filled up."""
        try:
            return bytes.fromhex(name.ljust(32, "0")).hex()
        except ValueError:
            return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()

    @staticmethod
    def span_id(name: str) -> str:
        """The hex span id of a name."""
        return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()

    def span(
        self,
        trace: str,
        span: str,
        parent: str = "",
        *,
        at: float = 0,
        took: float | None = 1,
        kind: str = "internal",
        service: str = "shop",
        name: str | None = None,
        error: bool = False,
        message: str = "",
        attributes: Mapping[str, Any] | None = None,
        events: Sequence[tuple[str, float, Mapping[str, Any]]] = (),
        session: str = "",
        resource: Mapping[str, Any] | None = None,
        scope: Mapping[str, Any] | None = None,
        trace_state: str = "",
    ) -> str:
        """Add a span (`took=None`: it has not ended); returns its hex id."""
        start = T0 + round(at * MS)
        attributes = {**(attributes or {}), **({"session.id": session} if session else {})}
        record = Span(
            trace_id=bytes.fromhex(self.trace_id(trace)),
            span_id=bytes.fromhex(self.span_id(span)),
            parent_span_id=bytes.fromhex(self.span_id(parent)) if parent else b"",
            trace_state=trace_state,
            name=span if name is None else name,
            kind=KINDS[kind],
            start_time_unix_nano=start,
            end_time_unix_nano=0 if took is None else start + round(took * MS),
            attributes=key_values(attributes),
            status=Status(code=Status.STATUS_CODE_ERROR if error else Status.STATUS_CODE_UNSET, message=message),
            events=[
                Span.Event(name=label, time_unix_nano=T0 + round(when * MS), attributes=key_values(values))
                for label, when, values in events
            ],
        )
        outer = self._spans.resource_spans.add()
        outer.resource.attributes.extend(key_values({"service.name": service, **(resource or {})}))
        inner = outer.scope_spans.add(spans=[record])
        inner.scope.attributes.extend(key_values(scope or {}))
        return self.span_id(span)

    def log(
        self,
        body: object = None,
        trace: str = "",
        span: str = "",
        *,
        at: float | None = 0,
        observed: float | None = None,
        service: str = "shop",
        severity: int = 0,
        severity_text: str = "",
        event_name: str = "",
        attributes: Mapping[str, Any] | None = None,
        session: str = "",
        resource: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a log record (`at=None`: without a time)."""
        attributes = {**(attributes or {}), **({"session.id": session} if session else {})}
        record = LogRecord(
            time_unix_nano=0 if at is None else T0 + round(at * MS),
            observed_time_unix_nano=0 if observed is None else T0 + round(observed * MS),
            severity_number=severity,  # pyright: ignore[reportArgumentType]  any number may be sent
            severity_text=severity_text,
            event_name=event_name,
            trace_id=bytes.fromhex(self.trace_id(trace)) if trace else b"",
            span_id=bytes.fromhex(self.span_id(span)) if span else b"",
            attributes=key_values(attributes),
        )
        if body is not None:
            record.body.CopyFrom(any_value(body))
        outer = self._logs.resource_logs.add()
        outer.resource.attributes.extend(key_values({"service.name": service, **(resource or {})}))
        outer.scope_logs.add(log_records=[record])

    def commit(self) -> None:
        """Store what was added, a batch per signal; time goes on by a second."""
        for signal, request in ((Signal.TRACES, self._spans), (Signal.LOGS, self._logs)):
            body = request.SerializeToString()
            if body:
                self.store_request(signal, body)
        self._spans = ExportTraceServiceRequest()
        self._logs = ExportLogsServiceRequest()

    def store_request(self, signal: Signal, body: bytes) -> None:
        """Store one export request as it came; the same one again counts as another."""
        self.now += 1_000 * MS
        records = correlate(signal, cut_request(signal, body), SessionKeys()).records
        batch = Batch(signal, hashlib.sha256(body + self.now.to_bytes(8)).digest(), records)
        anyio.run(self.store.write, batch)

    def observe(self, **arguments: Any) -> dict[str, Any]:
        """Ask."""
        return self.query.observe(parse_params(arguments))

    def names(self, **arguments: Any) -> list[str]:
        """Ask for events and return their names or bodies."""
        answer = self.observe(**arguments)
        events = answer.get("events", answer.get("timeline"))
        assert events is not None
        return [event.get("name") or event["body"] for event in events]


@pytest.fixture
def world() -> World:
    """An empty store and a service that answers from it."""
    return World()


@pytest.fixture
def capture(recordings: Recordings) -> Callable[[str], World]:
    """`capture(name)`: a world that holds a recorded folder."""

    def load(name: str) -> World:
        world = World()
        for signal, body, _ in recordings(name):
            world.store_request(signal, body)
        return world

    return load


@pytest.fixture(scope="session")
def new_world() -> Callable[[], World]:
    """`new_world()`: for tests that need more than one."""
    return World
