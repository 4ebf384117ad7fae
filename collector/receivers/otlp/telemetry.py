"""What receivers tell about what they took and what they sent back."""

import enum
from collections import Counter
from typing import Protocol

from collector.component import Outcome
from collector.errors import RefusedError
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import ACCEPTED, REJECTED, Counters, Labels


class Transport(enum.StrEnum):
    """How a request came."""

    GRPC = "grpc"
    HTTP = "http"


class ReceiverTelemetry(Protocol):
    """Takes the counts of a receiver; called on its event loop, once per request."""

    def on_accepted(self, transport: Transport, signal: Signal, outcome: Outcome) -> None:
        """A request was taken; `outcome` tells how many of its records were."""
        ...

    def on_refused(self, transport: Transport, signal: Signal | None, error: RefusedError) -> None:
        """A request was sent back; `signal` is None if its path named none."""
        ...

    def on_failed(self, transport: Transport, signal: Signal) -> None:
        """A request met an error that nobody foresaw; it is refused as well, so that its sender keeps it."""
        ...


class ReceiverCounts:
    """Counts kept in memory.

    `accepted` and `rejected` count records by transport and signal, `refused` requests by transport, signal (empty
    if unknown) and the name of the error, `failed` requests by transport and signal.
    """

    def __init__(self) -> None:
        self.accepted: Counter[tuple[Transport, Signal]] = Counter()
        self.rejected: Counter[tuple[Transport, Signal]] = Counter()
        self.refused: Counter[tuple[Transport, Signal | None, str]] = Counter()
        self.failed: Counter[tuple[Transport, Signal]] = Counter()

    def on_accepted(self, transport: Transport, signal: Signal, outcome: Outcome) -> None:
        """Count the records of one request."""
        self.accepted[transport, signal] += outcome.accepted
        if outcome.rejected:
            self.rejected[transport, signal] += outcome.rejected

    def on_refused(self, transport: Transport, signal: Signal | None, error: RefusedError) -> None:
        """Count one request."""
        self.refused[transport, signal, type(error).__name__] += 1

    def on_failed(self, transport: Transport, signal: Signal) -> None:
        """Count one request."""
        self.failed[transport, signal] += 1


class ReceiverCounters:
    """Takes what a receiver counts into the collector's own counters; see ReceiverTelemetry."""

    def __init__(self, counters: Counters, receiver: str) -> None:
        """`receiver` is the component's id."""
        self._counters = counters
        self._labels: dict[Transport, Labels] = {
            transport: (("receiver", receiver), ("transport", transport.value)) for transport in Transport
        }
        self._accepted = {
            (transport, signal): counters.count(ACCEPTED[signal], self._labels[transport])
            for transport in Transport
            for signal in Signal
        }

    def on_accepted(self, transport: Transport, signal: Signal, outcome: Outcome) -> None:
        """See ReceiverTelemetry."""
        self._accepted[transport, signal].value += outcome.accepted
        if outcome.rejected:
            self._counters.count(REJECTED[signal], self._labels[transport]).add(outcome.rejected)

    def on_refused(self, transport: Transport, signal: Signal | None, error: RefusedError) -> None:
        """See ReceiverTelemetry."""
        self._counters.refuse(error.reason, self._labels[transport])

    def on_failed(self, transport: Transport, signal: Signal) -> None:
        """See ReceiverTelemetry; it is counted by the refusal that follows."""
