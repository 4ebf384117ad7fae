"""OpenTelemetry's own load generator delivers everything that it made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import CollectorProcess, ReadPages, StartCollector

MODULE = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen"
VERSION = "v0.161.0"
BUILD_TIMEOUT_S = 540
RUN_TIMEOUT_S = 60
TRACES = 100
CHILD_SPANS = 3
LOGS = 150

pytestmark = [
    pytest.mark.skipif(shutil.which("go") is None, reason="needs go, to build telemetrygen"),
    # The first run builds the program, which takes minutes on a slow machine.
    pytest.mark.timeout(BUILD_TIMEOUT_S + RUN_TIMEOUT_S),
]


@pytest.fixture(scope="module")
def telemetrygen(root: Path) -> Path:
    """The program, built once into the cache folder of the checkout."""
    folder = root / ".cache" / f"telemetrygen-{VERSION}"
    program = folder / "telemetrygen"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        built = subprocess.run(
            ["go", "install", f"{MODULE}@{VERSION}"],
            env={**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"},
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
        if built.returncode != 0:
            pytest.skip(f"needs go with access to {MODULE}@{VERSION}: {built.stderr.strip()[-300:]}")
    return program


@pytest.fixture(scope="module")
def collector(start_collector: StartCollector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    with start_collector(tmp_path_factory.mktemp("telemetrygen") / "data") as running:
        yield running


def run(program: Path, collector: CollectorProcess, transport: str, signal: str, *arguments: str) -> None:
    """Run telemetrygen to its end; one request for each record, as fast as it can."""
    endpoint, protocol = (collector.http, ["--otlp-http"]) if transport == "http" else (collector.grpc, [])
    session = f'session.id="{transport}-{signal}"'
    flags = ["--batch=false", "--rate=0", "--otlp-insecure", f"--otlp-endpoint={endpoint}", *protocol]
    finished = subprocess.run(
        [program, signal, *flags, f"--telemetry-attributes={session}", *arguments],
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert re.findall(r"^\S+\t(?:WARN|ERROR|FATAL)\t.*", finished.stderr, re.MULTILINE) == []


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_all_traces_are_there(
    pages: ReadPages, telemetrygen: Path, collector: CollectorProcess, transport: str
) -> None:
    run(telemetrygen, collector, transport, "traces", f"--traces={TRACES}", f"--child-spans={CHILD_SPANS}")
    question = {"what": "session-trace", "session_id": f"{transport}-traces"}
    events = pages(collector.observe, question, "events")
    per_trace = Counter(event["request_id"] for event in events)
    assert Counter(per_trace.values()) == {1 + CHILD_SPANS: TRACES}


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_all_logs_are_there(pages: ReadPages, telemetrygen: Path, collector: CollectorProcess, transport: str) -> None:
    run(telemetrygen, collector, transport, "logs", f"--logs={LOGS}")
    question = {"what": "session-trace", "session_id": f"{transport}-logs"}
    events = pages(collector.observe, question, "events")
    assert Counter(event["signal"] for event in events) == {"log": LOGS}
