"""Gasoline in front of a backend: what it acknowledged arrives there, whatever happens to either of them."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.pdata.envelope import Signal

if TYPE_CHECKING:
    from conftest import CollectorProcess, ReadPages, StartCollector, WriteForwarding

TRACES_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SESSION_ID = "session-forwarded"
SEND_TIMEOUT_S = 30
BODIES_MAX = 5_000


def metrics_of(collector: CollectorProcess) -> dict[str, float]:
    answer = httpx.get(f"http://{collector.query}/api/status", trust_env=False)
    return answer.raise_for_status().json()["metrics"]


def post(collector: CollectorProcess, kind: Signal, body: bytes) -> None:
    headers = {"content-type": "application/x-protobuf"}
    answer = httpx.post(f"http://{collector.http}/v1/{kind}", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_what_was_recorded_is_told_alike_by_both(
    start_collector: StartCollector,
    write_forwarding: WriteForwarding,
    pages: ReadPages,
    recordings: Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]],
    tmp_path: Path,
    transport: str,
) -> None:
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m").sum.data_points.add(as_int=1)
    with start_collector(tmp_path / "backend") as backend:
        config = write_forwarding(tmp_path / "front.yaml", transport, getattr(backend, transport))
        with start_collector(tmp_path / "front", "--config", str(config)) as front:
            for kind, body, _ in recordings("tracestate"):
                post(front, kind, body)
            post(front, Signal.METRICS, metrics.SerializeToString())
            sessions = pages(front.observe, {"what": "sessions"}, "sessions")
            logs = pages(front.observe, {"what": "logs"}, "events")
            assert front.stop() == 0
        assert len(sessions) > 1
        assert pages(backend.observe, {"what": "sessions"}, "sessions") == sessions
        assert pages(backend.observe, {"what": "logs"}, "events") == logs
        assert backend.observe({"what": "status"})["dropped"] == {"metrics_without_exporter": 1}


def span_body(number: int, padding: str) -> tuple[str, bytes]:
    """Return the event id of one span, and the request that holds it."""
    trace_id, span_id = number.to_bytes(16), number.to_bytes(8)
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=trace_id, span_id=span_id, name=padding)
    span.attributes.add(key="session.id").value.string_value = SESSION_ID
    return f"{trace_id.hex()}:{span_id.hex()}", request.SerializeToString()


def send_until_full(endpoint: str) -> set[str]:
    """Send spans until one is refused; return the event ids of those that were acknowledged."""
    acknowledged: set[str] = set()
    with grpc.insecure_channel(endpoint) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(TRACES_METHOD)
        for number in range(1, BODIES_MAX):
            event_id, body = span_body(number, "x" * 1000)
            try:
                export(body, timeout=SEND_TIMEOUT_S)
            except grpc.RpcError as error:
                assert isinstance(error, grpc.Call)
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                assert "is full" in (error.details() or "")
                trailers: Any = error.trailing_metadata()
                assert "google.rpc.retryinfo-bin" in dict(trailers)
                return acknowledged
            acknowledged.add(event_id)
    raise AssertionError("the queue never became full")


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_what_was_acknowledged_arrives_after_kills_with_a_full_queue(
    start_collector: StartCollector,
    write_forwarding: WriteForwarding,
    free_port: int,
    pages: ReadPages,
    tmp_path: Path,
    transport: str,
) -> None:
    data_dir = tmp_path / "front"
    queue = {"queue_size": 256 * 1024, "num_consumers": 2}
    config = write_forwarding(
        tmp_path / "front.yaml",
        transport,
        f"127.0.0.1:{free_port}",
        sending_queue=queue,
        retry_on_failure={"initial_interval": "100ms", "max_interval": "200ms"},
    )
    with start_collector(data_dir, "--config", str(config)) as front:
        acknowledged = send_until_full(front.grpc)
        assert len(acknowledged) > 100
        stored = pages(front.observe, {"what": "session-trace", "session_id": SESSION_ID}, "events", 500)
        assert acknowledged <= {event["id"] for event in stored}
        os.kill(front.pid, signal.SIGKILL)
        assert front.stop() == -signal.SIGKILL
    files = [path for path in data_dir.rglob("*.segment") if "sending_queue" in path.parts]
    assert 0 < sum(path.stat().st_size for path in files) <= queue["queue_size"]

    with start_collector(tmp_path / "backend", f"--{transport}-endpoint", f"127.0.0.1:{free_port}") as backend:
        with start_collector(data_dir, "--config", str(config)) as front:
            # The first of them has arrived: the rest is cut off in the middle.
            question = {"what": "session-trace", "session_id": SESSION_ID, "limit": 1, "wait_for": 20}
            assert backend.observe(question)["total"] > 0
            os.kill(front.pid, signal.SIGKILL)
            assert front.stop() == -signal.SIGKILL
        with start_collector(data_dir, "--config", str(config)) as front:
            assert front.stop() == 0
        arrived = pages(backend.observe, {"what": "session-trace", "session_id": SESSION_ID}, "events", 500)
        assert acknowledged <= {event["id"] for event in arrived}
        assert len(arrived) == len({event["id"] for event in arrived})
    assert [path for path in data_dir.rglob("*.segment") if path.stat().st_size] == []


def test_a_backend_that_never_answers_does_not_keep_what_is_stored_waiting(
    start_collector: StartCollector, write_forwarding: WriteForwarding, pages: ReadPages, tmp_path: Path
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = write_forwarding(tmp_path / "front.yaml", "http", f"127.0.0.1:{silent.getsockname()[1]}", timeout="1h")
        with start_collector(tmp_path / "front", "--config", str(config)) as front:
            sent = dict(span_body(number, "work") for number in range(1, 101))
            for body in sent.values():
                post(front, Signal.TRACES, body)
            events = pages(front.observe, {"what": "session-trace", "session_id": SESSION_ID}, "events")
            assert {event["id"] for event in events} == set(sent)
            waiting = metrics_of(front)['otelcol_exporter_queue_size{exporter="otlphttp/backend0"}']
            assert waiting >= sum(map(len, sent.values()))
            assert front.stop() == 0
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.segment")) == waiting


def test_a_collector_that_would_send_to_itself_does_not_start(
    start_collector: StartCollector, write_forwarding: WriteForwarding, tmp_path: Path
) -> None:
    config = write_forwarding(tmp_path / "front.yaml", "grpc", "127.0.0.1:4317")
    with (
        pytest.raises(AssertionError, match=r"exporters\.otlp/backend0\.endpoint: 127.0.0.1:4317 is a port of this"),
        start_collector(tmp_path / "front", "--config", str(config), "--grpc-endpoint", "127.0.0.1:4317"),
    ):
        pass
