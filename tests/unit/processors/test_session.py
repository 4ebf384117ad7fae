"""The processor `session` and its settings; how keys match is tested with correlation.keys."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import ValidationError

from collector.component import Telemetry
from collector.pdata.envelope import Signal
from collector.processors.session import SESSION_KEYS_MAX, SessionProcessor, SessionSettings


def telemetry_with(key: str, value: str) -> Telemetry:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.attributes.add(key=key).value.string_value = value
    return Telemetry(Signal.TRACES, request.SerializeToString())


@pytest.mark.parametrize(
    ("settings", "key", "session_id"),
    [
        (SessionSettings(), "session.id", "s-1"),
        (SessionSettings(), "visit", ""),
        (SessionSettings(keys=("Visit",)), "visit", "s-1"),
        (SessionSettings(keys=("Visit",)), "session.id", ""),
    ],
)
def test_the_configured_keys_name_the_session(settings: SessionSettings, key: str, session_id: str) -> None:
    telemetry = telemetry_with(key, "s-1")
    SessionProcessor(settings).process(telemetry)
    assert telemetry.correlated is not None
    assert [record.session_id for record in telemetry.correlated.records] == [session_id]


def test_metrics_pass_untouched() -> None:
    telemetry = Telemetry(Signal.METRICS, b"")
    SessionProcessor(SessionSettings()).process(telemetry)
    assert telemetry == Telemetry(Signal.METRICS, b"")


def test_the_number_of_keys_is_bounded() -> None:
    assert SessionSettings(keys=("k",) * SESSION_KEYS_MAX).keys == ("k",) * SESSION_KEYS_MAX
    for keys in [(), ("k",) * (SESSION_KEYS_MAX + 1), ("",)]:
        with pytest.raises(ValidationError):
            SessionSettings(keys=keys)
