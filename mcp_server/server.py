"""The MCP server: one tool, two kinds of resource, two prompts, over whatever transport carries it.

It stands on mcp's low-level server, because the handlers must see a call's raw arguments: the layer above
drops unknown ones without a word and hides the text of errors.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from mcp.server import CacheHint, NotificationOptions, Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    PromptsCapability,
    ReadResourceRequestParams,
    ReadResourceResult,
    ServerCapabilities,
    ToolsCapability,
)

from collector.query.service import QueryService
from mcp_server.prompts import get_prompt, list_prompts
from mcp_server.queries import QueryThreads
from mcp_server.resources import Resources
from mcp_server.subscriptions import Subscriptions
from mcp_server.tools import observe

NAME = "gasoline"
DISTRIBUTION = "gasoline-otel"
_UNCHANGING = CacheHint(ttl_ms=3_600_000, scope="public")

McpServer = Server[None]
_Context = ServerRequestContext[Any, Any]


class _ConstantServer(Server[None]):
    """A server whose tools and prompts never change, and which does not say that they might."""

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> ServerCapabilities:
        capabilities = super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )
        return capabilities.model_copy(
            update={"tools": ToolsCapability(list_changed=False), "prompts": PromptsCapability(list_changed=False)}
        )


def build_server(query: QueryService) -> McpServer:
    """Return a server that answers from `query`; it may serve many connections, one event loop at a time."""
    threads = QueryThreads()
    resources = Resources(query, threads)
    subscriptions = Subscriptions(query)
    tool = observe.observe_tool()

    async def on_list_tools(_: _Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[tool])

    async def on_call_tool(_: _Context, params: CallToolRequestParams) -> CallToolResult:
        if params.name != observe.NAME:
            raise MCPError(code=INVALID_PARAMS, message=f"unknown tool {params.name!r}; the tool is {observe.NAME}")
        return await observe.call_observe(query, threads, params.arguments)

    async def on_list_resources(_: _Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        return await resources.list()

    async def on_list_templates(_: _Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return resources.templates()

    async def on_read_resource(_: _Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        return await resources.read(str(params.uri))

    async def on_list_prompts(_: _Context, __: PaginatedRequestParams | None) -> ListPromptsResult:
        return ListPromptsResult(prompts=list_prompts())

    async def on_get_prompt(_: _Context, params: GetPromptRequestParams) -> GetPromptResult:
        return get_prompt(params.name, params.arguments or {})

    @asynccontextmanager
    async def lifespan(_: McpServer) -> AsyncGenerator[None]:
        async with subscriptions.follow():
            yield

    return _ConstantServer(
        NAME,
        version=version(DISTRIBUTION),
        title="Gasoline",
        instructions=files("mcp_server").joinpath("instructions.md").read_text(encoding="utf-8"),
        cache_hints={
            "tools/list": _UNCHANGING,
            "prompts/list": _UNCHANGING,
            "resources/templates/list": _UNCHANGING,
        },
        lifespan=lifespan,
        get_tool_input_schema=lambda name: tool.input_schema if name == observe.NAME else None,
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
        on_list_resources=on_list_resources,
        on_list_resource_templates=on_list_templates,
        on_read_resource=on_read_resource,
        on_subscribe_resource=subscriptions.subscribe,
        on_unsubscribe_resource=subscriptions.unsubscribe,
        on_subscriptions_listen=subscriptions.listen,
        on_list_prompts=on_list_prompts,
        on_get_prompt=on_get_prompt,
    )
