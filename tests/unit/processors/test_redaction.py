"""The processor `redaction`: its settings, its place in the pipeline, what it tells."""

from collections.abc import Sequence

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import ValidationError

from collector.component import Outcome, Telemetry
from collector.components import KNOWN_COMPONENTS, build_collector
from collector.config.loader import load_config
from collector.errors import ConfigError
from collector.pdata.envelope import Signal
from collector.pipeline import Pipeline
from collector.processors.redaction.pattern import compile_configured
from collector.processors.redaction.processor import RedactionProcessor
from collector.processors.redaction.settings import (
    BLOCKED_KEYS_MAX,
    BLOCKED_VALUES_MAX,
    IGNORED_KEYS_MAX,
    PATTERN_CHARS_MAX,
    RedactionSettings,
)
from collector.telemetry.metrics import Counters

PIPELINE = """
receivers: {otlp: {protocols: {http: }}}
processors: {session: , redaction: }
exporters: {debug: }
service: {pipelines: {traces: {receivers: [otlp], processors: [session, redaction], exporters: [debug]}}}
"""


def body_of(key: str, value: str, count: int = 1) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    for _ in range(count):
        span.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


def redacted(key: str, value: str, **settings: Sequence[str]) -> str:
    telemetry = Telemetry(Signal.TRACES, body_of(key, value))
    RedactionProcessor(RedactionSettings.model_validate(settings), ["visit.token"]).process(telemetry)
    span = ExportTraceServiceRequest.FromString(telemetry.body).resource_spans[0].scope_spans[0].spans[0]
    return span.attributes[0].value.string_value


def test_the_body_is_another_one_and_the_sender_hears_nothing_of_it() -> None:
    telemetry = Telemetry(Signal.TRACES, body_of("password", "ab", 3))
    RedactionProcessor(RedactionSettings(), []).process(telemetry)
    assert telemetry == Telemetry(
        Signal.TRACES, body_of("password", "[redacted:password]", 3), redacted={"password": 3}
    )
    clean = Telemetry(Signal.TRACES, body_of("user_agent.original", "ab"))
    RedactionProcessor(RedactionSettings(), []).process(clean)
    assert clean == Telemetry(Signal.TRACES, body_of("user_agent.original", "ab"))


@pytest.mark.anyio
async def test_what_was_replaced_is_counted_by_rule() -> None:
    counters = Counters()
    pipeline = Pipeline([RedactionProcessor(RedactionSettings(), [])], [], counters)
    for _ in range(2):
        assert await pipeline.consume(Telemetry(Signal.TRACES, body_of("db.token", "ab", 2))) == Outcome(1)
    assert counters.by_metric_name() == {'otelcol_processor_redacted_values{rule="token"}': 4}


def test_configured_keys_and_patterns() -> None:
    assert redacted("Plate", "ab", blocked_keys=["plate"]) == "[redacted:blocked_key]"
    assert redacted("x", "ab", blocked_keys=["x"]) == "[redacted:blocked_key]"
    assert redacted("a", "got EMP-12", blocked_values=["EMP-[0-9]+"]) == "got [redacted:blocked_value]"
    assert redacted("my.token", "ab", ignored_keys=["My.Token"]) == "ab"
    assert redacted("visit.token", "ab") == "ab"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a^b", r"holds \^, which looks at the text around it"),
        ("a$", r"holds \$"),
        (r"[^]$]a\b", r"holds \\b"),
        (r"\Aa", r"holds \\A"),
        (r"\Ca", r"holds \\C"),
        ("a*", "matches the empty text"),
        ("(", r"no pattern in the syntax of RE2: missing \)"),
        (r"(?=a)", "no pattern in the syntax of RE2"),
        (r"(a)\1", "no pattern in the syntax of RE2"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RedactionSettings(blocked_values=(pattern,))


def test_patterns_that_only_look_like_one_that_cannot() -> None:
    for pattern in (r"\Q^$\E+", r"\Qa", r"[$^]", r"[^^]a", r"[]$]", r"\$\^a", "a|b"):
        assert compile_configured(pattern)


def test_hostile_patterns_take_linear_time() -> None:
    assert redacted("a", "a" * 100_000 + "!", blocked_values=["(a+)+(a|aa)+b"]) == "a" * 100_000 + "!"


def test_settings_have_limits() -> None:
    keys, patterns = ("k",) * (BLOCKED_KEYS_MAX + 1), ("p",) * (BLOCKED_VALUES_MAX + 1)
    assert BLOCKED_KEYS_MAX == IGNORED_KEYS_MAX
    RedactionSettings(blocked_keys=keys[1:], ignored_keys=keys[1:], blocked_values=patterns[1:])
    RedactionSettings(blocked_values=("p" * PATTERN_CHARS_MAX,))
    for settings in (
        {"blocked_keys": keys},
        {"ignored_keys": keys},
        {"blocked_values": patterns},
        {"blocked_values": ["p" * (PATTERN_CHARS_MAX + 1)]},
        {"blocked_keys": ["é"]},
        {"redact_all": True},
    ):
        with pytest.raises(ValidationError):
            RedactionSettings.model_validate(settings)


@pytest.mark.anyio
async def test_it_has_to_come_before_the_request_is_cut(tmp_path_factory: pytest.TempPathFactory) -> None:
    config = load_config(PIPELINE, KNOWN_COMPONENTS, source="f", environ={})
    with pytest.raises(ConfigError, match="redaction has to come before session"):
        await build_collector(config, tmp_path_factory.mktemp("data"))
