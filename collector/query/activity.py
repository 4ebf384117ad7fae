"""How busy a session was over its time, for a picture of a few pixels: events and errors in equal stretches.

Counted from rows alone, as on write, so that the counts add up to the `event_count` of the session's record in a list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.correlation.join import TraceKey
from collector.errors import QueryError
from collector.query.snapshot import Snapshot
from collector.query.times import rfc3339
from collector.store.api import Row

ACTIVITY_BUCKETS = 48
ACTIVITY_SESSIONS_MAX = 100


def activity_of(snapshot: Snapshot, session_ids: Sequence[str]) -> dict[str, Any]:
    """Return the buckets of each of these sessions, by whole ids, in the order asked for.

    Bucket i counts the events from started_at + i / ACTIVITY_BUCKETS of the time to last_activity; the last one holds
    its end, too. `ended_at` is when the last span ended, or the last event was. Sessions that are not stored are left
    out. Where time or a limit did not allow to count everything, `partial` is true, and the sessions from the first
    that was not reached are missing.
    Raises QueryError for more than ACTIVITY_SESSIONS_MAX sessions, or none.
    """
    if not 0 < len(session_ids) <= ACTIVITY_SESSIONS_MAX:
        raise QueryError(
            f"session_id: {len(session_ids)} were given; give 1 to {ACTIVITY_SESSIONS_MAX}, each as session_id=ID"
        )
    sessions: list[dict[str, Any]] = []
    wanted = list(dict.fromkeys(session_ids))
    for session_id in wanted:
        if snapshot.limit.is_over:
            snapshot.note("partial: the time for one question was over")
            break
        rows = _rows_of(snapshot, session_id)
        if rows:
            sessions.append({"session_id": session_id, **_counted(rows)})
    return {"buckets": ACTIVITY_BUCKETS, "sessions": sessions, "partial": bool(snapshot.notes)}


def _rows_of(snapshot: Snapshot, session_id: str) -> list[Row]:
    trace_keys: Sequence[TraceKey] = snapshot.read_ahead(snapshot.reader.trace_keys(session_id, snapshot.upto))
    return [
        row
        for trace_key in trace_keys
        for row in snapshot.trace(trace_key).rows
        if not row.session_id or row.session_id == session_id
    ]


def _counted(rows: Sequence[Row]) -> Mapping[str, Any]:
    times = [row.time_unix_nano for row in rows]
    start, last = min(times), max(times)
    end = max(last, *(row.end_time_unix_nano for row in rows))
    events, errors = [0] * ACTIVITY_BUCKETS, [0] * ACTIVITY_BUCKETS
    for row in rows:
        bucket = min((row.time_unix_nano - start) * ACTIVITY_BUCKETS // max(1, last - start), ACTIVITY_BUCKETS - 1)
        events[bucket] += 1
        errors[bucket] += row.error
    return {
        "started_at": rfc3339(start),
        "last_activity": rfc3339(last),
        "ended_at": rfc3339(end),
        "events": events,
        "errors": errors,
    }
