"""OTLP/JSON against recorded bodies, against the protobuf library's own JSON, and at the specification's edges."""

import base64
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.encoding.otlp_json import request_to_protobuf
from collector.encoding.to_json import request_to_json
from collector.errors import InvalidDataError, TooLargeError
from collector.pdata.envelope import Signal

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
CLASSES: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}


def span_from(fields: str) -> Span:
    """Convert a request of one span whose JSON members are `fields`; return the span."""
    body = '{"resourceSpans":[{"scopeSpans":[{"spans":[{' + fields + "}]}]}]}"
    request = ExportTraceServiceRequest.FromString(request_to_protobuf(Signal.TRACES, body.encode()))
    return request.resource_spans[0].scope_spans[0].spans[0]


def value_from(value: str) -> AnyValue:
    """Convert an AnyValue written as JSON."""
    return span_from('"attributes":[{"key":"k","value":' + value + "}]").attributes[0].value


def captured() -> Iterator[Any]:
    for path in sorted(CAPTURES.glob("*/*.json.jsonl")):
        yield pytest.param(path, id=f"{path.parent.name}-{path.name}")


@pytest.mark.parametrize("path", list(captured()))
def test_each_recorded_body_is_exactly_the_message_that_was_recorded_beside_it(
    path: Path, recordings: Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]
) -> None:
    wanted = Signal(path.name.partition(".")[0])
    pairs = [
        (CLASSES[signal].FromString(body), CLASSES[signal].FromString(request_to_protobuf(signal, json_body)))
        for signal, body, json_body in recordings(path.parent.name)
        if signal is wanted and json_body is not None
    ]
    assert [converted for _, converted in pairs] == [expected for expected, _ in pairs]
    assert len(pairs) == len(path.read_bytes().splitlines()) > 0


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


ID_BYTES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
}


def messages_of(cls: type[Message], depth: int = 8) -> st.SearchStrategy[Message]:
    """Make messages with any of their fields set to any value, of limited depth."""
    fields = cls.DESCRIPTOR.fields_by_name

    def with_fields(names: list[str]) -> st.SearchStrategy[Message]:
        return st.fixed_dictionaries({name: field_values(fields[name], depth) for name in names}).map(
            lambda values: cls(**values)
        )

    return st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True).flatmap(with_fields)


def field_values(field: Any, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        cls = field.message_type._concrete_class
        one: st.SearchStrategy[Any] = messages_of(cls, depth - 1) if depth > 0 else st.just(cls())
    else:
        one = scalars(field)
    return st.lists(one, max_size=2) if field.is_repeated else one


def scalars(field: Any) -> st.SearchStrategy[Any]:
    if field.name in ID_BYTES:
        return st.binary(min_size=ID_BYTES[field.name], max_size=ID_BYTES[field.name])
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type == field.TYPE_STRING:
        return TEXTS
    return SCALARS.get(field.cpp_type, st.binary(max_size=5))


def as_otlp_json(value: Any, name: str = "") -> Any:
    """Turn the protobuf library's JSON into OTLP's: ids in hex instead of base64."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {key: as_otlp_json(member, key) for key, member in members.items()}
    if isinstance(value, list):
        return [as_otlp_json(item, name) for item in cast("list[Any]", value)]
    if name in ("traceId", "spanId", "parentSpanId"):
        return base64.b64decode(value).hex()
    return value


NAMES = ["resourceSpans", "scopeSpans", "spans", "attributes", "value", "intValue", "traceId", "kind", "x"]
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("signal", list(Signal))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_message_survives_the_protobuf_library_s_json_with_hex_ids(signal: Signal, data: st.DataObject) -> None:
    message = data.draw(messages_of(CLASSES[signal]))
    document = as_otlp_json(MessageToDict(message, use_integers_for_enums=True))
    assert CLASSES[signal].FromString(request_to_protobuf(signal, json.dumps(document).encode())) == message


@pytest.mark.parametrize("signal", list(Signal))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_message_survives_being_written_and_read(signal: Signal, data: st.DataObject) -> None:
    message = data.draw(messages_of(CLASSES[signal]))
    line = request_to_json(signal, message.SerializeToString())
    assert b"\n" not in line
    assert CLASSES[signal].FromString(request_to_protobuf(signal, line)) == message
    assert json.loads(line) == as_otlp_json(MessageToDict(message, use_integers_for_enums=True))


@given(body=DOCUMENTS)
def test_any_json_is_converted_or_refused_and_never_crashes(body: Any) -> None:
    try:
        converted = request_to_protobuf(Signal.TRACES, json.dumps(body).encode())
    except InvalidDataError as error:
        assert str(error)
    else:
        ExportTraceServiceRequest.FromString(converted)


@given(st.binary(max_size=50))
def test_any_bytes_are_converted_or_refused_and_never_crash(body: bytes) -> None:
    try:
        request_to_protobuf(Signal.LOGS, body)
    except InvalidDataError as error:
        assert str(error)


@pytest.mark.parametrize("digits", ["0AF7651916CD43DD8448EB211C80319C", "0af7651916cd43dd8448eb211c80319c"])
def test_ids_are_hex_in_either_case_in_links_too(digits: str) -> None:
    span = span_from(
        f'"traceId":"{digits}","spanId":"{digits[:16]}","parentSpanId":"",'
        f'"links":[{{"traceId":"{digits}","spanId":"{digits[:16]}"}}]'
    )
    trace_id = bytes.fromhex(digits)
    assert span == Span(
        trace_id=trace_id, span_id=trace_id[:8], links=[Span.Link(trace_id=trace_id, span_id=trace_id[:8])]
    )


def test_ids_of_log_records_are_hex_too() -> None:
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"0AF7651916CD43DD8448EB211C80319C"}]}]}]}'
    request = ExportLogsServiceRequest.FromString(request_to_protobuf(Signal.LOGS, body))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    assert record.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "fields",
    [
        '"traceId":"' + base64.b64encode(bytes(range(16))).decode() + '"',
        '"spanId":"' + base64.b64encode(bytes(range(8))).decode() + '"',
        '"traceId":"0af7651916cd43dd"',
        '"spanId":"0af7651916cd43dd8448eb211c80319c"',
        '"traceId":"0af7651916cd43dd8448eb211c80319"',
        '"traceId":"0af7651916cd43dd8448eb211c80319g"',
        '"traceId":" af7651916cd43dd8448eb211c80319c"',
        '"traceId":5',
    ],
)
def test_ids_that_are_not_hex_of_their_length_are_refused_with_their_place(fields: str) -> None:
    with pytest.raises(InvalidDataError, match=r"body\.resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.\w+Id must be"):
        span_from(fields)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("9007199254740993", 9007199254740993),
        ('"9007199254740993"', 9007199254740993),
        ('"-9223372036854775808"', -(2**63)),
        ("9223372036854775807", 2**63 - 1),
        ("0", 0),
        ('"0"', 0),
        ("12.0", 12),
        ("1e3", 1000),
    ],
)
def test_integers_are_numbers_or_decimal_strings_and_keep_64_bits(written: str, expected: int) -> None:
    assert value_from('{"intValue":' + written + "}") == AnyValue(int_value=expected)


@pytest.mark.parametrize(
    "written",
    [
        "1.5",
        '"1.5"',
        '"0x10"',
        '""',
        '" 1"',
        '"+1"',
        '"１"',
        "true",
        "[]",
        "9223372036854775808",
        '"9" ,"x":NaN',
        "1e999",
    ],
)
def test_what_is_no_integer_is_refused(written: str) -> None:
    with pytest.raises(InvalidDataError):
        value_from('{"intValue":' + written + "}")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1.5", 1.5),
        ("3", 3.0),
        ('"1.5e3"', 1500.0),
        ('"Infinity"', math.inf),
        ('"-Infinity"', -math.inf),
        ("-0.0", -0.0),
    ],
)
def test_doubles_are_numbers_or_their_strings(written: str, expected: float) -> None:
    double = value_from('{"doubleValue":' + written + "}").double_value
    assert (double, math.copysign(1, double)) == (expected, math.copysign(1, expected))


def test_not_a_number_is_written_as_a_string() -> None:
    assert math.isnan(value_from('{"doubleValue":"NaN"}').double_value)


@pytest.mark.parametrize(
    "written", ["NaN", "Infinity", '"nan"', '"inf"', "1e999", '"1e999"', "true", '""', "1" + "0" * 400]
)
def test_what_is_no_double_is_refused(written: str) -> None:
    with pytest.raises(InvalidDataError):
        value_from('{"doubleValue":' + written + "}")


def test_enums_are_integers_only() -> None:
    assert span_from('"kind":2,"status":{"code":2}').kind == Span.SPAN_KIND_SERVER
    assert span_from('"kind":77').kind == 77
    for name in ('"SPAN_KIND_SERVER"', '"2"', "2.5", "4294967296"):
        with pytest.raises(InvalidDataError, match="kind must be"):
            span_from(f'"kind":{name}')


def test_names_are_lower_camel_case_and_unknown_ones_are_ignored() -> None:
    assert span_from(
        '"name":"a","span_id":"zz","startTimeUnixNano":"5","start_time_unix_nano":"6","new":{"x":[1]}'
    ) == Span(name="a", start_time_unix_nano=5)
    assert request_to_protobuf(Signal.TRACES, b'{"resource_spans":[{"scope_spans":1}],"futureSpans":[[]]}') == b""


@pytest.mark.parametrize(
    ("written", "expected"), [("AP8+/w==", b"\x00\xff>\xff"), ("AP8-_w", b"\x00\xff>\xff"), ("", b"")]
)
def test_bytes_are_base64_of_either_alphabet(written: str, expected: bytes) -> None:
    assert value_from('{"bytesValue":"' + written + '"}') == AnyValue(bytes_value=expected)


@pytest.mark.parametrize("written", ['"a"', '"%%%%"', "5", '"ü"'])
def test_what_is_no_base64_is_refused(written: str) -> None:
    with pytest.raises(InvalidDataError, match="base64"):
        value_from('{"bytesValue":' + written + "}")


def test_null_is_as_if_absent_and_an_empty_value_stays_empty() -> None:
    assert span_from('"name":null,"attributes":[{"key":"k","value":{}}]').attributes[0].value == AnyValue()
    assert value_from('{"boolValue":false}') == AnyValue(bool_value=False)


def test_half_a_surrogate_pair_costs_one_character() -> None:
    assert value_from(r'{"stringValue":"a\ud800b\ud83d\ude00"}') == AnyValue(string_value="a\ufffdb\U0001f600")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "not JSON"),
        (b"[]", "body must be an object, not a list"),
        (b'{"resourceSpans":{}}', "body.resourceSpans must be a list, not an object"),
        (b'{"resourceSpans":[null]}', r"body.resourceSpans\[0\] must be an object, not null"),
        (b'{"resourceSpans":[{"resource":[]}]}', r"body.resourceSpans\[0\].resource must be an object, not a list"),
        (b'{"resourceSpans":[{"schemaUrl":5}]}', r"body.resourceSpans\[0\].schemaUrl must be a string, not a number"),
        (b'{"resourceSpans":[]', "not JSON"),
        (b'{"a":"\xff"}', "not JSON in UTF-8"),
        (b'{"resourceSpans":' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_a_refusal_names_the_place(body: bytes, text: str) -> None:
    with pytest.raises(InvalidDataError, match=text):
        request_to_protobuf(Signal.TRACES, body)


def test_one_of_several_values_only() -> None:
    with pytest.raises(InvalidDataError, match="has both stringValue and intValue"):
        value_from('{"stringValue":"a","intValue":1}')


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_of_what_is_ignored_is_refused_without_a_crash(opening: str) -> None:
    with pytest.raises(InvalidDataError, match="nested too deep"):
        request_to_protobuf(Signal.TRACES, f'{{"x":{opening * 100_000}'.encode())


def test_nesting_of_values_is_bounded_where_the_official_class_bounds_it() -> None:
    opening, closing = '{"arrayValue":{"values":[', "]}}"
    deep = [levels for levels in range(40, 52) if converts(opening * levels + "{}" + closing * levels)]
    assert deep[-1] == 47
    with pytest.raises(InvalidDataError, match="nested deeper"):
        value_from(opening * 60 + "{}" + closing * 60)


def converts(value: str) -> bool:
    try:
        value_from(value)
    except InvalidDataError:
        return False
    return True


def test_the_number_of_elements_is_bounded() -> None:
    body = b'{"resourceSpans":[{},{}]}'
    assert request_to_protobuf(Signal.TRACES, body, elements_max=5) == b"\x0a\x00\x0a\x00"
    with pytest.raises(TooLargeError, match="about 5 elements, the limit is 4"):
        request_to_protobuf(Signal.TRACES, body, elements_max=4)
