"""How an agent reaches the answers that its own process gives: MCP over stdin and stdout."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

import anyio
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from mcp_server.server import McpServer

LAST_ANSWERS_S_MAX = 5.0


async def run_stdio(server: McpServer, on_answer: Callable[[], None] = lambda: None) -> None:
    """Serve one client over stdin and stdout until it closes stdin. Nothing else may write to stdout.

    What it has asked by then is answered, questions that wait for telemetry with what is there, for at most
    LAST_ANSWERS_S_MAX. `on_answer` is called whenever a message is on its way to the client.
    """
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception]()
    async with stdio_server() as (read_stream, write_stream), anyio.create_task_group() as group:
        messages = _Messages(write_stream, on_answer)

        async def pass_on() -> None:
            async with to_server:
                async for item in read_stream:
                    messages.note(item)
                    await to_server.send(item)
                server.release_clients()
                with anyio.move_on_after(LAST_ANSWERS_S_MAX):
                    await messages.wait_until_answered()

        group.start_soon(pass_on)
        async with messages:
            await server.run(from_client, messages, server.create_initialization_options())
        group.cancel_scope.cancel()


class _MessageStream(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...

    async def aclose(self) -> None: ...


class _Messages:
    """A stream of messages to the client that tells of each one that was taken, and knows what is to be answered."""

    def __init__(self, stream: _MessageStream, on_sent: Callable[[], None]) -> None:
        self._stream = stream
        self._on_sent = on_sent
        self._asked: set[object] = set()
        self._answered = anyio.Event()

    def note(self, item: SessionMessage | Exception) -> None:
        """Note what a message of the client asks, or that it wants no answer any more."""
        if isinstance(item, Exception):
            return
        if isinstance(item.message, JSONRPCRequest):
            self._asked.add(item.message.id)
        elif isinstance(item.message, JSONRPCNotification) and item.message.method == "notifications/cancelled":
            self._settle((item.message.params or {}).get("requestId"))

    async def wait_until_answered(self) -> None:
        """Return when nothing is to be answered any more."""
        while self._asked:
            await self._answered.wait()

    async def send(self, item: SessionMessage, /) -> None:
        await self._stream.send(item)
        self._on_sent()
        if isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self._settle(item.message.id)

    def _settle(self, request_id: object) -> None:
        self._asked.discard(request_id)
        self._answered.set()
        self._answered = anyio.Event()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()
