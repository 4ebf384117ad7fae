"""How clients reach the answers over HTTP: one ASGI app with MCP and plain JSON.

The caller runs the app (uvicorn, with its lifespan on); nothing here binds a port.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from collector.errors import QueryError, StoreError
from collector.query.params import parse_params
from collector.query.service import QueryService
from mcp_server.answer_headers import AnswerHeaders
from mcp_server.guard import Guard
from mcp_server.page_api import PageApi
from mcp_server.queries import QueryThreads
from mcp_server.server import McpServer
from mcp_server.streams import StandingStreams

MCP_SESSIONS_MAX = 1_000
MCP_SESSION_IDLE_S = 30 * 60.0
REQUEST_BODY_BYTES_MAX = 1024 * 1024


class QueryApp(Starlette):
    """The app, and the way to let its clients go before the server that runs it waits for them."""

    def __init__(self, release: Callable[[], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._release = release

    def release_clients(self) -> None:
        """Answer what waits for telemetry, and end the streams of news; call it when a shutdown begins."""
        self._release()


def query_app(
    server: McpServer,
    query: QueryService,
    *,
    allowed_hosts: Collection[str] = (),
    allowed_origins: Collection[str] = (),
    token: str | None = None,
    extra_routes: Sequence[BaseRoute] = (),
    mcp_sessions_max: int = MCP_SESSIONS_MAX,
) -> QueryApp:
    """Return the app: `/mcp`, `/api/observe` (GET query string or POST JSON, the JSON answer), and what the page asks.

    Every route, `extra_routes` too, is behind the same guard (see Guard for its arguments): a page of another
    origin must not even learn that the server is there. One app serves one run of its lifespan.
    """
    # The guard checks Host and Origin for every route, so mcp's own check of them stays off.
    manager = StreamableHTTPSessionManager(
        app=server,
        max_sessions=mcp_sessions_max,
        session_idle_timeout=MCP_SESSION_IDLE_S,
        max_request_body_size=REQUEST_BODY_BYTES_MAX,
    )
    streams = StandingStreams(StreamableHTTPASGIApp(manager))
    threads = QueryThreads()
    page_api = PageApi(query, threads)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with threads.drained(), page_api.work(), manager.run():
            yield

    def release() -> None:
        server.release_clients()
        threads.end_waits()
        streams.end()
        page_api.release_clients()

    async def observe(request: Request) -> Response:
        try:
            arguments = await _arguments(request)
            params = parse_params(arguments)
            return JSONResponse(
                await threads.run(lambda is_cancelled: query.observe(params, is_cancelled=is_cancelled))
            )
        except QueryError as error:
            return JSONResponse({"error": str(error)}, 400)
        except StoreError as error:
            return JSONResponse({"error": str(error)}, 503)

    return QueryApp(
        release,
        routes=[
            Route("/mcp", endpoint=streams),
            Route("/api/observe", endpoint=observe, methods=["GET", "POST"]),
            *page_api.routes,
            *extra_routes,
        ],
        middleware=[
            Middleware(AnswerHeaders),
            Middleware(Guard, allowed_hosts=allowed_hosts, allowed_origins=allowed_origins, token=token),
            Middleware(RequestBodyLimitMiddleware, max_body_size=REQUEST_BODY_BYTES_MAX),
        ],
        lifespan=lifespan,
    )


async def _arguments(request: Request) -> Mapping[str, Any]:
    """Read the arguments of `observe`; a name that stands several times in the query string is a list."""
    if request.method != "POST":
        values = {name: request.query_params.getlist(name) for name in request.query_params}
        return {name: value[0] if len(value) == 1 else value for name, value in values.items()}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise QueryError("send the arguments of observe as a JSON object with Content-Type: application/json")
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise QueryError(f'the body is not JSON ({error}); send an object such as {{"what": "sessions"}}') from error
    if not isinstance(body, dict):
        raise QueryError('the body is not a JSON object; send one such as {"what": "sessions"}')
    return cast(dict[str, Any], body)
