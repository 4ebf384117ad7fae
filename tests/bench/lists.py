"""Lists over 10,000 live sessions: milliseconds from the question to its answer, in a service that is there already.

As in a running collector, what the catalog keeps is known: each question is asked once before it counts.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from queries import batch_of, committing, service_over
from traffic import HOPS, SESSIONS, requests

from collector.query.params import parse_params
from mcp_server.text import answer_for_text, text_of

SPANS_PER_REQUEST = 512
ROUNDS = 5
QUESTIONS: dict[str, dict[str, Any]] = {
    "sessions": {"what": "sessions"},
    "sessions, by service": {"what": "sessions", "service": "payments"},
    "sessions, by status": {"what": "sessions", "status": "error"},
    "sessions, by URL": {"what": "sessions", "url": "/api/cart/77"},
    "requests": {"what": "requests"},
}


def build_sessions(data_dir: Path) -> None:
    """Fill a store: SESSIONS sessions of one request of eight spans each."""
    # Each service sends requests of its own, so some spans wait at the end; a few traces more complete the first.
    count = (SESSIONS + SPANS_PER_REQUEST) * len(HOPS) // SPANS_PER_REQUEST
    with committing(data_dir) as commit:
        for body in requests(SPANS_PER_REQUEST, count, seed=5):
            commit([batch_of(body)])


def measure_lists(data_dir: Path) -> dict[str, float]:
    """Return the milliseconds of each list over a store that `build_sessions` filled; medians but for the cold one."""
    taken: dict[str, float] = {}
    with service_over(data_dir) as query:
        start = time.perf_counter()
        total = query.observe(parse_params({"what": "sessions"}))["total"]
        taken["sessions, cold"] = (time.perf_counter() - start) * 1e3
        if total != SESSIONS:
            raise AssertionError(f"{total} sessions are listed, not {SESSIONS}")
        for name, arguments in QUESTIONS.items():
            params = parse_params(arguments)
            query.observe(params)
            taken[name] = _median_ms(partial(query.observe, params))
        failed = parse_params({"what": "sessions", "status": "error"})
        taken["failed sessions, as text with causes"] = _median_ms(
            lambda: text_of(answer_for_text(query, failed), failed)
        )
    return taken


def _median_ms(ask: Callable[[], object]) -> float:
    taken: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - start) * 1e3)
    return median(taken)


def main() -> None:
    """Build a store in a temporary folder, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        build_sessions(Path(folder))
        for name, figure in measure_lists(Path(folder)).items():
            sys.stdout.write(f"{name:40} {figure:8.1f}\n")


if __name__ == "__main__":
    main()
