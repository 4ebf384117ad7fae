"""The same questions over the embedded store and the one in memory, and what eviction does to a cursor."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from collector.correlation.keys import SessionKeys, correlate
from collector.errors import QueryError
from collector.pdata.envelope import Signal, cut_request
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.store.api import Batch, Reader, Writer
from collector.store.memory import MemoryStore
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.writer import SqliteWriter

NOW_UNIX_NANO = 1_795_000_000_000_000_000
CAPTURES = sorted(path.parent.name for path in (Path(__file__).parents[2] / "data" / "captures").glob("*/traces.bin"))
REQUESTS_ASKED_MAX = 20
# As the fixture `recordings` gives them: signal, protobuf body, JSON body if it came as such.
Recording = tuple[Signal, bytes, bytes | None]


def batches(recorded: Sequence[Recording]) -> Iterator[Batch]:
    for number, (signal, body, _) in enumerate(recorded):
        identity = hashlib.blake2b(body + number.to_bytes(4), digest_size=16).digest()
        yield Batch(signal, identity, correlate(signal, cut_request(signal, body), SessionKeys()).records)


def fill(writer: Writer, recorded: Sequence[Recording]) -> None:
    async def write() -> None:
        for batch in batches(recorded):
            await writer.write(batch)

    anyio.run(write)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[tuple[SqliteWriter, SqliteReader]]:
    writer = SqliteWriter.open(tmp_path, clock_unix_nano=lambda: NOW_UNIX_NANO)
    reader = SqliteReader(tmp_path)
    yield writer, reader
    reader.close()
    writer.stop()


def asker(reader: Reader) -> Callable[..., dict[str, Any]]:
    service = QueryService(reader, clock_unix_nano=lambda: NOW_UNIX_NANO, time_limit_s=60.0)

    def ask(**arguments: Any) -> dict[str, Any]:
        return service.observe(parse_params(arguments))

    return ask


def everything(ask: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask every kind of question, lists and timelines page by page."""
    answers: list[dict[str, Any]] = []

    def pages(**arguments: Any) -> None:
        answers.append(ask(**arguments))
        while "next_cursor" in answers[-1]:
            answers.append(ask(**arguments, cursor=answers[-1]["next_cursor"]))

    for what in ("sessions", "requests", "logs"):
        pages(what=what, limit=50)
    for what in ("sessions", "requests"):
        pages(what=what, status="error")
        pages(what=what, query="checkout")
    sessions = [session["session_id"] for session in ask(what="sessions", limit=1_000)["sessions"]]
    for session_id in sessions:
        pages(what="session-trace", session_id=session_id, limit=37)
        pages(what="session-trace", session_id=session_id, event_types=["error", "log"], query="e")
        pages(what="logs", session_id=session_id, severity="WARN")
        pages(what="requests", session_id=session_id)
    for request in ask(what="requests", limit=REQUESTS_ASKED_MAX)["requests"]:
        pages(what="request-trace", request_id=request["request_id"], limit=23)
    for pick in ("last", "last_error"):
        pages(what="session-trace", pick=pick)
        pages(what="request-trace", pick=pick)
    pages(what="request-trace", pick="slowest")
    status = ask(what="status")
    answers.append({name: status[name] for name in ("services", "lost_propagation")})
    return answers


@pytest.mark.parametrize("name", CAPTURES)
def test_both_stores_give_the_same_answers(
    name: str, recordings: Callable[[str], Sequence[Recording]], sqlite: tuple[SqliteWriter, SqliteReader]
) -> None:
    memory = MemoryStore(lambda: NOW_UNIX_NANO)
    writer, reader = sqlite
    fill(memory, recordings(name))
    fill(writer, recordings(name))
    expected = everything(asker(memory))
    assert len(expected) > 10
    assert everything(asker(reader)) == expected


def test_a_cursor_that_eviction_overtook_names_the_call_to_restart_with(
    recordings: Callable[[str], Sequence[Recording]], sqlite: tuple[SqliteWriter, SqliteReader]
) -> None:
    writer, reader = sqlite
    fill(writer, recordings("tracestate"))
    ask = asker(reader)
    session_id = ask(what="sessions")["sessions"][0]["session_id"]
    questions = (
        {"what": "session-trace", "session_id": session_id, "limit": 5},
        {"what": "requests", "limit": 2},
    )
    cursors = [ask(**question)["next_cursor"] for question in questions]
    anyio.run(writer.clear, session_id)
    for question, cursor in zip(questions, cursors, strict=True):
        with pytest.raises(QueryError, match=rf'evicted.* start again: observe\(what="{question["what"]}"'):
            ask(**question, cursor=cursor)
