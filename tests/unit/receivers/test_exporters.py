"""The official Python exporters against both receivers: nothing that they send is lost, busy or not."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from collector.component import Outcome, Telemetry
from collector.errors import BusyError
from collector.pdata.envelope import Signal, count_data_points

pytestmark = pytest.mark.anyio

Start = Callable[..., Awaitable[Any]]

GRPC, HTTP, GZIP_HTTP = "grpc", "http", "http, gzip"
TRANSPORTS = pytest.mark.parametrize("transport", [GRPC, HTTP, GZIP_HTTP])


def url(endpoint: str, signal: str) -> str:
    return f"http://{endpoint}/v1/{signal}"


def span_exporter(transport: str, endpoint: str) -> SpanExporter:
    if transport == GRPC:
        return GrpcSpanExporter(endpoint=endpoint, insecure=True, timeout=20)
    compression = Compression.Gzip if transport == GZIP_HTTP else None
    return HttpSpanExporter(endpoint=url(endpoint, "traces"), compression=compression, timeout=20)


def metric_exporter(transport: str, endpoint: str) -> MetricExporter:
    if transport == GRPC:
        return GrpcMetricExporter(endpoint=endpoint, insecure=True)
    compression = Compression.Gzip if transport == GZIP_HTTP else None
    return HttpMetricExporter(endpoint=url(endpoint, "metrics"), compression=compression)


async def endpoint_of(transport: str, start_grpc: Start, start_http: Start) -> str:
    receiver = await (start_grpc if transport == GRPC else start_http)()
    return receiver.endpoint


def make_spans(exporter: SpanExporter, count: int) -> list[str]:
    """Make and export spans one by one; return their names."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    names = [f"span {index}" for index in range(count)]
    for name in names:
        provider.get_tracer("test").start_span(name).end()
    provider.shutdown()
    return names


def span_names(received: list[tuple[Signal, bytes]]) -> list[str]:
    return [
        span.name
        for signal, body in received
        if signal is Signal.TRACES
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@TRANSPORTS
async def test_every_span_arrives(start_grpc: Start, start_http: Start, consumer: Any, transport: str) -> None:
    exporter = span_exporter(transport, await endpoint_of(transport, start_grpc, start_http))
    names = await asyncio.to_thread(make_spans, exporter, 20)
    assert span_names(consumer.received) == names


@TRANSPORTS
async def test_every_log_record_arrives(start_grpc: Start, start_http: Start, consumer: Any, transport: str) -> None:
    endpoint = await endpoint_of(transport, start_grpc, start_http)

    def log() -> None:
        provider = LoggerProvider(shutdown_on_exit=False)
        exporter = (
            GrpcLogExporter(endpoint=endpoint, insecure=True)
            if transport == GRPC
            else HttpLogExporter(
                endpoint=url(endpoint, "logs"), compression=Compression.Gzip if transport == GZIP_HTTP else None
            )
        )
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        for index in range(5):
            provider.get_logger("test").emit(body=f"line {index}", severity_number=SeverityNumber.INFO)
        provider.shutdown()

    await asyncio.to_thread(log)
    bodies = [
        record.body.string_value
        for _, body in consumer.received
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    assert bodies == [f"line {index}" for index in range(5)]


@TRANSPORTS
async def test_metrics_are_accepted_without_a_word_of_error(
    start_grpc: Start, start_http: Start, consumer: Any, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = metric_exporter(transport, await endpoint_of(transport, start_grpc, start_http))

    def measure() -> None:
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        provider = MeterProvider([reader], shutdown_on_exit=False)
        provider.get_meter("test").create_counter("sold").add(3)
        provider.force_flush()
        provider.shutdown()

    await asyncio.to_thread(measure)
    assert {signal for signal, _ in consumer.received} == {Signal.METRICS}
    assert count_data_points(consumer.received[0][1]) == 1
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@TRANSPORTS
async def test_what_was_refused_as_busy_is_sent_again(
    start_grpc: Start, start_http: Start, consumer: Any, transport: str
) -> None:
    exporter = span_exporter(transport, await endpoint_of(transport, start_grpc, start_http))
    stored: list[tuple[Signal, bytes]] = []
    refused = threading.Event()

    async def busy_once(telemetry: Telemetry) -> Outcome:
        if not refused.is_set():
            refused.set()
            raise BusyError("one moment", retry_after_s=0.1)
        stored.append((telemetry.signal, telemetry.body))
        return Outcome(accepted=1)

    consumer.behavior = busy_once
    names = await asyncio.to_thread(make_spans, exporter, 3)
    assert span_names(stored) == names
    assert consumer.received[0] == consumer.received[1]


async def test_the_grpc_exporter_comes_back_when_it_is_told_to(
    start_grpc: Start, consumer: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own first delay is about one second; it says which delay it takes."""
    # It leaves out a line that it has logged in the last seconds, by whichever test.
    monkeypatch.setattr(logging.getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter"), "filters", [])
    receiver = await start_grpc()
    refused = threading.Event()

    async def busy_once(_: Telemetry) -> Outcome:
        if not refused.is_set():
            refused.set()
            raise BusyError("one moment", retry_after_s=0.25)
        return Outcome(accepted=1)

    consumer.behavior = busy_once
    await asyncio.to_thread(make_spans, span_exporter(GRPC, receiver.endpoint), 1)
    (line,) = [record.getMessage() for record in caplog.records if "retrying in" in record.getMessage()]
    assert "retrying in 0.25s" in line
