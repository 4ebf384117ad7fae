"""How an agent reaches the answers that its own process gives: MCP over stdin and stdout."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from mcp_server.server import McpServer


async def run_stdio(server: McpServer, on_answer: Callable[[], None] = lambda: None) -> None:
    """Serve one client over stdin and stdout until it closes stdin. Nothing else may write to stdout.

    `on_answer` is called whenever a message is on its way to the client.
    """
    async with stdio_server() as (read_stream, write_stream), _Announced(write_stream, on_answer) as announced:
        await server.run(read_stream, announced, server.create_initialization_options())


class _MessageStream(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...

    async def aclose(self) -> None: ...


class _Announced:
    """A stream of messages to the client that tells of each one that was taken."""

    def __init__(self, stream: _MessageStream, on_sent: Callable[[], None]) -> None:
        self._stream = stream
        self._on_sent = on_sent

    async def send(self, item: SessionMessage, /) -> None:
        await self._stream.send(item)
        self._on_sent()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()
