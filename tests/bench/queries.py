"""Questions over a stored session of 10,000 events: milliseconds from the question to its JSON answer.

Cold is a reader and a service of their own, as another process has them; cached is the same question again.
A store is written one commit a request, the worst locality there is (a chunk holds one or two spans), or GROUP_REQUESTS
requests a commit, as group commits do under load. Run as a program it measures both, the latter after the former.
"""

import hashlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from traffic import requests

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.store.api import Batch
from collector.store.sqlite.commit import Committer
from collector.store.sqlite.numbering import Numbering
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import open_for_writing

SESSION_EVENTS = 10_000
SPANS_PER_REQUEST = 8
GROUP_REQUESTS = 16
PAGE_EVENTS = 100
JSON_PAGES = 10
JSON_PAGE_EVENTS = 1_000
ROUNDS = 5
SESSION_ID = "session-" + "5" * 32
_ANY_SESSION_ID = re.compile(rb"session-[0-9a-f]{32}")


def build_store(data_dir: Path, requests_per_commit: int = 1) -> None:
    """Fill a store: one session of SESSION_EVENTS spans; for every fourth request, one more of another session."""
    _write(data_dir, requests_per_commit)


def measure_queries(data_dir: Path) -> dict[str, float]:
    """Return the median milliseconds of each question over a store that `build_store` filled."""
    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, milliseconds in _round(data_dir):
            taken.setdefault(name, []).append(milliseconds)
    return {name: median(values) for name, values in taken.items()}


def _round(data_dir: Path) -> Iterator[tuple[str, float]]:
    session: dict[str, Any] = {"what": "session-trace", "session_id": SESSION_ID, "limit": PAGE_EVENTS}
    with _service(data_dir) as ask:
        took, page = _timed(ask, **session)
        yield "session, first page, cold", took
        yield "session, first page, cached", _timed(ask, **session)[0]
        request_id = page["events"][0]["request_id"]
    with _service(data_dir) as ask:
        took, answer = _timed(ask, **session, event_types="error", service="nobody")
        if answer["total"] or page["total"] != SESSION_EVENTS:
            raise AssertionError(f"the session has {page['total']} events, not {SESSION_EVENTS}")
        yield "session, whole order, no event read", took
    with _service(data_dir) as ask:
        yield "session, ten pages of 1,000, cold", _pages(ask, session)
        yield "session, ten pages of 1,000, cached", _pages(ask, session)
    with _service(data_dir) as ask:
        one: dict[str, Any] = {"what": "request-trace", "request_id": request_id}
        yield "request, cold", _timed(ask, **one)[0]
        yield "request, cached", _timed(ask, **one)[0]
    for what in ("sessions", "requests"):
        with _service(data_dir) as ask:
            yield f"{what}, first page, cold", _timed(ask, what=what)[0]
            yield f"{what}, first page, cached", _timed(ask, what=what)[0]
    reader = SqliteReader(data_dir)
    start = time.perf_counter()
    parts = sum(1 for _ in reader.parts(reader.position().commit))
    yield "all parts, microseconds each", (time.perf_counter() - start) * 1e6 / parts
    reader.close()


Ask = Callable[..., dict[str, Any]]


@contextmanager
def service_over(data_dir: Path) -> Generator[QueryService]:
    """Open a reader and a service of their own, as another process has them."""
    reader = SqliteReader(data_dir)
    try:
        # The figures are of whole answers, however long they take.
        yield QueryService(reader, time_limit_s=60.0)
    finally:
        reader.close()


@contextmanager
def _service(data_dir: Path) -> Generator[Ask]:
    with service_over(data_dir) as service:

        def ask(**arguments: Any) -> dict[str, Any]:
            return service.observe(parse_params(arguments))

        yield ask


def _timed(ask: Ask, **arguments: Any) -> tuple[float, dict[str, Any]]:
    start = time.perf_counter()
    answer = ask(**arguments)
    return (time.perf_counter() - start) * 1e3, answer


def _pages(ask: Ask, session: dict[str, Any]) -> float:
    start = time.perf_counter()
    arguments = {**session, "limit": JSON_PAGE_EVENTS}
    seen = 0
    for _ in range(JSON_PAGES):
        answer = ask(**arguments)
        seen += len(answer["events"])
        if "next_cursor" in answer:
            arguments["cursor"] = answer["next_cursor"]
    if seen != SESSION_EVENTS:
        raise AssertionError(f"{seen} events were read, not {SESSION_EVENTS}")
    return (time.perf_counter() - start) * 1e3


def _write(data_dir: Path, requests_per_commit: int) -> None:
    others = requests(SPANS_PER_REQUEST, SESSION_EVENTS, seed=2)
    waiting: list[Batch] = []
    with committing(data_dir) as commit:
        for number, body in enumerate(requests(SPANS_PER_REQUEST, SESSION_EVENTS // SPANS_PER_REQUEST, seed=1)):
            waiting.append(batch_of(_ANY_SESSION_ID.sub(SESSION_ID.encode(), body)))
            if number % 4 == 0:
                waiting.append(batch_of(next(others)))
            while len(waiting) >= requests_per_commit:
                commit(waiting[:requests_per_commit])
                del waiting[:requests_per_commit]
        commit(waiting)


@contextmanager
def committing(data_dir: Path) -> Generator[Callable[[Sequence[Batch]], None]]:
    """Give what writes batches in one commit, and does what the writer does between two of them.

    The writer's own thread decides by time how many of those that wait it takes.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    connection = open_for_writing(data_dir)
    committer = Committer(connection, Numbering(connection), time.time_ns)

    def commit(batches: Sequence[Batch]) -> None:
        if batches:
            committer.commit(batches)
        if committer.recompression.is_due:
            committer.recompression.run(committer.bodies)

    try:
        yield commit
        while committer.recompression.is_due:
            commit([])
    finally:
        connection.close()


def batch_of(body: bytes) -> Batch:
    """Correlate a request's body."""
    records = correlate(Signal.TRACES, cut_request(Signal.TRACES, body), SessionKeys()).records
    return Batch(Signal.TRACES, hashlib.blake2b(body, digest_size=16).digest(), records)


def main() -> None:
    """Build stores in a temporary folder, measure, print."""
    for requests_per_commit in (1, GROUP_REQUESTS):
        with tempfile.TemporaryDirectory() as folder:
            build_store(Path(folder), requests_per_commit)
            sys.stdout.write(f"{requests_per_commit} requests a commit\n")
            for name, figure in measure_queries(Path(folder)).items():
                sys.stdout.write(f"{name:40} {figure:8.1f}\n")


if __name__ == "__main__":
    main()
