"""OTLP/JSON as it is written: ids in hex, integers of 64 bits as text, what has no number as its name."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from collector.encoding.otlp_json import request_to_protobuf
from collector.encoding.to_json import request_to_json
from collector.errors import InvalidDataError
from collector.pdata.envelope import Signal

CAPTURES = Path(__file__).parents[2] / "data" / "captures"


def test_a_span_is_written_as_the_specification_says() -> None:
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            trace_id=bytes(range(16)), span_id=bytes(range(8)), name="ü\n", kind=2, start_time_unix_nano=2**64 - 1
        )
    )
    span.attributes.add(key="n").value.int_value = -1
    span.attributes.add(key="d").value.double_value = math.inf
    span.attributes.add(key="b").value.bytes_value = b"\xff"
    span.attributes.add(key="e").value.string_value = ""
    span.status.code = Status.STATUS_CODE_ERROR
    assert request_to_json(Signal.TRACES, request.SerializeToString()).decode() == (
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"000102030405060708090a0b0c0d0e0f",'
        '"spanId":"0001020304050607","name":"ü\\n","kind":2,"startTimeUnixNano":"18446744073709551615",'
        '"attributes":[{"key":"n","value":{"intValue":"-1"}},{"key":"d","value":{"doubleValue":"Infinity"}},'
        '{"key":"b","value":{"bytesValue":"/w=="}},{"key":"e","value":{"stringValue":""}}],"status":{"code":2}}]}]}]}'
    )


@pytest.mark.parametrize(("number", "written"), [(math.nan, "NaN"), (-math.inf, "-Infinity")])
def test_what_json_has_no_number_for_is_named(number: float, written: str) -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.double_value = number
    assert f'"doubleValue":"{written}"' in request_to_json(Signal.LOGS, request.SerializeToString()).decode()


def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="not an OTLP logs request"):
        request_to_json(Signal.LOGS, b"\xff")


@pytest.mark.parametrize("name", sorted(path.name for path in CAPTURES.iterdir() if path.is_dir()))
def test_recorded_requests_come_back_as_they_were(
    name: str, recordings: Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]
) -> None:
    for signal, body, _ in recordings(name):
        line = request_to_json(signal, body)
        assert request_to_json(signal, request_to_protobuf(signal, line)) == line
