"""MCP Apps: the tool names its view, the view is read as a resource, and the text stands alone in every client."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.server import apps
from mcp.shared.exceptions import MCPError
from mcp.types import TextContent, TextResourceContents

from collector.errors import ConfigError
from collector.query.service import QueryService
from mcp_server import answers as answers_module
from mcp_server import resources
from mcp_server import server as server_module
from mcp_server.answers import Answers, serve_answers
from mcp_server.app_view import APP_MIME_TYPE, APP_VIEW_URI, EXTENSION_ID, has_app_view, read_app_view
from mcp_server.server import McpServer
from mcp_server.view import view_html

pytestmark = pytest.mark.anyio

Connect = Callable[[McpServer], AbstractAsyncContextManager[Client]]


class Story(Protocol):
    session_id: str

    async def declined_checkout(self) -> None: ...


def test_the_names_are_those_of_the_extension() -> None:
    assert (EXTENSION_ID, APP_MIME_TYPE) == (apps.EXTENSION_ID, apps.APP_MIME_TYPE)


async def test_the_tool_names_its_view_and_the_view_is_read(
    server: McpServer, connect: Connect, era: Literal["auto", "legacy"]
) -> None:
    async with connect(server) as client:
        # Before 2026-07-28 there is no field for a server to say so; the tool's metadata does.
        assert client.server_capabilities.extensions == ({EXTENSION_ID: {}} if era == "auto" else None)
        (tool,) = (await client.list_tools()).tools
        assert tool.meta == {"ui": {"resourceUri": APP_VIEW_URI}}
        (contents,) = (await client.read_resource(APP_VIEW_URI)).contents
        # It is found through the tool; a person who chooses among resources has no use for it.
        assert APP_VIEW_URI not in [each.uri for each in (await client.list_resources()).resources]
    assert isinstance(contents, TextResourceContents)
    assert (contents.uri, contents.mime_type, contents.text) == (APP_VIEW_URI, APP_MIME_TYPE, view_html())
    assert contents.meta == {
        "ui": {
            "csp": {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []},
            "permissions": {"clipboardWrite": {}},
            "prefersBorder": True,
        }
    }


async def test_a_client_with_apps_is_told_the_same_text_as_one_without(
    server: McpServer, era: Literal["auto", "legacy"], story: Story
) -> None:
    await story.declined_checkout()
    question = {"what": "request-trace", "pick": "last_error"}
    with_apps = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
    async with Client(server, mode=era) as plain, Client(server, mode=era, extensions=[with_apps]) as rich:
        told, shown = await plain.call_tool("observe", question), await rich.call_tool("observe", question)
        # What the view asks for itself, through its host.
        asked = await rich.call_tool("observe", {**question, "format": "json"})
    assert told.content == shown.content
    assert told.structured_content is shown.structured_content is None
    (text,) = told.content
    assert isinstance(text, TextContent)
    assert "card declined" in text.text
    assert asked.structured_content is not None
    assert [event["name"] for event in asked.structured_content["timeline"]] == ["POST /checkout", "POST /charge"]


async def test_without_a_built_view_nothing_is_promised(
    query: QueryService, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_app_view(tmp_path)
    with pytest.raises(ConfigError):
        read_app_view(tmp_path)
    for module in (server_module, answers_module):
        monkeypatch.setattr(module, "has_app_view", lambda: False)
    monkeypatch.setattr(resources, "read_app_view", lambda: read_app_view(tmp_path))
    async with connect(serve_answers(Answers(query))) as client:
        assert client.server_capabilities.extensions is None
        (tool,) = (await client.list_tools()).tools
        assert tool.meta is None
        with pytest.raises(MCPError, match="resource not found: there is no built page in"):
            await client.read_resource(APP_VIEW_URI)
