"""One trace as it is shown, by its rows; `order_kernel` makes the same of columns."""

from collections.abc import Sequence
from functools import cached_property

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.query.clock_skew import is_skewed
from collector.query.entry import entry_of, topmost_of
from collector.query.span_tree import SpanTree, span_tree
from collector.store.api import Row

_SERVER = int(Span.SPAN_KIND_SERVER)


class PlainTrace:
    """Rows without copies, their tree, and what they add up to.

    `copies` of spans were left out of all but times, commits and services: those are of every record that was sent,
    as lists have them. Times and commits are 0 where there is no row.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._sent = rows
        self.rows = drop_copies(rows)
        self.copies = len(rows) - len(self.rows)

    @cached_property
    def tree(self) -> SpanTree:
        """The spans by their parents."""
        return span_tree(self.rows)

    @cached_property
    def is_skewed(self) -> bool:
        """Tell whether any call of the trace is impossible by the clocks as they are."""
        return is_skewed(self.tree)

    @property
    def has_errors(self) -> bool:
        """Tell whether any of its events is an error."""
        return any(row.error for row in self.rows)

    @property
    def has_logs(self) -> bool:
        """Tell whether there is a log record."""
        return any(row.signal == "log" for row in self.rows)

    @property
    def first_time_unix_nano(self) -> int:
        """The start of the first event."""
        return min((row.time_unix_nano for row in self._sent), default=0)

    @property
    def last_time_unix_nano(self) -> int:
        """The start of the last event."""
        return max((row.time_unix_nano for row in self._sent), default=0)

    @property
    def first_commit(self) -> int:
        """The first commit that any of its records came in."""
        return min((row.key.commit for row in self._sent), default=0)

    @property
    def last_commit(self) -> int:
        """The last commit that any of its records came in."""
        return max((row.key.commit for row in self._sent), default=0)

    @property
    def tops(self) -> int:
        """How many spans stand at the top."""
        return len(self.tree.tops)

    @property
    def orphans(self) -> int:
        """How many spans name a parent that is not stored."""
        return len(self.tree.orphans)

    @property
    def missing_parents(self) -> int:
        """How many parents are named and not stored."""
        return len({span.parent_span_id for span in self.tree.orphans})

    @cached_property
    def entry(self) -> Row | None:
        """The entry span."""
        return entry_of(self.tree)

    @property
    def topmost(self) -> Row | None:
        """The earliest span at the top."""
        return topmost_of(self.tree)

    @property
    def first_server(self) -> Row | None:
        """The earliest SERVER span, of several at one time the one that was committed first."""
        return min(
            (row for row in self.rows if row.kind == _SERVER and row.signal == "span"),
            key=lambda row: (row.time_unix_nano, row.key.commit, row.key.position),
            default=None,
        )

    @property
    def start_time_unix_nano(self) -> int:
        """When the request started: its entry span, else its topmost span, else its first log."""
        first = self.entry or self.topmost
        return first.time_unix_nano if first else self.first_time_unix_nano

    @property
    def services(self) -> set[str]:
        """The services that sent any of its records."""
        return {row.service for row in self._sent}

    def says(self, session_id: str) -> bool:
        """Tell whether a log record names this session."""
        return any(row.signal == "log" and row.session_id == session_id for row in self.rows)


def drop_copies(rows: Sequence[Row]) -> Sequence[Row]:
    """Keep one of several spans with the same id: a complete one (it has an end) if there is one, then the latest."""
    spans = [row for row in rows if row.signal == "span"]
    if len({row.span_id for row in spans}) == len(spans):
        return rows
    best: dict[bytes, Row] = {}
    for row in spans:
        other = best.get(row.span_id)
        if other is None or _preference(row) > _preference(other):
            best[row.span_id] = row
    return [row for row in rows if row.signal == "log" or best[row.span_id].key == row.key]


def _preference(row: Row) -> tuple[bool, int, int]:
    return (row.end_time_unix_nano > 0, row.key.commit, row.key.position)
