"""`gasoline clear`: through the running collector, else with the lock in our own hand."""

import asyncio
from pathlib import Path

from collector.errors import StoreUnavailableError
from collector.remote import request_clear
from collector.rendezvous import running_collector
from collector.store.sqlite.schema import STORE_FILE_NAME
from collector.store.sqlite.writer import SqliteWriter


def clear_store(data_dir: Path, session_id: str | None, token: str | None) -> int:
    """Delete one session, or everything; return how many spans and log records went.

    Raises StoreError if the store cannot be used, CollectorUnreachableError if its collector does not answer.
    """
    running = running_collector(data_dir)
    if running is not None:
        return request_clear(running, session_id, token)
    if not (data_dir / STORE_FILE_NAME).exists():
        raise StoreUnavailableError(f"there is no store in {data_dir}, so there is nothing to clear")
    return asyncio.run(_clear(data_dir, session_id))


async def _clear(data_dir: Path, session_id: str | None) -> int:
    writer = SqliteWriter.open(data_dir)
    try:
        return await writer.clear(session_id)
    finally:
        await writer.shutdown()
