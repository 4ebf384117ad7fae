"""What only the records themselves say of a session; read for the sessions that are shown."""

from collections.abc import Iterable

from collector.query.merged import Mark
from collector.query.records import Lifecycle, Visitor, lifecycle_of, lifecycle_rows, visitor_of
from collector.query.snapshot import Snapshot
from collector.store.api import Row


def visitor_in(snapshot: Snapshot, page: Mark | None, server: Mark | None) -> Visitor:
    """Read who the session was from its first page load and its first SERVER span."""
    keys = [mark.key for mark in (page, server) if mark]
    bodies = snapshot.reader.bodies(keys)
    page_is_log = False
    if page is not None:
        rows = snapshot.trace(page.key.trace_key).rows
        page_is_log = any(row.key == page.key and row.signal == "log" for row in rows)
    return visitor_of(
        bodies.get(page.key) if page else None,
        page_is_log,
        bodies.get(server.key) if server else None,
    )


def lifecycle_in(snapshot: Snapshot, rows: Iterable[Row], session_id: str) -> Lifecycle:
    """Read what the session's own start and end events say."""
    events = lifecycle_rows(rows, session_id)
    bodies = snapshot.bodies(events)
    return lifecycle_of(bodies[row.key] for row in events if row.key in bodies)
