"""Deleting on request: everything, or one session. See store.api.Writer.clear."""

from collector.store.sqlite.chunk import sessions_of
from collector.store.sqlite.deletion import Deletion

_TABLES = ("chunk", "body", "session_chunk", "trace", "session", "context", "service", "received", "dictionary")


def clear_everything(deletion: Deletion) -> int:
    """Empty the store and give its space back; return how many records went.

    Dictionaries go too, since they were trained on what is deleted.
    """
    connection = deletion.connection
    with deletion.transaction():
        (deleted,) = connection.execute("SELECT coalesce(sum(spans + logs), 0) FROM service").fetchone()
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
        traces = connection.execute(
            "SELECT DISTINCT t FROM session_chunk JOIN chunk ON chunk.n = session_chunk.n WHERE s = ?", (session,)
        ).fetchall()
        for (trace,) in traces:
            deleted += delete_from_trace(deletion, trace, session)
        deletion.session_row(session)
    return deleted


def delete_from_trace(deletion: Deletion, trace: int, session: int) -> int:
    """Delete what one session has in a trace: all of it, unless another session claims the trace too."""
    return deletion.share_of_trace(trace, session) if claims(deletion, trace) - {session} else deletion.trace(trace)


def claims(deletion: Deletion, trace: int) -> set[int]:
    """Return the numbers of the sessions that claim a trace."""
    rows = deletion.connection.execute("SELECT header FROM chunk WHERE t = ? AND named = 1", (trace,))
    return {session for (header,) in rows for session in sessions_of(header)}
