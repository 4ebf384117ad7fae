"""What reading corrects and marks, trace by trace, in a fixed order; what is stored stays as it was sent.

1. copies of one span: the complete one stays, else the latest, with its own span events
2. clocks: an offset per host where a called span cannot lie within its caller; in a session its hosts have one each
3. order: causality first, then time
4. marks: orphans, a missing root
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union

from collector.pdata import native
from collector.query.clock_skew import HostOffsets, calls_in, exceptions_in, host_offsets, offsets_in_trace
from collector.query.event_id import log_counts, log_id
from collector.query.plain_trace import PlainTrace
from collector.query.span_tree import SpanTree
from collector.store.api import Row

if TYPE_CHECKING:
    from collector.query.native_trace import NativeTrace

ORDER_KERNEL = "collector.query.order_kernel"
TRACE_KERNEL = "collector.query.native_trace"
ROWS_KERNEL = "collector.store.native_rows"

# (order time, trace id, depth, span id, span 0 | span event 1 | log 2, span event index, log id)
OrderKey: TypeAlias = tuple[int, bytes, int, bytes, int, int, str]
LogCounts: TypeAlias = Mapping[tuple[int, int], int]
Ordered: TypeAlias = Sequence[tuple[OrderKey, Row]]
# One trace as it is shown.
AdjustedTrace: TypeAlias = Union[PlainTrace, "NativeTrace"]
_RANK = {"span_event": 1, "log": 2}  # that of a span is 0


class Offsets(NamedTuple):
    """What is added to the times of one trace for its order, in nanoseconds: by host, and beyond that by span id."""

    by_host: HostOffsets
    by_span: Mapping[bytes, int]

    def of(self, row: Row, tree: SpanTree) -> int:
        """Return what is added to the time of one row."""
        offset = self.by_host.get(row.host, 0)
        exception = self.by_span.get(row.span_id, 0)
        # A log may name a span of another host, if its own service sends no spans.
        return offset + exception if exception and tree.spans[row.span_id].host == row.host else offset


NO_OFFSETS: HostOffsets = {}
UNCORRECTED = Offsets(NO_OFFSETS, {})


class Adjuster:
    """Adjusts traces and puts them in order: by the native kernel, else by `PlainTrace` and `order_keys`."""

    def __init__(self, *, use_native: bool = True) -> None:
        rows_kernel = native.kernel(ROWS_KERNEL) if use_native else None
        self._trace_kernel = native.kernel(TRACE_KERNEL) if rows_kernel else None
        self._order_kernel = native.kernel(ORDER_KERNEL) if self._trace_kernel else None
        # The rows of other stores are none of these.
        self._native_rows: Any = rows_kernel.NativeRows if rows_kernel else NoneType

    def adjust(self, rows: Sequence[Row]) -> AdjustedTrace:
        """Apply the adjusters to the rows of one trace, in commit order."""
        if self._trace_kernel is not None and isinstance(rows, self._native_rows):
            found: AdjustedTrace | None = self._trace_kernel.adjusted(rows)
            if found is not None:
                return found
        return PlainTrace(rows)

    def owned(self, rows: Sequence[Row], session_id: str) -> Sequence[Row]:
        """Return the rows that name this session or none; `rows` itself if that is all."""
        if self._trace_kernel is not None and isinstance(rows, self._native_rows):
            return self._native_rows.owned(rows, session_id)
        own = [row for row in rows if row.session_id in ("", session_id)]
        return rows if len(own) == len(rows) else own

    def log_counts(self, rows: Sequence[Row]) -> LogCounts:
        """See event_id.log_counts."""
        if self._trace_kernel is not None and isinstance(rows, self._native_rows):
            return self._trace_kernel.log_counts(rows)
        return log_counts(rows)

    def ordered(self, traces: Sequence[tuple[AdjustedTrace, LogCounts, Offsets]]) -> Ordered:
        """Return the events of traces, which come sorted by their keys, in the order of a timeline."""
        if self._order_kernel is not None and all(
            not isinstance(trace, PlainTrace) and offsets is UNCORRECTED for trace, _, offsets in traces
        ):
            return self._order_kernel.in_order([trace for trace, _, _ in traces], [counts for _, counts, _ in traces])
        keyed = [item for trace in traces for item in order_keys(*trace)]
        keyed.sort(key=itemgetter(0))
        return keyed


def learned_offsets(traces: Sequence[AdjustedTrace]) -> HostOffsets:
    """Learn from the calls of all these traces which hosts' clocks are wrong, and by how much."""
    if not any(trace.is_skewed for trace in traces):
        return NO_OFFSETS
    return host_offsets(call for trace in traces for call in calls_in(trace.tree))


def offsets_of(trace: AdjustedTrace, learned: HostOffsets) -> Offsets:
    """Correct one trace by what was learned of its hosts elsewhere, and by its own calls."""
    if not learned and not trace.is_skewed:
        return UNCORRECTED
    by_host = offsets_in_trace(trace.tree, learned)
    return Offsets(by_host, exceptions_in(trace.tree, by_host))


def order_keys(trace: AdjustedTrace, counts: LogCounts, offsets: Offsets) -> list[tuple[OrderKey, Row]]:
    """Return each row with the key that the order of a timeline sorts by, unsorted.

    A record stands at the later of its own adjusted time and the place of its parent, so that no effect
    stands before its cause, through any number of hops.
    """
    tree, is_corrected = trace.tree, offsets is not UNCORRECTED
    spans, depth, parents = tree.spans, tree.depth, tree.parents
    placed: dict[bytes, int] = {}
    keyed: list[tuple[OrderKey, Row]] = []
    for span_id in tree.top_down:
        row = spans[span_id]
        time_unix_nano = row.time_unix_nano
        if is_corrected:
            time_unix_nano += offsets.of(row, tree)
        parent_id = parents.get(span_id)
        if parent_id is not None and placed[parent_id] > time_unix_nano:
            time_unix_nano = placed[parent_id]
        placed[span_id] = time_unix_nano
        keyed.append(((time_unix_nano, row.trace_id, depth[span_id], span_id, 0, 0, ""), row))
    if len(keyed) < len(trace.rows):
        keyed += [(_key_within(row, placed, trace, counts, offsets), row) for row in trace.rows if row.signal != "span"]
    return keyed


def _key_within(
    row: Row, placed: Mapping[bytes, int], trace: AdjustedTrace, counts: LogCounts, offsets: Offsets
) -> OrderKey:
    """Return the key of a span event or a log, whose span may be missing."""
    span_id = row.span_id
    time_unix_nano = row.time_unix_nano + offsets.of(row, trace.tree)
    place = placed.get(span_id)
    if place is not None and place > time_unix_nano:
        time_unix_nano = place
    key_id = ""
    if row.content_hash:
        key_id = log_id(row.content_hash, counts.get((row.key.commit, row.key.position), 0))
    index = max(row.event_index, 0)
    return (time_unix_nano, row.trace_id, trace.tree.depth.get(span_id, 0), span_id, _RANK[row.signal], index, key_id)
