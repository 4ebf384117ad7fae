"""The OpenTelemetry Collector itself: behind Gasoline, in front of it, and what its file exporter writes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from collector.component import Telemetry
from collector.pdata.envelope import Signal

if TYPE_CHECKING:
    from conftest import CollectorProcess, ReadPages, StartCollector

BUILDER = "go.opentelemetry.io/collector/cmd/builder"
VERSION = "v0.161.0"
BUILD_TIMEOUT_S = 900
STOP_TIMEOUT_S = 30
COMMAND_TIMEOUT_S = 60
READY = "Everything is ready"

pytestmark = [
    pytest.mark.skipif(shutil.which("go") is None, reason="needs go, to build the OpenTelemetry Collector"),
    # The first run builds the Collector, which takes minutes on a slow machine.
    pytest.mark.timeout(2 * BUILD_TIMEOUT_S + COMMAND_TIMEOUT_S),
]

Recording = tuple[Signal, bytes, bytes | None]


def build(command: Sequence[str | Path], folder: Path) -> None:
    built = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if built.returncode != 0:
        pytest.skip(f"needs go with access to {BUILDER}@{VERSION}: {built.stderr.strip()[-300:]}")


@pytest.fixture(scope="module")
def otelcol(root: Path) -> Path:
    """The program, built once into the cache folder of the checkout."""
    folder = root / ".cache" / f"otelcol-{VERSION}"
    program = folder / "out" / "otelcol"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        manifest = yaml.safe_load((root / "tests" / "data" / "otelcol" / "builder.yaml").read_text())
        manifest["dist"]["output_path"] = str(program.parent)
        (folder / "builder.yaml").write_text(yaml.safe_dump(manifest))
        build(["go", "install", f"{BUILDER}@{VERSION}"], folder)
        build([folder / "builder", "--config", "builder.yaml"], folder)
    return program


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def running(otelcol: Path, config: Path, environment: Mapping[str, str]) -> Generator[None]:
    """Run the Collector until the context is left; its ports accept when that is entered."""
    process = subprocess.Popen(
        [otelcol, "--config", config, "--set=service::telemetry::metrics::level=none"],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines: list[str] = []
    draining = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
    try:
        ready = any(lines.append(line) or READY in line for line in process.stderr)
        assert ready, lines
        draining.start()
        yield
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)
        if draining.ident is not None:
            draining.join(STOP_TIMEOUT_S)
        process.stderr.close()


def post_all(endpoint: str, recorded: Sequence[Recording]) -> None:
    for signal, body, _ in recorded:
        headers = {"content-type": "application/x-protobuf"}
        answer = httpx.post(f"http://{endpoint}/v1/{signal}", content=body, headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def recorded(recordings: Callable[[str], Sequence[Recording]]) -> Sequence[Recording]:
    return recordings("tracestate")


@pytest.fixture(scope="module")
def expected(
    start_collector: StartCollector,
    pages: ReadPages,
    recorded: Sequence[Recording],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, Any]]:
    """What is told of the recording when it comes straight from the network."""
    with start_collector(tmp_path_factory.mktemp("direct") / "data") as collector:
        post_all(collector.http, recorded)
        yield told(pages, collector)


def told(pages: ReadPages, collector: CollectorProcess) -> Mapping[str, Any]:
    """Sessions, and the log lines without ids, which are hashes of how their sender wrote them."""
    logs = pages(collector.observe, {"what": "logs"}, "events", 500)
    return {
        "sessions": pages(collector.observe, {"what": "sessions"}, "sessions"),
        "logs": Counter((log["time_unix_nano"], log["service"], log.get("body")) for log in logs),
    }


@pytest.mark.parametrize("token", [None, "a-token-of-ours"])
def test_in_front_of_gasoline_it_fans_out_to_both(
    otelcol: Path,
    root: Path,
    start_collector: StartCollector,
    pages: ReadPages,
    recorded: Sequence[Recording],
    expected: Mapping[str, Any],
    tmp_path: Path,
    token: str | None,
) -> None:
    config = root / "otel-config" / "beside-otelcol.yaml"
    if token:
        # As the file says to do where Gasoline asks for its token.
        with_token = tmp_path / "beside-otelcol.yaml"
        with_token.write_text(config.read_text().replace("# headers: ", "headers: "))
        config = with_token
    grpc_port, http_port = free_ports(2)
    with start_collector(tmp_path / "ours", token=token) as ours, start_collector(tmp_path / "backend") as backend:
        environment = {
            "OTLP_GRPC_ENDPOINT": f"127.0.0.1:{grpc_port}",
            "OTLP_HTTP_ENDPOINT": f"127.0.0.1:{http_port}",
            "GASOLINE_ENDPOINT": ours.grpc,
            "BACKEND_ENDPOINT": backend.grpc,
            "GASOLINE_TOKEN": token or "",
        }
        with running(otelcol, config, environment):
            post_all(f"127.0.0.1:{http_port}", recorded)
        # Its end has waited for its queues.
        assert told(pages, ours) == expected
        assert told(pages, backend) == expected


def test_the_file_for_it_is_valid_as_it_stands(otelcol: Path, root: Path) -> None:
    checked = subprocess.run(
        [otelcol, "validate", "--config", root / "otel-config" / "beside-otelcol.yaml"],
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.parametrize("written", ["json", "proto"])
def test_behind_gasoline_it_takes_everything_and_what_it_writes_is_imported(
    otelcol: Path,
    start_collector: StartCollector,
    pages: ReadPages,
    recorded: Sequence[Recording],
    expected: Mapping[str, Any],
    tmp_path: Path,
    transport: str,
    written: str,
) -> None:
    grpc_port, http_port = free_ports(2)
    backend = write_backend(tmp_path, written, grpc_port, http_port)
    port = {"grpc": grpc_port, "http": http_port}[transport]
    front = write_front(tmp_path, transport, port)
    with running(otelcol, backend, {}):
        with start_collector(tmp_path / "front", "--config", str(front)) as ours:
            post_all(ours.http, recorded)
            assert ours.stop() == 0
    files = [tmp_path / "traces.out", tmp_path / "logs.out"]
    done = subprocess.run(
        [sys.executable, "-m", "collector", "import", *files, "--data-dir", tmp_path / "imported"],
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    records: Counter[Signal] = Counter()
    for signal, body, _ in recorded:
        records[signal] += Telemetry(signal, body).count_records()
    summary = f"imported {records[Signal.TRACES]} spans, {records[Signal.LOGS]} log records from 2 files\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, summary, "")
    with start_collector(tmp_path / "imported") as imported:
        assert told(pages, imported) == expected


def write_backend(folder: Path, written: str, grpc_port: int, http_port: int) -> Path:
    """Write the configuration of an OpenTelemetry Collector that puts each signal into a file."""
    protocols = {
        "grpc": {"endpoint": f"127.0.0.1:{grpc_port}"},
        "http": {"endpoint": f"127.0.0.1:{http_port}"},
    }
    config = {
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": {
            f"file/{signal}": {"path": str(folder / f"{signal}.out"), "format": written}
            for signal in (Signal.TRACES.value, Signal.LOGS.value)
        },
        "service": {
            "pipelines": {
                signal: {"receivers": ["otlp"], "exporters": [f"file/{signal}"]}
                for signal in (Signal.TRACES.value, Signal.LOGS.value)
            }
        },
    }
    path = folder / "backend.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def write_front(folder: Path, transport: str, port: int) -> Path:
    """Write the configuration of a Gasoline that forwards everything and stores nothing."""
    kind, endpoint = {"grpc": ("otlp", f"127.0.0.1:{port}"), "http": ("otlphttp", f"http://127.0.0.1:{port}")}[
        transport
    ]
    config = {
        "receivers": {"otlp": {"protocols": {"grpc": None, "http": None}}},
        "exporters": {kind: {"endpoint": endpoint}},
        "extensions": {"query": None},
        "service": {
            "extensions": ["query"],
            "pipelines": {
                signal: {"receivers": ["otlp"], "exporters": [kind]}
                for signal in (Signal.TRACES.value, Signal.LOGS.value)
            },
        },
    }
    path = folder / "front.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
