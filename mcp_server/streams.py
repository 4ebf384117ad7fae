"""The standing streams of the legacy era: a client holds a GET open for as long as it lives, and a server that
waits for its connections to end would wait as long.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server
"""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StandingStreams:
    """ASGI wrapper that can end all GET responses that are under way, each in good order."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[anyio.CancelScope] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        is_started = False

        async def watched_send(message: Message) -> None:
            nonlocal is_started
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        with anyio.CancelScope() as stream:
            self._open.add(stream)
            try:
                await self._app(scope, receive, watched_send)
            finally:
                self._open.discard(stream)
        if stream.cancelled_caught and is_started:
            await send({"type": "http.response.body", "body": b""})

    def end(self) -> None:
        """End those that are open; the client sees the end of the response, not a broken connection."""
        for stream in self._open:
            stream.cancel()
