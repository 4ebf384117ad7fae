"""Every span and log record of a service names the session that it was made in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
from opentelemetry import context, trace
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gasoline_opentelemetry.instrument import add_session_to_telemetry
from gasoline_opentelemetry.session import with_session

if TYPE_CHECKING:
    from conftest import Telemetry

Extract = Callable[[Mapping[str, str]], Context]


def test_a_span_and_its_children_name_the_session(telemetry: Telemetry, extract: Extract) -> None:
    tracer = telemetry.tracing.get_tracer("test")
    request = extract({"x-session-id": "a"})
    server = tracer.start_span("server", request)
    child = tracer.start_span("child", trace.set_span_in_context(server, request))
    own = tracer.start_span("own", request, attributes={"session.id": "b"})
    outside = tracer.start_span("outside", Context())
    for span in (server, child, own, outside):
        span.end()
    named = {span.name: dict(span.attributes or {}) for span in telemetry.spans.get_finished_spans()}
    assert named == {
        "server": {"session.id": "a"},
        "child": {"session.id": "a"},
        "own": {"session.id": "b"},
        "outside": {},
    }


def test_a_log_record_names_the_session(telemetry: Telemetry, extract: Extract) -> None:
    logger = telemetry.logging.get_logger("test")
    request = extract({"x-session-id": "a"})
    logger.emit(LogRecord(body="inside", context=request))
    logger.emit(LogRecord(body="more", context=request, attributes={"key": 1}))
    logger.emit(LogRecord(body="own", context=request, attributes={"session.id": "b"}))
    logger.emit(LogRecord(body="outside", context=Context()))
    records = [exported.log_record for exported in telemetry.logs.get_finished_logs()]
    assert {str(record.body): dict(record.attributes or {}) for record in records} == {
        "inside": {"session.id": "a"},
        "more": {"key": 1, "session.id": "a"},
        "own": {"session.id": "b"},
        "outside": {},
    }


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    """A tracer provider in the place of the process's own; the factory of log records is put back."""
    made = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: made)
    factory = logging.getLogRecordFactory()
    yield made
    logging.setLogRecordFactory(factory)


def spans_and_records_of_a_session(provider: TracerProvider) -> tuple[object, object]:
    """Return what a span and a record of `logging` name as their session."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    token = context.attach(with_session(Context(), "a"))
    try:
        provider.get_tracer("test").start_span("span").end()
        record = logging.getLogger("test").makeRecord("test", logging.INFO, __file__, 1, "text", (), None)
    finally:
        context.detach(token)
    (span,) = exporter.get_finished_spans()
    return (span.attributes or {}).get("session.id"), vars(record).get("session.id")


@pytest.mark.parametrize(
    ("propagators", "named"),
    [
        ("tracecontext,baggage,gasoline", "a"),
        ("tracecontext, gasoline", "a"),
        ("tracecontext,baggage", None),
        ("", None),
    ],
)
def test_the_environment_alone_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, provider: TracerProvider, propagators: str, named: str | None
) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", propagators)
    add_session_to_telemetry()
    assert spans_and_records_of_a_session(provider) == (named, named)


def test_a_record_outside_a_session_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, provider: TracerProvider) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", "gasoline")
    add_session_to_telemetry()
    record = logging.getLogger("test").makeRecord("test", logging.INFO, __file__, 1, "text", (), None)
    assert "session.id" not in vars(record)
