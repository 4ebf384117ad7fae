"""OTLP over HTTP: the listening socket and the connections on it, served by uvicorn's protocol.

The application is in asgi.py. uvicorn's Server is left out: it installs signal handlers and ticks ten times a second.
"""

import asyncio
import socket

from uvicorn.config import Config
from uvicorn.server import ServerState

from collector.bounded_queue import InFlight
from collector.component import Consumer
from collector.config.endpoint import join_endpoint
from collector.errors import ConfigError
from collector.receivers.otlp.asgi import OtlpHttpApp
from collector.receivers.otlp.connection import ConnectionLimits, OtlpHttpConnection
from collector.receivers.otlp.endpoint import check_exposure, listen
from collector.receivers.otlp.intake import Intake
from collector.receivers.otlp.settings import OtlpHttpSettings
from collector.receivers.otlp.telemetry import ReceiverCounts, ReceiverTelemetry, Transport

COMPONENT = "receivers.otlp.http"
LISTEN_BACKLOG = 1_024


class OtlpHttpReceiver:
    """Serves /v1/traces, /v1/logs and /v1/metrics on one port.

    Raises ConfigError if the endpoint is open to other machines and no token is given.
    """

    def __init__(
        self,
        settings: OtlpHttpSettings,
        consumer: Consumer,
        in_flight: InFlight,
        *,
        token: str | None = None,
        telemetry: ReceiverTelemetry | None = None,
    ) -> None:
        check_exposure(COMPONENT, settings.endpoint, token)
        intake = Intake(Transport.HTTP, consumer, telemetry or ReceiverCounts(), token)
        self.app = OtlpHttpApp(settings, intake, in_flight)
        self._settings = settings
        self._endpoint = settings.endpoint
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._closed = asyncio.Event()

    @property
    def endpoint(self) -> str:
        """`host:port`, once started with the port that was bound."""
        return self._endpoint

    async def start(self) -> None:
        """Bind and accept. Raises ConfigError if the endpoint cannot be bound."""
        sock = listen(COMPONENT, self._settings.endpoint, backlog=LISTEN_BACKLOG)
        config = self._config()
        limits = ConnectionLimits(
            connections_max=self._settings.connections_max,
            header_bytes_max=self._settings.header_bytes_max,
            header_timeout_s=self._settings.header_timeout_s,
            discarded_bytes_max=self._settings.max_request_body_size,
        )

        def connection() -> asyncio.Protocol:
            return OtlpHttpConnection(config, self._state, limits, self._closed.set)

        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(connection, sock=sock, backlog=LISTEN_BACKLOG)
        except OSError as error:
            sock.close()
            raise ConfigError(f"{COMPONENT}: endpoint {self._settings.endpoint} cannot be bound: {error}") from error
        self._endpoint = _bound_endpoint(self._settings.endpoint, sock)

    async def shutdown(self, deadline_s: float) -> None:
        """Accept nothing more, answer what is under way within the deadline, close. May be called twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(deadline_s):
                await self._drained()
        except TimeoutError:
            for connection in list(self._state.connections):
                connection.transport.abort()
            for task in list(self._state.tasks):
                task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)

    async def _drained(self) -> None:
        while self._state.connections:
            self._closed.clear()
            await self._closed.wait()

    def _config(self) -> Config:
        config = Config(
            self.app,
            http=OtlpHttpConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(self._settings.keep_alive_timeout_s),
        )
        config.load()
        return config


def _bound_endpoint(endpoint: str, sock: socket.socket) -> str:
    host = endpoint.rpartition(":")[0].strip("[]")
    address, port = sock.getsockname()[:2]
    return join_endpoint(host or address, port)
