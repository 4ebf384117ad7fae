"""Answers to export requests that were taken, whole or in part, in protobuf or JSON and within a limit.

https://opentelemetry.io/docs/specs/otlp/#full-success and #partial-success
"""

from collections.abc import Callable

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from collector.errors import ResponseTooLargeError
from collector.pdata.envelope import Signal

RESPONSE_BYTES_MAX = 4 * 1024 * 1024

RECORD_NAMES = {Signal.TRACES: "spans", Signal.LOGS: "log records", Signal.METRICS: "data points"}

ExportResponse = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse


def encode_response(
    signal: Signal, *, rejected: int, message: str, as_json: bool, size_max: int = RESPONSE_BYTES_MAX
) -> bytes:
    """Return the body of the signal's Export…ServiceResponse.

    `partial_success` is set only if records were rejected or there is a warning; a rejection without a text
    gets one. The text is cut to fit; a warning of which nothing fits is left out. Raises ResponseTooLargeError
    if the count of what was rejected does not fit.
    """
    success = b"{}" if as_json else b""
    if not rejected and not message:
        return success
    message = message or f"{rejected} {RECORD_NAMES[signal]} were rejected"

    def encode(text: str) -> bytes:
        if not rejected and not text:
            return success
        response = _response(signal, rejected, text)
        return MessageToJson(response, indent=None).encode() if as_json else response.SerializeToString()

    body = fit(encode, message, size_max)
    if body is None:
        raise ResponseTooLargeError(f"the answer does not fit into {size_max} bytes; raise response_bytes_max")
    return body


def fit(encode: Callable[[str], bytes], text: str, size_max: int) -> bytes | None:
    """Return `encode(text)`, with `text` halved until it fits into `size_max` bytes; None if nothing does."""
    text = text.encode(errors="replace").decode()
    while len(body := encode(text)) > size_max:
        if not text:
            return None
        text = text[: len(text) // 2]
    return body


def _response(signal: Signal, rejected: int, message: str) -> ExportResponse:
    match signal:
        case Signal.TRACES:
            return ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
            )
        case Signal.LOGS:
            return ExportLogsServiceResponse(
                partial_success=ExportLogsPartialSuccess(rejected_log_records=rejected, error_message=message)
            )
        case Signal.METRICS:
            return ExportMetricsServiceResponse(
                partial_success=ExportMetricsPartialSuccess(rejected_data_points=rejected, error_message=message)
            )
