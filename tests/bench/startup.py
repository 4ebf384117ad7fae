"""Start: seconds from the start of a process to the first thing that it is for, with the real processes."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
ANSWER_S_MAX = 60.0
LOOK_INTERVAL_S = 0.002
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}


def first_export_s(data_dir: Path) -> float:
    """Start `gasoline serve` on an empty or used `data_dir`; return the seconds to its first accepted export."""
    port = _free_port()
    request = _one_span()
    start_s = time.perf_counter()
    with _process("serve", "--data-dir", str(data_dir), "--grpc-endpoint", f"127.0.0.1:{port}") as process:
        _wait_for_listener(port, process)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            channel.unary_unary(EXPORT)(request, timeout=ANSWER_S_MAX, wait_for_ready=True)
        return time.perf_counter() - start_s


def initialize_s(data_dir: Path) -> float:
    """Start `gasoline mcp` on `data_dir`; return the seconds until `initialize` is answered over stdio.

    The collector that it starts, if none runs there, is stopped again.
    """
    line = json.dumps(INITIALIZE).encode() + b"\n"
    start_s = time.perf_counter()
    try:
        with _process("mcp", "--data-dir", str(data_dir)) as process:
            if process.stdin is None or process.stdout is None:
                raise ValueError("the process was started without pipes")
            process.stdin.write(line)
            process.stdin.flush()
            if not select.select([process.stdout], [], [], ANSWER_S_MAX)[0]:
                raise TimeoutError(f"initialize was not answered within {ANSWER_S_MAX:g} s")
            answer = json.loads(process.stdout.readline())
            took_s = time.perf_counter() - start_s
        if answer["result"]["serverInfo"]["name"] != "gasoline":
            raise ValueError(f"initialize was answered with {answer}")
        return took_s
    finally:
        subprocess.run(
            [sys.executable, "-m", "collector", "stop", "--data-dir", str(data_dir)],
            stdout=subprocess.DEVNULL,
            timeout=ANSWER_S_MAX,
            check=True,
        )


@contextmanager
def _process(*arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """Run one command on free ports; on leaving, close its stdin and let it end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
    environment |= {f"GASOLINE_{port}_ENDPOINT": "127.0.0.1:0" for port in ("GRPC", "HTTP", "QUERY")}
    process = subprocess.Popen(
        [sys.executable, "-m", "collector", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        yield process
    finally:
        if arguments[0] == "serve":
            process.terminate()
        with suppress(BrokenPipeError):
            process.communicate(timeout=ANSWER_S_MAX)


def _wait_for_listener(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the port accepts: a client of gRPC that came too early would wait before it tries again."""
    deadline_s = time.perf_counter() + ANSWER_S_MAX
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        if process.poll() is not None or time.perf_counter() > deadline_s:
            raise TimeoutError(f"port {port} did not accept; the process has the status {process.returncode}")
        time.sleep(LOOK_INTERVAL_S)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _one_span() -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "bench"
    resource.scope_spans.add().spans.add(name="first", trace_id=bytes(range(16)), span_id=bytes(range(1, 9)))
    return request.SerializeToString()
