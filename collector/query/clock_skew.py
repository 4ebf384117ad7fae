"""Clocks that disagree: what is added to the times of each host, for the order only.

A called span cannot start before its caller did, nor after a call that succeeded. Where it seems to, and the two
come from different hosts, their clocks disagree. A span that starts inside its caller and ends after it is late,
not skewed: its caller gave up. Consumers may start long after the producer is done.

The clock that most calls were answered by stays as it is: a browser moves, the servers do not. A host that no call
shows to be wrong stays, too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple, TypeAlias

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.query.span_tree import SpanTree
from collector.store.api import Row

# JavaScript's start times are cut to whole milliseconds, so a called span may seem to start up to 1 ms early,
# and its caller to end up to 1 ms early; twice that leaves room for clocks of one host read on two processors.
TOLERANCE_NANO = 2_000_000
# Of the calls between two hosts only the shortest tell much.
CALLS_PER_PAIR_MAX = 200
ESTIMATES_PER_PAIR_MAX = 16
# As numbers: looking one up in the enumeration takes as long as all the rest of what is done for a span.
_CLIENT = int(Span.SPAN_KIND_CLIENT)
_CONSUMER = int(Span.SPAN_KIND_CONSUMER)
_CALLED = frozenset({int(Span.SPAN_KIND_SERVER), _CONSUMER})
_OPEN = 1 << 63

# Nanoseconds by host; only what is not zero is there.
HostOffsets: TypeAlias = Mapping[str, int]


class Call(NamedTuple):
    """What a call tells of the clocks of its two hosts, as bounds of offset(called) - offset(caller).

    `slack` is how far the truth may be from `estimate`, both ways together; _OPEN where the caller did not wait.
    """

    caller: str
    called: str
    earliest: int
    latest: int
    estimate: int
    slack: int

    def fits(self, difference: int, room: int = 0) -> bool:
        """Tell whether the call is possible with this difference, give or take `room`."""
        return self.earliest - room <= difference <= self.latest + room

    def turned(self) -> "Call":
        """The same bounds, of offset(caller) - offset(called)."""
        return Call(self.called, self.caller, -self.latest, -self.earliest, -self.estimate, self.slack)

    def after(self, offsets: HostOffsets) -> "Call":
        """What the call still tells when these offsets are applied."""
        by = offsets.get(self.called, 0) - offsets.get(self.caller, 0)
        return self._replace(earliest=self.earliest - by, latest=self.latest - by, estimate=self.estimate - by)


class _Link(NamedTuple):
    """Two hosts, the difference of their offsets that most calls between them allow, and how sure it is."""

    slack: int
    one: str
    other: str
    difference: int
    calls: Sequence[Call]

    def agrees(self, one_offset: int, other_offset: int, room: int) -> bool:
        difference = other_offset - one_offset
        return _fitting(self.calls, difference, room) >= _fitting(self.calls, self.difference, 0)

    def turned(self) -> "_Link":
        return _Link(self.slack, self.other, self.one, -self.difference, [call.turned() for call in self.calls])


def is_skewed(tree: SpanTree) -> bool:
    """Tell whether any call of a trace is impossible by the clocks as they are."""
    spans = tree.spans
    if len({span.host for span in spans.values()}) < 2:
        return False
    for span_id, parent_id in tree.parents.items():
        span, parent = spans[span_id], spans[parent_id]
        if span.host != parent.host and span.kind in _CALLED:
            start = span.time_unix_nano
            if start < parent.time_unix_nano - TOLERANCE_NANO:
                return True
            waited = _waits(parent, span) and not parent.error
            if waited and 0 < parent.end_time_unix_nano < start - TOLERANCE_NANO:
                return True
    return False


def _waits(parent: Row, span: Row) -> bool:
    """Tell whether the caller waits for the answer; a message is consumed whenever it is, though a client sent it."""
    return parent.kind == _CLIENT and span.kind != _CONSUMER


def calls_in(tree: SpanTree) -> Iterator[Call]:
    """Yield what each call from one host to another tells."""
    spans = tree.spans
    for span_id, parent_id in tree.parents.items():
        span, parent = spans[span_id], spans[parent_id]
        if span.host != parent.host and span.kind in _CALLED:
            yield _call(parent, span)


def host_offsets(calls: Iterable[Call]) -> dict[str, int]:
    """Place the clocks that the calls show to disagree, relative to the one that most calls were answered by."""
    calls = list(calls)
    links = _spanning(_links(calls))
    answered = Counter(call.called for call in calls)
    offsets: dict[str, int] = {}
    placed: set[str] = set()
    for host in sorted(links):
        if host not in placed:
            component = _potentials(links, host)
            placed |= component.keys()
            _place(links, _reference(component, answered), offsets)
    return {host: offset for host, offset in offsets.items() if offset}


def offsets_in_trace(tree: SpanTree, learned: HostOffsets) -> HostOffsets:
    """Return the offsets of one trace: those that were learned, unless its own calls show that they are wrong here."""
    calls = list(calls_in(tree))
    if all(call.fits(learned.get(call.called, 0) - learned.get(call.caller, 0)) for call in calls):
        return learned
    change = host_offsets(call.after(learned) for call in calls)
    hosts = [*learned, *(host for host in change if host not in learned)]
    return {host: learned.get(host, 0) + change.get(host, 0) for host in hosts}


def exceptions_in(tree: SpanTree, offsets: HostOffsets) -> dict[bytes, int]:
    """Return what is added for single spans, and what they did on their host, whose host has several clocks.

    Instances of a service on several machines may share a name. By span id; only what is not zero is there.
    """
    exceptions: dict[bytes, int] = {}
    for span_id, parent_id in tree.parents.items():
        span, parent = tree.spans[span_id], tree.spans[parent_id]
        above = exceptions.get(parent_id, 0)
        if span.host == parent.host:
            own = above
        elif span.kind in _CALLED:
            call = _call(parent, span).after(offsets)
            own = 0 if call.fits(-above) else call.estimate + above
        else:
            own = 0
        if own:
            exceptions[span_id] = own
    return exceptions


def _call(parent: Row, span: Row) -> Call:
    """Estimate in the middle of the caller; at its start if the span does not fit in or the caller does not wait."""
    start = parent.time_unix_nano - span.time_unix_nano
    latest, slack, estimate = _OPEN, _OPEN, start
    if _waits(parent, span) and parent.end_time_unix_nano:
        took = parent.end_time_unix_nano - parent.time_unix_nano
        slack = took
        left = took - (span.end_time_unix_nano - span.time_unix_nano)
        if span.end_time_unix_nano and left > 0:
            slack, estimate = left, start + left // 2
        if not parent.error:
            latest = start + took + TOLERANCE_NANO
    return Call(parent.host, span.host, start - TOLERANCE_NANO, latest, estimate, slack)


def _links(calls: Iterable[Call]) -> Iterator[_Link]:
    """Yield each pair of hosts that calls tell something of: the difference that fits most calls, zero if it does."""
    pairs: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        if call.caller > call.called:
            call = call.turned()
        pairs.setdefault((call.caller, call.called), []).append(call)
    for (one, other), between in pairs.items():
        shortest = nsmallest(CALLS_PER_PAIR_MAX, between, key=lambda call: (call.slack, call))
        tried = [0, *(call.estimate for call in shortest[:ESTIMATES_PER_PAIR_MAX])]
        difference = max(tried, key=lambda each: _fitting(shortest, each, 0))
        if difference or shortest[0].slack < _OPEN:
            yield _Link(shortest[0].slack, one, other, difference, shortest)


def _fitting(calls: Iterable[Call], difference: int, room: int) -> int:
    return sum(call.fits(difference, room) for call in calls)


def _spanning(links: Iterable[_Link]) -> dict[str, list[_Link]]:
    """Keep the surest links that connect all hosts which any links connect; by host, seen from it, surest first."""
    group: dict[str, set[str]] = {}
    kept: dict[str, list[_Link]] = {}
    for link in sorted(links, key=lambda link: link[:3]):
        one, other = (group.setdefault(host, {host}) for host in (link.one, link.other))
        if one is other:
            continue
        one |= other
        for host in other:
            group[host] = one
        kept.setdefault(link.one, []).append(link)
        kept.setdefault(link.other, []).append(link.turned())
    return kept


def _potentials(links: Mapping[str, Sequence[_Link]], first: str) -> dict[str, int]:
    """Return the offsets of all hosts connected with `first`, relative to it."""
    found = {first: 0}
    reached = [first]
    for host in reached:  # grows meanwhile
        for link in links[host]:
            if link.other not in found:
                found[link.other] = found[host] + link.difference
                reached.append(link.other)
    return found


def _reference(potentials: Mapping[str, int], answered: Mapping[str, int]) -> str:
    """Return a host of the clock that answered most calls, among equals of the one that most hosts have."""
    by_clock: Counter[int] = Counter()
    for host, potential in potentials.items():
        by_clock[potential] += answered.get(host, 0)
    hosts = Counter(potentials.values())

    def rank(host: str) -> tuple[int, int, int, str]:
        return (-by_clock[potentials[host]], -hosts[potentials[host]], -answered.get(host, 0), host)

    return min(potentials, key=rank)


def _place(links: Mapping[str, Sequence[_Link]], reference: str, offsets: dict[str, int]) -> None:
    """Walk from the reference; a host stays at zero if the calls allow it as far as its neighbour's place is sure."""
    offsets[reference] = 0
    unsure = {reference: 0}
    reached = [reference]
    for host in reached:  # grows meanwhile
        for link in links[host]:
            if link.other in unsure:
                continue
            is_right = link.agrees(offsets[host], 0, unsure[host])
            offsets[link.other] = 0 if is_right else offsets[host] + link.difference
            unsure[link.other] = 0 if is_right else unsure[host] + link.slack // 2
            reached.append(link.other)
