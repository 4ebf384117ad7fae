"""Protobuf to OTLP/JSON, on one line: what `otlp_json` reads. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

Ids are hex, enums integers, 64-bit integers decimal strings, bytes base64; what is not set is left out. Fields that
no message of the official classes has are lost: JSON has no place for them.
"""

import base64
import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.errors import InvalidDataError
from collector.pdata.envelope import Signal

_Encode = Callable[[object], object]

_REQUESTS: Mapping[Signal, type[Message]] = MappingProxyType(
    {
        Signal.TRACES: ExportTraceServiceRequest,
        Signal.LOGS: ExportLogsServiceRequest,
        Signal.METRICS: ExportMetricsServiceRequest,
    }
)
_HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_DECIMAL_TYPES = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    }
)


class _Field(NamedTuple):
    """How one field is written: its name, whether it is a list, and what turns one value into JSON's."""

    name: str
    repeated: bool
    encode: _Encode


def request_to_json(signal: Signal, body: bytes) -> bytes:
    """Return an Export…ServiceRequest as one line of JSON, without a line's end. Raises InvalidDataError."""
    try:
        request = _REQUESTS[signal].FromString(body)
    except DecodeError as error:
        raise InvalidDataError(f"the body is not an OTLP {signal} request in protobuf ({error})") from error
    return json.dumps(_message(request), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _message(message: Message) -> dict[str, object]:
    fields = _fields_of(message.DESCRIPTOR)  # pyright: ignore[reportArgumentType] -- one class, declared twice
    written: dict[str, object] = {}
    for descriptor, value in message.ListFields():
        field = fields[descriptor.number]
        written[field.name] = [field.encode(item) for item in value] if field.repeated else field.encode(value)
    return written


@cache
def _fields_of(descriptor: Descriptor) -> Mapping[int, _Field]:
    """Return the fields of a message type by number."""
    return {field.number: _Field(field.json_name, field.is_repeated, _encoder(field)) for field in descriptor.fields}


def _encoder(field: FieldDescriptor) -> _Encode:
    if field.message_type is not None:
        return _of_message
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _hex if field.name in _HEX_FIELDS else _base64
    if field.type in _DECIMAL_TYPES:
        return str
    return _double if field.type == FieldDescriptor.TYPE_DOUBLE else _as_it_is


def _of_message(value: object) -> object:
    return _message(value) if isinstance(value, Message) else None


def _hex(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else None


def _base64(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else None


def _double(value: object) -> object:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _as_it_is(value: object) -> object:
    return value
