"""The query port: MCP over HTTP, the JSON of `observe`, and what other processes ask a running collector for.

The socket listens from the start; the MCP package (0.8 s of import) is loaded afterwards, in a thread, so
that the receivers take telemetry meanwhile. uvicorn's own signal handlers stay off: service.py owns signals.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from collector.config.endpoint import join_endpoint, split_endpoint
from collector.config.model import Settings
from collector.errors import ConfigError
from collector.receivers.otlp.endpoint import check_exposure, listen
from collector.receivers.otlp.settings import Endpoint, Origin

if TYPE_CHECKING:
    import uvicorn
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send

    from collector.query.status import LiveStatus
    from collector.store.api import Reader

CONNECTIONS_MAX = 1_000
ACCEPT_BACKLOG = 128
START_DEADLINE_S = 30.0


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
        self._release_clients: Callable[[], None] = lambda: None
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
        live_status: "Callable[[], LiveStatus | None]",
        first_note: Callable[[], str],
        extra_routes: "Callable[[], Sequence[Route]]",
    ) -> None:
        """Load what answers, and answer; `first_note` goes with the first answer over MCP. Call after `bind`."""
        if self._socket is None:
            raise RuntimeError("bind() comes before start()")
        app = await asyncio.to_thread(self._load_app, live_status, first_note, extra_routes)
        ready = asyncio.Event()
        self._server = _make_server(app, ready)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="query-port")
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({waiting, self._serving}, timeout=START_DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not ready.is_set():
            raise ConfigError(f"the query port {self.endpoint} did not start; see the log lines above")

    def _load_app(
        self,
        live_status: "Callable[[], LiveStatus | None]",
        first_note: Callable[[], str],
        extra_routes: "Callable[[], Sequence[Route]]",
    ) -> "ASGIApp":
        from collector.query.service import QueryService
        from mcp_server.server import build_server
        from mcp_server.transports import query_app

        query = QueryService(self._reader, live_status=live_status)
        app = query_app(
            build_server(query, first_note=first_note),
            query,
            allowed_hosts=self._settings.allowed_hosts,
            allowed_origins=self._settings.allowed_origins,
            token=self._token,
            extra_routes=extra_routes(),
        )
        self._release_clients = app.release_clients
        return self._counted(app)

    def _counted(self, app: "ASGIApp") -> "ASGIApp":
        async def counted(scope: "Scope", receive: "Receive", send: "Send") -> None:
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
                return
            self.requests += 1
            self.requests_open += 1
            try:
                await app(scope, receive, send)
            finally:
                self.requests_open -= 1

        return counted

    async def shutdown(self, deadline_s: float) -> None:
        """Accept nothing more, finish what is being answered within the deadline, close. May be called twice."""
        serving, self._serving = self._serving, None
        if self._server is not None and serving is not None:
            self._server.config.timeout_graceful_shutdown = max(1, int(deadline_s))
            self._release_clients()
            self._server.should_exit = True
            _, late = await asyncio.wait({serving}, timeout=deadline_s + 1)
            for task in late:
                task.cancel()
            await asyncio.gather(serving, return_exceptions=True)
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
            lifespan="on",
            ws="none",
            limit_concurrency=CONNECTIONS_MAX,
        )
    )
