"""News of a live session reach those who asked for them, in both protocol eras."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Protocol

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated

from collector.correlation.join import Part
from collector.errors import StoreUnavailableError
from collector.query.service import QueryService
from collector.store.memory import MemoryStore
from mcp_server.answers import Answers, serve_answers
from mcp_server.server import McpServer
from mcp_server.subscriptions import LISTENERS_MAX, URIS_PER_SUBSCRIBER_MAX

pytestmark = [
    pytest.mark.anyio,
    # The legacy era's methods warn that they are gone from 2026-07-28 on, which is the point of testing them.
    pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed:Warning"),
]


class Story(Protocol):
    session_id: str
    request_id: str

    async def declined_checkout(self) -> None: ...
    async def late_log(self, body: str = ...) -> None: ...
    async def another_session(self, session_id: str) -> None: ...


class LegacySubscriber(Protocol):
    @property
    def updated(self) -> MemoryObjectReceiveStream[str]: ...

    async def subscribe(self, uri: str) -> None: ...
    async def unsubscribe(self, uri: str) -> None: ...


OpenLegacy = Callable[[McpServer], AbstractAsyncContextManager[LegacySubscriber]]


async def test_a_listener_hears_of_its_session_and_of_no_other(server: McpServer, story: Story) -> None:
    uri = f"session://{story.session_id}"
    async with Client(server) as client, client.listen(resource_subscriptions=[uri]) as news:
        with anyio.fail_after(5):
            await story.another_session("somebody-else")
            await story.declined_checkout()
            assert await anext(news) == ResourceUpdated(uri=uri)


async def test_who_listens_to_nothing_takes_nothing_from_those_after(server: McpServer, story: Story) -> None:
    uri = f"session://{story.session_id}"
    async with Client(server) as client:
        async with client.listen(resource_subscriptions=[]):
            pass
        async with client.listen(resource_subscriptions=[uri]) as news:
            with anyio.fail_after(5):
                await story.declined_checkout()
                assert await anext(news) == ResourceUpdated(uri=uri)


async def test_a_log_without_session_is_news_of_the_session_of_its_trace(server: McpServer, story: Story) -> None:
    await story.declined_checkout()
    uri = f"session://{story.session_id}"
    async with Client(server) as client, client.listen(resource_subscriptions=[uri]) as news:
        with anyio.fail_after(5):
            await story.late_log()
            assert await anext(news) == ResourceUpdated(uri=uri)


@pytest.mark.parametrize(
    "beginning", ["session-0123456789abcdef0123456789abcdef", "session-012345", "012345", "012345…"]
)
async def test_a_session_may_be_named_by_its_beginning(server: McpServer, story: Story, beginning: str) -> None:
    uri = f"session://{beginning}"
    async with Client(server) as client, client.listen(resource_subscriptions=[uri]) as news:
        with anyio.fail_after(5):
            await story.declined_checkout()
            assert await anext(news) == ResourceUpdated(uri=uri)


async def test_a_listener_hears_of_its_request(server: McpServer, story: Story) -> None:
    uri = f"request://{story.request_id.upper()}"
    async with Client(server) as client, client.listen(resource_subscriptions=[uri]) as news:
        with anyio.fail_after(5):
            await story.declined_checkout()
            assert await anext(news) == ResourceUpdated(uri=uri)


async def test_who_listens_for_the_list_hears_of_any_session(server: McpServer, story: Story) -> None:
    async with Client(server) as client, client.listen(resources_list_changed=True) as news:
        with anyio.fail_after(5):
            await story.another_session("somebody")
            assert await anext(news) == ResourcesListChanged()


async def test_a_legacy_subscriber_is_notified_until_it_unsubscribes(
    server: McpServer, story: Story, legacy_subscriber: OpenLegacy
) -> None:
    session, request = f"session://{story.session_id}", f"request://{story.request_id}"
    async with legacy_subscriber(server) as client:
        await client.subscribe(session)
        await client.subscribe(session)
        with anyio.fail_after(5):
            await story.declined_checkout()
            assert await client.updated.receive() == session
            await client.unsubscribe(session)
            await client.unsubscribe(session)
            await client.subscribe(request)
            while client.updated.statistics().current_buffer_used:
                assert await client.updated.receive() == session
            await story.late_log()
            assert await client.updated.receive() == request
            assert client.updated.statistics().current_buffer_used == 0


async def test_what_is_no_resource_of_ours_is_honoured_and_silent(
    server: McpServer, story: Story, legacy_subscriber: OpenLegacy
) -> None:
    session = f"session://{story.session_id}"
    async with legacy_subscriber(server) as client:
        await client.subscribe("file:///etc/passwd")
        await client.subscribe(session)
        with anyio.fail_after(5):
            await story.declined_checkout()
            assert await client.updated.receive() == session


async def test_a_closed_connection_is_forgotten_and_the_others_hear_on(
    server: McpServer, story: Story, legacy_subscriber: OpenLegacy
) -> None:
    uri = f"session://{story.session_id}"
    async with legacy_subscriber(server) as kept:
        await kept.subscribe(uri)
        async with legacy_subscriber(server) as closed:
            await closed.subscribe(uri)
        with anyio.fail_after(5):
            await story.declined_checkout()
            assert await kept.updated.receive() == uri


async def test_the_number_of_uris_is_bounded_in_both_eras(server: McpServer, legacy_subscriber: OpenLegacy) -> None:
    uris = [f"session://person-{number}" for number in range(URIS_PER_SUBSCRIBER_MAX + 1)]
    async with Client(server) as client:
        async with client.listen(resource_subscriptions=uris[:-1]):
            pass
        with pytest.raises(MCPError, match="101 resource subscriptions are more than 100"):
            async with client.listen(resource_subscriptions=uris):
                pass
    async with legacy_subscriber(server) as client:
        for uri in uris[:-1]:
            await client.subscribe(uri)
        with pytest.raises(MCPError, match="101 resource subscriptions are more than 100"):
            await client.subscribe(uris[-1])


async def test_the_number_of_listeners_is_bounded(server: McpServer) -> None:
    async with Client(server) as client, AsyncExitStack() as listening:
        for _ in range(LISTENERS_MAX):
            await listening.enter_async_context(client.listen(resource_subscriptions=["session://x"]))
        with pytest.raises(MCPError, match="Subscription limit reached"):
            await listening.enter_async_context(client.listen(resource_subscriptions=["session://x"]))


class _FailsOnce(MemoryStore):
    """A store that cannot be read at first."""

    failures = 0

    def parts(self, upto: int, **kwargs: Any) -> Iterator[Part]:
        if not self.failures:
            self.failures += 1
            raise StoreUnavailableError("/data cannot be read")
        return super().parts(upto, **kwargs)


async def test_a_store_that_fails_for_a_while_costs_no_news(
    story_in: Callable[[MemoryStore], Story], caplog: pytest.LogCaptureFixture
) -> None:
    store = _FailsOnce()
    story = story_in(store)
    uri = f"session://{story.session_id}"
    async with (
        Client(serve_answers(Answers(QueryService(store)))) as client,
        client.listen(resource_subscriptions=[uri]) as news,
    ):
        await story.declined_checkout()
        with anyio.fail_after(10):
            assert await anext(news) == ResourceUpdated(uri=uri)
    logged = {(log.name, log.levelno, log.message) for log in caplog.records}
    assert ("mcp_server.follower", logging.ERROR, "looking for news for subscribers failed") in logged
