"""The embedded store answers every question as the one in memory does, whatever is asked of both."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.join import TraceKey
from collector.pdata.envelope import Signal
from collector.store.api import Batch, Reader

BatchOf = Callable[[Signal, bytes], Batch]
OpenStore = Callable[[str], Any]
Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]

ROWS_MAX = 100_000


def everything(reader: Reader) -> dict[str, object]:
    """Ask all there is to ask; the order inside one commit is left open by the contract."""
    position = reader.position()
    upto = position.commit
    parts = list(reader.parts(upto))
    keys = sorted({part.trace_key for part in parts})
    sessions = reader.session_ids("", ROWS_MAX)
    rows = {key: list(reader.rows(key, upto, ROWS_MAX)) for key in keys}
    record_keys = [row.key for of_trace in rows.values() for row in of_trace if row.event_index < 0]
    return {
        "position": position,
        "parts": sorted(parts, key=repr),
        "parts by session": {one: sorted(reader.parts(upto, session_id=one), key=repr) for one in sessions},
        "parts by trace": {key: sorted(reader.parts(upto, trace_keys=[key]), key=repr) for key in keys},
        "rows": rows,
        "trace keys": {one: list(reader.trace_keys(one, upto)) for one in sessions},
        "trace keys before": {one: list(reader.trace_keys(one, upto // 2)) for one in sessions},
        "news": {one: [reader.has_news(one, commit, commit + 1) for commit in range(upto)] for one in sessions},
        "traces": reader.traces(keys, upto, ROWS_MAX),
        "traces before": reader.traces(keys, upto // 2, ROWS_MAX),
        "rows before": {key: list(reader.rows(key, upto // 2, ROWS_MAX)) for key in keys},
        "bodies": reader.bodies(record_keys),
        "sessions": list(sessions),
        "trace ids": list(reader.trace_ids("", ROWS_MAX)),
        "services": list(reader.status().services),
    }


@pytest.mark.anyio
@pytest.mark.parametrize("capture", ["baggage-mixed", "browser", "edge-grpc", "emit", "emit-rust", "telemetrygen"])
async def test_recorded_traffic_reads_the_same(
    capture: str, recordings: Recordings, open_store: OpenStore, batch_of: BatchOf
) -> None:
    memory, sqlite = open_store("memory"), open_store("sqlite")
    for signal, body, _ in recordings(capture):
        batch = batch_of(signal, body)
        assert await memory.writer.write(batch) == await sqlite.writer.write(batch)
    assert everything(sqlite.reader) == everything(memory.reader)
    sessions = memory.reader.session_ids("", ROWS_MAX)
    for session in sessions[::2]:
        assert await sqlite.writer.clear(session) == await memory.writer.clear(session)
    assert everything(sqlite.reader) == everything(memory.reader)


def key_value(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


session_attributes = st.sampled_from(["", "", "s-1", "s-2"]).map(
    lambda session: [key_value("session.id", session)] if session else []
)
trace_ids = st.sampled_from([bytes([n]) * 16 for n in (1, 2, 3)])
times = st.integers(0, 5) | st.integers(0, (1 << 64) - 1)
spans = st.builds(
    Span,
    trace_id=trace_ids,
    span_id=st.sampled_from([bytes([n]) * 8 for n in range(1, 6)]),
    parent_span_id=st.sampled_from([b"", *(bytes([n]) * 8 for n in range(1, 6))]),
    kind=st.sampled_from(range(6)),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=session_attributes,
    events=st.lists(st.builds(Span.Event, name=st.sampled_from(["exception", "x"]), time_unix_nano=times), max_size=2),
)
logs = st.builds(
    LogRecord,
    trace_id=trace_ids | st.just(b""),
    time_unix_nano=times,
    severity_number=st.sampled_from(range(25)),
    attributes=session_attributes,
    event_name=st.sampled_from(["", "browser.navigation"]),
)
services = st.sampled_from(["shop", "orders"])


def trace_request(service: str, items: list[Span]) -> tuple[Signal, bytes]:
    request = ExportTraceServiceRequest()
    outer = request.resource_spans.add()
    outer.resource.attributes.append(key_value("service.name", service))
    outer.scope_spans.add(spans=items)
    return Signal.TRACES, request.SerializeToString()


def log_request(service: str, items: list[LogRecord]) -> tuple[Signal, bytes]:
    request = ExportLogsServiceRequest()
    outer = request.resource_logs.add()
    outer.resource.attributes.append(key_value("service.name", service))
    outer.scope_logs.add(log_records=items)
    return Signal.LOGS, request.SerializeToString()


requests = st.builds(trace_request, services, st.lists(spans, min_size=1, max_size=6)) | st.builds(
    log_request, services, st.lists(logs, min_size=1, max_size=4)
)
steps = st.lists(requests | st.sampled_from(["clear s-1", "clear s-2", "clear", "again"]), max_size=12)


@given(steps=steps)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_reads_the_same(
    steps: list[tuple[Signal, bytes] | str], open_store: OpenStore, batch_of: BatchOf
) -> None:
    async def replay() -> None:
        memory, sqlite = open_store("memory"), open_store("sqlite")
        last: Batch | None = None
        for step in steps:
            for store in (memory, sqlite):
                store.clock.turn_ms(150)
            if step == "again":
                if last:
                    assert await memory.writer.write(last) == await sqlite.writer.write(last)
            elif isinstance(step, str):
                session = step.removeprefix("clear").strip() or None
                assert await memory.writer.clear(session) == await sqlite.writer.clear(session)
            else:
                last = batch_of(*step)
                assert await memory.writer.write(last) == await sqlite.writer.write(last)
        assert everything(sqlite.reader) == everything(memory.reader)
        sqlite.reader.close()
        sqlite.writer.stop()

    anyio.run(replay)


def test_the_trace_key_of_a_pseudo_trace_is_no_trace() -> None:
    assert [TraceKey(kind, b"x").is_trace for kind in ("trace", "session", "service")] == [True, False, False]
