"""The MCP server: one tool, two kinds of resource, two prompts, over whatever transport carries it.

It stands on mcp's low-level server, because the handlers must see a call's raw arguments: the layer above
drops unknown ones without a word and hides the text of errors.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
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
from mcp_server.app_view import EXTENSION_ID, has_app_view, tool_meta
from mcp_server.prompts import get_prompt, list_prompts
from mcp_server.queries import QueryThreads
from mcp_server.resources import Resources
from mcp_server.subscriptions import Subscriptions
from mcp_server.tools import observe
from mcp_server.unasked_notes import UnaskedNotes, nothing_to_tell

NAME = "gasoline"
DISTRIBUTION = "gasoline-otel"
_UNCHANGING = CacheHint(ttl_ms=3_600_000, scope="public")

_Context = ServerRequestContext[Any, Any]


class McpServer(Server[None]):
    """Answers from one QueryService, for any number of connections, on one event loop at a time."""

    def __init__(
        self,
        query: QueryService,
        notes: UnaskedNotes,
        before_status: Callable[[], Awaitable[None]],
        page_url: Callable[[], str],
    ) -> None:
        self._query = query
        self._notes = notes
        self._before_status = before_status
        self._page_url = page_url
        self._threads = QueryThreads()
        self._resources = Resources(query, self._threads, notes, page_url)
        self._subscriptions = Subscriptions(query)
        has_view = has_app_view()
        self._tool = observe.observe_tool(tool_meta() if has_view else None)
        super().__init__(
            NAME,
            version=version(DISTRIBUTION),
            title="Gasoline",
            instructions=files("mcp_server").joinpath("instructions.md").read_text(encoding="utf-8"),
            cache_hints={
                "tools/list": _UNCHANGING,
                "prompts/list": _UNCHANGING,
                "resources/templates/list": _UNCHANGING,
            },
            lifespan=_work_of,
            get_tool_input_schema=lambda name: self._tool.input_schema if name == observe.NAME else None,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_resource_templates,
            on_read_resource=self._read_resource,
            on_subscribe_resource=self._subscriptions.subscribe,
            on_unsubscribe_resource=self._subscriptions.unsubscribe,
            on_subscriptions_listen=self._subscriptions.listen,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
        )
        if has_view:
            self.extensions[EXTENSION_ID] = {}

    def release_clients(self) -> None:
        """Answer what waits for telemetry and end the streams of news, so that a shutdown need not wait for them."""
        self._threads.end_waits()
        self._subscriptions.end_streams()

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[None]:
        """What runs beside the connections; when it has ended, nothing of the server reads the store any more."""
        async with self._threads.drained(), self._subscriptions.follow():
            yield

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> ServerCapabilities:
        """See Server. Tools and prompts never change, so nothing says that they might."""
        capabilities = super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )
        return capabilities.model_copy(
            update={"tools": ToolsCapability(list_changed=False), "prompts": PromptsCapability(list_changed=False)}
        )

    async def _list_tools(self, _: _Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[self._tool])

    async def _call_tool(self, _: _Context, params: CallToolRequestParams) -> CallToolResult:
        if params.name != observe.NAME:
            raise MCPError(code=INVALID_PARAMS, message=f"unknown tool {params.name!r}; the tool is {observe.NAME}")
        return await observe.call_observe(
            self._query, self._threads, self._notes, self._before_status, params.arguments, self._page_url
        )

    async def _list_resources(self, _: _Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        return await self._resources.list()

    async def _list_resource_templates(
        self, _: _Context, __: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return self._resources.templates()

    async def _read_resource(self, _: _Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        return await self._resources.read(str(params.uri))

    async def _list_prompts(self, _: _Context, __: PaginatedRequestParams | None) -> ListPromptsResult:
        return ListPromptsResult(prompts=list_prompts())

    async def _get_prompt(self, _: _Context, params: GetPromptRequestParams) -> GetPromptResult:
        return get_prompt(params.name, params.arguments or {})


async def _nothing_to_wait_for() -> None:
    """Whoever answers here has no collector to wait for."""


def build_server(
    query: QueryService,
    *,
    first_note: Callable[[], str] = nothing_to_tell,
    standing_note: Callable[[], str] = nothing_to_tell,
    before_status: Callable[[], Awaitable[None]] = _nothing_to_wait_for,
    page_url: Callable[[], str] = nothing_to_tell,
) -> McpServer:
    """Return a server that answers from `query`; see UnaskedNotes for what it tells unasked.

    `before_status` is awaited before a question for the status is answered. `page_url` tells where the timeline page
    is served (`http://127.0.0.1:4319`), "" for nowhere; texts link to it.
    """
    return McpServer(query, UnaskedNotes(first=first_note, standing=standing_note), before_status, page_url)


@asynccontextmanager
async def _work_of(server: Server[None]) -> AsyncGenerator[None]:
    if not isinstance(server, McpServer):
        raise TypeError("the lifespan belongs to McpServer")
    async with server.work():
        yield
