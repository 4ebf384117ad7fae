"""How cost grows: ingest and questions at ever more spans, memory, retention under load, and 10,000 sessions at once.

usage: scale.py [--spans N] [--sessions N] [--soak-spans N] [--soak-mib N] [--soak-age-s N] [--mixed-sessions N]
[--window-spans N] [--json FILE]; `make bench-scale` runs 5,000,000 spans, `make bench-scale SPANS=100000` a short
version. Rates and CPU are compared with those of the first window.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from figures import Figure, finish, print_head, print_row
from ingest import HERE, bytes_on_disk, cpu_s, gasoline, rss_mb, settle
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from traffic import HOPS, requests

from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.retention import AGE_S_MAX
from collector.store.sqlite.schema import EVICTED_COUNTER

SPANS_PER_REQUEST = 512
# One process of the load makes so many before it sends them.
WINDOW_SPANS = 102_400
SPANS = 5_000_000
SESSIONS = 100_000
SOAK_MIB = 64
MIXED_SESSIONS = 10_000
# Two traces a session, and what is left over when each service's last request is full.
MIXED_SPANS_PER_SESSION = 16
MIXED_SPANS_MORE = 4_096
# The first quarter fills the store, the others are compared.
SOAK_WINDOWS_MIN = 4
ASKED = 20
CLIENT_S_MAX = 3_600.0
CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}}}
processors: {{memory_limiter: , redaction: , session: }}
exporters: {{index: {{retention: {{disk_bytes_max: {disk_bytes_max}, age_hours_max: {age_hours_max}}}}}}}
extensions: {{query: {{endpoint: "127.0.0.1:0"}}}}
service:
  extensions: [query]
  pipelines:
    traces: {{receivers: [otlp], processors: [memory_limiter, redaction, session], exporters: [index]}}
    logs: {{receivers: [otlp], processors: [memory_limiter, redaction, session], exporters: [index]}}
"""


class Window(NamedTuple):
    """One load: µs of server CPU a record, records a second, resident MB behind it, longest ms to an answer."""

    cpu_us: float
    per_s: float
    rss_mb: float
    longest_ms: float


def _load(port: int, process_id: int, seed: int, sessions: int, signals: tuple[str, ...], spans: int) -> Window:
    """Send `spans`, and as many log records where that signal is named, at the same time."""
    count = str(spans // SPANS_PER_REQUEST)
    clients = [
        subprocess.Popen(
            [sys.executable, str(HERE / "load.py"), str(SPANS_PER_REQUEST), count, str(seed), signal, str(sessions)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for signal in signals
    ]
    try:
        for client in clients:
            if client.stdin is None or client.stdout is None or client.stdout.readline() != "ready\n":
                raise RuntimeError("the load did not start")
        before_s = cpu_s(process_id)
        for client in clients:
            if client.stdin:
                client.stdin.write(f"{port}\n")
                client.stdin.flush()
        taken = [client.communicate(timeout=CLIENT_S_MAX)[0].split() for client in clients]
        settle(process_id)
        used_s = cpu_s(process_id) - before_s
    finally:
        for client in clients:
            client.kill()
            client.wait()
    records = int(count) * SPANS_PER_REQUEST * len(signals)
    longest_ms = max(float(longest) for _, longest in taken)
    return Window(used_s / records * 1e6, records / max(float(s) for s, _ in taken), rss_mb(process_id), longest_ms)


def growth(work_dir: Path, spans: int, sessions: int, window_spans: int) -> Iterator[Figure]:
    """Fill one store; compare the last tenth with the first."""
    data_dir = work_dir / "growth"
    windows: list[Window] = []
    asked_ms: list[float] = []
    with gasoline(data_dir, _config(work_dir, 1 << 40, AGE_S_MAX)) as (port, process_id):
        _load(port, process_id, 1_000_000, sessions, ("traces",), window_spans)
        for number in range(max(2, spans // window_spans)):
            windows.append(_load(port, process_id, number, sessions, ("traces",), window_spans))
            asked_ms.append(_trace_ms(data_dir, number))
    stored = len(windows) * window_spans
    part = max(1, len(windows) // 10)
    first, last = windows[:part], windows[-part:]
    told = f"{stored:,} spans, {min(sessions, stored // len(HOPS)):,} sessions"
    per_s = [median(window.per_s for window in some) for some in (first, last)]
    cpu_us = [median(window.cpu_us for window in some) for some in (first, last)]
    yield Figure(
        "growth: spans a second, first part by last", per_s[0] / per_s[1], "", 1.25, f"{told}; {per_s[1]:,.0f}/s"
    )
    yield Figure(
        "growth: CPU per span, last part by first", cpu_us[1] / cpu_us[0], "", 1.25, f"{told}; {cpu_us[1]:.1f} µs"
    )
    asked = [median(asked_ms[:part]), median(asked_ms[-part:])]
    yield Figure(
        "growth: request query, last part by first", asked[1] / asked[0], "", 1.5, f"{told}; {asked[1]:.2f} ms"
    )
    yield Figure("growth: resident memory at the end", windows[-1].rss_mb, "MB", 400, told)
    yield Figure("growth: bytes per span", bytes_on_disk(data_dir) / (stored + window_spans), "B", 110, told)


def _trace_ms(data_dir: Path, seed: int) -> float:
    """Return the median milliseconds of a question for a request of this window, each to a reader of its own."""
    body = next(requests(SPANS_PER_REQUEST, 1, seed))
    spans = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    taken: list[float] = []
    for span in random.Random(seed).sample(list(spans), ASKED):
        reader = SqliteReader(data_dir)
        start = time.perf_counter()
        answer = QueryService(reader).observe(
            parse_params({"what": "request-trace", "request_id": span.trace_id.hex()})
        )
        taken.append((time.perf_counter() - start) * 1e3)
        reader.close()
        if answer["total"] < 1:
            raise AssertionError(f"{span.trace_id.hex()} was acknowledged and is not there")
    return median(taken)


def soak(work_dir: Path, spans: int, disk_bytes_max: int, age_s_max: float, window_spans: int) -> Iterator[Figure]:
    """Send far more than the store may hold: memory stays as it is, and nobody waits for retention."""
    data_dir = work_dir / "soak"
    with gasoline(data_dir, _config(work_dir, disk_bytes_max, age_s_max)) as (port, process_id):
        windows = [
            _load(port, process_id, number, SESSIONS, ("traces",), window_spans)
            for number in range(max(SOAK_WINDOWS_MIN, spans // window_spans))
        ]
    evicted = _evicted_records(data_dir)
    if not evicted:
        raise ValueError(f"{spans:,} spans fit into {disk_bytes_max >> 20} MiB: nothing was evicted; send more")
    told = f"{len(windows) * window_spans:,} spans into {disk_bytes_max >> 20} MiB, {evicted:,} evicted"
    half = len(windows) // 2
    rss = [
        median(window.rss_mb for window in some) for some in (windows[half : half + half // 2], windows[-half // 2 :])
    ]
    yield Figure("soak: resident memory, last quarter by third", rss[1] / rss[0], "", 1.05, f"{told}; {rss[1]:.0f} MB")
    yield Figure("soak: file at the end, of what it may be", bytes_on_disk(data_dir) / disk_bytes_max, "", 1.25, told)
    longest = [max(window.longest_ms for window in some) for some in (windows[:1], windows[half:])]
    context = f"{longest[1]:.0f} ms; {longest[0]:.0f} ms before anything went"
    yield Figure(
        "soak: longest answer, beyond that without retention", longest[1] - longest[0], "ms", 50, f"{told}; {context}"
    )


def _evicted_records(data_dir: Path) -> int:
    reader = SqliteReader(data_dir)
    try:
        return reader.status().counters[EVICTED_COUNTER]
    finally:
        reader.close()


def mixed(work_dir: Path, sessions_sent: int) -> Iterator[Figure]:
    """Many sessions at once over four connections: spans and logs of the same traces, each over six services."""
    data_dir = work_dir / "mixed"
    spans = sessions_sent * MIXED_SPANS_PER_SESSION + MIXED_SPANS_MORE
    with gasoline(data_dir) as (port, process_id):
        window = _load(port, process_id, 1, sessions_sent, ("traces", "logs"), spans)
    reader = SqliteReader(data_dir)
    service = QueryService(reader, time_limit_s=60.0)
    start = time.perf_counter()
    sessions = service.observe(parse_params({"what": "sessions"}))
    listed_ms = (time.perf_counter() - start) * 1e3
    asked = {"what": "session-trace", "session_id": sessions["sessions"][0]["session_id"]}
    one = service.observe(parse_params(asked))
    reader.close()
    services = len(one["session"]["services"])
    told = f"{2 * spans:,} records; the newest session: {one['total']} events of {services} services"
    name = f"{sessions_sent:,} sessions, spans and logs"
    yield Figure(f"{name}: not found", sessions_sent - sessions["total"], "sessions", 0, told)
    yield Figure(f"{name}: CPU per record", window.cpu_us, "µs", None, f"{told}; {window.per_s:,.0f}/s")
    yield Figure(f"{name}: resident memory", window.rss_mb, "MB", 400, told)
    yield Figure(f"{name}: list, cold", listed_ms, "ms", None, told)


def _config(work_dir: Path, disk_bytes_max: int, age_s_max: float) -> Path:
    path = work_dir / f"disk-{disk_bytes_max}.yaml"
    path.write_text(CONFIG.format(disk_bytes_max=disk_bytes_max, age_hours_max=age_s_max / 3600))
    return path


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=SPANS)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--soak-spans", type=int, default=2 * SPANS)
    parser.add_argument("--soak-mib", type=int, default=SOAK_MIB)
    parser.add_argument("--soak-age-s", type=float, default=AGE_S_MAX)
    parser.add_argument("--mixed-sessions", type=int, default=MIXED_SESSIONS)
    parser.add_argument("--window-spans", type=int, default=WINDOW_SPANS)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    print_head()
    with tempfile.TemporaryDirectory(prefix="gasoline-scale-") as folder:
        work_dir = Path(folder)
        for part in (
            mixed(work_dir, arguments.mixed_sessions),
            growth(work_dir, arguments.spans, arguments.sessions, arguments.window_spans),
            soak(
                work_dir, arguments.soak_spans, arguments.soak_mib << 20, arguments.soak_age_s, arguments.window_spans
            ),
        ):
            for figure in part:
                figures.append(figure)
                print_row(figure)
    finish(figures, arguments.json)


if __name__ == "__main__":
    main()
