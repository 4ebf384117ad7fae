"""News for the page: who is told what, from where on, how often, and how a stream ends."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple, Protocol

import anyio
import httpx
import pytest
from starlette.types import ASGIApp

from collector.correlation.join import Part
from collector.errors import QueryError, StoreUnavailableError
from collector.query.service import QueryService
from collector.store.memory import MemoryStore
from mcp_server import follower
from mcp_server import news as module
from mcp_server.http_app import query_app
from mcp_server.news import (
    NEWS_IDS_MAX,
    NEWS_INTERVAL_S,
    NEWS_PARTS_MAX,
    NEWS_STREAMS_MAX,
    News,
    Position,
    position_of,
    rest_s,
)
from mcp_server.server import McpServer

pytestmark = pytest.mark.anyio

Serve = Callable[[ASGIApp], AbstractAsyncContextManager[str]]


class Story(Protocol):
    session_id: str
    request_id: str

    async def declined_checkout(self) -> None: ...

    async def late_log(self, body: str = ...) -> None: ...

    async def another_session(self, session_id: str) -> None: ...


class Event(NamedTuple):
    id: str
    data: dict[str, Any]


async def read_event(events: AsyncIterator[bytes]) -> Event:
    """The next event of a stream; heartbeats are passed over."""
    with anyio.fail_after(5):
        async for event in events:
            if event != b":\n\n":
                number, name, data, *rest = event.decode().split("\n")
                assert (name, rest) == ("event: news", ["", ""])
                return Event(number.removeprefix("id: "), json.loads(data.removeprefix("data: ")))
    raise AssertionError("the stream ended")


def told(
    commit: int, session_ids: list[str] | None = None, request_ids: list[str] | None = None, **flags: bool
) -> Event:
    data = {"id": f"{commit}-0", "commit": commit, "session_ids": session_ids or [], "request_ids": request_ids or []}
    return Event(f"{commit}-0", data | {"complete": True, "evicted": False} | flags)


@asynccontextmanager
async def following(query: QueryService, streams_max: int = NEWS_STREAMS_MAX) -> AsyncGenerator[News]:
    news = News(query, streams_max=streams_max)
    async with news.follow():
        yield news


async def test_a_stream_begins_with_the_present_and_goes_on_with_what_is_written(
    query: QueryService, story: Story
) -> None:
    await story.another_session("before")
    async with following(query) as news, news.stream(None) as events:
        assert await read_event(events) == told(1)
        await story.declined_checkout()
        seen = [await read_event(events)]
        if seen[-1].data["commit"] < 3:
            seen.append(await read_event(events))
        assert seen[-1] == told(3, [story.session_id], [story.request_id])
        # A log that names no session is news of the session that claims its trace.
        await story.late_log()
        assert await read_event(events) == told(4, [story.session_id], [story.request_id])


async def test_a_reader_that_comes_back_is_told_what_it_missed(query: QueryService, story: Story) -> None:
    await story.another_session("before")
    await story.declined_checkout()
    async with following(query) as news:
        async with news.stream(Position(1, 0)) as events:
            assert await read_event(events) == told(3, [story.session_id], [story.request_id])
        async with news.stream(Position(3, 0)) as events:
            assert await read_event(events) == told(3)


async def test_a_commit_of_another_store_means_that_anything_may_differ(query: QueryService, story: Story) -> None:
    await story.another_session("one")
    async with following(query) as news, news.stream(Position(1_000, 0)) as events:
        assert await read_event(events) == told(1, complete=False)


async def test_each_stream_is_told_everything_and_none_waits_for_a_slow_one(query: QueryService, story: Story) -> None:
    async with following(query) as news, news.stream(None) as slow, news.stream(None) as quick:
        assert await read_event(quick) == told(0)
        for number in range(3):
            await story.another_session(f"session {number}")
            while (await read_event(quick)).data["commit"] <= number:
                pass
        # What was not fetched has been merged.
        event = await read_event(slow)
        assert event.data["commit"] == 3
        assert event.data["session_ids"] == ["session 0", "session 1", "session 2"]


@pytest.mark.parametrize(("sessions", "complete"), [(NEWS_IDS_MAX // 2, True), (NEWS_IDS_MAX // 2 + 1, False)])
async def test_an_event_names_a_bounded_number_of_ids(
    query: QueryService, story: Story, sessions: int, complete: bool
) -> None:
    for number in range(sessions):
        await story.another_session(f"session {number}")
    async with following(query) as news, news.stream(Position(0, 0)) as events:
        data = (await read_event(events)).data
    assert (data["commit"], data["complete"]) == (sessions, complete)
    assert len(data["session_ids"]) == len(data["request_ids"]) == (sessions if complete else 0)


@pytest.mark.parametrize(("logs", "complete"), [(NEWS_PARTS_MAX - 2, True), (NEWS_PARTS_MAX - 1, False)])
async def test_a_look_reads_a_bounded_number_of_parts(
    query: QueryService, story: Story, logs: int, complete: bool
) -> None:
    await story.declined_checkout()
    for number in range(logs):
        await story.late_log(f"line {number}")
    async with following(query) as news, news.stream(Position(2, 0)) as events:
        data = (await read_event(events)).data
    # Who claims the trace stands in one of its parts: all of them are read.
    assert (data["commit"], data["complete"]) == (logs + 2, complete)
    assert data["session_ids"] == ([story.session_id] if complete else [])


def test_a_look_that_takes_long_is_followed_by_a_longer_rest() -> None:
    assert [rest_s(look_s) for look_s in (0, NEWS_INTERVAL_S / 4, 1)] == [NEWS_INTERVAL_S, NEWS_INTERVAL_S, 4]


async def test_what_was_removed_is_news(query: QueryService, store: MemoryStore, story: Story) -> None:
    await story.declined_checkout()
    async with following(query) as news, news.stream(None) as events:
        assert await read_event(events) == told(2)
        await store.clear()
        event = await read_event(events)
    assert (event.id, event.data["evicted"], event.data["session_ids"]) == ("2-1", True, [])


async def test_what_was_removed_meanwhile_is_news_for_a_reader_that_comes_back(
    query: QueryService, store: MemoryStore, story: Story
) -> None:
    await story.declined_checkout()
    async with following(query) as news:
        async with news.stream(None) as events:
            seen = position_of((await read_event(events)).id)
        await store.clear()
        async with news.stream(seen) as events:
            event = await read_event(events)
        assert (event.id, event.data["evicted"], event.data["session_ids"]) == ("2-1", True, [])
        async with news.stream(position_of(event.id)) as events:
            assert (await read_event(events)).data["evicted"] is False


async def test_the_number_of_streams_is_bounded(query: QueryService) -> None:
    async with following(query, streams_max=2) as news:
        async with news.stream(None), news.stream(None):
            assert news.streams_open == 2
            with pytest.raises(QueryError, match="2 streams of news are open already"):
                async with news.stream(None):
                    pass
        assert news.streams_open == 0
        async with news.stream(None) as events:
            assert await read_event(events) == told(0)


async def test_a_quiet_stream_sends_heartbeats(query: QueryService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEWS_HEARTBEAT_S", 0.01)
    async with following(query) as news, news.stream(None) as events:
        assert await read_event(events) == told(0)
        with anyio.fail_after(5):
            assert await anext(events) == b":\n\n"


class Watched(MemoryStore):
    """Counts who waits for commits, and fails when told to."""

    waits = 0
    is_broken = False

    def wait_for_commit(self, after: int, timeout_s: float) -> int:
        self.waits += 1
        return super().wait_for_commit(after, timeout_s)

    def parts(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_broken:
            raise StoreUnavailableError("cannot be read")
        found: list[Part] = list(super().parts(*args, **kwargs))
        return found

    def position(self) -> Any:
        if self.is_broken:
            raise StoreUnavailableError("cannot be read")
        return super().position()


async def test_nothing_is_looked_for_while_nobody_listens(story_in: Callable[[MemoryStore], Story]) -> None:
    store = Watched()
    async with following(QueryService(store)) as news:
        await story_in(store).another_session("one")
        assert store.waits == 0
        async with news.stream(None) as events:
            assert await read_event(events) == told(1)
        waits = store.waits
        async with news.stream(None) as events:
            await story_in(store).another_session("two")
            while (await read_event(events)).data["commit"] < 2:
                pass
        assert store.waits > waits


async def test_news_go_on_after_a_store_that_could_not_be_read(
    story_in: Callable[[MemoryStore], Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "RETRY_AFTER_FAILURE_S", 0.01)
    store = Watched()
    async with following(QueryService(store)) as news:
        store.is_broken = True
        with pytest.raises(StoreUnavailableError):
            async with news.stream(None):
                pass
        store.is_broken = False
        async with news.stream(None) as events:
            assert await read_event(events) == told(0)
            store.is_broken = True
            await story_in(store).another_session("one")
            with anyio.fail_after(5):
                while not news.failures:  # noqa: ASYNC110 -- a plain counter, which tells nobody
                    await anyio.sleep(0.01)
            store.is_broken = False
            event = await read_event(events)
    assert event.data["session_ids"] == ["one"]


@pytest.mark.parametrize("text", ["", "-1", "1-", "1-2-3", "1.5-0", "x-0", "1-٣", f"{'9' * 20}-0"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="is no position"):
        position_of(text)


def test_a_page_that_knows_a_commit_alone_is_told_that_something_went() -> None:
    assert position_of("7") == (7, -1)


async def test_news_come_as_server_sent_events(
    server: McpServer, query: QueryService, serve: Serve, story: Story
) -> None:
    await story.declined_checkout()
    app = query_app(server, query)
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        async with client.stream("GET", "/api/news?after=0-0") as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.headers["cache-control"] == "no-store"
            blocks = response.aiter_bytes()
            assert await read_event(blocks) == told(2, [story.session_id], [story.request_id])
        async with client.stream("GET", "/api/news?after=0-0", headers={"Last-Event-ID": "2-0"}) as response:
            blocks = response.aiter_bytes()
            assert await read_event(blocks) == told(2)
            app.release_clients()
            with anyio.fail_after(5):
                assert [block async for block in blocks] == []
        refused = await client.get("/api/news?after=yesterday")
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("after: 'yesterday' is no position")
