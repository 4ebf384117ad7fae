"""Secrets in a request: wherever they stand, however the request is written; everything else stays to the byte."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import DEFAULT_SESSION_KEYS
from collector.errors import InvalidDataError
from collector.pdata.envelope import Signal
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.rewriting import redact_request
from collector.processors.redaction.text import Secrets

Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]

CAPTURES = ["baggage-mixed", "browser", "edge-grpc", "emit", "emit-rust", "forward-http", "telemetrygen", "tracestate"]
CHANGED_SHARE_MAX = 0.02
NESTED_VALUES = 45


@pytest.fixture
def secrets() -> Secrets:
    return Secrets(SecretNames(kept=DEFAULT_SESSION_KEYS))


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def trace_request(*attributes: KeyValue, **fields: str) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, **fields)
    span.attributes.extend(attributes)
    return request.SerializeToString()


def attributes_after(secrets: Secrets, *attributes: KeyValue) -> list[KeyValue]:
    body, _ = redact_request(Signal.TRACES, trace_request(*attributes), secrets)
    span = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[0]
    return list(span.attributes)


def test_values_under_the_names_of_secrets(secrets: Secrets) -> None:
    headers = ArrayValue(values=[AnyValue(string_value="Bearer ab"), AnyValue(string_value="")])
    nested = KeyValueList(values=[text("user", "bob"), text("session.id", "s-1"), KeyValue(key="age")])
    redacted_headers = ArrayValue(values=[AnyValue(string_value="[redacted:authorization]"), AnyValue(string_value="")])
    redacted_nested = KeyValueList(
        values=[text("user", "[redacted:credential]"), text("session.id", "s-1"), KeyValue(key="age")]
    )
    assert attributes_after(
        secrets,
        text("db.password", "ab"),
        KeyValue(key="http.request.header.authorization", value=AnyValue(array_value=headers)),
        text("http.request.header.set-cookie", "a=b"),
        KeyValue(key="auth.credentials", value=AnyValue(kvlist_value=nested)),
        KeyValue(key="otp", value=AnyValue(int_value=123456)),
        KeyValue(key="max.token", value=AnyValue(int_value=812)),
        KeyValue(key="has.password", value=AnyValue(bool_value=True)),
        KeyValue(key="apiKey", value=AnyValue(bytes_value=b"\xff\x00")),
        KeyValue(key="no.token"),
        text("password.reset", "done"),
        text("gen_ai.next_token", "the"),
    ) == [
        text("db.password", "[redacted:password]"),
        KeyValue(key="http.request.header.authorization", value=AnyValue(array_value=redacted_headers)),
        text("http.request.header.set-cookie", "[redacted:cookie]"),
        KeyValue(key="auth.credentials", value=AnyValue(kvlist_value=redacted_nested)),
        text("otp", "[redacted:code]"),
        KeyValue(key="max.token", value=AnyValue(int_value=812)),
        KeyValue(key="has.password", value=AnyValue(bool_value=True)),
        KeyValue(key="apiKey", value=AnyValue(bytes_value=b"[redacted:key]")),
        KeyValue(key="no.token"),
        text("password.reset", "done"),
        text("gen_ai.next_token", "the"),
    ]


def test_values_that_another_member_names(secrets: Secrets) -> None:
    def array(*values: str | AnyValue) -> AnyValue:
        members = [AnyValue(string_value=value) if isinstance(value, str) else value for value in values]
        return AnyValue(array_value=ArrayValue(values=members))

    def request(argument: str, key: str, authorization: str) -> list[KeyValue]:
        header = KeyValueList(values=[text("value", authorization), text("name", "Authorization")])
        other = KeyValueList(values=[text("name", "Host"), text("value", "token")])
        headers = array(array("x-api-key", key), array("host", "shop"), AnyValue(kvlist_value=header))
        return [
            KeyValue(key="process.command_args", value=array("app", "--db-password", argument, "--verbose", "x")),
            KeyValue(key="headers", value=headers),
            KeyValue(key="other", value=array(AnyValue(kvlist_value=other), "password", "token", "session.id", "a")),
        ]

    expected = request("[redacted:password]", "[redacted:key]", "[redacted:authorization]")
    assert attributes_after(secrets, *request("ab", "cd1", "ef gh")) == expected
    assert attributes_after(secrets, *expected) == expected


def test_what_binds_a_record_is_never_touched(secrets: Secrets) -> None:
    secret = "sk_live_" + "0a1B2c3D4e5F6g7H"
    kept = [
        text(key, secret)
        for key in (
            *DEFAULT_SESSION_KEYS,
            "Session.ID",
            "http.request.header.x-session-id",
            "http.request.header.x_session_id",
            "trace_id",
            "request_id",
            "traceparent",
        )
    ]
    body = trace_request(*kept, trace_state=f"gasoline={secret}")
    assert redact_request(Signal.TRACES, body, secrets) == (body, Counter())
    ids = [
        text(key, "4539578763621486")
        for key in ("dd.trace_id", "dd.span_id", "http.request.header.x-b3-traceid", "session.previous_id")
    ]
    assert attributes_after(secrets, *ids, text("trace_id.card", "4539578763621486")) == [
        *ids,
        text("trace_id.card", "[redacted:card]"),
    ]
    number = KeyValue(key="app.order", value=AnyValue(int_value=4111111111111111))
    assert attributes_after(secrets, number) == [number]


def test_a_query_is_one_with_and_without_its_question_mark(secrets: Secrets) -> None:
    assert attributes_after(secrets, text("url.query", "sig=ab&my_token=cd"), text("url.query", "?pin=1&a=2")) == [
        text("url.query", "sig=[redacted:signature]&my_token=[redacted:token]"),
        text("url.query", "?pin=[redacted:code]&a=2"),
    ]


def test_every_text_of_a_span_a_log_and_a_metric(secrets: Secrets) -> None:
    for planted, signal, message in every_place():
        body, counts = redact_request(signal, message("got token=ab"), secrets)
        assert body == message("got token=[redacted:token]"), planted
        assert counts == {"token": 1}


def every_place() -> list[tuple[str, Signal, Callable[[str], bytes]]]:
    """Return, by name, how to make a request with a text in one place."""

    def span(value: str, where: str) -> bytes:
        request = ExportTraceServiceRequest()
        outer = request.resource_spans.add(schema_url="https://example/1")
        inner = outer.scope_spans.add()
        one = inner.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="GET /")
        other = inner.spans.add(trace_id=b"t" * 16, span_id=b"u" * 8, name="untouched é")
        event, link = one.events.add(name="exception"), one.links.add(trace_id=b"v" * 16)
        match where:
            case "name":
                one.name = value
            case "status":
                one.status.message = value
            case "event name":
                event.name = value
            case "key":
                other.attributes.add(key=value)
            case _:
                holders = {"resource": outer.resource, "scope": inner.scope, "span": one, "event": event, "link": link}
                holders[where].attributes.append(text("a", value))
        return request.SerializeToString()

    def log(value: str, where: str) -> bytes:
        request = ExportLogsServiceRequest()
        record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=4111111111111111)
        match where:
            case "body":
                record.body.string_value = value
            case "nested body":
                record.body.kvlist_value.values.add(key="a").value.array_value.values.add(string_value=value)
            case _:
                record.body.bytes_value = b"\xff" + value.encode()
        return request.SerializeToString()

    def metric(value: str) -> bytes:
        request = ExportMetricsServiceRequest()
        one = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
        one.histogram.data_points.add(bucket_counts=[1, 2], explicit_bounds=[0.5]).attributes.append(text("a", value))
        return request.SerializeToString()

    spans = ("name", "status", "event name", "key", "resource", "scope", "span", "event", "link")
    return [
        *((where, Signal.TRACES, lambda value, where=where: span(value, where)) for where in spans),
        *(
            (where, Signal.LOGS, lambda value, where=where: log(value, where))
            for where in ("body", "nested body", "bytes")
        ),
        ("metric", Signal.METRICS, metric),
    ]


def length_field(number: int, content: bytes) -> bytes:
    """Write a field whose length takes one byte more than it need."""
    return bytes([number << 3 | 2, len(content) & 0x7F | 0x80, len(content) >> 7]) + content


def in_request(attribute: bytes, *more: bytes) -> bytes:
    span = b"".join((length_field(1, b"t" * 16), length_field(2, b"s" * 8), length_field(9, attribute), *more))
    return length_field(1, length_field(2, length_field(2, span)))


def test_fields_in_any_order_and_any_number(secrets: Secrets) -> None:
    value = length_field(2, length_field(1, b"ab"))
    redacted_value = b"\x12\x15\x0a\x13[redacted:password]"
    for before, after in [
        (value + length_field(1, b"password"), redacted_value + length_field(1, b"password")),
        (value + value + length_field(1, b"password"), redacted_value * 2 + length_field(1, b"password")),
        (
            length_field(1, b"password") + length_field(1, b"session.id") + value,
            length_field(1, b"password") + length_field(1, b"session.id") + value,
        ),
    ]:
        redacted, _ = redact_request(Signal.TRACES, in_request(before), secrets)
        read = ExportTraceServiceRequest.FromString(redacted).resource_spans[0].scope_spans[0].spans[0]
        assert after in redacted
        assert read.attributes[0] == KeyValue.FromString(after)
        assert (read.trace_id, read.span_id) == (b"t" * 16, b"s" * 8)


def test_an_unknown_field_with_a_secret_is_left_out(secrets: Secrets) -> None:
    clean, unknown = length_field(1, b"a"), length_field(15, b"token=ab")
    group = b"\x7b" + length_field(1, b"token=ab") + b"\x08\x01\x11" + b"8" * 8 + b"\x1d1234\x23\x24\x7c"
    status = b"\x7a\x00"
    for more in (length_field(14, b"token=ab"), b"\x73" + group + b"\x74"):
        redacted, counts = redact_request(Signal.TRACES, in_request(clean, more, status), secrets)
        assert redacted == trace_around(clean, status)
        assert counts == {"token": 1}
    redacted, _ = redact_request(Signal.TRACES, in_request(clean + unknown), secrets)
    assert ExportTraceServiceRequest.FromString(redacted) == ExportTraceServiceRequest.FromString(in_request(clean))
    harmless = in_request(clean, length_field(14, b"token"))
    assert redact_request(Signal.TRACES, harmless, secrets) == (harmless, Counter())


def trace_around(attribute: bytes, *more: bytes) -> bytes:
    """The request that `in_request` makes, with lengths around the span in the shortest form."""
    span = b"".join((length_field(1, b"t" * 16), length_field(2, b"s" * 8), length_field(9, attribute), *more))
    for _ in range(3):
        number = 1 if _ == 2 else 2
        span = bytes([number << 3 | 2, len(span)]) + span
    return span


def test_values_as_deep_as_the_official_class_takes_them(secrets: Secrets) -> None:
    value = AnyValue(string_value="token=ab")
    for _ in range(NESTED_VALUES):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    body, _ = redact_request(Signal.TRACES, trace_request(KeyValue(key="a", value=value)), secrets)
    assert b"[redacted:token]" in body
    assert ExportTraceServiceRequest.FromString(body)


def test_what_is_no_request_is_refused(secrets: Secrets) -> None:
    with pytest.raises(InvalidDataError, match="not an OTLP traces request"):
        redact_request(Signal.TRACES, b"\x0apassword", secrets)
    with pytest.raises(InvalidDataError, match="not an OTLP metrics request"):
        redact_request(Signal.METRICS, b"\x0apassword", secrets)


@pytest.mark.parametrize("folder", CAPTURES)
def test_hardly_anything_of_real_traffic_changes(folder: str, recordings: Recordings, secrets: Secrets) -> None:
    values = changed = 0
    for signal, body, _ in recordings(folder):
        redacted, _ = redact_request(signal, body, secrets)
        before, after = texts_in(signal, body), texts_in(signal, redacted)
        values += len(before)
        changed += sum(one != other for one, other in zip(before, after, strict=True))
    assert values > 100
    assert changed <= values * CHANGED_SHARE_MAX


def texts_in(signal: Signal, body: bytes) -> list[str]:
    """Return the values of all attributes and all log bodies, as text."""
    if signal is Signal.TRACES:
        spans = ExportTraceServiceRequest.FromString(body).resource_spans
        records = [span for outer in spans for inner in outer.scope_spans for span in inner.spans]
        found = [str(item.value) for span in records for item in span.attributes]
        return found + [str(item.value) for span in records for event in span.events for item in event.attributes]
    logs = ExportLogsServiceRequest.FromString(body).resource_logs
    lines = [log for outer in logs for inner in outer.scope_logs for log in inner.log_records]
    return [str(log.body) for log in lines] + [str(item.value) for log in lines for item in log.attributes]


def test_the_kinds_of_span_that_the_scan_passes(secrets: Secrets) -> None:
    assert Span.DESCRIPTOR.fields_by_name["trace_state"].number == 3
    body = trace_request(text("user_agent.original", "Mozilla/5.0"), text("client.address", "10.1.2.3"))
    redacted, counts = redact_request(Signal.TRACES, body, secrets)
    assert redacted is body
    assert not counts
