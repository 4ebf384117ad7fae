"""Questions while requests come at a steady rate, and while none come: the 99th percentile, in one collector."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urlencode

from ingest import HERE, gasoline
from queries import GROUP_REQUESTS, SESSION_ID, build_store

ASKED = 200
LOAD_S_MAX = 600.0
QUESTIONS = {
    "session, first page": {"what": "session-trace", "session_id": SESSION_ID},
    "sessions": {"what": "sessions"},
    "sessions, by service": {"what": "sessions", "service": "payments"},
    "requests": {"what": "requests"},
}


class Taken(NamedTuple):
    """Milliseconds, 99th percentile."""

    idle_ms: float
    beside_ms: float


def questions_beside_ingest(work_dir: Path, requests_per_s: float) -> dict[str, Taken]:
    """Ask one collector over HTTP, first at rest, then while requests come."""
    data_dir = work_dir / "beside"
    build_store(data_dir, GROUP_REQUESTS)
    with gasoline(data_dir) as (port, _):
        host, query_port = json.loads((data_dir / "endpoints.json").read_text())["query"].rsplit(":", 1)
        query = (host, int(query_port))
        idle = {name: _ms_p99(query, arguments) for name, arguments in QUESTIONS.items()}
        with _ingest(port, requests_per_s):
            beside = {name: _ms_p99(query, arguments) for name, arguments in QUESTIONS.items()}
    return {name: Taken(idle[name], beside[name]) for name in QUESTIONS}


def _ms_p99(query: tuple[str, int], arguments: dict[str, str]) -> float:
    client = http.client.HTTPConnection(*query)
    taken_ms: list[float] = []
    for _ in range(1 + ASKED):
        start_s = time.perf_counter()
        client.request("GET", f"/api/observe?{urlencode(arguments)}")
        answer = json.loads(client.getresponse().read())
        taken_ms.append((time.perf_counter() - start_s) * 1e3)
        if not answer["total"]:
            raise AssertionError(f"nothing was found for {arguments}")
    client.close()
    # The first one is cold.
    return quantiles(taken_ms[1:], n=100)[98]


@contextmanager
def _ingest(port: int, requests_per_s: float) -> Generator[None]:
    """Send from another process for as long as it is needed, and make sure that it was so."""
    command = [sys.executable, str(HERE / "steady.py"), str(port), str(requests_per_s), str(LOAD_S_MAX)]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if client.stdout is None or client.stdout.readline() != "ready\n":
            raise RuntimeError("the load did not start")
        yield
        if client.poll() is not None:
            raise RuntimeError("the load ended before what was measured beside it")
    finally:
        client.kill()
        client.communicate()
