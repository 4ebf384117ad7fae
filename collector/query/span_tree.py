"""The spans of one trace as a tree, whatever was sent: missing parents and parent cycles break nothing.

A span whose parent is not stored stands at the top. Of a cycle, the earliest span does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collector.store.api import Row


@dataclass(frozen=True, slots=True)
class SpanTree:
    """`spans` by id; `top_down` holds every id once, parents first; `depth` counts from the topmost stored span.

    `parents` holds, parents first, the stored parent of each span that has one and is not the top of a cycle.
    `tops` are the spans at depth 0, earliest first.
    """

    spans: dict[bytes, Row]
    top_down: Sequence[bytes]
    depth: dict[bytes, int]
    parents: dict[bytes, bytes]
    tops: Sequence[Row]

    @property
    def orphans(self) -> list[Row]:
        """The spans that name a parent that is not stored, earliest first."""
        return [span for span in self.tops if span.parent_span_id and span.parent_span_id not in self.spans]


def span_tree(rows: Iterable[Row]) -> SpanTree:
    """Build the tree from the rows of one trace, in which each span id occurs once."""
    spans = {row.span_id: row for row in rows if row.signal == "span"}
    children: dict[bytes, list[bytes]] = {}
    tops: list[bytes] = []
    for span_id, span in spans.items():
        if span.parent_span_id in spans:
            children.setdefault(span.parent_span_id, []).append(span_id)
        else:
            tops.append(span_id)
    depth = dict.fromkeys(tops, 0)
    parents: dict[bytes, bytes] = {}
    top_down: list[bytes] = []
    _descend(tops, children, depth, parents, top_down)
    if len(top_down) < len(spans):
        for span_id in sorted(spans.keys() - depth.keys()):
            if span_id not in depth:
                top = _earliest_of_cycle(span_id, spans)
                depth[top] = 0
                tops.append(top)
                _descend([top], children, depth, parents, top_down)
    top_spans = [spans[span_id] for span_id in tops]
    top_spans.sort(key=lambda span: (span.time_unix_nano, span.span_id))
    return SpanTree(spans, top_down, depth, parents, top_spans)


def _earliest_of_cycle(span_id: bytes, spans: dict[bytes, Row]) -> bytes:
    """Return the earliest span of the cycle that `span_id` is in or hangs below."""
    seen: dict[bytes, None] = {}
    while span_id not in seen:
        seen[span_id] = None
        span_id = spans[span_id].parent_span_id
    chain = list(seen)
    cycle = chain[chain.index(span_id) :]
    return min(cycle, key=lambda member: (spans[member].time_unix_nano, member))


def _descend(
    tops: Sequence[bytes],
    children: dict[bytes, list[bytes]],
    depth: dict[bytes, int],
    parents: dict[bytes, bytes],
    top_down: list[bytes],
) -> None:
    reached = list(tops)
    for span_id in reached:  # grows meanwhile
        below = children.get(span_id)
        if below:
            level = depth[span_id] + 1
            for child_id in below:
                if child_id not in depth:
                    depth[child_id] = level
                    parents[child_id] = span_id
                    reached.append(child_id)
    top_down += reached
