"""A Python service's telemetry as it would be exported, and the headers of its requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gasoline_opentelemetry.processors import SessionLogRecordProcessor, SessionSpanProcessor
from gasoline_opentelemetry.propagator import SessionPropagator

Headers = Mapping[str, str]


@dataclass
class Telemetry:
    """Providers with our processors in front of exporters that keep what they get."""

    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    logs: InMemoryLogRecordExporter = field(default_factory=InMemoryLogRecordExporter)

    def __post_init__(self) -> None:
        self.tracing = TracerProvider(shutdown_on_exit=False)
        self.tracing.add_span_processor(SessionSpanProcessor())
        self.tracing.add_span_processor(SimpleSpanProcessor(self.spans))
        self.logging = LoggerProvider(shutdown_on_exit=False)
        self.logging.add_log_record_processor(SessionLogRecordProcessor())
        self.logging.add_log_record_processor(SimpleLogRecordProcessor(self.logs))


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture(scope="session")
def propagator() -> CompositePropagator:
    """What OTEL_PROPAGATORS=tracecontext,baggage,gasoline makes."""
    return CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator(), SessionPropagator()])


@pytest.fixture(scope="session")
def extract(propagator: CompositePropagator) -> Callable[[Headers], Context]:
    """`extract(headers)`: the context of a request with these headers."""
    return lambda headers: propagator.extract({name: [value] for name, value in headers.items()}, Context())
