"""What the official Python exporters send is there, whole, also when the collector had no room at first."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import grpc
import httpx
import psutil
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as RichStatus
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from collector.bounded_queue import RETRY_AFTER_S

if TYPE_CHECKING:
    from conftest import CollectorProcess, ReadPages, StartCollector

WAYS = ("grpc", "grpc-gzip", "http", "http-gzip")
SESSIONS = 3
TRACES_PER_SESSION = 15
CHILDREN_PER_TRACE = 4
EXPORT_TIMEOUT_S = 30
SENDERS = 4
EXPORT_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
REFUSED_TIMEOUT_S = 20
MEMORY_BYTES_MAX = 400 * 1024 * 1024
FOUR_REQUESTS_AT_A_TIME = """
receivers:
  otlp:
    protocols: {grpc: , http: }
processors:
  session:
exporters:
  index:
extensions:
  query:
service:
  extensions: [query]
  in_flight: {requests_max: 4}
  pipelines:
    traces: {receivers: [otlp], processors: [session], exporters: [index]}
    logs: {receivers: [otlp], processors: [session], exporters: [index]}
"""


class Exporters(NamedTuple):
    """One SDK's way out."""

    spans: SpanExporter
    logs: LogRecordExporter


def make_exporters(collector: CollectorProcess, way: str) -> Exporters:
    """Return exporters over one transport, compressing or not."""
    transport, _, gzip = way.partition("-")
    if transport == "grpc":
        compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
        return Exporters(
            GrpcSpanExporter(collector.grpc, True, timeout=EXPORT_TIMEOUT_S, compression=compression),
            GrpcLogExporter(collector.grpc, True, timeout=EXPORT_TIMEOUT_S, compression=compression),
        )
    compression = Compression.Gzip if gzip else Compression.NoCompression
    base = f"http://{collector.http}/v1"
    return Exporters(
        HttpSpanExporter(f"{base}/traces", timeout=EXPORT_TIMEOUT_S, compression=compression),
        HttpLogExporter(f"{base}/logs", timeout=EXPORT_TIMEOUT_S, compression=compression),
    )


def send(service: str, exporters: Exporters) -> None:
    """Make SESSIONS sessions' worth of spans and logs, in small batches, and return when the exporters are done.

    Only the first span of a trace names its session.
    """
    resource = Resource({"service.name": service})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(exporters.spans, max_export_batch_size=64))
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(exporters.logs, max_export_batch_size=16))
    tracer, logger = tracers.get_tracer("sdk"), loggers.get_logger("sdk")
    for session in range(SESSIONS):
        for number in range(TRACES_PER_SESSION):
            attributes = {"session.id": f"{service}-session-{session}"}
            with tracer.start_as_current_span(f"entry {number}", kind=trace.SpanKind.SERVER, attributes=attributes):
                for child in range(CHILDREN_PER_TRACE):
                    with tracer.start_as_current_span(f"child {child}"):
                        logger.emit(body=f"log {number}.{child}", severity_number=SeverityNumber.INFO)
    with tracer.start_as_current_span("outside any session"):
        logger.emit(body="outside any session")
    assert tracers.force_flush()
    assert loggers.force_flush()
    tracers.shutdown()
    loggers.shutdown()


def assert_all_there(pages: ReadPages, collector: CollectorProcess, service: str) -> None:
    """Hold what the collector tells of `service` to what `send` makes."""
    entries = {f"entry {number}": 1 for number in range(TRACES_PER_SESSION)}
    children = {f"child {child}": TRACES_PER_SESSION for child in range(CHILDREN_PER_TRACE)}
    bodies = {f"log {n}.{child}": 1 for n in range(TRACES_PER_SESSION) for child in range(CHILDREN_PER_TRACE)}
    for session in range(SESSIONS):
        question = {"what": "session-trace", "session_id": f"{service}-session-{session}"}
        events = pages(collector.observe, question, "events")
        assert Counter(event["name"] for event in events if event["signal"] == "span") == entries | children
        assert Counter(event["body"] for event in events if event["signal"] == "log") == bodies
    outside = pages(collector.observe, {"what": "requests", "service": service, "without_session": True}, "requests")
    assert len(outside) == 1
    everything = pages(collector.observe, {"what": "requests", "service": service}, "requests")
    assert len(everything) == SESSIONS * TRACES_PER_SESSION + 1


@pytest.fixture(scope="module")
def collector(start_collector: StartCollector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    with start_collector(tmp_path_factory.mktemp("sdk") / "data") as running:
        yield running


@pytest.mark.parametrize("way", WAYS)
def test_everything_that_the_exporters_sent_is_there(
    pages: ReadPages, collector: CollectorProcess, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    send(way, make_exporters(collector, way))
    assert_all_there(pages, collector, way)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@contextmanager
def stalled_disk(data_dir: Path) -> Generator[None]:
    """Hold the store's write lock, so that no commit ends."""
    with closing(sqlite3.connect(data_dir / "store.sqlite3", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def wait_until_refused(collector: CollectorProcess) -> None:
    """Return when the collector has sent a request back."""
    deadline_s = time.monotonic() + REFUSED_TIMEOUT_S
    while not collector.observe({"what": "status"}).get("refused"):
        assert time.monotonic() < deadline_s, "nothing was refused"


def refusal_over_grpc(collector: CollectorProcess) -> tuple[grpc.StatusCode, float]:
    """Send an empty request; return the code that it is refused with, and the delay that RetryInfo asks for."""
    with grpc.insecure_channel(collector.grpc) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(EXPORT_METHOD)(b"", timeout=EXPORT_TIMEOUT_S)
    error = refused.value
    assert isinstance(error, grpc.Call)
    (details,) = [item.value for item in error.trailing_metadata() if item.key == "grpc-status-details-bin"]
    assert isinstance(details, bytes)
    retry_info = RetryInfo()
    (detail,) = RichStatus.FromString(details).details
    assert detail.Unpack(retry_info)
    return error.code(), retry_info.retry_delay.ToTimedelta().total_seconds()


def refusal_over_http(collector: CollectorProcess) -> tuple[int, str | None]:
    """Send an empty request; return the status that it is refused with, and Retry-After."""
    answer = httpx.post(
        f"http://{collector.http}/v1/traces", headers={"content-type": "application/x-protobuf"}, trust_env=False
    )
    return answer.status_code, answer.headers.get("retry-after")


@pytest.mark.parametrize("way", WAYS)
def test_a_full_queue_is_waited_for_and_nothing_is_lost(
    pages: ReadPages, start_collector: StartCollector, tmp_path: Path, way: str
) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(FOUR_REQUESTS_AT_A_TIME)
    with start_collector(tmp_path / "data", "--config", str(config)) as collector:
        services = [f"{way}-{number}" for number in range(SENDERS)]
        with ThreadPoolExecutor(SENDERS) as senders:
            with stalled_disk(collector.data_dir):
                sent = [senders.submit(send, service, make_exporters(collector, way)) for service in services]
                wait_until_refused(collector)
                assert refusal_over_grpc(collector) == (grpc.StatusCode.UNAVAILABLE, RETRY_AFTER_S)
                assert refusal_over_http(collector) == (503, str(int(RETRY_AFTER_S)))
            for one in sent:
                one.result()
        for service in services:
            assert_all_there(pages, collector, service)
        assert psutil.Process(collector.pid).memory_info().rss < MEMORY_BYTES_MAX
