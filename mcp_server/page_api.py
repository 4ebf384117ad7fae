"""What the page asks for beside `observe`: news of what is stored."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from collector.errors import QueryError, StoreError
from collector.query.service import QueryService
from mcp_server.news import News, commit_of

NEWS_PATH = "/api/news"


class PageApi:
    """The routes, and what runs beside them."""

    def __init__(self, query: QueryService) -> None:
        self._news = News(query)
        self.routes: list[BaseRoute] = [Route(NEWS_PATH, endpoint=_NewsEndpoint(self._news), methods=["GET"])]

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[None]:
        """Look for news while the app is served."""
        async with self._news.follow():
            yield

    def release_clients(self) -> None:
        """End the streams of news."""
        self._news.end_streams()


class _NewsEndpoint:
    """ASGI app of `/api/news`: it holds a stream for as long as the client does."""

    def __init__(self, news: News) -> None:
        self._news = news

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            # A browser that connects again says itself how far it was told.
            text = request.headers.get("Last-Event-ID") or request.query_params.get("after")
            after = commit_of(text) if text else None
        except QueryError as error:
            await JSONResponse({"error": str(error)}, 400)(scope, receive, send)
            return
        try:
            async with self._news.stream(after) as events:
                await StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})(
                    scope, receive, send
                )
        except (QueryError, StoreError) as error:
            await JSONResponse({"error": str(error)}, 503)(scope, receive, send)
