"""A disk without room: senders are told to come back, nothing that was acknowledged is lost, and room lets them in."""

import os
import random
import string
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TypeAlias

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.rendezvous import RunningCollector, running_collector
from collector.store.sqlite.reader import SqliteReader

TIMEOUT_S = 40
REQUESTS_MAX = 50
Unary: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
ALONE = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
FREE_PORTS = {f"GASOLINE_{port}_ENDPOINT": "127.0.0.1:0" for port in ("GRPC", "HTTP", "QUERY")}

COLLECTOR_ON_A_SMALL_DISK = """
from collector import cli
from collector.store.sqlite import writer

open_for_writing = writer.open_for_writing

def open_small(data_dir):
    connection = open_for_writing(data_dir)
    connection.execute("PRAGMA max_page_count = 200")
    return connection

writer.open_for_writing = open_small
cli.main()
"""


@pytest.fixture
def collector(tmp_path: Path) -> Generator[RunningCollector]:
    """A collector process whose store cannot grow beyond 800 KiB: SQLite answers as it does when the disk is full."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", COLLECTOR_ON_A_SMALL_DISK, "serve", "--data-dir", str(tmp_path)],
        env=ALONE | FREE_PORTS,
        stderr=pipe,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert any(line.startswith("ready ") for line in process.stderr)
        running = running_collector(tmp_path)
        assert running is not None
        yield running
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait(TIMEOUT_S)
        process.stderr.close()


def request_of(number: int) -> bytes:
    """One request of 100 KB that no compression makes much smaller."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = number.to_bytes(16, "big"), number.to_bytes(8, "big")
    span.name = "".join(random.Random(number).choices(string.printable, k=100_000))
    return request.SerializeToString()


def requests_in(data_dir: str) -> set[str]:
    reader = SqliteReader(Path(data_dir))
    try:
        answer = QueryService(reader).observe(parse_params({"what": "requests", "limit": 1000}))
    finally:
        reader.close()
    return {request["request_id"] for request in answer["requests"]}


def test_a_full_disk_is_told_as_busy_and_loses_nothing(collector: RunningCollector) -> None:
    acknowledged: set[str] = set()
    with grpc.insecure_channel(collector.grpc) as channel:
        export: Unary = channel.unary_unary(EXPORT)
        with pytest.raises(grpc.RpcError) as refused:
            for number in range(1, REQUESTS_MAX):
                export(request_of(number), timeout=TIMEOUT_S)
                acknowledged.add(number.to_bytes(16, "big").hex())
        over_http = httpx.post(
            f"http://{collector.http}/v1/traces",
            content=request_of(REQUESTS_MAX),
            headers={"content-type": "application/x-protobuf"},
            trust_env=False,
            timeout=TIMEOUT_S,
        )
        assert isinstance(refused.value, grpc.Call)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "database or disk is full" in (refused.value.details() or "")
        delay = RetryInfo()
        trailers = {item.key: item.value for item in refused.value.trailing_metadata()}
        delay.ParseFromString(trailers["google.rpc.retryinfo-bin"])
        assert delay.retry_delay.ToMilliseconds() == 1000
        status = Status.FromString(over_http.content)
        assert (over_http.status_code, over_http.headers["retry-after"], status.code) == (503, "1", 14)

        assert len(acknowledged) > 1
        assert requests_in(collector.data) == acknowledged

        cleared = httpx.post(f"http://{collector.query}/api/clear", json={}, trust_env=False, timeout=TIMEOUT_S)
        assert cleared.json() == {"deleted": len(acknowledged)}
        export(request_of(REQUESTS_MAX), timeout=TIMEOUT_S)
    assert requests_in(collector.data) == {REQUESTS_MAX.to_bytes(16, "big").hex()}
