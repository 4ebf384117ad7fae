"""What an agent is told unasked goes with its first answer or with every one, in text as in JSON."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent, TextResourceContents

from collector.query.service import QueryService
from mcp_server.answers import Answers, serve_answers
from mcp_server.server import McpServer

pytestmark = pytest.mark.anyio

NOTE = "the collector listens elsewhere"
SESSION_ID = "session-0123456789abcdef0123456789abcdef"

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
    async with connect(serve_answers(Answers(query, first_note=lambda: NOTE))) as client:
        first = text_of(await client.call_tool("observe", {"what": what}))
        second = text_of(await client.call_tool("observe", {"what": what}))
    assert f"note: {NOTE}" in first.splitlines()
    assert second.splitlines() == [line for line in first.splitlines() if line != f"note: {NOTE}"]


@pytest.mark.parametrize("what", ["session-trace", "request-trace"])
async def test_a_trace_has_it_too(query: QueryService, story: Story, connect: Connect, what: str) -> None:
    await story.declined_checkout()
    async with connect(serve_answers(Answers(query, first_note=lambda: NOTE))) as client:
        first = text_of(await client.call_tool("observe", {"what": what, "pick": "last"}))
    assert f"note: {NOTE}" in first.splitlines()


async def test_json_has_it_among_its_notes(query: QueryService, connect: Connect) -> None:
    async with connect(serve_answers(Answers(query, first_note=lambda: NOTE))) as client:
        first = await client.call_tool("observe", {"what": "sessions", "format": "json"})
        second = await client.call_tool("observe", {"what": "sessions", "format": "json"})
    assert (notes_of(first), notes_of(second)) == ([NOTE], [])


async def test_an_answer_that_has_nothing_to_show_still_says_why(query: QueryService, connect: Connect) -> None:
    asked = {"what": "session-trace", "session_id": "session-unknown"}
    async with connect(serve_answers(Answers(query, first_note=lambda: NOTE))) as client:
        first = text_of(await client.call_tool("observe", asked)).splitlines()
        second = text_of(await client.call_tool("observe", asked)).splitlines()
    assert first == [*second[:-1], f"note: {NOTE}", second[-1]]


async def test_it_waits_until_it_is_known_and_for_an_answer(query: QueryService, connect: Connect) -> None:
    known: list[str] = []
    async with connect(serve_answers(Answers(query, first_note=lambda: "".join(known)))) as client:
        early = await client.call_tool("observe", {"what": "sessions", "format": "json"})
        known.append(NOTE)
        wrong = await client.call_tool("observe", {"what": "nonsense"})
        first = await client.call_tool("observe", {"what": "sessions", "format": "json"})
    assert (wrong.is_error, NOTE in text_of(wrong)) == (True, False)
    assert (notes_of(early), notes_of(first)) == ([], [NOTE])


async def test_a_standing_note_goes_with_every_answer_for_as_long_as_it_holds(
    query: QueryService, story: Story, connect: Connect
) -> None:
    await story.declined_checkout()
    standing = [NOTE]
    async with connect(
        serve_answers(Answers(query, first_note=lambda: "once", standing_note=lambda: "".join(standing)))
    ) as client:
        asked = {"what": "sessions", "format": "json"}
        first = notes_of(await client.call_tool("observe", asked))
        texts = [text_of(await client.call_tool("observe", {"what": what})) for what in ("status", "logs")]
        resource = await client.read_resource(f"session://{SESSION_ID}")
        standing.clear()
        last = notes_of(await client.call_tool("observe", asked))
    assert (first, last) == ([NOTE, "once"], [])
    (content,) = resource.contents
    assert isinstance(content, TextResourceContents)
    assert all(f"note: {NOTE}" in text.splitlines() for text in [*texts, content.text])


async def test_only_the_status_waits_for_what_it_tells(query: QueryService, connect: Connect) -> None:
    happened: list[str] = []

    async def before_status() -> None:
        happened.append("waited")

    async with connect(serve_answers(Answers(query, before_status=before_status))) as client:
        await client.call_tool("observe", {"what": "sessions"})
        assert happened == []
        await client.call_tool("observe", {"what": "status"})
    assert happened == ["waited"]
