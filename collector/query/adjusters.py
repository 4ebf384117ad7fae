"""What reading corrects and marks, trace by trace, in a fixed order; what is stored stays as it was sent.

1. copies of one span: the complete one stays, else the latest, with its own span events
2. clocks: an offset per host where a called span cannot lie within its caller
3. order: causality first, then time
4. marks: orphans, a missing root
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from collector.query.clock_skew import ClockOffsets, clock_offsets
from collector.query.event_id import log_id
from collector.query.span_tree import SpanTree, span_tree
from collector.store.api import Row

# (order time, trace id, depth, span id, span 0 | span event 1 | log 2, span event index, log id)
OrderKey: TypeAlias = tuple[int, bytes, int, bytes, int, int, str]
LogCounts: TypeAlias = Mapping[tuple[int, int], int]
_RANK = {"span_event": 1, "log": 2}  # that of a span is 0


class AdjustedTrace(NamedTuple):
    """One trace as it is shown: rows without copies, their tree, and by how much clocks were off."""

    rows: Sequence[Row]
    copies: int
    tree: SpanTree
    offsets: ClockOffsets


def adjust(rows: Sequence[Row]) -> AdjustedTrace:
    """Apply the adjusters to the rows of one trace, in commit order."""
    kept = drop_copies(rows)
    tree = span_tree(kept)
    return AdjustedTrace(kept, len(rows) - len(kept), tree, clock_offsets(tree))


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


def order_keys(trace: AdjustedTrace, counts: LogCounts) -> list[tuple[OrderKey, Row]]:
    """Return each row with the key that the order of a timeline sorts by, unsorted.

    A record stands at the later of its own adjusted time and the place of its parent, so that no effect
    stands before its cause, through any number of hops.
    """
    tree, offsets = trace.tree, trace.offsets
    spans, depth, parents, by_span = tree.spans, tree.depth, tree.parents, offsets.by_span
    placed: dict[bytes, int] = {}
    keyed: list[tuple[OrderKey, Row]] = []
    for span_id in tree.top_down:
        row = spans[span_id]
        time_unix_nano = row.time_unix_nano
        if by_span:
            time_unix_nano += by_span.get(span_id, 0)
        parent_id = parents.get(span_id)
        if parent_id is not None and placed[parent_id] > time_unix_nano:
            time_unix_nano = placed[parent_id]
        placed[span_id] = time_unix_nano
        keyed.append(((time_unix_nano, row.trace_id, depth[span_id], span_id, 0, 0, ""), row))
    if len(keyed) < len(trace.rows):
        keyed += [(_key_within(row, placed, trace, counts), row) for row in trace.rows if row.signal != "span"]
    return keyed


def _key_within(row: Row, placed: Mapping[bytes, int], trace: AdjustedTrace, counts: LogCounts) -> OrderKey:
    """Return the key of a span event or a log, whose span may be missing."""
    offsets, span_id = trace.offsets, row.span_id
    place = placed.get(span_id)
    if place is None:
        time_unix_nano = row.time_unix_nano + offsets.by_host.get(row.host, 0)
    else:
        time_unix_nano = max(row.time_unix_nano + offsets.by_span.get(span_id, 0), place)
    key_id = ""
    if row.content_hash:
        key_id = log_id(row.content_hash, counts.get((row.key.commit, row.key.position), 0))
    index = max(row.event_index, 0)
    return (time_unix_nano, row.trace_id, trace.tree.depth.get(span_id, 0), span_id, _RANK[row.signal], index, key_id)


def adjustment_notes(traces: Iterable[AdjustedTrace]) -> list[str]:
    """Say in one line each what was corrected, and what never arrived."""
    skewed: dict[str, tuple[int, int]] = {}
    orphans = rootless = 0
    for trace in traces:
        tree = trace.tree
        missing = tree.orphans
        if tree.spans and len(missing) == len(tree.tops):
            rootless += 1
            orphans += len({span.parent_span_id for span in missing}) - 1
        else:
            orphans += len(missing)
        for span_id, offset in trace.offsets.by_span.items():
            service = tree.spans[span_id].service
            count, largest = skewed.get(service, (0, 0))
            skewed[service] = (count + 1, max(largest, offset, key=abs))
    notes = [
        f"clock skew: the clock of {service} is off by about {-offset / 1e9:+.3f} s; the order of {_of(count, 'span')}"
        " corrects it, times are as recorded"
        for service, (count, offset) in sorted(skewed.items())
    ]
    if rootless:
        notes.append(f"missing root: in {_of(rootless, 'request')} the topmost span's parent never arrived")
    if orphans:
        notes.append(f"orphans: {_of(orphans, 'parent span')} never arrived; what they called stands at the top")
    return notes


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
