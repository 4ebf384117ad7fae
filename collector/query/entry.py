"""The entry span: the one that a request's method, URL, status and times are taken from. Contract "Request record"."""

from collector.correlation.record import EventType
from collector.query.span_tree import SpanTree
from collector.store.api import Row


def entry_of(tree: SpanTree) -> Row | None:
    """Return the earliest `network` span whose parent is not stored, else the topmost one; None without any."""
    network = [span for span in tree.spans.values() if span.type is EventType.NETWORK]
    if not network:
        return None
    outermost = [span for span in network if span.parent_span_id not in tree.spans]
    if outermost:
        return min(outermost, key=lambda span: (span.time_unix_nano, span.span_id))
    return min(network, key=lambda span: (tree.depth[span.span_id], span.time_unix_nano, span.span_id))


def topmost_of(tree: SpanTree) -> Row | None:
    """Return the earliest span at the top of a trace; None in a trace without spans."""
    tops = tree.tops
    return tops[0] if tops else None
