"""Sessions and requests as MCP resources: `session://{id}` and `request://{id}`, each the text of its trace.

https://modelcontextprotocol.io/specification/2025-11-25/server/resources
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, unquote

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from collector.errors import ConfigError, QueryError, StoreError
from collector.query.params import ObserveParams, parse_params
from collector.query.service import QueryService
from mcp_server.app_view import APP_VIEW_URI, read_app_view
from mcp_server.queries import QueryThreads
from mcp_server.render.escape import escape_unseen
from mcp_server.text import answer_for_text, text_of
from mcp_server.unasked_notes import UnaskedNotes

SESSIONS_LISTED_MAX = 20
ID_BYTES_MAX = 256
TITLE_LENGTH_MAX = 200
MIME_TYPE = "text/plain"


class ResourceUri(NamedTuple):
    """What one of our URIs names; `id` is decoded, and may be a unique beginning of an id."""

    kind: Literal["session", "request"]
    id: str


def parse_uri(uri: str) -> ResourceUri | None:
    """Read `session://{id}` or `request://{id}`; None for anything else."""
    scheme, separator, rest = uri.partition("://")
    resource_id = unquote(rest)
    if not separator or not resource_id or len(resource_id.encode()) > ID_BYTES_MAX:
        return None
    if scheme == "session":
        return ResourceUri("session", resource_id)
    return ResourceUri("request", resource_id) if scheme == "request" else None


def resource_uri(kind: Literal["session", "request"], resource_id: str) -> str:
    """Return the URI of a session or a request."""
    return f"{kind}://{quote(resource_id, safe='')}"


class Resources:
    """Lists and reads resources by asking `query`."""

    def __init__(
        self, query: QueryService, threads: QueryThreads, notes: UnaskedNotes, page_url: Callable[[], str]
    ) -> None:
        self._query = query
        self._page_url = page_url
        self._threads = threads
        self._notes = notes

    async def list(self) -> ListResourcesResult:
        """Return the newest sessions. Raises MCPError if they cannot be read."""
        params = parse_params({"what": "sessions", "limit": SESSIONS_LISTED_MAX})
        try:
            answer = await self._threads.run(
                lambda is_cancelled: self._query.observe(params, is_cancelled=is_cancelled)
            )
        except (QueryError, StoreError) as error:
            raise MCPError(code=INTERNAL_ERROR, message=str(error)) from error
        return ListResourcesResult(resources=[_session_resource(session) for session in answer["sessions"]])

    def templates(self) -> ListResourceTemplatesResult:
        """Return the two templates."""
        return ListResourceTemplatesResult(
            resource_templates=[
                ResourceTemplate(
                    name="session",
                    uri_template="session://{id}",
                    title="What happened in a session",
                    description="The session over browser, services and logs, in order",
                    mime_type=MIME_TYPE,
                ),
                ResourceTemplate(
                    name="request",
                    uri_template="request://{id}",
                    title="What happened to a request",
                    description="The request over browser, services and logs, in order, with the cause if it failed",
                    mime_type=MIME_TYPE,
                ),
            ]
        )

    async def read(self, uri: str) -> ReadResourceResult:
        """Return the text of the trace, or the view.

        Raises MCPError: resource not found, with what to ask instead, or that the store cannot be read.
        """
        if uri == APP_VIEW_URI:
            return await self._read_app_view()
        resource = parse_uri(uri)
        if resource is None:
            raise _not_found(uri, "resources here are session://{id} and request://{id}")
        asked = {"what": f"{resource.kind}-trace", f"{resource.kind}_id": resource.id}
        try:
            params = parse_params(asked)
            text = await self._threads.run(lambda is_cancelled: self._text(uri, params, is_cancelled))
        except QueryError as error:
            raise _not_found(uri, str(error)) from error
        except StoreError as error:
            raise MCPError(code=INTERNAL_ERROR, message=str(error)) from error
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=MIME_TYPE, text=text)])

    def _text(self, uri: str, params: ObserveParams, is_cancelled: Callable[[], bool]) -> str:
        answer = answer_for_text(self._query, params, is_cancelled=is_cancelled)
        if not answer["total"]:
            raise _not_found(uri, "; ".join(answer.get("notes", ())) or "nothing is stored of it")
        return text_of(answer, params, self._notes.add_to, self._page_url())

    async def _read_app_view(self) -> ReadResourceResult:
        try:
            return await self._threads.run(lambda _: read_app_view())
        except ConfigError as error:
            raise _not_found(APP_VIEW_URI, str(error)) from error


def _session_resource(session: dict[str, Any]) -> Resource:
    session_id = session["session_id"]
    facts = [session["last_activity"][:19] + "Z", f"{session['request_count']} requests"]
    if session["has_errors"]:
        facts.append("with errors")
    return Resource(
        uri=resource_uri("session", session_id),
        name=_printable(session_id),
        title=_printable(f"Session {session.get('first_url', session_id)}"),
        description=", ".join(facts),
        mime_type=MIME_TYPE,
    )


def _not_found(uri: str, reason: str) -> MCPError:
    return MCPError(code=INVALID_PARAMS, message=f"resource not found: {escape_unseen(reason)}", data={"uri": uri})


def _printable(text: str, length_max: int = TITLE_LENGTH_MAX) -> str:
    """Return telemetry text on one line, without control characters, cut."""
    return "".join(char if char.isprintable() else " " for char in text[:length_max])
