"""The records of the write path: what correlation knows of each span and log record.

Times are unix nanoseconds, 0 where the sender gave none. Ids are raw bytes, `b""` where absent or invalid.
"""

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, Union

from collector.pdata.envelope import Signal

if TYPE_CHECKING:
    from collector.correlation.native_record import Record as NativeRecord


class EventType(enum.IntEnum):
    """The `type` of an event, contract "Event"; the numbers are stored."""

    NETWORK = 1
    SPAN = 2
    EVENT = 3
    LOG = 4


class Evidence(enum.IntEnum):
    """Why a record belongs to its session; the numbers are stored. TRACE is decided when reading."""

    NONE = 0
    ATTRIBUTE = 1
    HEADER = 2
    TRACESTATE = 3
    TRACE = 4


class Severity(enum.IntEnum):
    """The six ranges of OTLP's severity number; the numbers are stored."""

    NONE = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6


class Context(NamedTuple):
    """What a record takes from its resource and scope.

    `envelope` is a serialized ResourceEnvelope with one scope and no records; equal bytes are the same
    context. `host` names the clock: two services on one machine share it.
    """

    envelope: bytes
    service: str
    host: str


class SpanEventFacts(NamedTuple):
    """One span event; its number is its position in the span."""

    time_unix_nano: int
    error: bool


class PlainRecord(NamedTuple):
    """One span or log record, bound to its session if it names one.

    `session_id` is "" where the record names none. `content_hash` is set for logs only: 8 bytes over
    context and record, equal for equal logs. `is_page` marks a page load or a navigation, whose URL is the
    first of its session.
    """

    raw: bytes
    context: Context
    type: EventType
    kind: int
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    time_unix_nano: int
    end_time_unix_nano: int
    error: bool
    severity: Severity
    session_id: str
    evidence: Evidence
    span_events: tuple[SpanEventFacts, ...]
    content_hash: bytes
    is_page: bool

    @property
    def is_span(self) -> bool:
        """Tell a span from a log record."""
        return not self.content_hash

    def plain(self) -> "PlainRecord":
        """Return the record as a tuple, which it is."""
        return self

    def timed(self, time_unix_nano: int) -> "PlainRecord":
        """Return the record with this time wherever it has none."""
        return self._replace(
            time_unix_nano=self.time_unix_nano or time_unix_nano,
            end_time_unix_nano=self.end_time_unix_nano or time_unix_nano,
            span_events=tuple(
                event if event.time_unix_nano else event._replace(time_unix_nano=time_unix_nano)
                for event in self.span_events
            ),
        )


# What `keys` or the native kernel make of a span or log record; the latter makes its fields when they are asked for.
Record: TypeAlias = Union[PlainRecord, "NativeRecord"]


class Correlated(NamedTuple):
    """All records of one export request, in its order.

    `rejected` counts spans without a valid trace or span id, which no answer could ever show;
    `overlong_session_ids` counts records whose session id was over the limit and so counts as absent.
    """

    signal: Signal
    records: Sequence[Record]
    rejected: int
    overlong_session_ids: int
