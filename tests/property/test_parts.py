"""Parts add up: what is kept of the records does not depend on how commits cut them."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.correlator import Correlator
from collector.correlation.join import ROOTS_PER_PART_MAX, Part, TraceKey, parts_of, trace_key_of
from collector.correlation.keys import SessionKeys, correlate
from collector.correlation.record import EventType, Record
from collector.pdata.envelope import Signal, cut_request
from collector.store.sqlite.chunk import delete_records
from collector.store.sqlite.chunk_maker import ChunkMaker
from collector.store.sqlite.headers import ContextFacts, Names, RowsOfTraces, StoredChunk, decode_parts

EXAMPLES = 150
KEY = TraceKey("trace", b"t" * 16)


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


some_attributes = st.lists(
    st.sampled_from(
        [
            text("session.id", "s-1"),
            text("session.id", "s-2"),
            text("http.request.method", "GET"),
            text("url.full", "http://shop.test/a"),
        ]
    ),
    max_size=3,
)
times = st.integers(0, 5) | st.integers(0, (1 << 64) - 1)
span_ids = st.sampled_from([bytes([number]) * 8 for number in range(1, 15)])
names = st.sampled_from(["", "exception", "documentLoad", "browser.navigation"])
spans = st.builds(
    Span,
    trace_id=st.just(b"t" * 16),
    span_id=span_ids,
    parent_span_id=st.just(b"") | span_ids,
    name=names,
    kind=st.sampled_from(range(6)),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=some_attributes,
    events=st.lists(st.builds(Span.Event, name=names, time_unix_nano=times), max_size=2),
    status=st.none() | st.builds(Status, code=st.sampled_from(range(3))),
)
logs = st.builds(
    LogRecord,
    trace_id=st.sampled_from([b"t" * 16, b""]),
    time_unix_nano=times,
    severity_number=st.sampled_from([0, 9, 17, 24]),
    event_name=names,
    attributes=some_attributes,
)
services = st.sampled_from(["shop", "orders", ""])


@st.composite
def span_records(draw: st.DrawFn, most: int = 6) -> Sequence[Record]:
    request = ExportTraceServiceRequest()
    outer = request.resource_spans.add()
    outer.resource.attributes.append(text("service.name", draw(services)))
    outer.scope_spans.add(spans=draw(st.lists(spans, min_size=1, max_size=most)))
    return correlate(Signal.TRACES, cut_request(Signal.TRACES, request.SerializeToString()), SessionKeys()).records


@st.composite
def log_records(draw: st.DrawFn) -> Sequence[Record]:
    request = ExportLogsServiceRequest()
    outer = request.resource_logs.add()
    outer.resource.attributes.append(text("service.name", draw(services)))
    outer.scope_logs.add(log_records=draw(st.lists(logs, min_size=1, max_size=6)))
    return correlate(Signal.LOGS, cut_request(Signal.LOGS, request.SerializeToString()), SessionKeys()).records


class Sums(NamedTuple):
    """What the parts of one session add up to."""

    spans: int
    span_events: int
    logs: int
    errors: int
    start_time_unix_nano: int
    last_time_unix_nano: int
    service_bytes: dict[str, int]
    page_time_unix_nano: int | None
    server_time_unix_nano: int | None


def sums_of_records(records: Sequence[Record]) -> Sums:
    times = [record.time_unix_nano for record in records]
    times += [event.time_unix_nano for record in records for event in record.span_events]
    service_bytes: dict[str, int] = {}
    for record in records:
        service_bytes[record.context.service] = service_bytes.get(record.context.service, 0) + len(record.raw)
    return Sums(
        sum(record.is_span for record in records),
        sum(len(record.span_events) for record in records),
        sum(not record.is_span for record in records),
        sum(record.error + sum(event.error for event in record.span_events) for record in records),
        min(times),
        max(times),
        service_bytes,
        min((record.time_unix_nano for record in records if record.is_page), default=None),
        min((record.time_unix_nano for record in records if record.kind == Span.SPAN_KIND_SERVER), default=None),
    )


def sums_of_parts(parts: Sequence[Part]) -> Sums:
    service_bytes: dict[str, int] = {}
    for part in parts:
        for service, size in part.service_bytes.items():
            service_bytes[service] = service_bytes.get(service, 0) + size
    return Sums(
        sum(part.spans for part in parts),
        sum(part.span_events for part in parts),
        sum(part.logs for part in parts),
        sum(part.errors for part in parts),
        min(part.start_time_unix_nano for part in parts),
        max(part.last_time_unix_nano for part in parts),
        service_bytes,
        min((part.page.time_unix_nano for part in parts if part.page), default=None),
        min((part.server.time_unix_nano for part in parts if part.server), default=None),
    )


@given(requests=st.lists(span_records() | log_records(), min_size=1, max_size=4), data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_parts_add_up_however_the_records_are_split_into_commits(
    requests: list[list[Record]], data: st.DataObject
) -> None:
    records = [record for request in requests for record in request]
    parts: list[Part] = []
    start = commit = 0
    while start < len(records):
        commit += 1
        end = data.draw(st.integers(start + 1, len(records)))
        committed = parts_of(commit, KEY, records[start:end])
        sessions = dict.fromkeys(record.session_id for record in records[start:end])
        assert [(part.commit, part.trace_key, part.session_id) for part in committed] == [
            (commit, KEY, session_id) for session_id in sessions
        ]
        parts += committed
        start = end
    for session_id in {record.session_id for record in records}:
        own = [record for record in records if record.session_id == session_id]
        assert sums_of_parts([part for part in parts if part.session_id == session_id]) == sums_of_records(own)


@given(records=span_records(most=24))
@settings(max_examples=EXAMPLES, deadline=None)
def test_roots_are_the_spans_whose_parent_is_not_in_the_commit(records: list[Record]) -> None:
    present = {record.span_id for record in records}
    for part in parts_of(1, KEY, records):
        expected = [
            (position, record)
            for position, record in enumerate(records)
            if record.session_id == part.session_id and record.parent_span_id not in present
        ]
        expected.sort(key=lambda pair: (pair[1].type is not EventType.NETWORK, pair[1].time_unix_nano))
        assert part.roots_left_out == max(0, len(expected) - ROOTS_PER_PART_MAX)
        assert [(root.position, root.span_id, root.parent_span_id, root.service) for root in part.roots] == [
            (position, one.span_id, one.parent_span_id, one.context.service)
            for position, one in expected[:ROOTS_PER_PART_MAX]
        ]
        assert [
            (root.start_time_unix_nano, root.end_time_unix_nano, root.error, root.type, root.kind)
            for root in part.roots
        ] == [
            (one.time_unix_nano, one.end_time_unix_nano, one.error, one.type, one.kind)
            for _, one in expected[:ROOTS_PER_PART_MAX]
        ]


http_values = st.one_of(
    st.sampled_from(["", "GET", "shop.test", "::1", "/a?b", "8080", "443", "https", "http://shop.test/"]).map(
        lambda value: AnyValue(string_value=value)
    ),
    st.sampled_from([0, 80, 8080, 502, -1, 1 << 62]).map(lambda value: AnyValue(int_value=value)),
    st.sampled_from([AnyValue(), AnyValue(bool_value=True), AnyValue(double_value=1.5), AnyValue(bytes_value=b"GET")]),
)
http_keys = """
    http.request.method http.method url.full http.url url.scheme server.address server.port url.path url.query
    http.target http.host http.response.status_code http.status_code rpc.system rpc.grpc.status_code session.id
""".split()
http_attributes = st.lists(st.builds(KeyValue, key=st.sampled_from(http_keys), value=http_values), max_size=6)


@st.composite
def mixed_bodies(draw: st.DrawFn) -> tuple[Signal, bytes]:
    """Write a request of spans or of logs, their attributes those of HTTP or any."""
    context = Resource(attributes=[text("service.name", draw(services))])
    if draw(st.booleans()):
        request = ExportTraceServiceRequest()
        outer = request.resource_spans.add(resource=context)
        some = outer.scope_spans.add(spans=draw(st.lists(spans, min_size=1, max_size=12))).spans
        for span in some:
            span.attributes.extend(draw(http_attributes))
        return Signal.TRACES, request.SerializeToString()
    written = ExportLogsServiceRequest()
    written.resource_logs.add(resource=context).scope_logs.add(log_records=draw(st.lists(logs, min_size=1, max_size=6)))
    return Signal.LOGS, written.SerializeToString()


@given(bodies=st.lists(mixed_bodies(), min_size=1, max_size=3), now=st.integers(1, (1 << 64) - 1))
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_kernels_file_and_encode_as_their_twins(bodies: list[tuple[Signal, bytes]], now: int) -> None:
    assert made(bodies, now, use_native=True) == made(bodies, now, use_native=False)


@pytest.mark.parametrize("spans_and_log", [16, 17])
def test_few_and_many_records_of_a_trace_find_their_parents(spans_and_log: int) -> None:
    numbers = [number.to_bytes(8) for number in range(1, spans_and_log + 1)]
    *span_ids, of_log = numbers
    parents = [b"elsewher", *span_ids[:-2], of_log]
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(
        spans=[
            Span(trace_id=KEY.value, span_id=span_id, parent_span_id=parent, start_time_unix_nano=1)
            for span_id, parent in zip(span_ids, parents, strict=True)
        ]
    )
    written = ExportLogsServiceRequest()
    log = LogRecord(trace_id=KEY.value, span_id=of_log, time_unix_nano=1)
    written.resource_logs.add().scope_logs.add(log_records=[log])
    bodies = [(Signal.TRACES, request.SerializeToString()), (Signal.LOGS, written.SerializeToString())]
    assert made(bodies, 1, use_native=True) == made(bodies, 1, use_native=False)


def made(bodies: list[tuple[Signal, bytes]], now: int, *, use_native: bool) -> list[object]:
    """Return all that a commit of these requests makes of them before it is written."""
    correlator, chunks = Correlator(SessionKeys(), use_native=use_native), ChunkMaker(use_native=use_native)
    filed = chunks.file([correlator.correlate(signal, body).records for signal, body in bodies], now)
    contexts = {context: number for number, context in enumerate(filed.totals, 1)}
    sessions = {"": 0} | {name: number for number, name in enumerate(sorted(filed.sessions - {""}), 1000)}
    chunks_made = {key: chunks.encode(records, contexts, sessions) for key, records in filed.traces.items()}
    return [list(chunks_made.items()), filed.sessions, list(filed.totals.items())]


@given(bodies=st.lists(mixed_bodies(), min_size=1, max_size=3), deleted=st.sampled_from(["", "s-1", "s-2"]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_kernel_reads_headers_as_its_twin(bodies: list[tuple[Signal, bytes]], deleted: str) -> None:
    requests = [Correlator(SessionKeys()).correlate(signal, body).records for signal, body in bodies]
    filed = ChunkMaker().file(requests, 1)
    contexts = list(filed.totals)
    sessions = ["", *sorted(filed.sessions - {""})]
    facts = [ContextFacts(context.service, context.host) for context in contexts]
    names = Names(facts.__getitem__, sessions.__getitem__)
    chunks: list[StoredChunk] = []
    for trace_key, records in filed.traces.items():
        encoded = ChunkMaker().encode(
            records,
            {context: number for number, context in enumerate(contexts)},
            {session_id: number for number, session_id in enumerate(sessions)},
        )
        header = encoded.header + encoded.facts
        if deleted in sessions[1:]:
            header, _ = delete_records(header, encoded.body, {sessions.index(deleted)})
        # In two commits, so that a trace has several chunks.
        chunks += [StoredChunk(trace_key, commit, header) for commit in (1, 2) if header]
    assert read_by(chunks, names, use_native=True) == read_by(chunks, names, use_native=False)
    assert parts_by(chunks, names, use_native=True) == parts_by(chunks, names, use_native=False)


def read_by(chunks: Sequence[StoredChunk], names: Names, *, use_native: bool) -> list[object]:
    rows_of = RowsOfTraces(use_native=use_native)
    rows_of.add(chunks, names)
    # A trace of which nothing is left is of no interest, in whatever form.
    found = {key: of_trace for key, of_trace in rows_of.traces.items() if of_trace.rows}
    return [(key, list(of_trace.rows), dict(of_trace.statuses), of_trace.pages) for key, of_trace in found.items()]


def parts_by(chunks: Sequence[StoredChunk], names: Names, *, use_native: bool) -> list[object]:
    # Compared as text, too: equal numbers of other types, or services in another order, would be equal.
    parts = decode_parts(chunks, names, use_native=use_native)
    return [*parts, repr(parts)]


@given(records=log_records() | span_records())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_record_is_filed_by_trace_else_by_session_else_by_service(records: list[Record]) -> None:
    for record in records:
        key = trace_key_of(record)
        if record.trace_id:
            assert key == TraceKey("trace", record.trace_id)
        elif record.session_id:
            assert key == TraceKey("session", record.session_id.encode())
        else:
            assert key == TraceKey("service", record.context.service.encode())
