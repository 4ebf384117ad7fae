"""What an agent is told unasked goes with its first answer, in text as in JSON, and only once."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from collector.query.service import QueryService
from mcp_server.server import McpServer, build_server

pytestmark = pytest.mark.anyio

NOTE = "the collector listens elsewhere"

Connect = Callable[[McpServer], AbstractAsyncContextManager[Client]]


class Story(Protocol):
    async def declined_checkout(self) -> None: ...


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def notes_of(result: CallToolResult) -> list[str]:
    answer: dict[str, Any] = json.loads(text_of(result))
    assert answer == result.structured_content
    return answer.get("notes", [])


@pytest.mark.parametrize("what", ["sessions", "requests", "logs", "status"])
async def test_the_first_text_has_it_and_the_second_does_not(
    query: QueryService, story: Story, connect: Connect, what: str
) -> None:
    await story.declined_checkout()
    async with connect(build_server(query, first_note=lambda: NOTE)) as client:
        first = text_of(await client.call_tool("observe", {"what": what}))
        second = text_of(await client.call_tool("observe", {"what": what}))
    assert f"note: {NOTE}" in first.splitlines()
    assert second.splitlines() == [line for line in first.splitlines() if line != f"note: {NOTE}"]


@pytest.mark.parametrize("what", ["session-trace", "request-trace"])
async def test_a_trace_has_it_too(query: QueryService, story: Story, connect: Connect, what: str) -> None:
    await story.declined_checkout()
    async with connect(build_server(query, first_note=lambda: NOTE)) as client:
        first = text_of(await client.call_tool("observe", {"what": what, "pick": "last"}))
    assert f"note: {NOTE}" in first.splitlines()


async def test_json_has_it_among_its_notes(query: QueryService, connect: Connect) -> None:
    async with connect(build_server(query, first_note=lambda: NOTE)) as client:
        first = await client.call_tool("observe", {"what": "sessions", "format": "json"})
        second = await client.call_tool("observe", {"what": "sessions", "format": "json"})
    assert (notes_of(first), notes_of(second)) == ([NOTE], [])


async def test_an_answer_that_has_nothing_to_show_still_says_why(query: QueryService, connect: Connect) -> None:
    asked = {"what": "session-trace", "session_id": "session-unknown"}
    async with connect(build_server(query, first_note=lambda: NOTE)) as client:
        first = text_of(await client.call_tool("observe", asked)).splitlines()
        second = text_of(await client.call_tool("observe", asked)).splitlines()
    assert first == [*second[:-1], f"note: {NOTE}", second[-1]]


async def test_it_waits_until_it_is_known_and_for_an_answer(query: QueryService, connect: Connect) -> None:
    known: list[str] = []
    async with connect(build_server(query, first_note=lambda: "".join(known))) as client:
        early = await client.call_tool("observe", {"what": "sessions", "format": "json"})
        known.append(NOTE)
        wrong = await client.call_tool("observe", {"what": "nonsense"})
        first = await client.call_tool("observe", {"what": "sessions", "format": "json"})
    assert (wrong.is_error, NOTE in text_of(wrong)) == (True, False)
    assert (notes_of(early), notes_of(first)) == ([], [NOTE])
