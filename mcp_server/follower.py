"""A task that follows the commits of a store, for as long as somebody wants to hear of them and no longer."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from mcp_server.queries import QueryThreads

LOOK_FOR_S = 0.5
RETRY_AFTER_FAILURE_S = 1.0

logger = logging.getLogger(__name__)


class Follower:
    """Calls `look` again and again while it is wanted; one event loop owns it.

    `look` waits by itself for what is new, for at most LOOK_FOR_S, with `threads`. `hearers` names in the log who is
    not told when it fails.
    """

    def __init__(self, look: Callable[[], Awaitable[None]], hearers: str) -> None:
        self._look = look
        self._hearers = hearers
        self._wanted = anyio.Event()
        self.threads = QueryThreads()
        self.failures = 0

    def want(self) -> None:
        """Look from now on."""
        self._wanted.set()

    def rest(self) -> None:
        """Look no more, until it is wanted again."""
        # An event that is not set is being waited for.
        if self._wanted.is_set():
            self._wanted = anyio.Event()

    @asynccontextmanager
    async def follow(self, end_streams: Callable[[], None]) -> AsyncGenerator[None]:
        """Run the task; `end_streams` is called when it is to end."""
        async with self.threads.drained(), anyio.create_task_group() as group:
            group.start_soon(self._work)
            yield
            end_streams()
            group.cancel_scope.cancel()

    async def _work(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                await self._look()
            except Exception:
                self.failures += 1
                logger.exception("looking for news for %s failed", self._hearers)
                await anyio.sleep(RETRY_AFTER_FAILURE_S)
