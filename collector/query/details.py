"""What only the records themselves say of a session; read for the sessions that are shown."""

from collections.abc import Collection

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.join import TraceKey
from collector.pdata.attributes import plain_attributes
from collector.pdata.semconv import full_url
from collector.query.facts import SessionFacts
from collector.query.merged import Mark
from collector.query.records import Lifecycle, Visitor, lifecycle_of, lifecycle_rows, visitor_of
from collector.query.snapshot import Snapshot
from collector.store.api import Body

# A session says how it started in its first request and how it ended in its last one, if not outside of any.
LIFECYCLE_REQUESTS_MAX = 10


def visitor_in(snapshot: Snapshot, page: Mark | None, server: Mark | None) -> Visitor:
    """Read who the session was from its first page load and its first SERVER span."""
    return visitor_of(
        snapshot.body(page.key) if page else None,
        page is not None and _is_log(snapshot, page),
        snapshot.body(server.key) if server else None,
    )


def first_url_in(snapshot: Snapshot, page: Mark | None, server: Mark | None) -> str:
    """Return the URL of the first page load, else of the first SERVER span; "" if neither says."""
    for mark in (page, server):
        if mark is None:
            continue
        url = mark.landmark.url
        if url is None:
            body = snapshot.body(mark.key)
            url = _url_of(body, _is_log(snapshot, mark)) if body else None
        if url:
            return url
    return ""


def lifecycle_in(snapshot: Snapshot, facts: SessionFacts, said_in: Collection[TraceKey]) -> Lifecycle:
    """Read what the session's own start and end events say.

    `said_in` are the traces with log records of its own. They are looked for outside of its requests, in its first
    and in its last LIFECYCLE_REQUESTS_MAX requests of these.
    """
    requests = [trace_key for trace_key in facts.trace_keys if trace_key in said_in]
    outside = sorted(trace_key for trace_key in said_in if not trace_key.is_trace)
    ends = {*requests[:LIFECYCLE_REQUESTS_MAX], *requests[-LIFECYCLE_REQUESTS_MAX:]}
    read = snapshot.read_ahead([*outside, *(trace_key for trace_key in requests if trace_key in ends)])
    events = lifecycle_rows((row for key in read for row in snapshot.trace(key).rows), facts.session_id)
    bodies = snapshot.bodies(events)
    return lifecycle_of(bodies[row.key] for row in events if row.key in bodies)


def _is_log(snapshot: Snapshot, mark: Mark) -> bool:
    rows = snapshot.trace(mark.key.trace_key).rows
    return any(row.key == mark.key and row.signal == "log" for row in rows)


def _url_of(body: Body, is_log: bool) -> str | None:
    message = LogRecord.FromString(body.raw) if is_log else Span.FromString(body.raw)
    return full_url(plain_attributes(message.attributes))
