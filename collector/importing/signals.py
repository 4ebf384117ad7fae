"""Which signal a protobuf message is of: its bytes do not say, for the three requests begin alike.

Read as another signal, fields are unknown or ids have no length that ids have; read as its own, all fit.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.errors import InvalidDataError
from collector.pdata.envelope import Signal

RECORDS_LOOKED_AT_MAX = 20
_UNFIT = 1_000_000

_Record = TypeVar("_Record")


def guess_signal(body: bytes) -> Signal:
    """Return the signal whose class reads `body` with the fewest misfits; an empty request counts as traces.

    Raises InvalidDataError if no class reads it.
    """
    misfits = {signal: misfits_of(body) for signal, misfits_of in _MISFITS.items()}
    best = min(misfits, key=lambda signal: misfits[signal])
    if misfits[best] >= _UNFIT:
        raise InvalidDataError("it is no export request of traces, logs or metrics in protobuf")
    return best


def _misfits_as_traces(body: bytes) -> int:
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return _UNFIT
    spans = _first(span for outer in request.resource_spans for inner in outer.scope_spans for span in inner.spans)
    without_ids = sum(len(span.trace_id) != 16 or len(span.span_id) != 8 for span in spans)
    return without_ids + _unknown_fields(spans)


def _misfits_as_logs(body: bytes) -> int:
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        return _UNFIT
    logs = _first(log for outer in request.resource_logs for inner in outer.scope_logs for log in inner.log_records)
    without_ids = sum(len(log.trace_id) not in (0, 16) or len(log.span_id) not in (0, 8) for log in logs)
    return without_ids + _unknown_fields(logs)


def _misfits_as_metrics(body: bytes) -> int:
    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError:
        return _UNFIT
    scopes = (scope for outer in request.resource_metrics for scope in outer.scope_metrics)
    metrics = _first(metric for scope in scopes for metric in scope.metrics)
    return sum(not metric.WhichOneof("data") for metric in metrics) + _unknown_fields(metrics)


def _first(records: Iterable[_Record]) -> list[_Record]:
    return [record for _, record in zip(range(RECORDS_LOOKED_AT_MAX), records, strict=False)]


def _unknown_fields(records: Iterable[Message]) -> int:
    return sum(len(UnknownFieldSet(record)) for record in records)


_MISFITS = MappingProxyType(
    {Signal.TRACES: _misfits_as_traces, Signal.LOGS: _misfits_as_logs, Signal.METRICS: _misfits_as_metrics}
)
