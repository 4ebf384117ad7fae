"""Answers and refusals in both encodings, and cut to their limits."""

import json

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse

from collector.encoding.response import encode_response
from collector.encoding.status import STATUS_MESSAGE_CHARS_MAX, grpc_trailers, http_body, retry_after_header, status_of
from collector.errors import (
    BusyError,
    InvalidDataError,
    RefusedError,
    ResponseTooLargeError,
    TooLargeError,
    UnauthenticatedError,
)
from collector.pdata.envelope import Signal


@pytest.mark.parametrize("signal", list(Signal))
def test_full_success_is_the_empty_message(signal: Signal) -> None:
    assert encode_response(signal, rejected=0, message="", as_json=False) == b""
    assert encode_response(signal, rejected=0, message="", as_json=True) == b"{}"


@pytest.mark.parametrize(
    ("signal", "name"),
    [(Signal.TRACES, "rejectedSpans"), (Signal.LOGS, "rejectedLogRecords"), (Signal.METRICS, "rejectedDataPoints")],
)
def test_partial_success_in_json_has_the_count_as_text(signal: Signal, name: str) -> None:
    body = encode_response(signal, rejected=2**53 + 1, message="why", as_json=True)
    assert json.loads(body) == {"partialSuccess": {name: str(2**53 + 1), "errorMessage": "why"}}


def test_a_text_is_cut_between_characters() -> None:
    whole = encode_response(Signal.LOGS, rejected=1, message="ä" * 64, as_json=False)
    assert encode_response(Signal.LOGS, rejected=1, message="ä" * 64, as_json=False, size_max=len(whole)) == whole
    cut = encode_response(Signal.LOGS, rejected=1, message="ä" * 64, as_json=False, size_max=len(whole) - 1)
    partial = ExportLogsPartialSuccess(rejected_log_records=1, error_message="ä" * 32)
    assert ExportLogsServiceResponse.FromString(cut).partial_success == partial


def test_a_warning_that_does_not_fit_is_left_out_and_a_count_is_not() -> None:
    assert encode_response(Signal.LOGS, rejected=0, message="late", as_json=False, size_max=1) == b""
    with pytest.raises(ResponseTooLargeError):
        encode_response(Signal.LOGS, rejected=1, message="late", as_json=False, size_max=1)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnauthenticatedError("no token"), Status(code=16, message="no token")),
        (TooLargeError("too large"), Status(code=8, message="too large")),
    ],
)
def test_a_refusal_without_details_needs_no_trailers(error: RefusedError, expected: Status) -> None:
    assert status_of(error) == expected
    assert (grpc_trailers(error), retry_after_header(error)) == ((), None)


def test_a_delay_is_told_to_the_nanosecond_in_the_status_and_rounded_up_in_the_header() -> None:
    error = BusyError("busy", retry_after_s=2.000000001)
    (key, value), (python_key, python_value) = grpc_trailers(error)
    detail = RetryInfo()
    assert Status.FromString(value).details[0].Unpack(detail)
    assert (key, detail.retry_delay.ToNanoseconds()) == ("grpc-status-details-bin", 2_000_000_001)
    assert (python_key, RetryInfo.FromString(python_value)) == ("google.rpc.retryinfo-bin", detail)
    assert retry_after_header(error) == "3"
    assert json.loads(http_body(error, as_json=True))["details"][0]["retryDelay"] == "2.000000001s"


def test_a_long_text_is_cut_so_that_headers_can_carry_it() -> None:
    error = InvalidDataError("\ud800" + "x" * 5000)
    assert len(status_of(error).message) == STATUS_MESSAGE_CHARS_MAX
    assert len(grpc_trailers(error)[0][1]) < 4096


def test_a_status_that_cannot_fit_is_left_out() -> None:
    assert http_body(BusyError("busy"), as_json=True, size_max=1) == b""
    assert len(http_body(TooLargeError("x" * 500), as_json=False, size_max=20)) <= 20
