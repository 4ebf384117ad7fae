"""The entry span: the one that a request's method, URL, status and times are taken from. Contract "Request record"."""

from collector.correlation.record import EventType
from collector.query.span_tree import SpanTree
from collector.store.api import Row


def entry_of(tree: SpanTree) -> Row | None:
    """Return the earliest `network` span whose parent is not stored, else the topmost one; None without any."""
    # Earliest first; the top of a cycle of parents has a parent that is stored.
    for span in tree.tops:
        if span.type is EventType.NETWORK and span.parent_span_id not in tree.spans:
            return span
    return min(
        (span for span in tree.spans.values() if span.type is EventType.NETWORK),
        key=lambda span: (tree.depth[span.span_id], span.time_unix_nano, span.span_id),
        default=None,
    )


def topmost_of(tree: SpanTree) -> Row | None:
    """Return the earliest span at the top of a trace; None in a trace without spans."""
    tops = tree.tops
    return tops[0] if tops else None
