"""`gasoline mcp`: one agent on stdio, reading the store's file; the collector is a process of its own."""

from pathlib import Path

from collector.late_reader import LateReader
from collector.launch import ensure_collector
from collector.remote import live_status
from collector.rendezvous import ReaderPresence
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import STORE_FILE_NAME, open_for_reading
from collector.telemetry.logging import configure_logging


def serve_agent(data_dir: Path, token: str | None) -> None:
    """Serve until the agent closes stdin. Raises StoreUnavailableError if the folder is no use.

    The collector starts while this process is still importing; nothing here waits for it.
    """
    presence = ReaderPresence(data_dir)
    ensure_collector(data_dir)
    configure_logging("warn")

    import anyio

    from collector.query.service import QueryService
    from mcp_server.server import build_server
    from mcp_server.transports import run_stdio

    reader = LateReader(lambda: SqliteReader(data_dir), lambda: _has_store(data_dir))
    try:
        anyio.run(run_stdio, build_server(QueryService(reader, live_status=lambda: live_status(data_dir, token))))
    finally:
        reader.close()
        presence.close()


def _has_store(data_dir: Path) -> bool:
    """Tell whether the store can be opened: the file is there before its first tables are."""
    if not (data_dir / STORE_FILE_NAME).exists():
        return False
    connection = open_for_reading(data_dir)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0] > 0
    finally:
        connection.close()
