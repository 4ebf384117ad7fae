"""Ingest: server CPU per span of Gasoline, divided by that of the reference server, in one run."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

import psutil

HERE = Path(__file__).parent
READY_S_MAX = 60.0
SETTLE_S_MAX = 10.0
WARM_UP_SPANS = 20_000


@dataclass(frozen=True)
class Ingest:
    """One measurement: microseconds of server CPU per span, spans per second, bytes per span, resident MB.

    `grown_mb` is how much of the latter came while it was measured, after the warm-up.
    """

    cpu_us_per_span: float
    spans_per_s: float
    bytes_per_span: float
    rss_mb: float
    grown_mb: float


@contextmanager
def reference_server() -> Generator[tuple[int, int]]:
    """Run R; gives port and process id."""
    process = subprocess.Popen([sys.executable, str(HERE / "reference_server.py")], stdout=subprocess.PIPE, text=True)
    with _stopped(process):
        yield int(_line(process.stdout, r"port=(\d+)")), process.pid


@contextmanager
def gasoline(data_dir: Path, config: Path | None = None) -> Generator[tuple[int, int]]:
    """Run the collector on free ports; gives its gRPC port and process id."""
    any_port = "127.0.0.1:0"
    command = [sys.executable, "-m", "collector", "serve", "--data-dir", str(data_dir)]
    for flag in ("--grpc-endpoint", "--http-endpoint", "--query-endpoint"):
        command += [flag, any_port]
    if config:
        command += ["--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with _stopped(process):
        yield int(_line(process.stderr, r"ready grpc=\S*:(\d+)")), process.pid


@contextmanager
def _stopped(process: subprocess.Popen[str]) -> Generator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(READY_S_MAX)


def _line(stream: IO[str] | None, pattern: str) -> str:
    if stream is None:
        raise ValueError("the process was started without a pipe")
    seen: list[str] = []
    for line in stream:
        found = re.search(pattern, line)
        if found:
            return found.group(1)
        seen.append(line)
    raise RuntimeError("the server did not start:\n" + "".join(seen))


def measure(
    port: int, process_id: int, spans_per_request: int, spans: int, seed: int, signal: str = "traces"
) -> tuple[float, float]:
    """Send `spans`, or as many log records; return server CPU in µs each, settling included, and how many a second."""
    count = spans // spans_per_request
    client = subprocess.Popen(
        [sys.executable, str(HERE / "load.py"), str(spans_per_request), str(count), str(seed), signal],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _line(client.stdout, "(ready)")
        before_s = cpu_s(process_id)
        out, _ = client.communicate(f"{port}\n", timeout=600)
        settle(process_id)
        used_s = cpu_s(process_id) - before_s
    finally:
        client.kill()
        client.wait()
    sent = count * spans_per_request
    return used_s / sent * 1e6, sent / float(out.split()[0])


def cpu_s(process_id: int) -> float:
    """Return user and system time of a process and its children, as the operating system counts it."""
    process = psutil.Process(process_id)
    return sum(
        times.user + times.system for times in (one.cpu_times() for one in (process, *process.children(recursive=True)))
    )


def rss_mb(process_id: int) -> float:
    """Return the resident memory of a process."""
    return psutil.Process(process_id).memory_info().rss / 1e6


def settle(process_id: int) -> None:
    """Wait until the server has used next to no CPU for a quarter of a second."""
    end_s = time.monotonic() + SETTLE_S_MAX
    last_s = cpu_s(process_id)
    while time.monotonic() < end_s:
        time.sleep(0.25)
        now_s = cpu_s(process_id)
        if now_s - last_s < 0.02:
            return
        last_s = now_s


def bytes_on_disk(data_dir: Path) -> int:
    """Return the size of the store's file and its log."""
    return sum(path.stat().st_size for path in data_dir.glob("store.sqlite3*"))


def compare(spans_per_request: int, spans: int, rounds: int, work_dir: Path) -> tuple[Ingest, Ingest]:
    """Measure R and Gasoline in turn, `rounds` times; return the medians."""
    reference: list[Ingest] = []
    ours: list[Ingest] = []
    for number in range(rounds):
        with reference_server() as (port, process_id):
            measure(port, process_id, spans_per_request, WARM_UP_SPANS, 1000 + number)
            cpu_us, rate = measure(port, process_id, spans_per_request, spans, number)
            reference.append(Ingest(cpu_us, rate, 0.0, rss_mb(process_id), 0.0))
        data_dir = work_dir / f"{spans_per_request}-{number}"
        with gasoline(data_dir) as (port, process_id):
            measure(port, process_id, spans_per_request, WARM_UP_SPANS, 1000 + number)
            before_mb = rss_mb(process_id)
            cpu_us, rate = measure(port, process_id, spans_per_request, spans, number)
            after_mb = rss_mb(process_id)
        # Counted when the server has stopped, so that the write-ahead log is folded in.
        stored = bytes_on_disk(data_dir) / (spans + WARM_UP_SPANS)
        ours.append(Ingest(cpu_us, rate, stored, after_mb, after_mb - before_mb))
    return _median(reference), _median(ours)


def logs_us_per_record(records_per_request: int, records: int, rounds: int, work_dir: Path) -> float:
    """Return the median server CPU in µs per log record."""
    taken: list[float] = []
    for number in range(rounds):
        with gasoline(work_dir / f"logs-{number}") as (port, process_id):
            measure(port, process_id, records_per_request, WARM_UP_SPANS, 1000 + number, "logs")
            taken.append(measure(port, process_id, records_per_request, records, number, "logs")[0])
    return median(taken)


def _median(runs: list[Ingest]) -> Ingest:
    return Ingest(
        median(run.cpu_us_per_span for run in runs),
        median(run.spans_per_s for run in runs),
        median(run.bytes_per_span for run in runs),
        median(run.rss_mb for run in runs),
        median(run.grown_mb for run in runs),
    )


def free_cpu_count() -> int:
    """Return how many CPUs this process may use; server and load share them."""
    return len(os.sched_getaffinity(0))
