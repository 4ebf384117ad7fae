"""However a request is written, cutting it gives what the official classes read, and the native kernel the same.

Requests are written by hand here, field by field: any order, singular fields that come again, unknown fields,
tags, lengths and numbers longer than they need be.
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from collector.correlation.correlator import Correlator
from collector.correlation.keys import SessionKeys, correlate
from collector.errors import InvalidDataError
from collector.pdata.envelope import Group, Signal, count_data_points, cut_request

EXAMPLES = 150
WHOLE = 1 << 64
NESTING_MAX = 100  # of messages in messages, as protobuf parses them


class Read(NamedTuple):
    """One record with all that it takes from around it, as the official classes see it."""

    resource: Resource
    resource_schema_url: str
    scope: InstrumentationScope
    scope_schema_url: str
    record: Span | LogRecord


def varint(number: int, excess: int = 0) -> bytes:
    """Write a number, `excess` bytes longer than it need be."""
    written = bytearray()
    while number > 0x7F or excess:
        excess -= number <= 0x7F
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


excesses = st.sampled_from([0, 0, 0, 0, 0, 1, 2])


@st.composite
def length_field(draw: st.DrawFn, number: int, content: st.SearchStrategy[bytes]) -> bytes:
    """Write a length-delimited field, now and then with a tag or a length longer than it need be."""
    body = draw(content)
    return varint(number << 3 | 2, draw(excesses)) + varint(len(body), draw(excesses)) + body


def fixed_field(number: int, content: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    return content.map(lambda value: varint(number << 3 | 1) + value.to_bytes(8, "little"))


def varint_field(number: int, content: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    return st.tuples(content, excesses).map(lambda pair: varint(number << 3) + varint(*pair))


def text_field(number: int) -> st.SearchStrategy[bytes]:
    return length_field(number, st.text(max_size=3).map(str.encode))


# Fields that no message here has, and one of the deprecated numbers of ResourceSpans.
unknown_field = st.one_of(
    length_field(77, st.binary(max_size=4)),
    length_field(1000, st.binary(max_size=4)),
    varint_field(78, st.integers(0, WHOLE - 1)),
    fixed_field(79, st.integers(0, WHOLE - 1)),
    st.just(varint(80 << 3 | 5) + b"four"),
    st.binary(max_size=2).map(lambda text: varint(81 << 3 | 3) + varint(2 << 3 | 2) + b"\0" + varint(81 << 3 | 4)),
)


def message(*fields: st.SearchStrategy[bytes], most: int = 6) -> st.SearchStrategy[bytes]:
    """Write a message: any of these fields, any number of each, in any order; one in a dozen is unknown."""
    known = st.sampled_from(range(len(fields))).flatmap(fields.__getitem__)
    field = st.sampled_from(range(12)).flatmap(lambda number: known if number else unknown_field)
    return st.lists(field, max_size=most).map(b"".join)


any_value = st.recursive(
    message(text_field(1), varint_field(2, st.integers(0, 1)), varint_field(3, st.integers(0, WHOLE - 1)), most=2),
    lambda inner: message(
        length_field(5, message(length_field(1, inner), most=2)),
        length_field(6, message(length_field(1, message(text_field(1), length_field(2, inner), most=2)), most=2)),
        most=2,
    ),
    max_leaves=3,
)
keys = st.sampled_from(["session.id", "SESSION_ID", "http.request.method", "event.name", "trace_id", ""]).map(
    str.encode
)
key_value = message(text_field(1), length_field(1, keys), length_field(2, any_value), most=3)
resource = message(length_field(1, key_value), varint_field(2, st.integers(0, 9)), most=3)
scope = message(text_field(1), text_field(2), length_field(3, key_value), varint_field(4, st.integers(0, 9)), most=3)
trace_id = st.sampled_from([b"", bytes(range(16)), b"short"])
span_event = message(fixed_field(1, st.integers(0, 9)), text_field(2), length_field(3, key_value), most=3)
status = message(text_field(2), varint_field(3, st.integers(0, 3)), most=3)
span = message(
    length_field(1, trace_id),
    length_field(2, st.sampled_from([b"12345678", b""])),
    length_field(3, st.sampled_from([b"gasoline=s-1", b"a=b,gasoline=s-2", b"a=b"])),
    length_field(4, st.sampled_from([b"12345678", b"abcdefgh", b"odd"])),
    text_field(5),
    varint_field(6, st.integers(0, 9)),
    fixed_field(7, st.integers(0, WHOLE - 1)),
    fixed_field(8, st.integers(0, WHOLE - 1)),
    length_field(9, key_value),
    length_field(11, span_event),
    length_field(15, status),
)
log_record = message(
    fixed_field(1, st.integers(0, WHOLE - 1)),
    varint_field(2, st.integers(0, 30)),
    text_field(3),
    length_field(5, any_value),
    length_field(6, key_value),
    length_field(9, trace_id),
    text_field(12),
)


def request(record: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    scoped = message(length_field(1, scope), length_field(2, record), text_field(3))
    of_resource = message(length_field(1, resource), length_field(2, scoped), text_field(3))
    return message(length_field(1, of_resource), most=4)


def plain_request() -> ExportTraceServiceRequest:
    """Make a request as an exporter writes it: two resources, two scopes, three spans."""
    made = ExportTraceServiceRequest()
    for name in ("shop", "orders"):
        outer = made.resource_spans.add(schema_url="outer")
        outer.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value=name)))
        inner = outer.scope_spans.add(schema_url="inner", spans=[Span(name="a"), Span(name="b")])
        inner.scope.name = "tracer"
        outer.scope_spans.add(spans=[Span(name="c" * 200)])
    return made


def official_spans(body: bytes) -> list[Read]:
    """Read every span with the official class."""
    return [
        Read(outer.resource, outer.schema_url, inner.scope, inner.schema_url, record)
        for outer in ExportTraceServiceRequest.FromString(body).resource_spans
        for inner in outer.scope_spans
        for record in inner.spans
    ]


def official_logs(body: bytes) -> list[Read]:
    """Read every log record with the official class."""
    return [
        Read(outer.resource, outer.schema_url, inner.scope, inner.schema_url, record)
        for outer in ExportLogsServiceRequest.FromString(body).resource_logs
        for inner in outer.scope_logs
        for record in inner.log_records
    ]


def kept_spans(groups: Sequence[Group]) -> list[Read]:
    """Read every span from the bytes that are kept: a slice, and the context of its group."""
    read: list[Read] = []
    for group in groups:
        outer = ResourceSpans.FromString(group.context)
        (inner,) = outer.scope_spans
        spans = map(Span.FromString, group.slices)
        read.extend(Read(outer.resource, outer.schema_url, inner.scope, inner.schema_url, one) for one in spans)
    return read


def kept_logs(groups: Sequence[Group]) -> list[Read]:
    """Read every log record from the bytes that are kept."""
    read: list[Read] = []
    for group in groups:
        outer = ResourceLogs.FromString(group.context)
        (inner,) = outer.scope_logs
        records = map(LogRecord.FromString, group.slices)
        read.extend(Read(outer.resource, outer.schema_url, inner.scope, inner.schema_url, one) for one in records)
    return read


def check_parsed(groups: Sequence[Group]) -> None:
    """Hold what a group has parsed beside its bytes against these bytes, and that no group is empty."""
    for group in groups:
        outer = ResourceSpans.FromString(group.context)
        assert (group.resource, group.scope) == (outer.resource, outer.scope_spans[0].scope)
        assert len(group.slices) == len(group.records) > 0
        for raw, record in zip(group.slices, group.records, strict=True):
            assert type(record).FromString(raw) == record


READERS: dict[Signal, tuple[Callable[[bytes], list[Read]], Callable[[Sequence[Group]], list[Read]]]] = {
    Signal.TRACES: (official_spans, kept_spans),
    Signal.LOGS: (official_logs, kept_logs),
}


def check(signal: Signal, body: bytes) -> None:
    """Hold the cut of a body against the official class: equal, or refused by both."""
    official, kept = READERS[signal]
    try:
        expected = official(body)
    except DecodeError:
        with pytest.raises(InvalidDataError, match=f"not an OTLP {signal} request in protobuf"):
            cut_request(signal, body)
        with pytest.raises(InvalidDataError, match=f"not an OTLP {signal} request in protobuf"):
            Correlator(SessionKeys()).correlate(signal, body)
        return
    groups = cut_request(signal, body)
    assert kept(groups) == expected
    check_parsed(groups)
    correlated = correlate(signal, groups, SessionKeys())
    by_kernel = Correlator(SessionKeys()).correlate(signal, body)
    assert [record.plain() for record in by_kernel.records] == correlated.records
    assert by_kernel[2:] == correlated[2:]


@given(body=request(span))
@settings(max_examples=EXAMPLES, deadline=None)
def test_spans_in_any_writing(body: bytes) -> None:
    check(Signal.TRACES, body)


@given(body=request(log_record))
@settings(max_examples=EXAMPLES, deadline=None)
def test_log_records_in_any_writing(body: bytes) -> None:
    check(Signal.LOGS, body)


@given(body=st.binary(max_size=64), signal=st.sampled_from([Signal.TRACES, Signal.LOGS]))
@settings(max_examples=EXAMPLES, deadline=None)
@example(body=b"", signal=Signal.TRACES)
@example(body=b"\x0a\xff\xff\xff\xff\x0f", signal=Signal.TRACES)  # a length of 4 GiB
@example(body=b"\x0b" * 64, signal=Signal.LOGS)  # groups that never end
@example(body=b"\x0a\x04\x0a\x02\x0a\xff", signal=Signal.LOGS)
def test_any_bytes_are_refused_or_read_alike(body: bytes, signal: Signal) -> None:
    check(signal, body)


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_damaged_request_is_refused_or_read_alike(data: st.DataObject) -> None:
    body = bytearray(plain_request().SerializeToString())
    for position in data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=3)):
        body[position] = data.draw(st.integers(0, 255))
    whole = bytes(body[: data.draw(st.integers(0, len(body)))])
    check(Signal.TRACES, whole)
    check(Signal.LOGS, whole)


def test_an_exporters_own_bytes_are_kept_as_they_came() -> None:
    made = plain_request()
    groups = cut_request(Signal.TRACES, made.SerializeToString())
    assert [[record.SerializeToString() for record in group.records] for group in groups] == [
        list(group.slices) for group in groups
    ]
    assert [len(group.slices) for group in groups] == [2, 1, 2, 1]
    assert official_spans(made.SerializeToString()) == kept_spans(groups)


@pytest.mark.parametrize("signal", [Signal.TRACES, Signal.LOGS])
def test_a_resource_that_comes_twice_is_merged(signal: Signal) -> None:
    halves = [Resource(attributes=[KeyValue(key=key, value=AnyValue(int_value=1))]) for key in ("a", "b")]
    first, second = (b"\x0a" + varint(half.ByteSize()) + half.SerializeToString() for half in halves)
    one_empty_record = b"\x12\x02\x12\x00"
    outer = first + one_empty_record + second
    body = b"\x0a" + varint(len(outer)) + outer
    (group,) = cut_request(signal, body)
    assert [item.key for item in group.resource.attributes] == ["a", "b"]
    check(signal, body)


def test_equal_surroundings_give_equal_contexts() -> None:
    contexts = [group.context for group in cut_request(Signal.TRACES, plain_request().SerializeToString() * 2)]
    assert contexts[:4] == contexts[4:]
    assert len(set(contexts)) == 4


@pytest.mark.parametrize("extra", [b"", b"\x9a\x04\x00"], ids=["as exported", "with an unknown field"])
@pytest.mark.parametrize("depth", [30, 44, 45, 46, 47, 48, 49, 50, 60, 5_000])
def test_values_nested_to_the_limit_are_refused_or_read_alike(depth: int, extra: bytes) -> None:
    value = AnyValue(string_value="deep").SerializeToString()
    for _ in range(depth):
        array = b"\x0a" + varint(len(value)) + value
        value = b"\x2a" + varint(len(array)) + array
    attribute = b"\x12" + varint(len(value)) + value
    record = b"\x4a" + varint(len(attribute)) + attribute
    scoped = b"\x12" + varint(len(record)) + record
    outer = b"\x12" + varint(len(scoped)) + scoped
    body = b"\x0a" + varint(len(outer)) + outer + extra
    check(Signal.TRACES, body)
    if depth > NESTING_MAX:
        with pytest.raises(InvalidDataError):
            cut_request(Signal.TRACES, body)


def test_text_that_is_not_utf_8_is_refused() -> None:
    body = b"\x0a\x09\x12\x07\x12\x05\x2a\x03a\xffb"
    with pytest.raises(InvalidDataError):
        cut_request(Signal.TRACES, body)


def test_data_points_of_every_kind_are_counted() -> None:
    made = ExportMetricsServiceRequest()
    metrics = made.resource_metrics.add().scope_metrics.add().metrics
    metrics.add().gauge.data_points.add()
    metrics.add().sum.data_points.add()
    metrics.add().histogram.data_points.add()
    metrics.add().exponential_histogram.data_points.add()
    two = metrics.add().summary.data_points
    two.add()
    two.add()
    metrics.add(name="none of it")
    assert count_data_points(made.SerializeToString()) == 6
    with pytest.raises(InvalidDataError):
        count_data_points(b"\xff")
