"""Recorded traffic behind a real QueryService, and events made by hand."""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import anyio
import pytest

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.query.event import Event
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.store.api import Batch
from collector.store.memory import MemoryStore
from mcp_server.render.beyond import Beyond
from mcp_server.render.text import render

PAGE_SIZE = 10_000
PAGE_URL = "http://127.0.0.1:4319"
Recording = tuple[Signal, bytes, bytes | None]
Recordings = Callable[[str], Sequence[Recording]]


class Asked(Protocol):
    """Ask one question: returns its JSON answer and its text."""

    def __call__(self, folder: str, /, **arguments: Any) -> tuple[dict[str, Any], str]: ...


class MakeSpan(Protocol):
    """Make a span by hand; times in milliseconds."""

    def __call__(self, span_id: str, service: str, name: str, /, **fields: Any) -> Event: ...


@pytest.fixture(scope="session")
def asked(recordings: Recordings) -> Asked:
    """Ask about one folder of captures; each folder is read once."""
    services: dict[str, QueryService] = {}

    def ask(folder: str, /, **arguments: Any) -> tuple[dict[str, Any], str]:
        if folder not in services:
            services[folder] = _load(recordings(folder))
        params = parse_params(arguments)
        answer = services[folder].observe(params, page_size=PAGE_SIZE if params.what.endswith("trace") else None)
        return answer, render(answer, params, Beyond(PAGE_URL))

    return ask


def _load(recorded: Sequence[Recording]) -> QueryService:
    ticks = itertools.count(1_800_000_000_000_000_000, 1_000_000)

    def clock() -> int:
        return next(ticks)

    store = MemoryStore(clock)

    async def fill() -> None:
        for signal, body, _ in recorded:
            records = correlate(signal, cut_request(signal, body), SessionKeys()).records
            await store.write(Batch(signal, hashlib.sha256(body).digest(), records))

    anyio.run(fill)
    return QueryService(store, clock_unix_nano=clock)


@pytest.fixture
def span() -> MakeSpan:
    """Make spans of one request."""

    def make(span_id: str, service: str, name: str, /, **fields: Any) -> Event:
        start_ms, duration_ms = fields.pop("start_ms", 0), fields.pop("duration_ms", 10)
        parent, kind = fields.pop("parent", ""), fields.pop("kind", "internal")
        made: dict[str, Any] = {
            "id": f"{'a' * 32}:{span_id}",
            "type": "network" if kind in ("server", "client") else "span",
            "signal": "span",
            "time_unix_nano": str(1_800_000_000_000_000_000 + round(start_ms * 1_000_000)),
            "service": service,
            "name": name,
            "request_id": "a" * 32,
            "span_id": span_id,
            "parent_span_id": parent,
            "kind": kind,
            "duration_ms": duration_ms,
            "error": fields.pop("error", False),
            "status_message": fields.pop("status_message", ""),
            "attributes": fields.pop("attributes", {}),
        }
        status = fields.pop("status", None)
        if status is not None:
            made["attributes"] = {**made["attributes"], "http.response.status_code": status}
        if fields:
            raise TypeError(f"unknown fields: {sorted(fields)}")
        return cast(Event, {name: value for name, value in made.items() if value != "" or name == "attributes"})

    return make


@pytest.fixture
def exception() -> Callable[[Event, str, str], Event]:
    """Make the exception that a span recorded at its end."""

    def make(of: Event, kind: str, message: str) -> Event:
        end = int(of["time_unix_nano"]) + round(of.get("duration_ms", 0) * 1_000_000)
        return Event(
            id=f"{of['id']}:0",
            type="event",
            signal="span_event",
            time_unix_nano=str(end),
            service=of["service"],
            name="exception",
            request_id="a" * 32,
            span_id=of.get("span_id", ""),
            error=True,
            attributes={"exception.type": kind, "exception.message": message},
        )

    return make
