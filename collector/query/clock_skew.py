"""Clocks that disagree: by how much each host's times are moved, for the order only.

A called span cannot start before the call, nor after a call that succeeded. Where it seems to, and the two
come from different hosts, their clocks disagree. A span that starts inside its caller and ends after it is
late, not skewed: its caller gave up. Consumers may start long after the producer is done.
"""

from collections.abc import Mapping
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.query.span_tree import SpanTree
from collector.store.api import Row

# JavaScript's start times are cut to whole milliseconds, so a called span may seem to start up to 1 ms early,
# and its caller to end up to 1 ms early; twice that leaves room for clocks of one host read on two processors.
TOLERANCE_NANO = 2_000_000
# As numbers: looking one up in the enumeration takes as long as all the rest of what is done for a span.
_CLIENT = int(Span.SPAN_KIND_CLIENT)
_CALLERS = frozenset({_CLIENT, int(Span.SPAN_KIND_PRODUCER)})
_CALLED = frozenset({int(Span.SPAN_KIND_SERVER), int(Span.SPAN_KIND_CONSUMER)})


class ClockOffsets(NamedTuple):
    """What is added to recorded times, in nanoseconds: by span id, and by host for records without a stored span.

    Only what is not zero is there.
    """

    by_span: Mapping[bytes, int]
    by_host: Mapping[str, int]


NO_OFFSETS = ClockOffsets({}, {})


def clock_offsets(tree: SpanTree) -> ClockOffsets:
    """Estimate the offsets of one trace, relative to the clock of its topmost spans."""
    hosts = {span.host for span in tree.spans.values()}
    if len(hosts) < 2:
        return NO_OFFSETS
    by_host: dict[str, int] = {}
    if not _offsets(tree, by_host):
        return NO_OFFSETS
    # Calls that fitted by chance before their host's clock was known are placed by it in the second pass.
    by_span = _offsets(tree, by_host)
    return ClockOffsets(by_span, by_host)


def _offsets(tree: SpanTree, by_host: dict[str, int]) -> dict[bytes, int]:
    """Walk down once; learns `by_host` and returns the offsets by span that are not zero."""
    by_span: dict[bytes, int] = {}
    reference = {span.host for span in tree.tops}
    spans = tree.spans
    for span_id, parent_id in tree.parents.items():
        span, parent = spans[span_id], spans[parent_id]
        parent_offset = by_span.get(parent_id, 0)
        if span.host == parent.host:
            offset = parent_offset
        else:
            offset = 0 if span.host in reference else by_host.get(span.host, 0)
            if not _fits(span, offset, parent, parent_offset):
                offset = _estimate(span, parent, parent_offset)
                if span.host not in reference:
                    by_host.setdefault(span.host, offset)
        if offset:
            by_span[span_id] = offset
    return by_span


def _fits(span: Row, offset: int, parent: Row, parent_offset: int) -> bool:
    if parent.kind not in _CALLERS or span.kind not in _CALLED:
        return True
    start = span.time_unix_nano + offset
    if start < parent.time_unix_nano + parent_offset - TOLERANCE_NANO:
        return False
    if parent.kind != _CLIENT or parent.error or not parent.end_time_unix_nano:
        return True
    return start <= parent.end_time_unix_nano + parent_offset + TOLERANCE_NANO


def _estimate(span: Row, parent: Row, parent_offset: int) -> int:
    """Place the span in the middle of its caller, or at its start if it does not fit in or its caller does not wait."""
    offset = parent.time_unix_nano + parent_offset - span.time_unix_nano
    slack = (parent.end_time_unix_nano - parent.time_unix_nano) - (span.end_time_unix_nano - span.time_unix_nano)
    waits = parent.kind == _CLIENT and parent.end_time_unix_nano and span.end_time_unix_nano
    return offset + slack // 2 if waits and slack > 0 else offset
