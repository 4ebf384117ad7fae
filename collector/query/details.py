"""What only the records themselves say of a session; read for the sessions that are shown."""

from collections.abc import Iterable

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.pdata.attributes import plain_attributes
from collector.pdata.semconv import full_url
from collector.query.merged import Mark
from collector.query.records import Lifecycle, Visitor, lifecycle_of, lifecycle_rows, visitor_of
from collector.query.snapshot import Snapshot
from collector.store.api import Body, Row


def visitor_in(snapshot: Snapshot, page: Mark | None, server: Mark | None) -> Visitor:
    """Read who the session was from its first page load and its first SERVER span."""
    bodies = snapshot.reader.bodies([mark.key for mark in (page, server) if mark])
    return visitor_of(
        bodies.get(page.key) if page else None,
        page is not None and _is_log(snapshot, page),
        bodies.get(server.key) if server else None,
    )


def first_url_in(snapshot: Snapshot, page: Mark | None, server: Mark | None) -> str:
    """Return the URL of the first page load, else of the first SERVER span; "" if neither says."""
    for mark in (page, server):
        if mark is None:
            continue
        url = mark.landmark.url
        if url is None:
            body = snapshot.reader.bodies([mark.key]).get(mark.key)
            url = _url_of(body, _is_log(snapshot, mark)) if body else None
        if url:
            return url
    return ""


def lifecycle_in(snapshot: Snapshot, rows: Iterable[Row], session_id: str) -> Lifecycle:
    """Read what the session's own start and end events say."""
    events = lifecycle_rows(rows, session_id)
    bodies = snapshot.bodies(events)
    return lifecycle_of(bodies[row.key] for row in events if row.key in bodies)


def _is_log(snapshot: Snapshot, mark: Mark) -> bool:
    rows = snapshot.trace(mark.key.trace_key).rows
    return any(row.key == mark.key and row.signal == "log" for row in rows)


def _url_of(body: Body, is_log: bool) -> str | None:
    message = LogRecord.FromString(body.raw) if is_log else Span.FromString(body.raw)
    return full_url(plain_attributes(message.attributes))
