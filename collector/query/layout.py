"""A session summed up from its rows: the same facts that lists merge from parts, counted without copies.

A timeline reads all rows anyway, so it needs no parts; what rows do not say (a URL, a status) was read when they
were written, else comes from bodies.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.join import Landmark, TraceKey
from collector.pdata.semconv import HttpFacts, http_facts
from collector.query.adjusters import AdjustedTrace
from collector.query.entry import entry_of, topmost_of
from collector.query.event import Cause
from collector.query.facts import Entry, RequestFacts, SessionFacts, entry_from_row, is_failed_entry
from collector.query.failure import failure_of
from collector.query.merged import Mark
from collector.query.snapshot import Snapshot
from collector.query.timeline import text_of
from collector.store.api import Row, RowKey

# Requests whose entry spans are held against "failed" at once, newest first.
ENTRIES_PER_READ_MAX = 50
_SERVER = int(Span.SPAN_KIND_SERVER)


class Layout(NamedTuple):
    """What a session is, and the cause of its newest failed request.

    `said_in` are the traces in which it says something itself: those with a log record that names it. `shared` are
    the traces that hold records of other sessions, too.
    """

    facts: SessionFacts
    said_in: Collection[TraceKey]
    shared: Sequence[TraceKey]
    newest_failure: Cause | None


def laid_out(snapshot: Snapshot, session_id: str, traces: Mapping[TraceKey, AdjustedTrace]) -> Layout:
    """Sum up the traces of a session, which has at least one row."""
    every = [row for trace in traces.values() for row in trace.rows]
    times = [row.time_unix_nano for row in every]
    commits = [row.key.commit for row in every]
    starts = sorted(
        (min([row.time_unix_nano for row in trace.rows]), trace_key)
        for trace_key, trace in traces.items()
        if trace.rows and trace_key.is_trace
    )
    facts = SessionFacts(
        session_id,
        min(times),
        max(times),
        [trace_key for _, trace_key in starts],
        sorted({row.service for row in every}),
        len(every),
        True in [row.error for row in every],
        True,
        _page(snapshot, session_id, traces),
        _server(every),
        min(commits),
        max(commits),
    )
    said_in = {row.key.trace_key for row in every if row.signal == "log" and row.session_id == session_id}
    # A request failed or not as a whole, whatever part of it the session holds.
    whole = {trace_key: snapshot.adjusted(trace_key) for trace_key in facts.trace_keys}
    shared = [trace_key for trace_key in facts.trace_keys if whole[trace_key] is not traces[trace_key]]
    failed = _newest_failed(snapshot, session_id, whole)
    return Layout(facts, said_in, shared, failure_of(snapshot, failed).cause if failed else None)


def _server(rows: Sequence[Row]) -> Mark | None:
    servers = [row for row in rows if row.kind == _SERVER and row.signal == "span"]
    if not servers:
        return None
    first_time = min([row.time_unix_nano for row in servers])
    first = min(
        (row for row in servers if row.time_unix_nano == first_time),
        key=lambda row: (row.key.commit, row.key.position),
    )
    return Mark(Landmark(first_time, first.key.position, None), first.key)


def _page(snapshot: Snapshot, session_id: str, trace_keys: Iterable[TraceKey]) -> Mark | None:
    """Find the first page load among the session's own records and the unnamed ones of its traces."""
    marks: list[Mark] = []
    for trace in map(snapshot.trace, trace_keys):
        if trace.pages:
            marks += [
                Mark(Landmark(row.time_unix_nano, row.key.position, trace.pages[row.key]), row.key)
                for row in trace.rows
                if row.key in trace.pages and row.event_index < 0 and row.session_id in ("", session_id)
            ]
    return min(marks, key=lambda mark: mark.rank, default=None)


def _newest_failed(
    snapshot: Snapshot, session_id: str, traces: Mapping[TraceKey, AdjustedTrace]
) -> RequestFacts | None:
    """Return the failed request that started last; None if none failed."""
    newest_first = sorted(map(_started, traces, traces.values()), key=itemgetter(0, 1), reverse=True)
    for first in range(0, len(newest_first), ENTRIES_PER_READ_MAX):
        some = newest_first[first : first + ENTRIES_PER_READ_MAX]
        statuses = _statuses(snapshot, [row for _, _, row in some if row and not row.error])
        for start, trace_key, row in some:
            entry: Entry | None = None
            if row is None:
                is_failed = any(other.error for other in traces[trace_key].rows)
            else:
                entry = entry_from_row(row, "", HttpFacts(None, None, statuses.get(row.key)))
                is_failed = is_failed_entry(entry)
            if is_failed:
                return RequestFacts(trace_key, [session_id], entry, start, 0, True, [], 0)
    return None


def _started(trace_key: TraceKey, trace: AdjustedTrace) -> tuple[int, TraceKey, Row | None]:
    """Return when a request started, and its entry span if it has one."""
    first = entry = entry_of(trace.tree)
    if first is None:
        first = topmost_of(trace.tree)
    start = first.time_unix_nano if first else min(row.time_unix_nano for row in trace.rows)
    return start, trace_key, entry


def _statuses(snapshot: Snapshot, entries: Sequence[Row]) -> Mapping[RowKey, int | None]:
    """Return what these spans answered, from their bodies where it was not read when they were written."""
    statuses: dict[RowKey, int | None] = {}
    unread: list[Row] = []
    for row in entries:
        read = snapshot.trace(row.key.trace_key).statuses
        if row.key in read:
            statuses[row.key] = read[row.key]
        else:
            unread.append(row)
    bodies = snapshot.bodies(unread)
    for row in unread:
        body = bodies.get(row.key)
        statuses[row.key] = http_facts(text_of(row, body).attributes).status if body else None
    return statuses
