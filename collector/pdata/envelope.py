"""One export request, cut into the bytes of its spans or log records.

The official class parses first, so that whatever it refuses is refused. The slices then come from a
second, shallower parse of the same bytes and are kept as they came. protobuf merges a singular message
that occurs twice where the shallow types would keep one half; the sizes then do not add up, and the
request is written anew by the official class before it is cut.
https://protobuf.dev/programming-guides/encoding/#last-one-wins
"""

import enum
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.errors import InvalidDataError
from collector.pdata.envelope_pb2 import RequestEnvelope, ResourceEnvelope, ScopeEnvelope


class Signal(enum.StrEnum):
    """The three signals of OTLP, by the names that the Collector's configuration gives them."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


class Group(NamedTuple):
    """The records that share one resource and one scope.

    `slices[i]` are the bytes of `records[i]`. `context` is a ResourceEnvelope that holds this one scope
    and no records: all that a record needs from around it, as bytes that can be compared.
    """

    context: bytes
    resource: Resource
    scope: InstrumentationScope
    slices: Sequence[bytes]
    records: Sequence[Span] | Sequence[LogRecord]


def cut_request(signal: Signal, body: bytes) -> list[Group]:
    """Cut the body of an ExportTraceServiceRequest or ExportLogsServiceRequest into groups.

    Groups without records are left out. Raises InvalidDataError if the bytes are not such a request.
    """
    request = parse_request(signal, body)
    try:
        envelope = RequestEnvelope.FromString(body)
        if _canonical_size(envelope) != len(body):
            envelope = RequestEnvelope.FromString(request.SerializeToString())
    except DecodeError as error:
        raise _not_a_request(signal, error) from error
    if isinstance(request, ExportTraceServiceRequest):
        return [
            _group(outer, inner, spans.resource, scoped.scope, scoped.spans)
            for spans, outer in zip(request.resource_spans, envelope.resources, strict=True)
            for scoped, inner in zip(spans.scope_spans, outer.scopes, strict=True)
            if inner.records
        ]
    return [
        _group(outer, inner, logs.resource, scoped.scope, scoped.log_records)
        for logs, outer in zip(request.resource_logs, envelope.resources, strict=True)
        for scoped, inner in zip(logs.scope_logs, outer.scopes, strict=True)
        if inner.records
    ]


def parse_request(signal: Signal, body: bytes) -> ExportTraceServiceRequest | ExportLogsServiceRequest:
    """Read traces or logs with the official class; raises InvalidDataError for what it refuses."""
    try:
        if signal is Signal.TRACES:
            return ExportTraceServiceRequest.FromString(body)
        return ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise _not_a_request(signal, error) from error


def _not_a_request(signal: Signal, error: DecodeError) -> InvalidDataError:
    return InvalidDataError(
        f"the body is not an OTLP {signal} request in protobuf ({error}); check the exporter's protocol"
    )


def count_data_points(body: bytes) -> int:
    """Count the data points of an ExportMetricsServiceRequest; raises InvalidDataError if it is none."""
    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError as error:
        raise InvalidDataError(f"the body is not an OTLP metrics request in protobuf ({error})") from error
    return sum(
        _data_point_count(metric)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def _data_point_count(metric: Metric) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0


def _group(
    outer: ResourceEnvelope,
    inner: ScopeEnvelope,
    resource: Resource,
    scope: InstrumentationScope,
    records: Sequence[Span] | Sequence[LogRecord],
) -> Group:
    context = context_bytes(outer.resource, inner.scope, inner.schema_url, outer.schema_url)
    return Group(context, resource, scope, list(inner.records), records)


def context_bytes(resource: bytes, scope: bytes, scope_schema_url: bytes, resource_schema_url: bytes) -> bytes:
    """Return what a Group calls its context, from its parts as they were sent; b"" for what is not there."""
    return ResourceEnvelope(
        resource=resource,
        scopes=[ScopeEnvelope(scope=scope, schema_url=scope_schema_url)],
        schema_url=resource_schema_url,
    ).SerializeToString(deterministic=True)


def _canonical_size(envelope: RequestEnvelope) -> int:
    """The length of `envelope` when each field is there once, in the shortest form, and nothing else is."""
    total = 0
    for resource in envelope.resources:
        size = 0
        if resource.HasField("resource"):
            size += _fields_size((len(resource.resource),))
        if resource.HasField("schema_url"):
            size += _fields_size((len(resource.schema_url),))
        for scope in resource.scopes:
            inner = _fields_size([len(record) for record in scope.records])
            if scope.HasField("scope"):
                inner += _fields_size((len(scope.scope),))
            if scope.HasField("schema_url"):
                inner += _fields_size((len(scope.schema_url),))
            size += _fields_size((inner,))
        total += _fields_size((size,))
    return total


def _fields_size(lengths: Iterable[int]) -> int:
    """Size of length-delimited fields with one-byte tags: tag, length as a varint, content."""
    total = 0
    for length in lengths:
        total += length + 2
        while length > 0x7F:
            length >>= 7
            total += 1
    return total
