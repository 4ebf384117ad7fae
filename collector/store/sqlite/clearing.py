"""Deleting on request: everything, or one session. See store.api.Writer.clear."""

from collector.correlation.join import TraceKey
from collector.store.sqlite.deletion import Deletion
from collector.store.sqlite.part_detail import decode_part

_TABLES = ("chunk", "part", "trace", "session", "context", "service", "received", "dictionary")


def clear_everything(deletion: Deletion) -> int:
    """Empty the store and give its space back; return how many records went.

    Dictionaries go too, since they were trained on what is deleted.
    """
    connection = deletion.connection
    deleted = 0
    with deletion.transaction():
        for (detail,) in connection.execute("SELECT detail FROM part"):
            part = decode_part(0, TraceKey("trace", b""), "", detail)
            deleted += part.spans + part.logs
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 a constant of this file
    deletion.numbering.forget()
    connection.execute("PRAGMA incremental_vacuum").fetchall()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return deleted


def clear_session(deletion: Deletion, session_id: str) -> int:
    """Delete one session; return how many records went, 0 if there is no such session."""
    connection = deletion.connection
    row = connection.execute("SELECT n FROM session WHERE id = ?", (session_id,)).fetchone()
    if not row:
        return 0
    session: int = row[0]
    deleted = 0
    with deletion.transaction():
        traces = connection.execute("SELECT DISTINCT t FROM part WHERE s = ?", (session,)).fetchall()
        for (trace,) in traces:
            deleted += delete_from_trace(deletion, trace, session)
        deletion.session_row(session)
    return deleted


def delete_from_trace(deletion: Deletion, trace: int, session: int) -> int:
    """Delete what one session has in a trace: all of it, unless another session claims the trace too."""
    shared = deletion.connection.execute(
        "SELECT 1 FROM part WHERE t = ? AND s > 0 AND s <> ? LIMIT 1", (trace, session)
    ).fetchone()
    return deletion.share_of_trace(trace, session) if shared else deletion.trace(trace)
