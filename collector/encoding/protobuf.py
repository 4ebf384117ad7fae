"""A guard against bodies that would take memory out of proportion once they are decoded.

An empty message is two bytes on the wire and up to 180 in memory, so a body of 64 MiB could ask for 6 GiB.
Bodies up to UNGUARDED_BYTES_MAX are let through: what they can ask for is bounded by their size. Larger ones
first have their tiny messages counted, which is cheap and never too low; only if there are many, the wire
format is walked by OTLP's schema and what each message will take is added up.
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.errors import InvalidDataError, TooLargeError
from collector.pdata.envelope import Signal

UNGUARDED_BYTES_MAX = 1024 * 1024
MEMORY_RATIO_MAX = 16
"""Decoded bytes per byte on the wire: typical telemetry takes 3 to 5, attributes of one character and digit 11."""
TINY_MESSAGE_SHARE_MAX = 1 / 32
"""Messages of at most 7 bytes per byte on the wire: typical telemetry has 1 in 50."""
MESSAGE_DEPTH_MAX = 100
"""As the official classes: deeper nesting is refused."""

Shape: TypeAlias = "tuple[int, Mapping[int, Shape]]"
"""What one message takes in memory when empty, and the shapes of its message fields by field number."""

_VARINT_BYTES_MAX = 10
_MESSAGE_OVERHEAD_BYTES = 24
_FIELD_BYTES = {
    FieldDescriptor.CPPTYPE_BOOL: 1,
    FieldDescriptor.CPPTYPE_INT32: 4,
    FieldDescriptor.CPPTYPE_UINT32: 4,
    FieldDescriptor.CPPTYPE_FLOAT: 4,
    FieldDescriptor.CPPTYPE_ENUM: 4,
    FieldDescriptor.CPPTYPE_STRING: 16,
}
_FIELD_BYTES_ELSE = 8


def request_descriptor(signal: Signal) -> Descriptor:
    """Return the descriptor of the signal's Export…ServiceRequest."""
    match signal:
        case Signal.TRACES:
            return ExportTraceServiceRequest.DESCRIPTOR
        case Signal.LOGS:
            return ExportLogsServiceRequest.DESCRIPTOR
        case Signal.METRICS:
            return ExportMetricsServiceRequest.DESCRIPTOR


def refuse_bomb(signal: Signal, body: bytes) -> None:
    """Refuse a body whose decoding would take memory out of proportion to its size.

    Raises TooLargeError for such a body and InvalidDataError for one that is no protobuf or nested too deep.
    What passes takes at most about 24 times its size. Linear in the size of `body`; over UNGUARDED_BYTES_MAX
    it may take seconds, so call it off the event loop.
    """
    if len(body) > UNGUARDED_BYTES_MAX and tiny_message_bound(body) > len(body) * TINY_MESSAGE_SHARE_MAX:
        decoded_size(signal, body)


def tiny_message_bound(body: bytes) -> int:
    """Return a number that the messages with at most 7 bytes of content in `body` cannot exceed.

    Each such message has a header of its own, which ends with the tag of a length-delimited field (1 to 15, as
    all message fields of OTLP) and a length of 0 to 7, or, if either is written longer than need be, holds a zero
    byte after one with the high bit set. The bound also counts what only looks so.
    """
    classes = body.translate(_byte_classes())
    return classes.count(b"ts") + classes.count(b"tz") + classes.count(b"hz")


def decoded_size(signal: Signal, body: bytes) -> int:
    """Return about how many bytes the messages in `body` take when decoded.

    Walks the wire format without recursion. Raises TooLargeError as soon as that is out of proportion to what
    has been walked, InvalidDataError if the format is broken or nested too deep.
    """
    size, children = shape_of(request_descriptor(signal))
    position, end = 0, len(body)
    outer: list[tuple[int, Mapping[int, Shape]]] = []
    try:
        while True:
            while position >= end:
                if not outer:
                    return size
                end, children = outer.pop()
            number, start, stop = _next_field(body, position)
            if stop > end:
                raise _broken(position)
            child = children.get(number)
            if child is None:
                position = stop
                continue
            size += child[0]
            if size > UNGUARDED_BYTES_MAX + MEMORY_RATIO_MAX * stop:
                raise TooLargeError(
                    f"the body of {len(body)} bytes would take more than {MEMORY_RATIO_MAX} times as much memory: "
                    "it is made of empty messages"
                )
            outer.append((end, children))
            if len(outer) > MESSAGE_DEPTH_MAX:
                raise InvalidDataError(f"messages are nested deeper than {MESSAGE_DEPTH_MAX}")
            position, end, children = start, stop, child[1]
    except IndexError as error:
        raise _broken(position) from error


@cache
def shape_of(descriptor: Descriptor) -> Shape:
    """Return the shape of a message type; types that contain themselves share one shape."""
    shapes: dict[str, tuple[int, dict[int, Shape]]] = {}

    def visit(message: Descriptor) -> Shape:
        known = shapes.get(message.full_name)
        if known is not None:
            return known
        shape = shapes[message.full_name] = (_empty_size(message), {})
        for field in message.fields:
            if field.message_type is not None:
                shape[1][field.number] = visit(field.message_type)
        return shape

    return visit(descriptor)


def _empty_size(message: Descriptor) -> int:
    size = _MESSAGE_OVERHEAD_BYTES
    for oneof in message.oneofs:
        size += 4 + max(_field_size(field) for field in oneof.fields)
    return size + sum(_field_size(field) for field in message.fields if field.containing_oneof is None)


def _field_size(field: FieldDescriptor) -> int:
    return _FIELD_BYTES_ELSE if field.is_repeated else _FIELD_BYTES.get(field.cpp_type, _FIELD_BYTES_ELSE)


@cache
def _byte_classes() -> bytes:
    """A table for bytes.translate: t a tag, z zero, s a length of 1 to 7, h the high bit set, o any other."""
    table = bytearray(b"o" * 128 + b"h" * 128)
    table[0] = ord("z")
    table[1:8] = b"s" * 7
    for field_number in range(1, 16):
        table[field_number << 3 | 2] = ord("t")
    return bytes(table)


def _next_field(body: bytes, position: int) -> tuple[int, int, int]:
    """Return number, start and end of the content of the field at `position`; number 0 if it can be no message.

    What stands in a group is taken as if it stood outside: groups are in no OTLP message.
    """
    tag = body[position]
    position += 1
    if tag > 0x7F:
        tag, position = _read_varint(body, position - 1)
    match tag & 7:
        case 2:
            length = body[position]
            position += 1
            if length > 0x7F:
                length, position = _read_varint(body, position - 1)
            return tag >> 3, position, position + length
        case 0:
            _, position = _read_varint(body, position)
        case 1:
            position += 8
        case 5:
            position += 4
        case 3 | 4:
            pass
        case _:
            raise _broken(position)
    return 0, position, position


def _read_varint(body: bytes, position: int) -> tuple[int, int]:
    """Return the varint at `position` and the position after it."""
    value = 0
    for shift in range(0, 7 * _VARINT_BYTES_MAX, 7):
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _broken(position)


def _broken(position: int) -> InvalidDataError:
    return InvalidDataError(f"the body is not an OTLP request in protobuf: its wire format breaks at byte {position}")
