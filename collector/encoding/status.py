"""google.rpc.Status: how a refusal is told, in the request's own encoding.

https://opentelemetry.io/docs/specs/otlp/#failures and #failures-1;
https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
"""

import math

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from collector.encoding.response import RESPONSE_BYTES_MAX, fit
from collector.errors import InvalidDataError, RefusedError

STATUS_DETAILS_KEY = "grpc-status-details-bin"
RETRY_INFO_KEY = "google.rpc.retryinfo-bin"
"""Where Python's OTLP exporter looks for RetryInfo, and nowhere else."""
STATUS_MESSAGE_CHARS_MAX = 1024
"""gRPC carries the message twice in the trailing metadata, which clients limit to 8 KiB."""


def status_message(error: RefusedError) -> str:
    """Return the text of `error`, short enough for any transport and without half surrogate pairs."""
    return str(error)[:STATUS_MESSAGE_CHARS_MAX].encode(errors="replace").decode()


def status_of(error: RefusedError, message: str | None = None) -> Status:
    """Return `error` as a Status: RetryInfo if the sender may come back, BadRequest if the data are invalid.

    `message` stands in for the error's own text.
    """
    text = status_message(error) if message is None else message
    status = Status(code=error.grpc_code, message=text)
    if error.retry_after_s is not None:
        status.details.add().Pack(_retry_info(error.retry_after_s))
    if isinstance(error, InvalidDataError):
        violation = BadRequest.FieldViolation(field="body", description=text)
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    return status


def grpc_trailers(error: RefusedError) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata that carry the details of `error`; none if it has no details."""
    status = status_of(error)
    if not status.details:
        return ()
    trailers = ((STATUS_DETAILS_KEY, status.SerializeToString()),)
    if error.retry_after_s is None:
        return trailers
    return (*trailers, (RETRY_INFO_KEY, _retry_info(error.retry_after_s).SerializeToString()))


def http_body(error: RefusedError, *, as_json: bool, size_max: int = RESPONSE_BYTES_MAX) -> bytes:
    """Return the body that tells `error` over HTTP, its text cut to fit; empty if nothing fits."""

    def encode(message: str) -> bytes:
        status = status_of(error, message)
        if as_json:
            return MessageToJson(status, indent=None).encode()
        return status.SerializeToString()

    return fit(encode, status_message(error), size_max) or b""


def _retry_info(retry_after_s: float) -> RetryInfo:
    delay = Duration()
    delay.FromNanoseconds(round(retry_after_s * 1_000_000_000))
    return RetryInfo(retry_delay=delay)


def retry_after_header(error: RefusedError) -> str | None:
    """Return the value of Retry-After, in whole seconds and never sooner than asked; None if not retryable.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    return None if error.retry_after_s is None else str(max(1, math.ceil(error.retry_after_s)))
