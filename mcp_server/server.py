"""The MCP server: one tool, two kinds of resource, two prompts, over whatever transport carries it.

It stands on mcp's low-level server, because the handlers must see a call's raw arguments: the layer above
drops unknown ones without a word and hides the text of errors. What answers is loaded when the first question
comes: a client waits for `initialize`, and nothing of that comes from the store.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server import CacheHint, NotificationOptions, Server, ServerRequestContext
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    EmptyResult,
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
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    ToolsCapability,
    UnsubscribeRequestParams,
)

from mcp_server.app_view import EXTENSION_ID, has_app_view

if TYPE_CHECKING:
    from mcp_server.answers import Answers

NAME = "gasoline"
DISTRIBUTION = "gasoline-otel"
_UNCHANGING = CacheHint(ttl_ms=3_600_000, scope="public")


class _Work:
    """One run of the server: what is done beside the connections begins with the first question."""

    def __init__(self, load_answers: "Callable[[], Answers]") -> None:
        self._load_answers = load_answers
        self._asked, self._begun, self._ended = anyio.Event(), anyio.Event(), anyio.Event()

    async def answers(self) -> "Answers":
        """Return what answers; all that it needs runs."""
        answers = self._load_answers()
        self._asked.set()
        await self._begun.wait()
        return answers

    @asynccontextmanager
    async def run(self) -> "AsyncGenerator[_Work]":
        """When this has ended, nothing of the server reads the store any more."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._work)
            yield self
            if not self._begun.is_set():
                group.cancel_scope.cancel()
            self._ended.set()

    async def _work(self) -> None:
        await self._asked.wait()
        async with self._load_answers().work():
            self._begun.set()
            await self._ended.wait()


_Context = ServerRequestContext[_Work, Any]


class McpServer(Server[_Work]):
    """Answers for any number of connections, on one event loop at a time; `load_answers` is called once, when asked."""

    def __init__(self, load_answers: "Callable[[], Answers]") -> None:
        self._load_answers = load_answers
        self._answers: Answers | None = None
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
            get_tool_input_schema=lambda name: self._loaded().input_schema_of(name),
            on_list_tools=_list_tools,
            on_call_tool=_call_tool,
            on_list_resources=_list_resources,
            on_list_resource_templates=_list_resource_templates,
            on_read_resource=_read_resource,
            on_subscribe_resource=_subscribe_resource,
            on_unsubscribe_resource=_unsubscribe_resource,
            on_subscriptions_listen=_listen,
            on_list_prompts=_list_prompts,
            on_get_prompt=_get_prompt,
        )
        if has_app_view():
            self.extensions[EXTENSION_ID] = {}

    def release_clients(self) -> None:
        """Answer what waits for telemetry and end the streams of news, so that a shutdown need not wait for them."""
        if self._answers is not None:
            self._answers.release_clients()

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[_Work]:
        """What runs beside the connections; when it has ended, nothing of the server reads the store any more."""
        async with _Work(self._loaded).run() as work:
            yield work

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

    def _loaded(self) -> "Answers":
        if self._answers is None:
            self._answers = self._load_answers()
        return self._answers


async def _list_tools(context: _Context, _: PaginatedRequestParams | None) -> ListToolsResult:
    return (await context.lifespan_context.answers()).list_tools()


async def _call_tool(context: _Context, params: CallToolRequestParams) -> CallToolResult:
    return await (await context.lifespan_context.answers()).call_tool(params)


async def _list_resources(context: _Context, _: PaginatedRequestParams | None) -> ListResourcesResult:
    return await (await context.lifespan_context.answers()).resources.list()


async def _list_resource_templates(context: _Context, _: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    return (await context.lifespan_context.answers()).resources.templates()


async def _read_resource(context: _Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    return await (await context.lifespan_context.answers()).resources.read(str(params.uri))


async def _subscribe_resource(context: _Context, params: SubscribeRequestParams) -> EmptyResult:
    return await (await context.lifespan_context.answers()).subscriptions.subscribe(context, params)


async def _unsubscribe_resource(context: _Context, params: UnsubscribeRequestParams) -> EmptyResult:
    return await (await context.lifespan_context.answers()).subscriptions.unsubscribe(context, params)


async def _listen(context: _Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
    return await (await context.lifespan_context.answers()).subscriptions.listen(context, params)


async def _list_prompts(context: _Context, _: PaginatedRequestParams | None) -> ListPromptsResult:
    return (await context.lifespan_context.answers()).list_prompts()


async def _get_prompt(context: _Context, params: GetPromptRequestParams) -> GetPromptResult:
    return (await context.lifespan_context.answers()).get_prompt(params)


@asynccontextmanager
async def _work_of(server: Server[_Work]) -> AsyncGenerator[_Work]:
    if not isinstance(server, McpServer):
        raise TypeError("the lifespan belongs to McpServer")
    async with server.work() as work:
        yield work
