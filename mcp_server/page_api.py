"""What the page asks for beside `observe`: news of what is stored, activity for small pictures, records as stored."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from collector.errors import QueryError, StoreError
from collector.query.service import QueryService
from collector.query.stored import FiledUnder
from mcp_server.news import News, position_of
from mcp_server.queries import QueryThreads

NEWS_PATH = "/api/news"
ACTIVITY_PATH = "/api/activity"
OTLP_PATH = "/api/otlp"


class PageApi:
    """The routes, and what runs beside them."""

    def __init__(self, query: QueryService, threads: QueryThreads) -> None:
        self._query = query
        self._threads = threads
        self._news = News(query)
        self.routes: list[BaseRoute] = [
            Route(NEWS_PATH, endpoint=_NewsEndpoint(self._news), methods=["GET"]),
            Route(ACTIVITY_PATH, endpoint=self._activity, methods=["GET"]),
            Route(OTLP_PATH, endpoint=self._otlp, methods=["GET"]),
        ]

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[None]:
        """Look for news while the app is served."""
        async with self._news.follow():
            yield

    def release_clients(self) -> None:
        """End the streams of news."""
        self._news.end_streams()

    async def _activity(self, request: Request) -> Response:
        session_ids = request.query_params.getlist("session_id")
        return await self._answer(lambda _: JSONResponse(self._query.activity(session_ids)))

    async def _otlp(self, request: Request) -> Response:
        given = {name: request.query_params.get(name, "") for name in ("id", *FiledUnder._fields)}
        whole_id = given.pop("id")
        filed_under = FiledUnder(**given)
        return await self._answer(
            lambda _: Response(self._query.stored_otlp_json(whole_id, filed_under), media_type="application/json")
        )

    async def _answer(self, ask: Callable[[Callable[[], bool]], Response]) -> Response:
        try:
            return await self._threads.run(ask)
        except QueryError as error:
            return JSONResponse({"error": str(error)}, 400)
        except StoreError as error:
            return JSONResponse({"error": str(error)}, 503)


class _NewsEndpoint:
    """ASGI app of `/api/news`: it holds a stream for as long as the client does."""

    def __init__(self, news: News) -> None:
        self._news = news

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            # A browser that connects again says itself how far it was told.
            text = request.headers.get("Last-Event-ID") or request.query_params.get("after")
            after = position_of(text) if text else None
        except QueryError as error:
            await JSONResponse({"error": str(error)}, 400)(scope, receive, send)
            return
        try:
            async with self._news.stream(after) as events:
                await StreamingResponse(events, media_type="text/event-stream")(scope, receive, send)
        except (QueryError, StoreError) as error:
            await JSONResponse({"error": str(error)}, 503)(scope, receive, send)
