"""Each rule by which a record names its session and its trace, by example."""

from collections.abc import Sequence

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import SessionKeys, correlate, severity_of
from collector.correlation.record import Evidence, Record, Severity
from collector.pdata.envelope import Signal, cut_request

TRACE_HEX = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADER = "http.request.header.x-session-id"


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def array(key: str, values: Sequence[str]) -> KeyValue:
    items = [AnyValue(string_value=value) for value in values]
    return KeyValue(key=key, value=AnyValue(array_value=ArrayValue(values=items)))


def read_span(
    *attributes: KeyValue,
    event: Sequence[KeyValue] = (),
    scope: Sequence[KeyValue] = (),
    resource: Sequence[KeyValue] = (),
    trace_state: str = "",
    keys: SessionKeys | None = None,
) -> Record:
    request = ExportTraceServiceRequest()
    outer = request.resource_spans.add()
    outer.resource.attributes.extend(resource)
    inner = outer.scope_spans.add()
    inner.scope.attributes.extend(scope)
    made = Span(trace_id=b"t" * 16, span_id=b"12345678", trace_state=trace_state, attributes=attributes)
    made.events.add(attributes=event)
    inner.spans.append(made)
    groups = cut_request(Signal.TRACES, request.SerializeToString())
    (record,) = correlate(Signal.TRACES, groups, keys or SessionKeys()).records
    return record


def read_log(*attributes: KeyValue, trace_id: bytes = b"") -> Record:
    request = ExportLogsServiceRequest()
    records = [LogRecord(trace_id=trace_id, attributes=attributes)]
    request.resource_logs.add().scope_logs.add(log_records=records)
    (record,) = correlate(Signal.LOGS, cut_request(Signal.LOGS, request.SerializeToString()), SessionKeys()).records
    return record


@pytest.mark.requirement("flow:ids-indexed")
def test_the_nearest_place_wins_then_the_first_key() -> None:
    near, event, scope, resource = ([text("rum.sessionId", place)] for place in ("own", "event", "scope", "resource"))
    assert read_span(*near, event=event, scope=scope, resource=resource).session_id == "own"
    assert read_span(event=event, scope=scope, resource=resource).session_id == "event"
    assert read_span(scope=scope, resource=resource).session_id == "scope"
    assert read_span(resource=resource).session_id == "resource"
    keys = [text(key, key) for key in ("rum.sessionId", "gasoline.session.id", "session_id", "Session.ID")]
    while keys:
        assert read_span(*keys).session_id == keys[-1].key
        keys.pop()


@pytest.mark.requirement("header:x-session-id", "header:tracestate")
def test_an_attribute_beats_a_header_which_beats_the_tracestate() -> None:
    far = [text("session.id", "attribute")]
    header = array(HEADER, ["header"])
    found = [
        read_span(header, resource=far, trace_state="gasoline=state"),
        read_span(header, trace_state="gasoline=state"),
        read_span(trace_state="gasoline=state"),
        read_span(),
    ]
    assert [(one.session_id, one.evidence) for one in found] == [
        ("attribute", Evidence.ATTRIBUTE),
        ("header", Evidence.HEADER),
        ("state", Evidence.TRACESTATE),
        ("", Evidence.NONE),
    ]


@pytest.mark.requirement("header:x-session-id")
@pytest.mark.parametrize("key", [HEADER, "http.request.header.x_session_id", "HTTP.Request.Header.X-Session-ID"])
@pytest.mark.parametrize(("values", "expected"), [(["a", "b"], "a"), (["a,b"], "a"), (["", " c , d"], "c"), ([], "")])
def test_a_header_gives_its_first_value(key: str, values: list[str], expected: str) -> None:
    assert read_span(array(key, values)).session_id == expected


def test_an_empty_value_is_absent() -> None:
    for empty in (text("session.id", ""), text("session.id", " "), KeyValue(key="session.id", value=AnyValue())):
        assert read_span(empty, resource=[text("session_id", "there")]).session_id == "there"
        assert read_span(text("Session.Id", "there"), empty).session_id == "there"


@pytest.mark.parametrize("character", ["x", "é"])
def test_an_id_has_at_most_256_bytes(character: str) -> None:
    longest = character * (256 // len(character.encode()))
    for attributes, trace_state in (([text("session.id", longest)], ""), ([], f"gasoline={longest}")):
        assert read_span(*attributes, trace_state=trace_state).session_id == longest
    for attributes, trace_state in (([text("session.id", longest + "x")], ""), ([], f"gasoline={longest}x")):
        assert read_span(*attributes, trace_state=trace_state).session_id == ""


def test_keys_of_ones_own_replace_the_usual_ones() -> None:
    keys = SessionKeys(("enduser.id",))
    assert read_span(text("EndUser.ID", "me"), text("session.id", "no"), keys=keys).session_id == "me"
    assert read_span(text("session.id", "no"), keys=keys).session_id == ""
    assert read_span(array(HEADER, ["header"]), keys=keys).session_id == "header"


@pytest.mark.requirement("backend:middleware", "header:traceparent")
@pytest.mark.parametrize("key", ["trace_id", "request_id", "otelTraceID", "traceparent"])
@pytest.mark.parametrize("written", [TRACE_HEX, TRACE_HEX.upper(), f"00-{TRACE_HEX}-b7ad6b7169203331-01"])
def test_a_log_without_trace_id_takes_it_from_an_attribute(key: str, written: str) -> None:
    assert read_log(text(key, written)).trace_id.hex() == TRACE_HEX
    assert read_log(text(key, written), trace_id=b"t" * 16).trace_id == b"t" * 16


def test_a_traceparent_is_read_from_a_captured_header() -> None:
    header = array("http.request.header.traceparent", [f"00-{TRACE_HEX}-b7ad6b7169203331-01"])
    assert read_log(header).trace_id.hex() == TRACE_HEX


@pytest.mark.parametrize("written", ["", "0" * 32, TRACE_HEX[1:], "g" * 32, f"ff-{TRACE_HEX}-1-1", f"00-{TRACE_HEX}"])
def test_what_is_no_trace_id_is_none(written: str) -> None:
    assert read_log(text("trace_id", written)).trace_id == b""


@pytest.mark.parametrize(
    ("number", "word", "expected"),
    [
        (1, "", Severity.TRACE),
        (4, "", Severity.TRACE),
        (5, "", Severity.DEBUG),
        (12, "", Severity.INFO),
        (16, "", Severity.WARN),
        (17, "INFO", Severity.ERROR),
        (24, "", Severity.FATAL),
        (25, "", Severity.NONE),
        (0, " Warning ", Severity.WARN),
        (0, "ERROR2", Severity.ERROR),
        (0, "critical", Severity.FATAL),
        (0, "", Severity.NONE),
        (0, "audit", Severity.NONE),
    ],
)
def test_severity_is_the_number_else_the_text(number: int, word: str, expected: Severity) -> None:
    assert severity_of(number, word) == expected


def test_a_span_event_without_a_time_has_the_start_of_its_span() -> None:
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=bytes(range(16)), span_id=b"12345678", start_time_unix_nano=7, end_time_unix_nano=9)
    )
    span.events.add(name="exception")
    groups = cut_request(Signal.TRACES, request.SerializeToString())
    (record,) = correlate(Signal.TRACES, groups, SessionKeys()).records
    assert record.span_events == ((7, True),)
