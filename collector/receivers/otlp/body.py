"""The body of one HTTP request: read in chunks, decompressed as it comes, within limits and with room held for it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from collector.bounded_queue import InFlight
from collector.encoding.compression import Decompressor
from collector.errors import BusyError, InvalidDataError, TooLargeError
from collector.receivers.otlp.settings import OtlpHttpSettings

_LENGTH_DIGITS_MAX = 18


class DisconnectedError(Exception):
    """The client has gone before its body was complete."""


class HttpBody:
    """Holds room for what has come of a body until the context is left.

    Entering raises UnsupportedMediaError for its content encoding, InvalidDataError for its length, TooLargeError
    if the length alone is over the limit, BusyError if there is no room.
    """

    def __init__(self, headers: Mapping[str, str], in_flight: InFlight, settings: OtlpHttpSettings) -> None:
        self._headers = headers
        self._in_flight = in_flight
        self._size_max = settings.max_request_body_size
        self._timeout_s = settings.body_timeout_s
        self._held = 0

    async def __aenter__(self) -> Self:
        """Check what the header announces, and take a place; room is taken for what comes, not for what is promised."""
        self._decompressor = Decompressor(self._headers.get("content-encoding", ""), self._size_max)
        announced = self._headers.get("content-length", "0")
        if not (announced.isascii() and announced.isdigit() and len(announced) <= _LENGTH_DIGITS_MAX):
            raise InvalidDataError("content-length must be a number of bytes")
        self._check_size(int(announced))
        self._in_flight.reserve(0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the room back."""
        self._in_flight.release(self._held)

    async def read(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
        """Return the decompressed body.

        Raises TooLargeError, InvalidDataError, BusyError (no room, or too slow), DisconnectedError.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._read(receive)
        except TimeoutError as error:
            raise BusyError(
                f"the body did not come within {self._timeout_s:g} s; send it again", limit="body_timeout"
            ) from error

    async def _read(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
        pieces: list[bytes] = []
        received = content = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            received += len(chunk)
            self._check_size(received)
            piece = self._decompressor.feed(chunk)
            content += len(piece)
            if content > self._held:
                self._in_flight.grow(content - self._held)
                self._held = content
            pieces.append(piece)
        self._decompressor.finish()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _check_size(self, size: int) -> None:
        if size > self._size_max:
            raise TooLargeError(f"the body is over the limit of {self._size_max} bytes; send smaller batches")
