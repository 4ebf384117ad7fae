"""`gasoline clear`: through the running collector, else with the lock in our own hand."""

import asyncio
import shlex
from pathlib import Path

from collector.errors import QueryError, StoreUnavailableError
from collector.query.prefixes import Asked, Unknown, session_id_of
from collector.remote import request_clear
from collector.rendezvous import running_collector
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import STORE_FILE_NAME
from collector.store.sqlite.writer import SqliteWriter

_ASKED = Asked("--session", "gasoline clear --session {}", shlex.quote)


def clear_store(data_dir: Path, session: str | None, token: str | None) -> int:
    """Delete one session, named by its id or a unique beginning of it, or everything; return the records that went.

    Raises QueryError if there is no such session or the beginning could mean several, StoreError if the store cannot
    be used, CollectorUnreachableError if its collector does not answer.
    """
    running = running_collector(data_dir)
    if running is None and not (data_dir / STORE_FILE_NAME).exists():
        raise StoreUnavailableError(f"there is no store in {data_dir}, so there is nothing to clear")
    session_id = None if session is None else _whole_id(data_dir, session)
    if running is not None:
        return request_clear(running, session_id, token)
    return asyncio.run(_clear(data_dir, session_id))


def _whole_id(data_dir: Path, text: str) -> str:
    reader = SqliteReader(data_dir)
    try:
        meant = session_id_of(reader, text, _ASKED)
    finally:
        reader.close()
    if isinstance(meant, Unknown):
        raise QueryError(f"--session: {meant.note}")
    return meant


async def _clear(data_dir: Path, session_id: str | None) -> int:
    writer = SqliteWriter.open(data_dir)
    try:
        return await writer.clear(session_id)
    finally:
        await writer.shutdown()
