"""Tells subscribers that a session or request has news, in both eras of the protocol.

2026-07-28: the client listens, and events go through a bus to its stream. Before that: the client
subscribes to a URI on its connection, and a notification goes there. One task follows the store while
anybody is interested, and only then. A subscription may come before its session: what does not exist is
honoured, and silent.
https://modelcontextprotocol.io/specification/2025-11-25/server/resources#subscriptions
"""

from collections import Counter
from collections.abc import AsyncGenerator, Collection, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
from mcp.server import ServerRequestContext
from mcp.server.connection import Connection
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourcesListChanged, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from collector.query.changes import Changes, changes_after
from collector.query.service import QueryService
from mcp_server.follower import LOOK_FOR_S, Follower
from mcp_server.resources import parse_uri

URIS_PER_SUBSCRIBER_MAX = 100
LISTENERS_MAX = 256
NOTIFY_INTERVAL_S = 0.25
NOTIFY_TIMEOUT_S = 5.0
_RESOURCE_LIST = ""


class Subscriptions:
    """Who wants to hear of which URIs; `follow` must run while the server does. One event loop owns it."""

    def __init__(self, query: QueryService) -> None:
        self._reader = query.reader
        self._follower = Follower(self._look, "subscribers")
        self._threads = self._follower.threads
        self._bus = InMemorySubscriptionBus()
        self._listen = ListenHandler(self._bus, max_subscriptions=LISTENERS_MAX)
        self._interest: Counter[str] = Counter()
        self._by_connection: dict[Connection, set[str]] = {}
        self._commit = 0

    async def listen(
        self, context: ServerRequestContext[Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve `subscriptions/listen`: one call is one stream of events, until the client closes it."""
        uris = frozenset(params.notifications.resource_subscriptions or ())
        _check_number(uris)
        if params.notifications.resources_list_changed:
            uris |= {_RESOURCE_LIST}
        await self._catch_up()
        with self._interested_in(uris):
            return await self._listen(context, params)

    async def subscribe(self, context: ServerRequestContext[Any], params: SubscribeRequestParams) -> EmptyResult:
        """Serve `resources/subscribe` of the eras before 2026-07-28."""
        uri = str(params.uri)
        connection = _connection_of(context)
        _check_number(self._by_connection.get(connection, set[str]()) | {uri})
        await self._catch_up()
        if connection not in self._by_connection:
            self._by_connection[connection] = set()
            connection.exit_stack.callback(self._forget, connection)
        if uri not in self._by_connection[connection]:
            self._by_connection[connection].add(uri)
            self._add_interest([uri])
        return EmptyResult()

    async def unsubscribe(self, context: ServerRequestContext[Any], params: UnsubscribeRequestParams) -> EmptyResult:
        """Serve `resources/unsubscribe`; a URI without subscription is no error."""
        uris = self._by_connection.get(_connection_of(context), set[str]())
        uri = str(params.uri)
        if uri in uris:
            uris.discard(uri)
            self._remove_interest([uri])
        return EmptyResult()

    @asynccontextmanager
    async def follow(self) -> AsyncGenerator[None]:
        """Run the task that looks for news; it waits while nobody is interested."""
        async with self._follower.follow(self.end_streams):
            yield

    def end_streams(self) -> None:
        """Close what listeners listen to, in the way that tells them that it is on purpose."""
        self._listen.close()

    async def _look(self) -> None:
        after = self._commit
        changes = await self._threads.run(lambda _: changes_after(self._reader, after, LOOK_FOR_S))
        if changes.commit <= after:
            return
        self._commit = changes.commit
        for uri in [uri for uri in self._interest if _is_touched(uri, changes)]:
            await self._notify(uri)
        await anyio.sleep(NOTIFY_INTERVAL_S)

    async def _notify(self, uri: str) -> None:
        await self._bus.publish(ResourceUpdated(uri) if uri != _RESOURCE_LIST else ResourcesListChanged())
        for connection, uris in list(self._by_connection.items()):
            if uri in uris:
                with anyio.move_on_after(NOTIFY_TIMEOUT_S):
                    await connection.send_resource_updated(uri)

    async def _catch_up(self) -> None:
        """Take the present as the start, if nobody has been interested: what comes after the answer is news."""
        if not self._interest:
            self._commit = await self._threads.run(lambda _: self._reader.position().commit)

    @contextmanager
    def _interested_in(self, uris: Collection[str]) -> Generator[None]:
        self._add_interest(uris)
        try:
            yield
        finally:
            self._remove_interest(uris)

    def _add_interest(self, uris: Collection[str]) -> None:
        self._interest.update(uris)
        if self._interest:
            self._follower.want()

    def _remove_interest(self, uris: Collection[str]) -> None:
        self._interest.subtract(uris)
        self._interest = +self._interest
        if not self._interest:
            self._follower.rest()

    def _forget(self, connection: Connection) -> None:
        self._remove_interest(self._by_connection.pop(connection, set[str]()))


def _is_touched(uri: str, changes: Changes) -> bool:
    if uri == _RESOURCE_LIST:
        return bool(changes.session_ids) or not changes.complete
    resource = parse_uri(uri)
    if resource is None:
        return False
    ids = changes.session_ids if resource.kind == "session" else changes.request_ids
    return not changes.complete or any(_begins(resource.id, whole) for whole in ids)


def _begins(prefix: str, whole: str) -> bool:
    """Tell whether `prefix` may mean the id `whole`; one notification too many does no harm."""
    prefix = prefix.removesuffix("…")
    return whole.startswith((prefix, f"session-{prefix}", prefix.lower()))


def _check_number(uris: Collection[str]) -> None:
    if len(uris) > URIS_PER_SUBSCRIBER_MAX:
        raise MCPError(
            code=INVALID_PARAMS,
            message=f"{len(uris)} resource subscriptions are more than {URIS_PER_SUBSCRIBER_MAX}",
        )


def _connection_of(context: ServerRequestContext[Any]) -> Connection:
    """The connection behind a request, which outlives it: mcp 2.3 shows it to handlers in no public way."""
    return context.session._connection  # pyright: ignore[reportPrivateUsage]
