"""Lost propagation: a service that was called from a session, but whose spans stand in traces of their own.

Careful on purpose. Named are only services that begin traces with a parentless SERVER span, in no session,
within a CLIENT span of a session's trace that has no stored callee and asked for the same method and path.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.join import TraceKey
from collector.correlation.record import EventType
from collector.pdata.semconv import http_facts
from collector.query.catalog import Catalog
from collector.query.clock_skew import TOLERANCE_NANO
from collector.query.facts import RequestFacts
from collector.query.operation import split_url
from collector.query.snapshot import Snapshot
from collector.query.status import LostPropagation
from collector.query.timeline import text_of
from collector.store.api import Row

TRACES_LOOKED_AT_MAX = 2_000
CALLS_LOOKED_AT_MAX = 500


class Call(NamedTuple):
    """A CLIENT span without a stored callee."""

    service: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    method: str
    path: str


def lost_propagation_in(
    catalog: Catalog, snapshot: Snapshot, among: Container[TraceKey] | None = None
) -> list[LostPropagation]:
    """Name the services whose callers' context is lost, among the newest TRACES_LOOKED_AT_MAX traces.

    With `among` only the traces in it count as begun without a context.
    """
    alone: list[RequestFacts] = []
    in_session: list[TraceKey] = []
    for trace_key in catalog.trace_keys()[:TRACES_LOOKED_AT_MAX]:
        if not trace_key.is_trace or snapshot.limit.is_over:
            continue
        if catalog.session_ids_of(trace_key):
            in_session.append(trace_key)
            continue
        if among is not None and trace_key not in among:
            continue
        whole = catalog.merged.whole(trace_key)
        root = whole.candidate.root if whole.candidate else None
        if root is not None and root.kind == Span.SPAN_KIND_SERVER and not root.parent_span_id and root.method:
            alone.append(catalog.request(trace_key, catalog.merged, snapshot))
    if not alone:
        return []
    calls: list[Call] = []
    for trace_key in in_session:
        if len(calls) >= CALLS_LOOKED_AT_MAX or snapshot.limit.is_over:
            break
        calls += _calls(snapshot, _unanswered(snapshot, trace_key))
    return _lost(alone, calls)


def _unanswered(snapshot: Snapshot, trace_key: TraceKey) -> list[Row]:
    """Return the outgoing calls of a trace under which nothing is stored."""
    tree = snapshot.adjusted(trace_key).tree
    called = set(tree.parents.values())
    return [
        span
        for span in tree.spans.values()
        if span.type is EventType.NETWORK
        and span.kind == Span.SPAN_KIND_CLIENT
        and span.end_time_unix_nano
        and span.span_id not in called
    ]


def _calls(snapshot: Snapshot, spans: Sequence[Row]) -> list[Call]:
    bodies = snapshot.bodies(spans)
    calls: list[Call] = []
    for span in spans:
        if span.key in bodies:
            http = http_facts(text_of(span, bodies[span.key]).attributes)
            if http.method and http.url:
                path = split_url(http.url)[1]
                calls.append(Call(span.service, span.time_unix_nano, span.end_time_unix_nano, http.method, path))
    return calls


def _lost(alone: Sequence[RequestFacts], calls: Sequence[Call]) -> list[LostPropagation]:
    found: dict[str, list[tuple[RequestFacts, Call]]] = {}
    for facts in alone:
        call = next((call for call in calls if _is_answer(facts, call)), None)
        if call is not None and facts.entry is not None:
            found.setdefault(facts.entry.service, []).append((facts, call))
    return [
        LostPropagation(service, len(pairs), pairs[0][0].request_id, pairs[0][1].service)
        for service, pairs in sorted(found.items())
    ]


def _is_answer(facts: RequestFacts, call: Call) -> bool:
    entry = facts.entry
    return (
        entry is not None
        and entry.service != call.service
        and entry.http.method == call.method
        and split_url(entry.http.url or "")[1] == call.path
        and call.start_time_unix_nano - TOLERANCE_NANO <= entry.start_time_unix_nano
        and 0 < entry.end_time_unix_nano <= call.end_time_unix_nano + TOLERANCE_NANO
    )
