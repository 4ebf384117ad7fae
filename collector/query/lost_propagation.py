"""Lost propagation: a service that was called, but whose spans stand in traces of their own.

Careful on purpose. Named are only services that begin traces with a parentless SERVER span, within a CLIENT span of
another service's trace that has no stored callee and asked the same address for the same. A call explains one of them.
A trace that is in a session belongs to calls of that session alone.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Container, Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.config.endpoint import is_loopback
from collector.correlation.join import TraceKey
from collector.correlation.record import EventType
from collector.pdata.semconv import http_facts
from collector.query.catalog import Catalog
from collector.query.clock_skew import TOLERANCE_NANO
from collector.query.facts import Entry, RequestFacts
from collector.query.operation import split_url
from collector.query.snapshot import Snapshot
from collector.query.status import LostPropagation
from collector.query.timeline import text_of

TRACES_LOOKED_AT_MAX = 2_000
CALLS_LOOKED_AT_MAX = 500
# A call that began at the end of what its trace holds has reached its server by then.
CALL_ARRIVES_NANO = 1_000_000_000


class Target(NamedTuple):
    """What was asked for, of whom: host and port as far as they are said, HTTP method and path or method of an RPC."""

    host: str
    port: str
    asked: str


class Call(NamedTuple):
    """A CLIENT span without a stored callee."""

    service: str
    session_ids: Collection[str]
    trace_key: TraceKey
    start_time_unix_nano: int
    end_time_unix_nano: int
    target: Target


class Begun(NamedTuple):
    """A trace that begins with a SERVER span without a parent."""

    facts: RequestFacts
    entry: Entry
    target: Target


def lost_propagation_in(
    catalog: Catalog, snapshot: Snapshot, among: Container[TraceKey] | None = None
) -> list[LostPropagation]:
    """Name the hops on which the caller's context is lost, among the newest TRACES_LOOKED_AT_MAX traces.

    With `among` only the traces in it count as begun without a context.
    """
    traces = [trace_key for trace_key in catalog.trace_keys()[:TRACES_LOOKED_AT_MAX] if trace_key.is_trace]
    begun = sorted(_begun(catalog, snapshot, traces, among), key=lambda one: one.entry.start_time_unix_nano)
    if not begun:
        return []
    calls: list[Call] = []
    for trace_key in _possible_callers(catalog, traces, begun):
        if len(calls) >= CALLS_LOOKED_AT_MAX or snapshot.limit.is_over:
            break
        calls += _calls(snapshot, trace_key, catalog.session_ids_of(trace_key))
    return _lost(begun, calls)


def _begun(
    catalog: Catalog, snapshot: Snapshot, traces: Sequence[TraceKey], among: Container[TraceKey] | None
) -> Iterator[Begun]:
    for trace_key in traces:
        if (among is not None and trace_key not in among) or snapshot.limit.is_over:
            continue
        whole = catalog.merged.whole(trace_key)
        root = whole.candidate.root if whole.candidate else None
        if root is None or root.kind != Span.SPAN_KIND_SERVER or root.parent_span_id or not root.method:
            continue
        facts = catalog.request(trace_key, catalog.merged, snapshot)
        entry = facts.entry
        if entry is not None and entry.http.method and entry.end_time_unix_nano:
            yield Begun(facts, entry, _target(entry.http.method, entry.http.url or "", entry.name))


def _possible_callers(catalog: Catalog, traces: Sequence[TraceKey], begun: Sequence[Begun]) -> Iterator[TraceKey]:
    """Yield those traces in which another service was at work when one of these began."""
    starts = [one.entry.start_time_unix_nano for one in begun]
    for trace_key in traces:
        whole = catalog.merged.whole(trace_key)
        first = bisect_left(starts, whole.start_time_unix_nano - TOLERANCE_NANO)
        last = bisect_right(starts, whole.last_time_unix_nano + CALL_ARRIVES_NANO)
        if any(one.facts.trace_key != trace_key and whole.services - {one.entry.service} for one in begun[first:last]):
            yield trace_key


def _calls(snapshot: Snapshot, trace_key: TraceKey, session_ids: Collection[str]) -> list[Call]:
    """Return the outgoing calls of a trace under which nothing is stored."""
    tree = snapshot.adjusted(trace_key).tree
    called = set(tree.parents.values())
    spans = [
        span
        for span in tree.spans.values()
        if span.type is EventType.NETWORK
        and span.kind == Span.SPAN_KIND_CLIENT
        and span.end_time_unix_nano
        and span.span_id not in called
    ]
    bodies = snapshot.bodies(spans)
    calls: list[Call] = []
    for span in spans:
        text = text_of(span, bodies[span.key]) if span.key in bodies else None
        http = http_facts(text.attributes) if text else None
        if text and http and http.method:
            target = _target(http.method, http.url or "", text.name)
            calls.append(
                Call(span.service, session_ids, trace_key, span.time_unix_nano, span.end_time_unix_nano, target)
            )
    return calls


def _target(method: str, url: str, span_name: str) -> Target:
    authority, path = split_url(url)
    host, port = _split_authority(authority)
    # HTTP alone has methods in upper case. Of an RPC the method says its service in newer conventions, else the name of
    # the span does, in some languages with a slash or the system before it.
    if method.isupper():
        return Target(host, port, f"{method} {path}")
    asked = method if "/" in method else span_name.removeprefix("grpc.").lstrip("/")
    return Target(host, port, f"RPC {asked}")


def _split_authority(authority: str) -> tuple[str, str]:
    if authority.endswith("]") or authority.count(":") != 1:
        host, _, port = authority.partition("]:") if "]:" in authority else (authority, "", "")
        return host.strip("[]"), port
    host, _, port = authority.partition(":")
    return host, port


def _lost(begun: Sequence[Begun], calls: Sequence[Call]) -> list[LostPropagation]:
    """Pair each call with one trace at most: the shortest calls, which could be few others, choose first."""
    starts = [one.entry.start_time_unix_nano for one in begun]
    taken: set[int] = set()
    hops: dict[tuple[str, str], list[Begun]] = {}
    for call in sorted(calls, key=lambda call: call.end_time_unix_nano - call.start_time_unix_nano):
        first = bisect_left(starts, call.start_time_unix_nano - TOLERANCE_NANO)
        last = bisect_right(starts, call.end_time_unix_nano + TOLERANCE_NANO)
        chosen = next((i for i in range(first, last) if i not in taken and _is_answer(begun[i], call)), None)
        if chosen is not None:
            taken.add(chosen)
            hops.setdefault((begun[chosen].entry.service, call.service), []).append(begun[chosen])
    return [
        LostPropagation(service, len(found), _newest(found).facts.request_id, caller)
        for (service, caller), found in sorted(hops.items())
    ]


def _newest(found: Sequence[Begun]) -> Begun:
    return max(found, key=lambda one: one.entry.start_time_unix_nano)


def _is_answer(begun: Begun, call: Call) -> bool:
    return (
        begun.facts.trace_key != call.trace_key
        and begun.entry.service != call.service
        and begun.entry.end_time_unix_nano <= call.end_time_unix_nano + TOLERANCE_NANO
        and begun.target.asked == call.target.asked
        and not _differ(begun.target, call.target)
        and (not begun.facts.session_ids or not set(begun.facts.session_ids).isdisjoint(call.session_ids))
    )


def _differ(one: Target, other: Target) -> bool:
    """Tell whether two addresses cannot be of one place; a server may know an address where a client has a name."""
    if not one.host or not other.host:
        return False
    if one.host.lower() == other.host.lower() or (is_loopback(one.host) and is_loopback(other.host)):
        return bool(one.port and other.port) and one.port != other.port
    return _is_address(one.host) == _is_address(other.host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
