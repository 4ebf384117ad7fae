"""How a collector process ends when not all goes well, and with the process that has started it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from collector.rendezvous import running_collector

TIMEOUT_S = 40
ALONE = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
FREE_PORTS = {f"GASOLINE_{port}_ENDPOINT": "127.0.0.1:0" for port in ("GRPC", "HTTP", "QUERY")}

COLLECTOR_WHOSE_STORE_NEVER_CLOSES = """
import sys, threading
from collector import cli, service
from collector.store.sqlite.writer import SqliteWriter

service.SHUTDOWN_DEADLINE_S = 0.1
SqliteWriter.stop = lambda writer: threading.Event().wait()
cli.main()
"""


@pytest.fixture
def started() -> Generator[list[subprocess.Popen[str]]]:
    """Processes that are ended afterwards, whatever happened."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)


def start(processes: list[subprocess.Popen[str]], *arguments: str) -> subprocess.Popen[str]:
    """Start Python with `arguments`; return when its collector is ready."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-P", *arguments], env=ALONE | FREE_PORTS, stdin=pipe, stderr=pipe, text=True
    )
    processes.append(process)
    assert process.stderr is not None
    assert any(line.startswith("ready ") for line in process.stderr)
    return process


def test_a_drain_that_takes_too_long_ends_with_a_status_of_its_own(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    program = COLLECTOR_WHOSE_STORE_NEVER_CLOSES
    process = start(started, "-c", program, "serve", "--data-dir", str(tmp_path))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 3
    assert errors.splitlines()[-1] == "Error: stopped before everything under way was finished"


def test_it_ends_in_good_order_with_the_process_that_holds_its_stdin(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start(started, "-m", "collector", "serve", "--data-dir", str(tmp_path), "--until-stdin-closes")
    assert process.stdin is not None
    process.stdin.write("what is written there changes nothing\n")
    process.stdin.flush()
    assert running_collector(tmp_path) is not None
    _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    assert "stopping: asked to" in errors
    assert not (tmp_path / "endpoints.json").exists()


def test_a_collector_whose_log_nobody_reads_any_more_ends_as_always(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start(started, "-m", "collector", "serve", "--data-dir", str(tmp_path))
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 0


def test_log_lines_are_json_where_that_is_wanted_and_the_ready_line_is_as_always(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    arguments = ["serve", "--data-dir", str(tmp_path), "--log-encoding", "json", "--log-level", "info"]
    command = [sys.executable, "-P", "-m", "collector", *arguments]
    process = subprocess.Popen(command, env=ALONE | FREE_PORTS, stderr=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stderr is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("ready "):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    told = [json.loads(line) for line in lines[:-1]]
    assert [(line["level"], line["logger"]) for line in told] == [("info", "gasoline")] * 3
    assert [re.split("=|http:", line["msg"])[0] for line in told] == [
        "accepting grpc",
        "accepting http",
        "the timeline page is at ",
    ]
