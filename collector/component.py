"""What the parts of a pipeline have in common: what flows, and who takes it.

Data flows one way: a receiver hands one export request to its consumer and answers its sender only when
`consume` has returned. https://opentelemetry.io/docs/collector/architecture/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from collector.correlation.record import Correlated
from collector.pdata.envelope import Group, Signal, count_data_points, cut_request


@dataclass(slots=True)
class Telemetry:
    """One export request of traces, logs or metrics on its way: the protobuf body, then what was made of it.

    `correlated` is filled in by the processor `session`; metrics have none. `redacted` counts by label what the
    processor `redaction` has replaced in `body`; None where that was nothing.
    """

    signal: Signal
    body: bytes
    correlated: Correlated | None = None
    redacted: Mapping[str, int] | None = None
    _groups: list[Group] | None = field(default=None, repr=False, compare=False)
    _records: int | None = field(default=None, repr=False, compare=False)

    def groups(self) -> list[Group]:
        """Cut the body of traces or logs, once, when it is first asked for. Raises InvalidDataError."""
        if self._groups is None:
            self._groups = cut_request(self.signal, self.body)
        return self._groups

    def count_records(self) -> int:
        """Count the spans, log records or data points of the body, invalid ones too. Raises InvalidDataError."""
        if self._records is None:
            if self.signal is Signal.METRICS:
                self._records = count_data_points(self.body)
            elif self.correlated:
                self._records = len(self.correlated.records) + self.correlated.rejected
            else:
                self._records = sum(len(group.slices) for group in self.groups())
        return self._records


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the sender is told: how many of its records are in, and how many never can be, with the reason."""

    accepted: int
    rejected: int = 0
    message: str = ""


class Consumer(Protocol):
    """The next one in line."""

    async def consume(self, telemetry: Telemetry) -> Outcome:
        """Take one export request; return when it is durable. Raises RefusedError (collector.errors)."""
        ...


class Processor(Protocol):
    """A step that changes what flows; it never calls the next one."""

    def process(self, telemetry: Telemetry) -> None:
        """Change `telemetry` in place. Pure but for that. Raises RefusedError."""
        ...


class Exporter(Protocol):
    """The end of a pipeline."""

    async def start(self) -> None:
        """Begin what goes on beside `export`; called once, before any receiver accepts."""
        ...

    async def export(self, telemetry: Telemetry) -> None:
        """Deliver; return only when delivery is durable. Raises RefusedError, BusyError for what may be retried."""
        ...

    async def shutdown(self) -> None:
        """Deliver what was taken, then release everything. May be called twice."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """An exporter that knows before `export` that it would send a request back."""

    def check_room(self, telemetry: Telemetry) -> None:
        """Raise BusyError if there is no room for it just now. Takes nothing."""
        ...


@runtime_checkable
class Recognising(Protocol):
    """An exporter that knows a request which is sent again, and takes it once."""

    recognises_resent: ClassVar[bool]


class Receiver(Protocol):
    """The start of a pipeline: it listens."""

    async def start(self) -> None:
        """Bind and accept. Raises ConfigError if the endpoint cannot be bound."""
        ...

    async def shutdown(self, deadline_s: float) -> None:
        """Accept nothing more, answer what is under way within the deadline, close. May be called twice."""
        ...
