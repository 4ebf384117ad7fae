"""What is in flight is bounded by bytes and by number, and the limit that was reached is named."""

import pytest

from collector.bounded_queue import InFlight
from collector.errors import BusyError


def test_each_limit_refuses_at_its_edge_and_is_named() -> None:
    in_flight = InFlight(bytes_max=10, requests_max=2)
    in_flight.reserve(9)
    with pytest.raises(BusyError, match=r"1 requests with 9 bytes .* service\.in_flight\.bytes_max") as refused:
        in_flight.reserve(2)
    assert refused.value.reason == "busy_in_flight_bytes"
    in_flight.reserve(0)
    in_flight.grow(1)
    with pytest.raises(BusyError) as refused:
        in_flight.grow(1)
    assert refused.value.reason == "busy_in_flight_bytes"
    with pytest.raises(BusyError, match=r"2 requests with 10 bytes .* service\.in_flight\.requests_max") as refused:
        in_flight.reserve(0)
    assert refused.value.reason == "busy_in_flight_requests"
    in_flight.release(10)
    in_flight.reserve(10)
