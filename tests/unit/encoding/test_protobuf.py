"""The guard against bombs: what it refuses, what it lets through, and that its estimate is true."""

from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from collector.encoding.json_scalars import varint
from collector.encoding.protobuf import (
    MESSAGE_DEPTH_MAX,
    TINY_MESSAGE_SHARE_MAX,
    UNGUARDED_BYTES_MAX,
    decoded_size,
    refuse_bomb,
    tiny_message_bound,
)
from collector.errors import InvalidDataError, RefusedError, TooLargeError
from collector.pdata.envelope import Signal

CLASSES: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def traces_with(span_content: bytes) -> bytes:
    return field(1, field(2, field(2, span_content)))


def nested(levels: int) -> bytes:
    """A request whose innermost message lies `levels` messages below it: lists in lists, in an attribute of a span."""
    content = b""
    for outer in range(levels - 5, 0, -1):
        content = field(5 if outer % 2 else 1, content)
    return traces_with(field(9, field(2, content)))


def spans(count: int, attributes: int) -> bytes:
    attribute = [
        KeyValue(key=f"some.key.{index}", value=AnyValue(string_value="v" * 12)) for index in range(attributes)
    ]
    span = Span(name="GET /api/items", trace_id=bytes(range(16)), span_id=bytes(range(8)), attributes=attribute)
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span] * count)])]
    ).SerializeToString()


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize(
    "bomb",
    [
        b"\x0a\x00",  # empty resources
        b"\x0a\x02\x12\x00",  # resources with one empty scope
        b"\x0a\x80\x00",  # a length longer than need be
        b"\x8a\x00\x00",  # a tag longer than need be
        b"\x0a\x04\x12\x02\x12\x00",  # a record in each
    ],
)
def test_bombs_of_empty_messages_are_refused_at_any_place(signal: Signal, bomb: bytes) -> None:
    body = bomb * (2 * UNGUARDED_BYTES_MAX // len(bomb))
    with pytest.raises(TooLargeError, match="empty messages"):
        refuse_bomb(signal, body)


@pytest.mark.parametrize("number", [9, 11, 13])
def test_bombs_inside_one_span_are_refused(number: int) -> None:
    with pytest.raises(TooLargeError):
        refuse_bomb(Signal.TRACES, traces_with(field(number, b"") * UNGUARDED_BYTES_MAX))


def test_the_guard_begins_over_its_threshold() -> None:
    refuse_bomb(Signal.TRACES, b"\x0a\x00" * (UNGUARDED_BYTES_MAX // 2))
    with pytest.raises(TooLargeError):
        refuse_bomb(Signal.TRACES, b"\x0a\x00" * (UNGUARDED_BYTES_MAX // 2 + 1))


@pytest.mark.parametrize("attributes", [0, 1, 10])
def test_telemetry_passes_without_a_walk_or_with_one(attributes: int) -> None:
    body = spans(12_000, attributes) * 2
    refuse_bomb(Signal.TRACES, body)
    assert tiny_message_bound(body) < len(body) * TINY_MESSAGE_SHARE_MAX
    assert len(body) < decoded_size(Signal.TRACES, body) < 8 * len(body)


def test_small_true_messages_pass_the_walk() -> None:
    attribute = KeyValue(key="a", value=AnyValue(int_value=1)).SerializeToString()
    body = traces_with(field(9, attribute) * (UNGUARDED_BYTES_MAX // 8))
    assert tiny_message_bound(body) > len(body) * TINY_MESSAGE_SHARE_MAX
    refuse_bomb(Signal.TRACES, body)


def test_nesting_is_bounded_where_the_official_class_bounds_it() -> None:
    deepest = max(levels for levels in range(50, 150) if parses(nested(levels)))
    assert deepest <= MESSAGE_DEPTH_MAX
    decoded_size(Signal.TRACES, nested(MESSAGE_DEPTH_MAX))
    with pytest.raises(InvalidDataError, match="nested deeper"):
        decoded_size(Signal.TRACES, nested(MESSAGE_DEPTH_MAX + 1))


def test_nesting_far_beyond_the_bound_neither_crashes_nor_hangs() -> None:
    with pytest.raises(InvalidDataError, match="nested deeper"):
        decoded_size(Signal.TRACES, nested(20_000))


def parses(body: bytes) -> bool:
    try:
        ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return False
    return True


@given(signal=st.sampled_from(Signal), body=st.binary(max_size=300))
def test_no_input_makes_the_walk_crash_and_what_the_official_class_takes_it_takes(signal: Signal, body: bytes) -> None:
    try:
        CLASSES[signal].FromString(body)
    except DecodeError:
        with_walk_only(signal, body)
    else:
        assert decoded_size(signal, body) > 0


def with_walk_only(signal: Signal, body: bytes) -> None:
    """Walk what the official class refuses: the walk may take it or refuse it, nothing else."""
    try:
        decoded_size(signal, body)
    except RefusedError as error:
        assert str(error)


def padded_field(number: int, content: bytes, padded: bool) -> bytes:
    """A field, its length written longer than need be if `padded`."""
    length = varint(len(content))
    if padded:
        length = length[:-1] + bytes((length[-1] | 0x80, 0x00))
    return varint(number << 3 | 2) + length + content


wire_bytes = st.recursive(
    st.sampled_from([b"", b"\x08\x01", b"\x0d\x00\x00\x00\x00", b"\x10\x80\x01"]),
    lambda inner: st.lists(
        st.builds(padded_field, st.sampled_from([1, 2, 5, 9, 11, 13]), inner, st.booleans()), max_size=5
    ).map(b"".join),
    max_leaves=30,
)


@given(wire_bytes)
def test_the_cheap_bound_is_never_below_the_number_of_tiny_messages(body: bytes) -> None:
    assert tiny_message_bound(body) >= tiny_messages(body, ExportTraceServiceRequest.DESCRIPTOR)


def tiny_messages(body: bytes, descriptor: Any) -> int:
    """Count the messages of at most 7 bytes in `body`, which holds only what `wire_bytes` makes."""
    count = position = 0
    while position < len(body):
        number, wire_type = body[position] >> 3, body[position] & 7
        position += 1
        if wire_type == 5:
            position += 4
            continue
        value = shift = 0
        while True:
            value |= (body[position] & 0x7F) << shift
            shift += 7
            position += 1
            if body[position - 1] < 0x80:
                break
        if wire_type == 2:
            message = (
                descriptor.fields_by_number[number].message_type if number in descriptor.fields_by_number else None
            )
            if message is not None:
                count += (value <= 7) + tiny_messages(body[position : position + value], message)
            position += value
    return count
