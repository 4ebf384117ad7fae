"""The table of docs/performance.md: each figure, what it is divided by, and the target it is held against.

usage: run.py [--quick] [--json FILE]; `make bench` runs all of it.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from answers import acknowledged_ms_p99, added_by_wait_for_ms
from beside_ingest import questions_beside_ingest
from durability import ack_to_readable_ms_p99, lost_after_kills
from figures import ANYTHING, Figure, finish, print_head, print_row
from ingest import Ingest, compare, logs_us_per_record
from lists import build_sessions, measure_lists
from queries import build_store, measure_queries
from recorded import share_on_disk
from startup import first_export_s, initialize_s
from traffic import SESSIONS

ROUNDS = 3
LARGE_REQUEST_SPANS = 512
SMALL_REQUEST_SPANS = 8
SPANS_IN_LARGE_REQUESTS = 100_352
SPANS_IN_SMALL_REQUESTS = 24_000
# As senders in parallel have it, and the worst that there is: each request alone.
REQUESTS_PER_COMMIT = (16, 1)


def measure(work_dir: Path, rounds: int) -> Iterator[Figure]:
    """Yield the figures one after the other; each starts what it needs and stops it again."""
    yield from _ingest(work_dir, rounds)
    yield from _questions(work_dir)
    yield from _lists(work_dir, rounds)
    acknowledged, lost = lost_after_kills(work_dir)
    yield Figure("acknowledged and lost under kill -9", lost, "spans", 0, f"of {acknowledged:,} acknowledged")
    for name, under_load, first, target in (("idle", False, 100.0, 50.0), ("under load", True, 500.0, 200.0)):
        taken_ms = ack_to_readable_ms_p99(work_dir, under_load=under_load)
        yield Figure(f"ack to readable, {name}, p99", taken_ms, "ms", target, first=first)
    yield Figure("wait_for, beyond its quiet second, longest of ten", added_by_wait_for_ms(work_dir), "ms", 30)
    starts = [first_export_s(work_dir / f"start-{number}") for number in range(rounds)]
    yield Figure("start to first accepted export", median(starts), "s", 0.7, first=1.5)
    starts = [initialize_s(work_dir / f"mcp-{number}") for number in range(rounds)]
    yield Figure("gasoline mcp to initialize answered", median(starts), "s", 1.0, first=1.5)


def _ingest(work_dir: Path, rounds: int) -> Iterator[Figure]:
    reference, ours = compare(LARGE_REQUEST_SPANS, SPANS_IN_LARGE_REQUESTS, rounds, work_dir)
    yield _ingest_figure(LARGE_REQUEST_SPANS, reference, ours, first=4.0, target=3.0)
    logs_us = logs_us_per_record(LARGE_REQUEST_SPANS, SPANS_IN_LARGE_REQUESTS, rounds, work_dir)
    share = logs_us / ours.cpu_us_per_span
    what = f"the same per log record, {LARGE_REQUEST_SPANS} a request"
    yield Figure(what, share, "of a span", 1, f"{logs_us:.1f} µs", ANYTHING)
    yield Figure("bytes per span on disk", ours.bytes_per_span, "B", 110, first=160)
    share, stored = share_on_disk(work_dir / "recorded")
    yield Figure("recorded traffic on disk, of what was sent", share, "", 0.35, stored)
    each_kb = ours.grown_mb * 1e3 / SESSIONS
    yield Figure(f"{SESSIONS:,} live sessions, memory grown by each", each_kb, "KB", 10)
    reference, ours = compare(SMALL_REQUEST_SPANS, SPANS_IN_SMALL_REQUESTS, rounds, work_dir)
    yield _ingest_figure(SMALL_REQUEST_SPANS, reference, ours, first=2.2, target=1.8)
    half = ours.spans_per_s / SMALL_REQUEST_SPANS / 2
    yield Figure(
        "acknowledgement at half capacity, p99",
        acknowledged_ms_p99(work_dir, half),
        "ms",
        100,
        f"{half:,.0f} requests/s",
    )
    for what, taken in questions_beside_ingest(work_dir, half).items():
        context = f"{taken.idle_ms:.1f} and {taken.beside_ms:.1f} ms"
        share = taken.beside_ms / taken.idle_ms
        yield Figure(f"{what}, p99 at half capacity, of that at rest", share, "", 3, context, ANYTHING)


def _ingest_figure(spans_per_request: int, reference: Ingest, ours: Ingest, *, first: float, target: float) -> Figure:
    return Figure(
        f"ingest CPU per span, {spans_per_request} a request",
        ours.cpu_us_per_span / reference.cpu_us_per_span,
        "R",
        target,
        f"{ours.cpu_us_per_span:.1f} µs, R = {reference.cpu_us_per_span:.1f} µs; "
        f"{ours.spans_per_s:,.0f} spans/s, {ours.rss_mb:.0f} MB",
        first,
    )


def _questions(work_dir: Path) -> Iterator[Figure]:
    bounds_ms = {
        "session, first page, cold": (100.0, 60.0),
        "session, first page, cached": (100.0, 10.0),
        "session, whole order, no event read": (100.0, 100.0),
        "session, ten pages of 1,000, cold": (800.0, 500.0),
        "request, cold": (50.0, 5.0),
    }
    for requests_per_commit in REQUESTS_PER_COMMIT:
        data_dir = work_dir / f"questions-{requests_per_commit}"
        build_store(data_dir, requests_per_commit)
        for what, taken in measure_queries(data_dir).items():
            unit = "µs" if "microseconds" in what else "ms"
            context = f"requests a commit: {requests_per_commit}"
            first, target = bounds_ms.get(what, (None, None))
            yield Figure(f"10K events: {what}", taken, unit, target, context, first)


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
    figures: list[Figure] = []
    print_head()
    with tempfile.TemporaryDirectory(prefix="gasoline-bench-") as folder:
        for figure in measure(Path(folder), 1 if arguments.quick else ROUNDS):
            figures.append(figure)
            print_row(figure)
    finish(figures, arguments.json)


if __name__ == "__main__":
    main()
