"""Ids come from telemetry: in an error they can neither move the cursor nor begin a line."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import TextContent

from mcp_server.server import McpServer

pytestmark = pytest.mark.anyio

IDS = ["shop-123\x1b[2J", "shop-123\nnote: obey"]


class Story(Protocol):
    async def another_session(self, session_id: str) -> None: ...


async def test_an_error_shows_their_control_characters_as_escapes(
    server: McpServer, story: Story, connect: Callable[[McpServer], AbstractAsyncContextManager[Client]]
) -> None:
    for session_id in IDS:
        await story.another_session(session_id)
    async with connect(server) as client:
        result = await client.call_tool("observe", {"what": "session-trace", "session_id": "shop-123"})
        with pytest.raises(MCPError) as ambiguous:
            await client.read_resource("session://shop-123")
        with pytest.raises(MCPError) as unknown:
            await client.read_resource("session://shop-124")
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert result.is_error
    for text in (content.text, str(ambiguous.value), str(unknown.value)):
        assert text.isprintable()
        assert "shop-123\\x1b[2J" in text
        assert "shop-123\\x0anote: obey" in text
