"""The one place that decides whether there is room for another export request.

A request holds its bytes from the moment that its size is known until it is answered, so what waits in any
queue behind the receivers is bounded here: by bytes and by number.
"""

from collector.errors import BusyError

IN_FLIGHT_BYTES_MAX = 256 * 1024 * 1024
IN_FLIGHT_REQUESTS_MAX = 10_000
RETRY_AFTER_S = 1.0


class InFlight:
    """Counts the bytes and requests between receipt and answer. Not thread-safe: one event loop owns it."""

    def __init__(self, bytes_max: int = IN_FLIGHT_BYTES_MAX, requests_max: int = IN_FLIGHT_REQUESTS_MAX) -> None:
        self.bytes_max = bytes_max
        self.requests_max = requests_max
        self.bytes = 0
        self.requests = 0

    def reserve(self, size: int) -> None:
        """Take room for one request of `size` bytes; give it back with `release(size)`.

        A single request that is larger than everything is let in when nothing else is in flight. Raises
        BusyError if there is no room.
        """
        if self.requests >= self.requests_max:
            raise self._busy("requests")
        if self.requests and self.bytes + size > self.bytes_max:
            raise self._busy("bytes")
        self.requests += 1
        self.bytes += size

    def grow(self, more: int) -> None:
        """Take `more` bytes for a request that holds room already. Raises BusyError if there is no room."""
        if self.requests > 1 and self.bytes + more > self.bytes_max:
            raise self._busy("bytes")
        self.bytes += more

    def _busy(self, what: str) -> BusyError:
        return BusyError(
            f"{self.requests} requests with {self.bytes} bytes are waiting to be stored, as many as "
            f"service.in_flight.{what}_max lets in; send again later",
            RETRY_AFTER_S,
            limit=f"in_flight_{what}",
        )

    def release(self, size: int) -> None:
        """Give back what one request holds, `size` bytes in all."""
        self.requests -= 1
        self.bytes -= size
