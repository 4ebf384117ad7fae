"""The query port: page, MCP over HTTP, the JSON of `observe`, probes, and what other processes ask a collector for.

The socket listens from the start, and probes and the page's files are answered soon after. The MCP package (0.8 s of
import) is loaded then, in a thread, so that the receivers take telemetry meanwhile; what needs it waits. uvicorn's own
signal handlers stay off: service.py owns signals.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from collector.config.endpoint import http_url, join_endpoint, split_endpoint
from collector.config.model import Settings
from collector.errors import ConfigError
from collector.probes import HEALTH_PATH, METRICS_PATH, Probes
from collector.receivers.otlp.endpoint import check_exposure, listen
from collector.receivers.otlp.settings import Endpoint, Origin

if TYPE_CHECKING:
    import uvicorn
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send

    from collector.query.status import LiveStatus
    from collector.store.api import Reader
    from mcp_server.http_app import QueryApp

CONNECTIONS_MAX = 1_000
ACCEPT_BACKLOG = 128
START_DEADLINE_S = 30.0
# Everything else is an address of the page.
ANSWERS_PREFIXES = ("/api/", "/mcp/")

_logger = logging.getLogger(__name__)


class QuerySettings(Settings):
    """`extensions.query`: where answers are given, and to which further host names and origins."""

    endpoint: Endpoint = "127.0.0.1:4319"
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[Origin, ...] = ()


class QueryPort:
    """Answers over HTTP what the store holds."""

    def __init__(self, settings: QuerySettings, reader: "Reader", token: str | None) -> None:
        """Nothing is bound yet. Raises ConfigError if the network could reach it without a token."""
        self._settings = settings
        self._reader = reader
        self._token = token
        check_exposure("extensions.query", settings.endpoint, token)
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._living: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._loaded: asyncio.Future[QueryApp] | None = None
        self.requests = 0
        self.requests_open = 0

    @property
    def endpoint(self) -> str:
        """`host:port`, with the port that was bound."""
        if self._socket is None:
            return self._settings.endpoint
        return join_endpoint(split_endpoint(self._settings.endpoint)[0], self._socket.getsockname()[1])

    def bind(self) -> None:
        """Listen; connections wait until `start`. Raises ConfigError if the port is taken."""
        self._socket = listen("extensions.query", self._settings.endpoint, backlog=ACCEPT_BACKLOG)

    async def start(
        self,
        probes: Probes,
        live_status: "Callable[[], LiveStatus | None]",
        first_note: Callable[[], str],
        extra_routes: "Callable[[], Sequence[Route]]",
    ) -> None:
        """Answer probes, load what answers the rest, and answer. Call after `bind`.

        `first_note` goes with the first answer over MCP. Raises ConfigError if it cannot be started.
        """
        if self._socket is None:
            raise RuntimeError("bind() comes before start()")
        self._loaded = asyncio.get_running_loop().create_future()
        ready = asyncio.Event()
        self._server = await asyncio.to_thread(lambda: _make_server(self._front_door(probes), ready))
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="query-port")
        await self._until(ready, self._serving)
        app = await asyncio.to_thread(self._load_app, live_status, first_note, extra_routes)
        alive = asyncio.Event()
        self._living = asyncio.create_task(self._live(app, alive), name="query-port-lifespan")
        await self._until(alive, self._living)
        self._loaded.set_result(app)

    async def _until(self, event: asyncio.Event, working: asyncio.Task[None]) -> None:
        waiting = asyncio.create_task(event.wait())
        await asyncio.wait({waiting, working}, timeout=START_DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not event.is_set():
            raise ConfigError(f"the query port {self.endpoint} did not start; see the log lines above")

    async def _live(self, app: "QueryApp", alive: asyncio.Event) -> None:
        """Hold the app's lifespan, which one task has to enter and leave."""
        async with app.router.lifespan_context(app):
            alive.set()
            await self._ending.wait()

    def _load_app(
        self,
        live_status: "Callable[[], LiveStatus | None]",
        first_note: Callable[[], str],
        extra_routes: "Callable[[], Sequence[Route]]",
    ) -> "QueryApp":
        from collector.query.service import QueryService
        from mcp_server.answers import Answers, serve_answers
        from mcp_server.http_app import query_app

        query = QueryService(self._reader, live_status=live_status)
        return query_app(
            serve_answers(Answers(query, first_note=first_note, page_url=lambda: http_url(self.endpoint))),
            query,
            allowed_hosts=self._settings.allowed_hosts,
            allowed_origins=self._settings.allowed_origins,
            token=self._token,
            extra_routes=extra_routes(),
        )

    def _front_door(self, probes: Probes) -> "ASGIApp":
        """Return the app that the server runs: probes, the page's files, and the rest as soon as it is loaded.

        Probes name the machine by its address and are no use that keeps an idle collector alive.
        """
        from mcp_server.guard import Guard
        from mcp_server.page import Page

        def guarded(app: "ASGIApp", token: str | None, *, takes_addresses: bool) -> "ASGIApp":
            hosts, origins = self._settings.allowed_hosts, self._settings.allowed_origins
            return Guard(
                app, allowed_hosts=hosts, allowed_origins=origins, token=token, takes_addresses=takes_addresses
            )

        probing = {
            HEALTH_PATH: guarded(probes.health, None, takes_addresses=True),
            METRICS_PATH: guarded(probes.metrics, self._token, takes_addresses=True),
        }
        # The page's files hold no data: who opens it without the token is asked for it there.
        page = guarded(Page(), None, takes_addresses=False)

        async def front_door(scope: "Scope", receive: "Receive", send: "Send") -> None:
            path: str = scope.get("path", "")
            app = self._answer if path == "/mcp" or path.startswith(ANSWERS_PREFIXES) else page
            await probing.get(path, app)(scope, receive, send)

        return front_door

    async def _answer(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if self._loaded is None:
            raise RuntimeError("start() has not been called")
        self.requests += 1
        self.requests_open += 1
        try:
            app = await asyncio.shield(self._loaded)
            await app(scope, receive, send)
        finally:
            self.requests_open -= 1

    def release_clients(self) -> None:
        """Answer what waits for telemetry, and end the streams of news; probes are answered as before."""
        if self._loaded is not None and self._loaded.done() and not self._loaded.cancelled():
            self._loaded.result().release_clients()

    async def shutdown(self, deadline_s: float) -> None:
        """Accept nothing more, finish what is being answered within the deadline, close. May be called twice."""
        serving, self._serving = self._serving, None
        if self._server is not None and serving is not None:
            self._server.config.timeout_graceful_shutdown = max(1, int(deadline_s))
            self.release_clients()
            if self._loaded is not None and not self._loaded.done():
                self._loaded.cancel()
            self._server.should_exit = True
            _, late = await asyncio.wait({serving}, timeout=deadline_s + 1)
            for task in late:
                task.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        self._ending.set()
        if self._living is not None:
            for result in await asyncio.gather(self._living, return_exceptions=True):
                if isinstance(result, Exception):
                    _logger.error("the query port did not end cleanly: %s", result)
        if self._socket is not None:
            self._socket.close()


def _make_server(app: "ASGIApp", ready: asyncio.Event) -> "uvicorn.Server":
    import uvicorn

    class QuietServer(uvicorn.Server):
        """uvicorn without handlers for signals, and with an event for the moment that it answers."""

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready.set()

    return QuietServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=CONNECTIONS_MAX,
        )
    )
