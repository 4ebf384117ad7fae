"""A session summed up from its rows: the same facts that lists merge from parts, counted without copies.

A timeline reads all rows anyway, so it needs no parts; what rows do not say (a URL, a status) was read when they
were written, else comes from bodies.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from collector.correlation.join import Landmark, TraceKey
from collector.pdata.semconv import HttpFacts, http_facts
from collector.query.adjusters import AdjustedTrace
from collector.query.event import Cause
from collector.query.facts import Entry, RequestFacts, SessionFacts, entry_from_row, is_failed_entry
from collector.query.failure import failure_of
from collector.query.merged import Mark
from collector.query.snapshot import Snapshot
from collector.query.timeline import text_of
from collector.store.api import Row, RowKey

# Requests whose entry spans are held against "failed" at once, newest first.
ENTRIES_PER_READ_MAX = 50


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
    filled = [trace for trace in traces.values() if trace.rows]
    starts = sorted(
        (trace.first_time_unix_nano, trace_key)
        for trace_key, trace in traces.items()
        if trace.rows and trace_key.is_trace
    )
    facts = SessionFacts(
        session_id,
        min(trace.first_time_unix_nano for trace in filled),
        max(trace.last_time_unix_nano for trace in filled),
        [trace_key for _, trace_key in starts],
        sorted(set[str]().union(*(trace.services for trace in filled))),
        sum(len(trace.rows) for trace in filled),
        any(trace.has_errors for trace in filled),
        True,
        _page(snapshot, session_id, traces),
        _server(filled),
        min(trace.first_commit for trace in filled),
        max(trace.last_commit for trace in filled),
    )
    said_in = {trace_key for trace_key, trace in traces.items() if trace.says(session_id)}
    # A request failed or not as a whole, whatever part of it the session holds.
    whole = {trace_key: snapshot.adjusted(trace_key) for trace_key in facts.trace_keys}
    shared = [trace_key for trace_key in facts.trace_keys if whole[trace_key] is not traces[trace_key]]
    failed = _newest_failed(snapshot, session_id, whole)
    return Layout(facts, said_in, shared, failure_of(snapshot, failed).cause if failed else None)


def _server(traces: Iterable[AdjustedTrace]) -> Mark | None:
    servers = [row for trace in traces if (row := trace.first_server)]
    first = min(servers, key=lambda row: (row.time_unix_nano, row.key.commit, row.key.position), default=None)
    return Mark(Landmark(first.time_unix_nano, first.key.position, None), first.key) if first else None


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
    newest_first = sorted(
        ((trace.start_time_unix_nano, trace_key) for trace_key, trace in traces.items()), reverse=True
    )
    for first in range(0, len(newest_first), ENTRIES_PER_READ_MAX):
        some = [(start, key, traces[key].entry) for start, key in newest_first[first : first + ENTRIES_PER_READ_MAX]]
        statuses = _statuses(snapshot, [row for _, _, row in some if row and not row.error])
        for start, trace_key, row in some:
            entry: Entry | None = None
            if row is None:
                is_failed = traces[trace_key].has_errors
            else:
                entry = entry_from_row(row, "", HttpFacts(None, None, statuses.get(row.key)))
                is_failed = is_failed_entry(entry)
            if is_failed:
                return RequestFacts(trace_key, [session_id], entry, start, 0, True, [], 0)
    return None


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
