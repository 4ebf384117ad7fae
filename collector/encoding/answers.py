"""What a backend answers to an export request, read: partial success, and when to come back.

https://opentelemetry.io/docs/specs/otlp/#partial-success, #otlpgrpc-throttling, #otlphttp-throttling
"""

from datetime import datetime
from email.utils import parsedate_to_datetime

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.pdata.envelope import Signal


def read_partial_success(signal: Signal, body: bytes) -> tuple[int, str]:
    """Return how many records were rejected, and the message; what is no answer says nothing."""
    try:
        match signal:
            case Signal.TRACES:
                traces = ExportTraceServiceResponse.FromString(body).partial_success
                return max(0, traces.rejected_spans), traces.error_message
            case Signal.LOGS:
                logs = ExportLogsServiceResponse.FromString(body).partial_success
                return max(0, logs.rejected_log_records), logs.error_message
            case Signal.METRICS:
                metrics = ExportMetricsServiceResponse.FromString(body).partial_success
                return max(0, metrics.rejected_data_points), metrics.error_message
    except DecodeError:
        return 0, ""


def read_status(body: bytes) -> tuple[str, float | None]:
    """Return message and retry delay in seconds (None without RetryInfo) of a google.rpc.Status, if it is one."""
    try:
        status = Status.FromString(body)
        for detail in status.details:
            if detail.type_url.endswith("/google.rpc.RetryInfo"):
                delay = RetryInfo.FromString(detail.value).retry_delay
                return status.message, max(0.0, delay.seconds + delay.nanos / 1e9)
    except DecodeError:
        return "", None
    return status.message, None


def read_retry_after(header: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After asks for, given as such or as a date; None if it is neither.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, TypeError):
        return None
