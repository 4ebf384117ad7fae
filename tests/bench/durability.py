"""Kill -9 in the middle of ingest: what is gone of what was acknowledged; and how soon a span is readable."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import quantiles

import grpc
from ingest import gasoline
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from traffic import requests

from collector.correlation.join import TraceKey
from collector.store.sqlite.reader import SqliteReader

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
KILLS = 3
SENDERS = 4
ACKNOWLEDGED_BEFORE_KILL = 60
ROWS_MAX = 100_000
SAMPLES = 100
LOAD = Path(__file__).parent / "load.py"
LOAD_REQUESTS_MAX = 20_000


def lost_after_kills(work_dir: Path) -> tuple[int, int]:
    """Kill the collector KILLS times while SENDERS send to it; return spans acknowledged, and those then missing."""
    data_dir = work_dir / "kill"
    acknowledged: set[tuple[bytes, bytes]] = set()
    for kill in range(KILLS):
        bodies = list(requests(64, 400, seed=7_000 + kill))
        with gasoline(data_dir) as (port, process_id):
            _send_until_killed(port, process_id, bodies, acknowledged)
    with gasoline(data_dir):
        reader = SqliteReader(data_dir)
        upto = reader.position().commit
        stored = {
            (trace_id, row.span_id)
            for trace_id in {trace_id for trace_id, _ in acknowledged}
            for row in reader.rows(TraceKey("trace", trace_id), upto, ROWS_MAX)
        }
        reader.close()
    return len(acknowledged), len(acknowledged - stored)


def _send_until_killed(port: int, process_id: int, bodies: list[bytes], acknowledged: set[tuple[bytes, bytes]]) -> None:
    left = iter(bodies)
    lock = threading.Lock()
    enough = threading.Event()
    count = 0

    def send() -> None:
        nonlocal count
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            export: grpc.UnaryUnaryMultiCallable[bytes, ExportTraceServiceResponse] = channel.unary_unary(
                METHOD, response_deserializer=ExportTraceServiceResponse.FromString
            )
            while True:
                with lock:
                    body = next(left, None)
                if body is None:
                    enough.set()
                    return
                try:
                    export(body, timeout=30)
                except grpc.RpcError:
                    return
                with lock:
                    acknowledged.update(_span_ids(body))
                    count += 1
                    if count >= ACKNOWLEDGED_BEFORE_KILL:
                        enough.set()

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    enough.wait(60)
    os.kill(process_id, signal.SIGKILL)
    for sender in senders:
        sender.join()


def _span_ids(body: bytes) -> set[tuple[bytes, bytes]]:
    request = ExportTraceServiceRequest.FromString(body)
    return {
        (span.trace_id, span.span_id)
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    }


def ack_to_readable_ms_p99(work_dir: Path, *, under_load: bool) -> float:
    """Return the 99th percentile of the time from a request's answer until another process reads its spans.

    Under load, the clients of the ingest benchmark send small requests as fast as they can meanwhile.
    """
    data_dir = work_dir / f"readable-{under_load}"
    with gasoline(data_dir) as (port, _), load(port) if under_load else nullcontext():
        return _ack_to_readable_ms_p99(port, data_dir)


@contextmanager
def load(port: int) -> Generator[None]:
    """Send requests of 8 spans from another process for as long as it is needed, and make sure that it was so."""
    command = [sys.executable, str(LOAD), "8", str(LOAD_REQUESTS_MAX), "8000"]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if client.stdin is None or client.stdout is None:
        raise ValueError("the process was started without pipes")
    try:
        client.stdout.readline()
        client.stdin.write(f"{port}\n")
        client.stdin.flush()
        yield
        if client.poll() is not None:
            raise RuntimeError("the load ended before what was measured under it")
    finally:
        client.kill()
        client.communicate()


def _ack_to_readable_ms_p99(port: int, data_dir: Path) -> float:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, ExportTraceServiceResponse] = channel.unary_unary(
            METHOD, response_deserializer=ExportTraceServiceResponse.FromString
        )
        reader = SqliteReader(data_dir)
        taken_ms: list[float] = []
        for body in requests(8, SAMPLES, seed=9_000):
            wanted = _span_ids(body)
            export(body, timeout=30)
            start_s = time.perf_counter()
            while not _readable(reader, wanted):
                pass
            taken_ms.append((time.perf_counter() - start_s) * 1e3)
        reader.close()
    return quantiles(taken_ms, n=100)[98]


def _readable(reader: SqliteReader, wanted: set[tuple[bytes, bytes]]) -> bool:
    upto = reader.position().commit
    return all(
        any(row.span_id == span_id for row in reader.rows(TraceKey("trace", trace_id), upto, ROWS_MAX))
        for trace_id, span_id in wanted
    )
