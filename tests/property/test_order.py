"""The order of a timeline: the native kernel and the plain code see one thing in any traces."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.correlator import Correlator
from collector.correlation.join import TraceKey
from collector.correlation.keys import SessionKeys
from collector.correlation.record import EventType
from collector.pdata.envelope import Signal
from collector.query.adjusters import UNCORRECTED, AdjustedTrace, Adjuster, LogCounts, Offsets, Ordered
from collector.query.params import ObserveParams
from collector.query.selection import Selection, Window
from collector.store.sqlite.chunk_maker import ChunkMaker
from collector.store.sqlite.headers import ContextFacts, Names, RowsOfTraces, StoredChunk

EXAMPLES = 200
SESSIONS = ("s-1", "s-2")


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


trace_ids = st.sampled_from([b"a" * 16, b"b" * 16])
span_ids = st.sampled_from([bytes([number]) * 8 for number in (1, 2, 3, 4, 0x80, 0xFF)])
# Close together, a clock that is wrong by a second, and the ends of the range.
times = st.integers(10**18, 10**18 + 4) | st.sampled_from([10**18 - 10**9, 1, 2**63 - 1, 2**63, 2**64 - 1])
names = st.sampled_from(["work", "exception", "documentLoad"])
some_attributes = st.lists(
    st.sampled_from([text("session.id", "s-1"), text("session.id", "s-2"), text("http.request.method", "GET")]),
    max_size=2,
)
spans = st.builds(
    Span,
    trace_id=trace_ids,
    span_id=span_ids,
    parent_span_id=st.just(b"") | span_ids,
    name=names,
    kind=st.sampled_from(range(6)),
    start_time_unix_nano=times,
    end_time_unix_nano=st.just(0) | times,
    attributes=some_attributes,
    events=st.lists(st.builds(Span.Event, name=names, time_unix_nano=times), max_size=2),
    status=st.none() | st.builds(Status, code=st.sampled_from(range(3))),
)
logs = st.builds(
    LogRecord,
    trace_id=trace_ids | st.just(b""),
    span_id=st.just(b"") | span_ids,
    time_unix_nano=times,
    severity_number=st.sampled_from([0, 9, 17]),
    event_name=st.just("") | names,
    attributes=some_attributes,
)
contexts = st.sampled_from(
    [
        Resource(attributes=[text("service.name", service), text("host.name", host)])
        for service in ("shop", "orders")
        for host in ("here", "there")
    ]
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[Signal, bytes]:
    if draw(st.booleans()):
        request = ExportTraceServiceRequest()
        some = draw(st.lists(spans, min_size=1, max_size=8))
        request.resource_spans.add(resource=draw(contexts)).scope_spans.add(spans=some)
        return Signal.TRACES, request.SerializeToString()
    written = ExportLogsServiceRequest()
    records = draw(st.lists(logs, min_size=1, max_size=6))
    written.resource_logs.add(resource=draw(contexts)).scope_logs.add(log_records=records)
    return Signal.LOGS, written.SerializeToString()


def stored(commits: Sequence[tuple[Signal, bytes]]) -> tuple[list[StoredChunk], Names]:
    """File and encode each body as a commit of its own; chunks by trace, then commit, as a store reads them."""
    services: list[ContextFacts] = []
    chunks: list[StoredChunk] = []
    for commit, (signal, body) in enumerate(commits, start=1):
        filed = ChunkMaker().file([Correlator(SessionKeys()).correlate(signal, body).records], commit)
        numbers = {context: len(services) + number for number, context in enumerate(filed.totals)}
        services += [ContextFacts(context.service, context.host) for context in filed.totals]
        sessions = {"": 0, "s-1": 1, "s-2": 2}
        for trace_key, records in filed.traces.items():
            chunks.append(StoredChunk(trace_key, commit, ChunkMaker().encode(records, numbers, sessions).header))
    chunks.sort(key=lambda chunk: (chunk.trace_key, chunk.commit))
    return chunks, Names(services.__getitem__, ("", *SESSIONS).__getitem__)


def adjusted(
    chunks: Sequence[StoredChunk], names: Names, session_id: str | None, *, use_native: bool
) -> tuple[Adjuster, Mapping[TraceKey, tuple[AdjustedTrace, LogCounts, Offsets]]]:
    adjuster = Adjuster(use_native=use_native)
    rows_of = RowsOfTraces(use_native=use_native)
    rows_of.add(chunks, names)
    traces: dict[TraceKey, tuple[AdjustedTrace, LogCounts, Offsets]] = {}
    for trace_key, (rows, _, _) in rows_of.traces.items():
        own = rows if session_id is None else adjuster.owned(rows, session_id)
        traces[trace_key] = adjuster.adjust(own), adjuster.log_counts(rows), UNCORRECTED
    return adjuster, traces


def facts_of(trace: AdjustedTrace) -> list[Any]:
    return [
        list(trace.rows),
        trace.copies,
        trace.tree,
        trace.is_skewed,
        trace.has_errors,
        trace.has_logs,
        trace.first_time_unix_nano,
        trace.last_time_unix_nano,
        trace.first_commit,
        trace.last_commit,
        trace.tops,
        trace.orphans,
        trace.missing_parents,
        trace.entry,
        trace.topmost,
        trace.first_server,
        trace.start_time_unix_nano,
        trace.services,
        [trace.says(session_id) for session_id in ("", *SESSIONS)],
    ]


@given(commits=st.lists(bodies(), min_size=1, max_size=4), session_id=st.sampled_from([None, *SESSIONS]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_traces_are_adjusted_and_ordered_alike(commits: list[tuple[Signal, bytes]], session_id: str | None) -> None:
    chunks, names = stored(commits)
    native_adjuster, native_traces = adjusted(chunks, names, session_id, use_native=True)
    plain_adjuster, plain_traces = adjusted(chunks, names, session_id, use_native=False)
    assert list(native_traces) == list(plain_traces)
    for native, plain in zip(native_traces.values(), plain_traces.values(), strict=True):
        assert facts_of(native[0]) == facts_of(plain[0])
        assert native[1] == plain[1]
    keys = sorted(native_traces)
    in_order = native_adjuster.ordered([native_traces[key] for key in keys])
    assert list(in_order) == list(plain_adjuster.ordered([plain_traces[key] for key in keys]))
    assert [in_order[index] for index in range(-len(in_order), len(in_order))] == 2 * list(in_order)


some_params = st.builds(
    ObserveParams,
    what=st.just("session-trace"),
    session_id=st.just("s-1"),
    service=st.sampled_from([None, "shop", "nobody"]),
    event_types=st.none() | st.lists(st.sampled_from(["network", "span", "event", "log", "error"]), min_size=1),
)
bounds = st.none() | st.sampled_from([-1, 0, 10**18, 10**18 + 2, 2**63 - 1, 2**63, 2**64])


@given(commits=st.lists(bodies(), min_size=1, max_size=3), params=some_params, window=st.builds(Window, bounds, bounds))
@settings(max_examples=EXAMPLES, deadline=None)
def test_events_are_selected_alike(commits: list[tuple[Signal, bytes]], params: ObserveParams, window: Window) -> None:
    selection = Selection(params, window)
    found: list[list[Any]] = []
    for use_native in (True, False):
        adjuster, traces = adjusted(*stored(commits), None, use_native=use_native)
        ordered: Ordered = adjuster.ordered([traces[key] for key in sorted(traces)])
        found.append(list(selection.of(ordered)))
    assert found[0] == found[1]


def test_rows_read_like_a_list() -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(
        spans=[Span(trace_id=b"a" * 16, span_id=bytes([number]) * 8) for number in (1, 2, 3)]
    )
    chunks, names = stored([(Signal.TRACES, request.SerializeToString())])
    rows_of = RowsOfTraces()
    rows_of.add(chunks, names)
    (rows,) = [of_trace.rows for of_trace in rows_of.traces.values()]
    as_list = list(rows)
    assert [row.type for row in rows] == [EventType.SPAN] * 3
    assert [rows[:2], rows[1:], rows[5:], rows[::-1], rows[-1]] == [
        as_list[:2],
        as_list[1:],
        [],
        as_list[::-1],
        as_list[2],
    ]
    assert (rows.index(as_list[1]), rows.count(as_list[1]), as_list[2] in rows) == (1, 1, True)
    assert rows == as_list
