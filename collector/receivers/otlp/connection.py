"""One HTTP connection: uvicorn's, with limits on what comes before and after a request that the application sees."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections, how much of a header and for how long, how much of a body nobody wants."""

    connections_max: int
    header_bytes_max: int
    header_timeout_s: float
    discarded_bytes_max: int


class OtlpHttpConnection(HttpToolsProtocol):
    """Closes itself beyond a limit; `on_closed` is called when it is gone."""

    def __init__(
        self, config: Config, server_state: ServerState, limits: ConnectionLimits, on_closed: Callable[[], None]
    ) -> None:
        super().__init__(config, server_state, {})
        self._limits = limits
        self._on_closed = on_closed
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        self._discarded_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as in uvicorn
        """Take the connection if there is room for it."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections_max:
            transport.abort()
            return
        self._await_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._header_done()
        super().connection_lost(exc)
        self._on_closed()

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the header grows beyond its limit."""
        if self._header_timer is not None:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._header_timer is not None and self._header_bytes > self._limits.header_bytes_max:
            self.send_400_response(f"The header is larger than {self._limits.header_bytes_max} bytes.")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._await_header()

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        self._header_done()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on what the application still wants; close when too much comes that it does not."""
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > self._limits.discarded_bytes_max:
                self.transport.abort()
        super().on_body(body)

    def _await_header(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(self._limits.header_timeout_s, self._header_is_late)

    def _header_done(self) -> None:
        self._header_bytes = self._discarded_bytes = 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _header_is_late(self) -> None:
        self._header_timer = None
        self.transport.close()
