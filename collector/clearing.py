"""`gasoline clear`: through the running collector, else with the lock in our own hand."""

import asyncio
from pathlib import Path

from collector.errors import QueryError, StoreUnavailableError
from collector.remote import request_clear
from collector.rendezvous import running_collector
from collector.store.sqlite.schema import STORE_FILE_NAME
from collector.store.sqlite.writer import SqliteWriter


def clear_store(data_dir: Path, session_id: str | None, token: str | None) -> int:
    """Delete one session, or everything; return how many spans and log records went.

    Raises QueryError if there is no such session, StoreError if the store cannot be used,
    CollectorUnreachableError if its collector does not answer.
    """
    running = running_collector(data_dir)
    if running is not None:
        deleted = request_clear(running, session_id, token)
    elif (data_dir / STORE_FILE_NAME).exists():
        deleted = asyncio.run(_clear(data_dir, session_id))
    else:
        raise StoreUnavailableError(f"there is no store in {data_dir}, so there is nothing to clear")
    if session_id is not None and not deleted:
        raise QueryError(f"no session has the id {session_id}; give it whole, as listed by: gasoline sessions --json")
    return deleted


async def _clear(data_dir: Path, session_id: str | None) -> int:
    writer = SqliteWriter.open(data_dir)
    try:
        return await writer.clear(session_id)
    finally:
        await writer.shutdown()
