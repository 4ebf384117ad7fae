"""Sessions and requests as resources, in both protocol eras."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, TextResourceContents

from collector.errors import StoreUnavailableError
from collector.query.service import QueryService
from collector.store.api import Position
from collector.store.memory import MemoryStore
from mcp_server.answers import Answers, serve_answers
from mcp_server.resources import ID_BYTES_MAX, SESSIONS_LISTED_MAX, ResourceUri, parse_uri, resource_uri
from mcp_server.server import McpServer

pytestmark = pytest.mark.anyio

Connect = Callable[[McpServer], AbstractAsyncContextManager[Client]]


class Story(Protocol):
    session_id: str
    request_id: str

    async def declined_checkout(self) -> None: ...
    async def another_session(self, session_id: str) -> None: ...


async def test_the_templates_name_sessions_and_requests(server: McpServer, connect: Connect) -> None:
    async with connect(server) as client:
        templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["session://{id}", "request://{id}"]


async def test_the_newest_sessions_are_listed_and_can_be_read(
    server: McpServer, connect: Connect, story: Story
) -> None:
    await story.declined_checkout()
    async with connect(server) as client:
        (listed,) = (await client.list_resources()).resources
        assert listed.uri == f"session://{story.session_id}"
        assert listed.title == "Session http://shop.test/checkout"
        assert listed.description is not None
        assert listed.description.endswith("1 requests, with errors")
        (content,) = (await client.read_resource(listed.uri)).contents
    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.mime_type) == (listed.uri, "text/plain")
    assert "card declined" in content.text


@pytest.mark.parametrize("surplus", [0, 1])
async def test_the_list_is_bounded(server: McpServer, connect: Connect, story: Story, surplus: int) -> None:
    for number in range(SESSIONS_LISTED_MAX + surplus):
        await story.another_session(f"person-{number}")
    async with connect(server) as client:
        listed = (await client.list_resources()).resources
    assert len(listed) == SESSIONS_LISTED_MAX


@pytest.mark.parametrize("length", [32, 6])
async def test_a_request_is_read_by_its_id_or_its_beginning(
    server: McpServer, connect: Connect, story: Story, length: int
) -> None:
    await story.declined_checkout()
    async with connect(server) as client:
        (content,) = (await client.read_resource(f"request://{story.request_id[:length]}")).contents
    assert isinstance(content, TextResourceContents)
    assert "payments" in content.text


async def test_an_id_may_hold_any_character(server: McpServer, connect: Connect, story: Story) -> None:
    session_id = "50% of a/b?c#d é 'quoted'"
    await story.another_session(session_id)
    async with connect(server) as client:
        (listed,) = (await client.list_resources()).resources
        assert parse_uri(listed.uri) == ResourceUri("session", session_id)
        (content,) = (await client.read_resource(listed.uri)).contents
    assert isinstance(content, TextResourceContents)
    assert "GET /" in content.text


@pytest.mark.parametrize("uri", ["session://ffffffff", "request://ffffffff", "file:///etc/passwd", "session://"])
async def test_what_does_not_exist_is_resource_not_found(
    server: McpServer, connect: Connect, story: Story, uri: str
) -> None:
    await story.declined_checkout()
    async with connect(server) as client:
        with pytest.raises(MCPError, match="resource not found: ") as caught:
            await client.read_resource(uri)
    assert caught.value.error.code == INVALID_PARAMS
    assert caught.value.error.data == {"uri": uri}


async def test_control_characters_of_telemetry_stay_out_of_the_list(
    server: McpServer, connect: Connect, story: Story
) -> None:
    await story.another_session("person\n\x1b[31m")
    async with connect(server) as client:
        (listed,) = (await client.list_resources()).resources
    assert listed.name == "person  [31m"
    assert listed.title is not None
    assert listed.title.isprintable()


@pytest.mark.parametrize("resource_id", ["a", "session-1", "a/b c%", "é" * (ID_BYTES_MAX // 2)])
def test_a_uri_names_its_id_and_back(resource_id: str) -> None:
    assert parse_uri(resource_uri("session", resource_id)) == ResourceUri("session", resource_id)
    assert parse_uri(resource_uri("request", resource_id)) == ResourceUri("request", resource_id)


@pytest.mark.parametrize("uri", ["", "session", "session:", "session://", "http://a", f"session://{'x' * 257}"])
def test_other_uris_name_nothing(uri: str) -> None:
    assert parse_uri(uri) is None


class _Unreadable(MemoryStore):
    """A store that cannot be read."""

    def position(self) -> Position:
        raise StoreUnavailableError("/data cannot be read; check its owner")


async def test_a_store_that_cannot_be_read_is_an_error_that_says_so(connect: Connect) -> None:
    async with connect(serve_answers(Answers(QueryService(_Unreadable())))) as client:
        for ask in (client.list_resources, lambda: client.read_resource("session://ffffffff")):
            with pytest.raises(MCPError, match=r"^/data cannot be read; check its owner$") as caught:
                await ask()
            assert caught.value.error.code == INTERNAL_ERROR
