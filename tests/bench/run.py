"""The table of docs/performance.md: each figure, what it is divided by, and the target it is held against.

usage: run.py [--quick] [--json FILE]; `make bench` runs all of it.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from durability import ack_to_readable_ms_p99, lost_after_kills
from ingest import compare, free_cpu_count
from lists import build_sessions, measure_lists
from queries import build_store, measure_queries
from startup import first_export_s, initialize_s
from traffic import SESSIONS

ROUNDS = 3
LARGE_REQUEST_SPANS = 512
SMALL_REQUEST_SPANS = 8
SPANS_IN_LARGE_REQUESTS = 100_352
SPANS_IN_SMALL_REQUESTS = 24_000
# As senders in parallel have it, and the worst that there is: each request alone.
REQUESTS_PER_COMMIT = (16, 1)


@dataclass(frozen=True)
class Figure:
    """One row: `value` must not be over `target`, if there is one; `context` is what was measured beside it."""

    what: str
    value: float
    unit: str
    target: float | None
    context: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether the target is met."""
        return self.target is None or self.value <= self.target


def measure(work_dir: Path, rounds: int) -> Iterator[Figure]:
    """Yield the figures one after the other; each starts what it needs and stops it again."""
    yield from _ingest(work_dir, rounds)
    yield from _questions(work_dir)
    yield from _lists(work_dir, rounds)
    acknowledged, lost = lost_after_kills(work_dir)
    yield Figure("acknowledged and lost under kill -9", lost, "spans", 0, f"of {acknowledged:,} acknowledged")
    for name, under_load, target in (("idle", False, 100.0), ("under load", True, 500.0)):
        taken_ms = ack_to_readable_ms_p99(work_dir, under_load=under_load)
        yield Figure(f"ack to readable, {name}, p99", taken_ms, "ms", target)
    starts = [first_export_s(work_dir / f"start-{number}") for number in range(rounds)]
    yield Figure("start to first accepted export", median(starts), "s", 1.5)
    starts = [initialize_s(work_dir / f"mcp-{number}") for number in range(rounds)]
    yield Figure("gasoline mcp to initialize answered", median(starts), "s", 1.5)


def _ingest(work_dir: Path, rounds: int) -> Iterator[Figure]:
    for spans_per_request, spans, target in (
        (LARGE_REQUEST_SPANS, SPANS_IN_LARGE_REQUESTS, 4.0),
        (SMALL_REQUEST_SPANS, SPANS_IN_SMALL_REQUESTS, 2.2),
    ):
        reference, ours = compare(spans_per_request, spans, rounds, work_dir)
        yield Figure(
            f"ingest CPU per span, {spans_per_request} a request",
            ours.cpu_us_per_span / reference.cpu_us_per_span,
            "R",
            target,
            f"{ours.cpu_us_per_span:.1f} µs, R = {reference.cpu_us_per_span:.1f} µs; "
            f"{ours.spans_per_s:,.0f} spans/s, {ours.rss_mb:.0f} MB",
        )
        if spans_per_request == LARGE_REQUEST_SPANS:
            yield Figure("bytes per span on disk", ours.bytes_per_span, "B", 160)
            each_kb = ours.grown_mb * 1e3 / SESSIONS
            yield Figure(f"{SESSIONS:,} live sessions, memory grown by each", each_kb, "KB", 10)


def _questions(work_dir: Path) -> Iterator[Figure]:
    targets_ms = {
        "session, first page, cold": 60.0,
        "session, first page, cached": 10.0,
        "session, whole order, no event read": 100.0,
        "session, ten pages of 1,000, cold": 500.0,
        "request, cold": 5.0,
    }
    for requests_per_commit in REQUESTS_PER_COMMIT:
        data_dir = work_dir / f"questions-{requests_per_commit}"
        build_store(data_dir, requests_per_commit)
        for what, taken in measure_queries(data_dir).items():
            unit = "µs" if "microseconds" in what else "ms"
            context = f"requests a commit: {requests_per_commit}"
            yield Figure(f"10K events: {what}", taken, unit, targets_ms.get(what), context)


def _lists(work_dir: Path, rounds: int) -> Iterator[Figure]:
    data_dir = work_dir / "lists"
    build_sessions(data_dir)
    taken = [measure_lists(data_dir) for _ in range(rounds)]
    for what in taken[0]:
        target = 100.0 if "text" in what else 20.0 if what.startswith("sessions") and "cold" not in what else None
        yield Figure(f"{SESSIONS:,} live sessions: {what}", median(each[what] for each in taken), "ms", target)


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of three")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    machine = f"{platform.machine()}, {free_cpu_count()} CPUs, Python {platform.python_version()}"
    figures: list[Figure] = []
    _print(f"| figure ({machine}) | measured | target | holds | beside it |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="gasoline-bench-") as folder:
        for figure in measure(Path(folder), 1 if arguments.quick else ROUNDS):
            figures.append(figure)
            _print(_row(figure))
    if arguments.json:
        rows = [asdict(figure) | {"holds": figure.holds} for figure in figures]
        arguments.json.write_text(json.dumps({"machine": machine, "figures": rows}, indent=1) + "\n")
    held_to = [figure for figure in figures if figure.target is not None]
    _print(f"\n{sum(figure.holds for figure in held_to)} of {len(held_to)} targets hold")


def _row(figure: Figure) -> str:
    measured = f"| {figure.what} | {figure.value:.4g} {figure.unit} "
    if figure.target is None:
        return f"{measured}| – | – | {figure.context} |"
    return f"{measured}| {figure.target:g} {figure.unit} | {'yes' if figure.holds else 'NO'} | {figure.context} |"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
