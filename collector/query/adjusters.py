"""What reading corrects and marks, trace by trace, in a fixed order; what is stored stays as it was sent.

1. copies of one span: the complete one stays, else the latest, with its own span events
2. clocks: an offset per host where a called span cannot lie within its caller; in a session its hosts have one each
3. order: causality first, then time
4. marks: orphans, a missing root
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from collector.query.clock_skew import HostOffsets, calls_in, exceptions_in, host_offsets, is_skewed, offsets_in_trace
from collector.query.event_id import log_id
from collector.query.span_tree import SpanTree, span_tree
from collector.store.api import Row

# (order time, trace id, depth, span id, span 0 | span event 1 | log 2, span event index, log id)
OrderKey: TypeAlias = tuple[int, bytes, int, bytes, int, int, str]
LogCounts: TypeAlias = Mapping[tuple[int, int], int]
_RANK = {"span_event": 1, "log": 2}  # that of a span is 0


class AdjustedTrace(NamedTuple):
    """One trace as it is shown: rows without copies, their tree, and whether its own calls show a wrong clock."""

    rows: Sequence[Row]
    copies: int
    tree: SpanTree
    is_skewed: bool


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
_UNCORRECTED = Offsets(NO_OFFSETS, {})


def adjust(rows: Sequence[Row]) -> AdjustedTrace:
    """Apply the adjusters to the rows of one trace, in commit order."""
    kept = drop_copies(rows)
    tree = span_tree(kept)
    return AdjustedTrace(kept, len(rows) - len(kept), tree, is_skewed(tree))


def learned_offsets(traces: Sequence[AdjustedTrace]) -> HostOffsets:
    """Learn from the calls of all these traces which hosts' clocks are wrong, and by how much."""
    if not any(trace.is_skewed for trace in traces):
        return NO_OFFSETS
    return host_offsets(call for trace in traces for call in calls_in(trace.tree))


def offsets_of(trace: AdjustedTrace, learned: HostOffsets) -> Offsets:
    """Correct one trace by what was learned of its hosts elsewhere, and by its own calls."""
    if not learned and not trace.is_skewed:
        return _UNCORRECTED
    by_host = offsets_in_trace(trace.tree, learned)
    return Offsets(by_host, exceptions_in(trace.tree, by_host))


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


def order_keys(trace: AdjustedTrace, counts: LogCounts, offsets: Offsets) -> list[tuple[OrderKey, Row]]:
    """Return each row with the key that the order of a timeline sorts by, unsorted.

    A record stands at the later of its own adjusted time and the place of its parent, so that no effect
    stands before its cause, through any number of hops.
    """
    tree, is_corrected = trace.tree, offsets is not _UNCORRECTED
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
