"""What the server answers, over one QueryService: its tool, resources, prompts and news."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListToolsResult,
)

from collector.query.service import QueryService
from mcp_server.app_view import has_app_view, tool_meta
from mcp_server.prompts import get_prompt, list_prompts
from mcp_server.queries import QueryThreads
from mcp_server.resources import Resources
from mcp_server.server import McpServer
from mcp_server.subscriptions import Subscriptions
from mcp_server.tools import observe
from mcp_server.unasked_notes import UnaskedNotes, nothing_to_tell


async def _nothing_to_wait_for() -> None:
    """Whoever answers here has no collector to wait for."""


class Answers:
    """Answers from `query`; see UnaskedNotes for what it tells unasked.

    `before_status` is awaited before a question for the status is answered. `page_url` tells where the timeline page
    is served (`http://127.0.0.1:4319`), "" for nowhere; texts link to it.
    """

    def __init__(
        self,
        query: QueryService,
        *,
        first_note: Callable[[], str] = nothing_to_tell,
        standing_note: Callable[[], str] = nothing_to_tell,
        before_status: Callable[[], Awaitable[None]] = _nothing_to_wait_for,
        page_url: Callable[[], str] = nothing_to_tell,
    ) -> None:
        self._query = query
        self._notes = UnaskedNotes(first=first_note, standing=standing_note)
        self._before_status = before_status
        self._page_url = page_url
        self._threads = QueryThreads()
        self._tool = observe.observe_tool(tool_meta() if has_app_view() else None)
        self.resources = Resources(query, self._threads, self._notes, page_url)
        self.subscriptions = Subscriptions(query)

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[None]:
        """What runs beside the questions; when it has ended, nothing here reads the store any more."""
        async with self._threads.drained(), self.subscriptions.follow():
            yield

    def release_clients(self) -> None:
        """Answer what waits for telemetry and end the streams of news."""
        self._threads.end_waits()
        self.subscriptions.end_streams()

    def list_tools(self) -> ListToolsResult:
        """Serve `tools/list`."""
        return ListToolsResult(tools=[self._tool])

    def input_schema_of(self, name: str) -> Mapping[str, Any] | None:
        """Return the schema of a tool's arguments; None of one that is not there."""
        return self._tool.input_schema if name == observe.NAME else None

    async def call_tool(self, params: CallToolRequestParams) -> CallToolResult:
        """Serve `tools/call`. Raises MCPError for another tool."""
        if params.name != observe.NAME:
            raise MCPError(code=INVALID_PARAMS, message=f"unknown tool {params.name!r}; the tool is {observe.NAME}")
        return await observe.call_observe(
            self._query, self._threads, self._notes, self._before_status, params.arguments, self._page_url
        )

    def list_prompts(self) -> ListPromptsResult:
        """Serve `prompts/list`."""
        return ListPromptsResult(prompts=list_prompts())

    def get_prompt(self, params: GetPromptRequestParams) -> GetPromptResult:
        """Serve `prompts/get`."""
        return get_prompt(params.name, params.arguments or {})


def serve_answers(answers: Answers) -> McpServer:
    """Return a server of answers that are there already."""
    return McpServer(lambda: answers)
