"""A session summed up from its rows: the same facts that lists merge from parts, counted without copies.

A timeline reads all rows anyway, so it needs no parts; what rows do not say (a URL, a status) was read when they
were written, else comes from bodies.
"""

from collections.abc import Sequence
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.join import Landmark, TraceKey
from collector.pdata.semconv import HttpFacts, http_facts
from collector.query.entry import entry_of, topmost_of
from collector.query.event import Cause
from collector.query.facts import Entry, RequestFacts, SessionFacts, entry_from_row, is_failed_entry
from collector.query.failure import failure_of
from collector.query.merged import Mark
from collector.query.snapshot import Snapshot
from collector.query.timeline import text_of
from collector.store.api import Row, RowKey


class Layout(NamedTuple):
    """What a session is, and the cause of its newest failed request."""

    facts: SessionFacts
    newest_failure: Cause | None


def laid_out(snapshot: Snapshot, session_id: str, trace_keys: Sequence[TraceKey]) -> Layout:
    """Sum up the rows of a session, which has at least one."""
    rows = {trace_key: snapshot.adjusted(trace_key, session_id).rows for trace_key in trace_keys}
    every = [row for some in rows.values() for row in some]
    times = [row.time_unix_nano for row in every]
    commits = [row.key.commit for row in every]
    starts = sorted(
        (min([row.time_unix_nano for row in some]), trace_key)
        for trace_key, some in rows.items()
        if some and trace_key.is_trace
    )
    facts = SessionFacts(
        session_id,
        min(times),
        max(times),
        [trace_key for _, trace_key in starts],
        sorted({row.service for row in every}),
        len(every),
        any(row.error for row in every),
        _page(snapshot, session_id, trace_keys),
        _server(every),
        min(commits),
        max(commits),
    )
    failed = _newest_failed(snapshot, session_id, facts.trace_keys)
    return Layout(facts, failure_of(snapshot, failed, session_id).cause if failed else None)


def _server(rows: Sequence[Row]) -> Mark | None:
    servers = [row for row in rows if row.kind == Span.SPAN_KIND_SERVER and row.signal == "span"]
    if not servers:
        return None
    first = min(servers, key=lambda row: (row.time_unix_nano, row.key.commit, row.key.position))
    return Mark(Landmark(first.time_unix_nano, first.key.position, None), first.key)


def _page(snapshot: Snapshot, session_id: str, trace_keys: Sequence[TraceKey]) -> Mark | None:
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


def _newest_failed(snapshot: Snapshot, session_id: str, trace_keys: Sequence[TraceKey]) -> RequestFacts | None:
    """Return the failed request that started last; None if none failed."""
    statuses: dict[RowKey, int | None] = {}
    entries = {trace_key: entry_of(snapshot.adjusted(trace_key, session_id).tree) for trace_key in trace_keys}
    for trace_key, row in entries.items():
        read = snapshot.trace(trace_key).statuses
        if row and row.key in read:
            statuses[row.key] = read[row.key]
    unread = [row for row in entries.values() if row and not row.error and row.key not in statuses]
    bodies = snapshot.bodies(unread)
    for row in unread:
        body = bodies.get(row.key)
        statuses[row.key] = http_facts(text_of(row, body).attributes).status if body else None
    newest: RequestFacts | None = None
    for trace_key, row in entries.items():
        adjusted = snapshot.adjusted(trace_key, session_id)
        entry: Entry | None = None
        if row is None:
            topmost = topmost_of(adjusted.tree)
            start = topmost.time_unix_nano if topmost else min(other.time_unix_nano for other in adjusted.rows)
            is_failed = any(other.error for other in adjusted.rows)
        else:
            start = row.time_unix_nano
            entry = entry_from_row(row, "", HttpFacts(None, None, statuses.get(row.key)))
            is_failed = is_failed_entry(entry)
        if is_failed and (newest is None or (start, trace_key) >= (newest.start_time_unix_nano, newest.trace_key)):
            newest = RequestFacts(trace_key, [session_id], entry, start, 0, True, [], 0)
    return newest
