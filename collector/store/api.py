"""The store's contract: what a Writer promises, what a Reader answers. Prose and types, no code.

Nothing here assumes one engine: a commit is a number that grows, a row is a record without its attributes,
a body is the record as it was sent. An engine that keeps rows in columns can answer every method with one
ordered scan; none needs an update in place.

Visibility. A batch is visible as a whole, from its commit on. Every read names the last commit it may see
(`upto`), and sees exactly the records and the parts of the commits up to that one that retention has not
evicted. So two pages of one answer see the same state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from collector.correlation.join import Part, TraceKey
from collector.correlation.record import EventType, Evidence, Record, Severity
from collector.pdata.envelope import Signal


@dataclass(frozen=True, slots=True)
class Batch:
    """The correlated records of one export request; all of them are committed, or none.

    `body_hash` identifies the decompressed protobuf body, so that a request that is sent again is recognised.
    """

    signal: Signal
    body_hash: bytes
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of a batch: the commit it is in, or `resent` if its first copy was committed before."""

    commit: int
    resent: bool = False


class Writer(Protocol):
    """Takes batches; one writer per store."""

    async def write(self, batch: Batch) -> WriteResult:
        """Return when the batch is durable and visible to readers; never before.

        A batch whose signal and `body_hash` were committed between 100 ms and 10 minutes before is not
        stored again. Raises BusyError when the write failed, for instance on a full disk: nothing of the
        batch is stored then, and the sender is to try again.
        """
        ...

    async def clear(self, session_id: str | None = None) -> int:
        """Delete everything, or one session; return how many spans and log records went.

        A session takes with it its own records, and the records without session of those of its traces
        that no other session claims. A request of which nothing is left is new when it is sent again.
        """
        ...

    async def shutdown(self) -> None:
        """Commit what was taken, then release the store. May be called twice."""
        ...


class RowKey(NamedTuple):
    """Where a record lies: unique in the store and stable until it is evicted.

    `position` is the record's position among those that `commit` added to the trace.
    """

    trace_key: TraceKey
    commit: int
    position: int


class Row(NamedTuple):
    """One event without its attributes: enough for order, total and every filter but `query`.

    A span event has its span's key, span id, owner and evidence, `event_index` ≥ 0, its span's id as
    parent; spans and logs have `event_index` -1. `trace_id` is `b""` in a pseudo trace. A log's
    `parent_span_id` is `b""` (its parent is the span it names). `content_hash` is set for logs only.
    """

    key: RowKey
    event_index: int
    type: EventType
    signal: Literal["span", "span_event", "log"]
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
    service: str
    host: str
    content_hash: bytes


class TraceRows(NamedTuple):
    """One trace without its bodies, but for what was read of them when they were written.

    `rows` are in commit order; each span is followed by its events. `statuses` holds the status of each root of
    the trace's parts, None where it names none; `pages` the URL of the page of each part. Both may name records
    that a limit on rows left out.
    """

    rows: Sequence[Row]
    statuses: Mapping[RowKey, int | None]
    pages: dict[RowKey, str]


class Body(NamedTuple):
    """One record as it was sent: a serialized Span or LogRecord, and its context (pdata.envelope.Group)."""

    raw: bytes
    context: bytes


class Position(NamedTuple):
    """How far the store has come: the last commit, and the commit up to which anything was evicted last.

    `evictions` grows by one with each round of retention or `clear` that removed something.
    """

    commit: int
    evictions: int


@dataclass(frozen=True, slots=True)
class ServiceActivity:
    """What one service has sent, as far as it is still stored; and when it last sent anything, stored or not."""

    service: str
    last_commit_unix_nano: int
    spans: int
    logs: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What the store holds and how it is kept.

    `counters` may hold `evicted_records`: spans and log records that retention has removed.
    """

    services: Sequence[ServiceActivity] = ()
    commits: int = 0
    bytes_on_disk: int = 0
    counters: Mapping[str, int] = field(default_factory=dict[str, int])


class Reader(Protocol):
    """Answers from what is committed; safe to use from several threads, and from other processes.

    Unknown ids give empty answers, never errors. Raises StoreUnavailableError if the store cannot be read.
    """

    def position(self) -> Position:
        """Return the last commit; 0 in an empty store."""
        ...

    def wait_for_commit(self, after: int, timeout_s: float) -> int:
        """Return the last commit as soon as it is greater than `after`, or when the time is over."""
        ...

    def commit_time_unix_nano(self, commit: int) -> int:
        """Return when a commit was made; 0 if it is unknown."""
        ...

    def parts(
        self,
        upto: int,
        *,
        after: int = 0,
        session_id: str | None = None,
        trace_keys: Sequence[TraceKey] | None = None,
    ) -> Iterator[Part]:
        """Yield the parts of commits in (after, upto], oldest commit first.

        With `session_id`, only those of that session (its own, not those without session of its traces).
        With `trace_keys`, only those of these traces. The iterator holds no transaction between its items.
        """
        ...

    def trace_keys(self, session_id: str, upto: int, limit: int | None = None) -> Sequence[TraceKey]:
        """Return where records that name the session are filed, by its first commit there, then by key.

        With `limit` only the first so many; to read these few costs little, however long the session is.
        """
        ...

    def has_news(self, session_id: str, after: int, upto: int) -> bool:
        """Tell whether commits in (after, upto] hold records that name the session, or others of traces where some do.

        Where that takes longer to find out than to read the session again, it may be true without.
        """
        ...

    def traces(self, trace_keys: Sequence[TraceKey], upto: int, limit: int) -> Mapping[TraceKey, TraceRows]:
        """Return what is known of these traces, of each at most `limit` rows; those without records are missing."""
        ...

    def rows(self, trace_key: TraceKey, upto: int, limit: int) -> Sequence[Row]:
        """Return the rows of one trace, as `traces` does."""
        ...

    def bodies(self, keys: Sequence[RowKey]) -> Mapping[RowKey, Body]:
        """Return the records at these keys; those that were evicted are missing."""
        ...

    def session_ids(self, prefix: str, limit: int) -> Sequence[str]:
        """Return the ids of stored sessions that begin with `prefix`, sorted; exact case."""
        ...

    def trace_ids(self, prefix: str, limit: int) -> Sequence[bytes]:
        """Return the stored trace ids whose lower-case hex begins with `prefix`, sorted."""
        ...

    def session_loss(self, session_id: str) -> int:
        """Return the last commit at which retention took something from the session; 0 if it is whole."""
        ...

    def status(self) -> StoreStatus:
        """Return what the store holds."""
        ...

    def close(self) -> None:
        """Release what the reader holds. May be called twice."""
        ...
