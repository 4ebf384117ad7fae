"""A minute in which one backend is not there, one answers too late and one refuses, while Gasoline is killed once."""

from __future__ import annotations

import gzip
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from conftest import CollectorProcess, ReadPages, StartCollector, WriteForwarding

pytestmark = pytest.mark.timeout(300)

OUTAGE_S = 60
SENDS_PER_S = 30
PADDING_BYTES = 4_000
QUEUE_BYTES = 4 * 1024 * 1024
CONSUMERS = 2
RESIDENT_BYTES_MAX = 400 * 1024 * 1024
RECOVERY_TIMEOUT_S = 120
# Pauses begin at half a second and grow to four, each in a random measure that at least halves it: of a minute's
# attempts at one request, the first six take five seconds, each later one two and more; and the kill begins anew.
RETRY = {"initial_interval": "500ms", "max_interval": "4s"}
ATTEMPTS_MAX = 60
SESSION_ID = "session-of-a-minute"

Answer = Callable[[int], tuple[int, dict[str, str]]]


class Backend:
    """An OTLP/HTTP server that answers the n-th attempt at a request as `fails` says, until it is well."""

    def __init__(self, fails: Answer) -> None:
        self.well = threading.Event()
        self.arrived: set[str] = set()
        self.attempts: Counter[bytes] = Counter()
        self.at_once_max = 0
        self._at_once = 0
        self._lock = threading.Lock()
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
                with backend.one_more(body) as attempt:
                    status, headers = (200, {}) if backend.well.is_set() else fails(attempt)
                    if status == 200:
                        backend.take(body)
                self.send_response(status)
                for name, value in {**headers, "content-length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextmanager
    def one_more(self, body: bytes) -> Generator[int]:
        """Count an attempt at this body, and those under way."""
        with self._lock:
            self.attempts[body] += 1
            self._at_once += 1
            self.at_once_max = max(self.at_once_max, self._at_once)
        yield self.attempts[body]
        with self._lock:
            self._at_once -= 1

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.arrived |= {span.span_id.hex() for span in request.resource_spans[0].scope_spans[0].spans}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def refuse(attempt: int) -> tuple[int, dict[str, str]]:
    """Answer as servers do that are in trouble, but for some time only."""
    status = (503, 500, 429, 502, 504)[attempt % 5]
    return status, {"retry-after": "1"} if status == 429 else {}


@pytest.fixture
def backends() -> Iterator[tuple[Backend, Backend]]:
    """One that answers later than anybody waits, and one that refuses."""
    patience = threading.Event()

    def wait(attempt: int) -> tuple[int, dict[str, str]]:
        patience.wait(3)
        return 503, {}

    late, refusing = Backend(wait), Backend(refuse)
    yield late, refusing
    patience.set()
    late.close()
    refusing.close()


@pytest.fixture
def config(
    write_forwarding: WriteForwarding, tmp_path: Path, backends: tuple[Backend, Backend], free_port: int
) -> Path:
    late, refusing = backends
    return write_forwarding(
        tmp_path / "front.yaml",
        "grpc",
        f"127.0.0.1:{free_port}",
        {late.address: "http", refusing.address: "http"},
        timeout="1s",
        retry_on_failure=RETRY,
        sending_queue={"queue_size": QUEUE_BYTES, "num_consumers": CONSUMERS},
    )


class Service:
    """Something that sends spans for as long as it is told, and knows which of them were taken."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.refusals = 0
        self._number = 0
        self._pace = threading.Event()

    def send(self, collector: CollectorProcess, seconds: float) -> None:
        """Send span after span; one that was refused is sent again when it says."""
        ends = time.monotonic() + seconds
        url = f"http://{collector.http}/v1/traces"
        with httpx.Client(trust_env=False, headers={"content-type": "application/x-protobuf"}, timeout=30) as client:
            while time.monotonic() < ends:
                self._number += 1
                answer = client.post(url, content=self._body())
                if answer.status_code == 200:
                    self.acknowledged.add(self._number.to_bytes(8).hex())
                else:
                    assert (answer.status_code, "retry-after" in answer.headers) == (503, True), answer.text
                    self.refusals += 1
                self._pace.wait(1 / SENDS_PER_S)

    def _body(self) -> bytes:
        request = ExportTraceServiceRequest()
        span = (
            request.resource_spans.add()
            .scope_spans.add()
            .spans.add(trace_id=self._number.to_bytes(16), span_id=self._number.to_bytes(8), name="x" * PADDING_BYTES)
        )
        span.attributes.add(key="session.id").value.string_value = SESSION_ID
        return request.SerializeToString()


def metrics_of(collector: CollectorProcess) -> dict[str, float]:
    answer = httpx.get(f"http://{collector.query}/api/status", trust_env=False)
    return answer.raise_for_status().json()["metrics"]


def is_waiting(collector: CollectorProcess) -> bool:
    """Tell whether any queue holds what has not been delivered."""
    return any(size for name, size in metrics_of(collector).items() if name.startswith("otelcol_exporter_queue_size{"))


def queue_bytes(collector: CollectorProcess) -> dict[str, int]:
    """Return what each queue holds on disk."""
    folders = sorted((collector.data_dir / "sending_queue").iterdir())
    return {
        folder.name: sum(path.stat().st_size for path in folder.iterdir() if path.suffix == ".segment")
        for folder in folders
    }


def assert_bounded(collector: CollectorProcess) -> None:
    """Hold that every queue has something to wait for and stays within its size, and the process within memory."""
    held = queue_bytes(collector)
    assert [name for name, size in held.items() if not 0 < size <= QUEUE_BYTES] == []
    assert len(held) == 3
    assert 0 < metrics_of(collector)["otelcol_process_memory_rss"] < RESIDENT_BYTES_MAX


@pytest.mark.requirement("backend:outage")
def test_all_that_was_acknowledged_in_a_bad_minute_arrives(
    start_collector: StartCollector,
    pages: ReadPages,
    tmp_path: Path,
    config: Path,
    backends: tuple[Backend, Backend],
    free_port: int,
) -> None:
    late, refusing = backends
    service, data_dir = Service(), tmp_path / "front"
    with start_collector(data_dir, "--config", str(config)) as front:
        service.send(front, OUTAGE_S / 2)
        assert_bounded(front)
        os.kill(front.pid, signal.SIGKILL)
        assert front.stop() == -signal.SIGKILL
    assert len(service.acknowledged) > 100
    with start_collector(data_dir, "--config", str(config)) as front:
        service.send(front, OUTAGE_S / 2)
        assert_bounded(front)
        late.well.set()
        refusing.well.set()
        question = {"what": "session-trace", "session_id": SESSION_ID}
        with start_collector(tmp_path / "there", "--grpc-endpoint", f"127.0.0.1:{free_port}") as there:
            ends = time.monotonic() + RECOVERY_TIMEOUT_S
            while is_waiting(front) and time.monotonic() < ends:
                there.observe({**question, "limit": 1, "wait_for": 1})
            assert front.stop() == 0
            arrived = {event["span_id"] for event in pages(there.observe, question, "events", 500)}
    for reached in (arrived, late.arrived, refusing.arrived):
        assert service.acknowledged - reached == set()
    for backend in backends:
        assert 1 < max(backend.attempts.values()) <= ATTEMPTS_MAX
    assert refusing.at_once_max <= CONSUMERS
