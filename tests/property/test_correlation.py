"""Binding and summing up, held against slow and plain versions of the same rules.

The reference below reads the official messages of a whole request and nothing else: no bytes, no marks, no
order of looks. DESIGN in words: the first place that names a session wins, by the keys in their order; then a
captured header; then the span's own tracestate.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.correlator import Correlator
from collector.correlation.keys import SessionKeys, correlate
from collector.correlation.record import EventType, Evidence, Record, Severity
from collector.pdata.envelope import Signal, cut_request

EXAMPLES = 200
TRACE_HEX = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_HEX = "0af7651916cd43dd8448eb211c80319c"
CUSTOM_KEYS = SessionKeys(("enduser.id", "Ticket".lower()))


class Seen(NamedTuple):
    """What the rules say of one record."""

    service: str
    type: EventType
    kind: int
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    time_unix_nano: int
    end_time_unix_nano: int
    error: bool
    severity: Severity
    session_id: str
    evidence: Evidence
    span_events: tuple[tuple[int, bool], ...]
    is_page: bool


# --- The rules, once more


def named(attributes: Iterable[KeyValue], key: str) -> Iterator[AnyValue]:
    """Yield the values under a key in any case, the last first."""
    for item in reversed(list(attributes)):
        if item.key.lower() == key:
            yield item.value


def plain_text(value: AnyValue) -> str:
    """Read an id as an attribute holds it: text, or a whole number."""
    if value.HasField("int_value"):
        return str(value.int_value)
    return value.string_value.strip()


def header_text(value: AnyValue) -> str:
    """Read an id as a captured header holds it: in the first element that has something before its first comma."""
    elements = [item.string_value for item in value.array_value.values] or [plain_text(value)]
    return next(filter(None, (element.split(",")[0].strip() for element in elements)), "")


def tracestate_texts(tracestate: str) -> Iterator[str]:
    for member in tracestate.split(","):
        found = re.fullmatch(r"\s*gasoline=(.*)", member, re.IGNORECASE | re.DOTALL)
        if found:
            yield found[1].strip()


def claims(
    message: Span | LogRecord, scope: InstrumentationScope, resource: Resource, keys: Sequence[str]
) -> Iterator[tuple[str, Evidence]]:
    """Yield whatever names a session, the strongest first."""
    places = [message.attributes]
    if isinstance(message, Span):
        places += [event.attributes for event in message.events]
    places += [scope.attributes, resource.attributes]
    for place in places:
        for key in keys:
            texts = [text for value in named(place, key) if (text := plain_text(value))]
            yield from ((text, Evidence.ATTRIBUTE) for text in texts[:1])
    for place in places:
        for key in ("http.request.header.x-session-id", "http.request.header.x_session_id"):
            texts = [text for value in named(place, key) if (text := header_text(value))]
            yield from ((text, Evidence.HEADER) for text in texts[:1])
    if isinstance(message, Span):
        yield from ((text, Evidence.TRACESTATE) for text in tracestate_texts(message.trace_state) if text)


def trace_id_in(text: str) -> bytes:
    bare = re.fullmatch(r"\s*([0-9a-fA-F]{32})\s*", text)
    parent = re.fullmatch(r"\s*(?![fF]{2})..-([0-9a-fA-F]{32})-[^-]*-.*", text, re.DOTALL)
    match = bare or parent
    found = bytes.fromhex(match[1]) if match else b""
    return found if any(found) else b""


def log_trace_id(message: LogRecord) -> bytes:
    if len(message.trace_id) == 16 and any(message.trace_id):
        return message.trace_id
    for key in ("trace_id", "request_id", "oteltraceid", "traceparent", "http.request.header.traceparent"):
        for value in named(message.attributes, key):
            for text in [value.string_value, *(item.string_value for item in value.array_value.values)]:
                if trace_id_in(text):
                    return trace_id_in(text)
    return b""


def severity(message: LogRecord) -> Severity:
    if 1 <= message.severity_number <= 24:
        return Severity(1 + (message.severity_number - 1) // 4)
    by_word = {
        Severity.TRACE: ["trace"],
        Severity.DEBUG: ["debug"],
        Severity.INFO: ["info", "information", "notice"],
        Severity.WARN: ["warn", "warning"],
        Severity.ERROR: ["error", "err", "severe"],
        Severity.FATAL: ["fatal", "critical", "crit", "alert", "emergency", "emerg", "panic"],
    }
    word = re.sub(r"\d+$", "", message.severity_text.strip().lower())
    return next((one for one, words in by_word.items() if word in words), Severity.NONE)


def service_of(resource: Resource) -> str:
    names = [item.value for item in resource.attributes if item.key == "service.name"]
    return (names[-1].string_value if names else "") or "unknown_service"


def seen_span(span: Span, service: str, session_id: str, evidence: Evidence) -> Seen | None:
    if len(span.trace_id) != 16 or not any(span.trace_id) or len(span.span_id) != 8 or not any(span.span_id):
        return None
    keys = {item.key for item in span.attributes}
    network = span.kind in (2, 3) and keys & {"http.request.method", "http.method", "rpc.system", "rpc.system.name"}
    parent = span.parent_span_id
    return Seen(
        service,
        EventType.NETWORK if network else EventType.SPAN,
        span.kind if 0 <= span.kind <= 5 else 0,
        span.trace_id,
        span.span_id,
        parent if len(parent) == 8 and any(parent) and parent != span.span_id else b"",
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == Status.STATUS_CODE_ERROR,
        Severity.NONE,
        session_id,
        evidence,
        tuple((event.time_unix_nano or span.start_time_unix_nano, event.name == "exception") for event in span.events),
        span.name == "documentLoad",
    )


def seen_log(log: LogRecord, service: str, session_id: str, evidence: Evidence) -> Seen:
    old_names = [item.value.string_value for item in log.attributes if item.key == "event.name"]
    event_name = log.event_name or (old_names[0] if old_names else "")
    time_unix_nano = log.time_unix_nano or log.observed_time_unix_nano
    return Seen(
        service,
        EventType.EVENT if event_name else EventType.LOG,
        0,
        log_trace_id(log),
        log.span_id if len(log.span_id) == 8 and any(log.span_id) else b"",
        b"",
        time_unix_nano,
        time_unix_nano,
        severity(log) >= Severity.ERROR,
        severity(log),
        session_id,
        evidence,
        (),
        event_name == "browser.navigation",
    )


def reference(signal: Signal, body: bytes, keys: SessionKeys) -> tuple[list[Seen], int, int]:
    """Return every record as the rules see it, how many are rejected, and how many had an id over the limit."""
    seen: list[Seen] = []
    rejected = overlong = 0
    for resource, scope, message in members(signal, body):
        session_id, evidence, too_long = "", Evidence.NONE, False
        for claim, why in claims(message, scope, resource, keys.attributes):
            if len(claim.encode()) <= 256:
                session_id, evidence = claim, why
                break
            too_long = True
        overlong += too_long
        if isinstance(message, Span):
            one = seen_span(message, service_of(resource), session_id, evidence)
        else:
            one = seen_log(message, service_of(resource), session_id, evidence)
        if one:
            seen.append(one)
        else:
            rejected += 1
    return seen, rejected, overlong


def members(signal: Signal, body: bytes) -> Iterator[tuple[Resource, InstrumentationScope, Span | LogRecord]]:
    if signal is Signal.TRACES:
        for spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scoped_spans in spans.scope_spans:
                yield from ((spans.resource, scoped_spans.scope, span) for span in scoped_spans.spans)
    else:
        for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scoped_logs in logs.scope_logs:
                yield from ((logs.resource, scoped_logs.scope, log) for log in scoped_logs.log_records)


# --- What is sent

session_texts = st.sampled_from(
    ["", " ", "s-1", "s-2", " s-3 ", "a,b", ",b", " , c", "x" * 256, "x" * 257, "é" * 128, "é" * 129, " " + "y" * 256]
)
trace_texts = st.sampled_from(
    [
        "",
        TRACE_HEX,
        f" {TRACE_HEX.upper()} ",
        f"00-{OTHER_HEX}-b7ad6b7169203331-01",
        f"ff-{OTHER_HEX}-1-1",
        "0" * 32,
        f"00-{'0' * 32}-1-01",
        TRACE_HEX[1:],
        f"00-{OTHER_HEX}",
        "no-id-at-all",
        "g" * 32,
        f"cc-{OTHER_HEX}--",
    ]
)
texts = session_texts | trace_texts
scalars = st.one_of(
    texts.map(lambda text: AnyValue(string_value=text)),
    st.sampled_from([0, 7, -1]).map(lambda number: AnyValue(int_value=number)),
    st.sampled_from(
        [
            AnyValue(),
            AnyValue(bool_value=True),
            AnyValue(double_value=1.5),
            AnyValue(bytes_value=b"s-1"),
            AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="session.id", value=AnyValue(string_value="in"))])),
        ]
    ),
)
values = st.one_of(
    texts.map(lambda text: AnyValue(string_value=text)),
    scalars,
    st.lists(scalars, max_size=3).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
)
KEYS = """
    session.id Session.ID session_id gasoline.session.id rum.sessionId RUM.SESSIONID enduser.id TICKET session.ids
    http.request.header.x-session-id http.request.header.X-Session-Id http.request.header.x_session_id
    trace_id Trace_Id request_id otelTraceID traceparent http.request.header.traceparent
    http.request.method http.method rpc.system HTTP.METHOD event.name service.name
""".split()
attributes = st.lists(st.builds(KeyValue, key=st.sampled_from(KEYS), value=values), max_size=3)
few_attributes = st.just(list[KeyValue]()) | st.just(list[KeyValue]()) | attributes
tracestates = st.sampled_from(
    [
        "",
        "",
        "a=b",
        "gasoline=s-t",
        "a=b, gasoline=s-t ,c=d",
        "GASOLINE=s-u",
        "gasoline=",
        "gasoline",
        "xgasoline=no",
        "gasoline=a=b",
        "gasoline=" + "x" * 256,
        "gasoline=" + "x" * 257,
        "gasoline=" + "x" * 257 + ",gasoline=s-v",
        "gasoline= padded ",
        "gasoline=" + "x" * 256 + " ",
        "gasoline =no",
        "gasoline=,gasoline=s-w",
    ]
)
times = st.integers(0, 5) | st.integers(0, (1 << 64) - 1)
trace_ids = st.sampled_from([b"", bytes(16), b"short", bytes.fromhex(TRACE_HEX), bytes(range(16))])
span_ids = st.sampled_from([b"", bytes(8), b"12345678", b"abcdefgh", b"abcdefgX", b"123"])
names = st.sampled_from(["", "exception", "documentLoad", "browser.navigation", "session", "gasoline=", "http.method"])
spans = st.builds(
    Span,
    trace_id=trace_ids,
    span_id=span_ids,
    parent_span_id=span_ids,
    trace_state=tracestates,
    name=names,
    kind=st.sampled_from([0, 1, 2, 2, 3, 3, 4, 5, 6, 10, -1]),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=few_attributes,
    events=st.lists(st.builds(Span.Event, name=names, time_unix_nano=times, attributes=few_attributes), max_size=2),
    status=st.none() | st.builds(Status, code=st.sampled_from(range(3))),
)
severity_texts = st.sampled_from(
    ["", "ERROR", " warn ", "Info2", "Warning", "CRITICAL", "critical3", "fatal", "nonsense", "err", "4", "Debug-2"]
)
logs = st.builds(
    LogRecord,
    trace_id=trace_ids,
    span_id=span_ids,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    severity_number=st.sampled_from([*range(25), 25, -1]),
    severity_text=severity_texts,
    event_name=st.just("") | names,
    attributes=few_attributes,
)
valid_spans = spans.map(lambda span: Span.FromString(span.SerializeToString() + b"\x0a\x10" + b"t" * 16))
resources = st.builds(Resource, attributes=few_attributes)
scopes = st.builds(InstrumentationScope, attributes=few_attributes)


@st.composite
def trace_bodies(draw: st.DrawFn) -> bytes:
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(1, 2))):
        outer = request.resource_spans.add(resource=draw(resources))
        for _ in range(draw(st.integers(1, 2))):
            outer.scope_spans.add(scope=draw(scopes), spans=draw(st.lists(spans | valid_spans, min_size=1, max_size=4)))
    return request.SerializeToString()


@st.composite
def log_bodies(draw: st.DrawFn) -> bytes:
    request = ExportLogsServiceRequest()
    for _ in range(draw(st.integers(1, 2))):
        outer = request.resource_logs.add(resource=draw(resources))
        for _ in range(draw(st.integers(1, 2))):
            outer.scope_logs.add(scope=draw(scopes), log_records=draw(st.lists(logs, min_size=1, max_size=4)))
    return request.SerializeToString()


# --- The two held together


def seen(record: Record) -> Seen:
    return Seen(
        record.context.service,
        record.type,
        record.kind,
        record.trace_id,
        record.span_id,
        record.parent_span_id,
        record.time_unix_nano,
        record.end_time_unix_nano,
        record.error,
        record.severity,
        record.session_id,
        record.evidence,
        tuple((event.time_unix_nano, event.error) for event in record.span_events),
        record.is_page,
    )


def check(signal: Signal, body: bytes, keys: SessionKeys) -> None:
    expected = reference(signal, body, keys)
    for correlated in (correlate(signal, cut_request(signal, body), keys), Correlator(keys).correlate(signal, body)):
        found = ([seen(record) for record in correlated.records], correlated.rejected, correlated.overlong_session_ids)
        assert found == expected


@pytest.mark.requirement("flow:ids-indexed", "header:x-session-id", "header:tracestate")
@given(body=trace_bodies(), keys=st.sampled_from([SessionKeys(), CUSTOM_KEYS]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_spans_are_bound_as_the_rules_say(body: bytes, keys: SessionKeys) -> None:
    check(Signal.TRACES, body, keys)


@pytest.mark.requirement("flow:ids-indexed", "header:traceparent", "backend:middleware")
@given(body=log_bodies(), keys=st.sampled_from([SessionKeys(), CUSTOM_KEYS]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_log_records_are_bound_as_the_rules_say(body: bytes, keys: SessionKeys) -> None:
    check(Signal.LOGS, body, keys)


@pytest.mark.parametrize("tag", [b"\x5a", b"\xda\x00", b"\xda\x80\x00"], ids=["shortest", "longer", "longest"])
def test_span_events_behind_a_tag_longer_than_it_need_be_are_seen(tag: bytes) -> None:
    event = Span.Event(name="exception", time_unix_nano=1).SerializeToString()
    raw = Span(trace_id=b"t" * 16, span_id=b"12345678").SerializeToString() + tag + bytes([len(event)]) + event
    body = b"\x0a" + bytes([len(raw) + 4, 0x12, len(raw) + 2, 0x12, len(raw)]) + raw
    check(Signal.TRACES, body, SessionKeys())
    (record,) = correlate(Signal.TRACES, cut_request(Signal.TRACES, body), SessionKeys()).records
    assert record.span_events == ((1, True),)
