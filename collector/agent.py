"""`gasoline mcp`: one agent on stdio, reading the store's file; the collector is a process of its own.

The agent's client waits for the first answer, and two processes that load their packages at the same time slow
each other down: so the collector is started when that answer is on its way, not before.
"""

import gc
import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from collector.errors import GasolineError
from collector.late_reader import LateReader
from collector.launch import ensure_collector
from collector.remote import live_status
from collector.rendezvous import ReaderPresence, running_collector
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import STORE_FILE_NAME, open_for_reading
from collector.telemetry.logging import configure_logging

START_WITHOUT_QUESTION_S = 5.0

_logger = logging.getLogger(__name__)


def serve_agent(data_dir: Path, token: str | None) -> None:
    """Serve until the agent closes stdin. Raises StoreUnavailableError if the folder is no use."""
    presence = ReaderPresence(data_dir)
    configure_logging("warn")
    with _without_garbage_collection():
        import anyio

        from collector.default_ports import other_ports_note
        from collector.query.service import QueryService
        from mcp_server.server import build_server
        from mcp_server.transports import run_stdio

    def ports_note() -> str:
        running = running_collector(data_dir)
        return other_ports_note(running.endpoints) if running else ""

    reader = LateReader(lambda: SqliteReader(data_dir), lambda: _has_store(data_dir))
    query = QueryService(reader, live_status=lambda: live_status(data_dir, token))
    server = build_server(query, first_note=ports_note)

    async def serve(on_answer: Callable[[], None]) -> None:
        await run_stdio(server, on_answer)

    try:
        anyio.run(answer_then_start, serve, lambda: start_collector(data_dir))
    finally:
        reader.close()
        presence.close()


async def answer_then_start(
    serve: Callable[[Callable[[], None]], Awaitable[None]],
    start: Callable[[], None],
    without_question_s: float = START_WITHOUT_QUESTION_S,
) -> None:
    """Run `serve(on_answer)`; call `start` in a thread once `on_answer` was, or when so long nobody has asked.

    An agent that leaves without a question starts nothing.
    """
    import anyio
    import anyio.to_thread

    answered = anyio.Event()

    async def start_when_answered() -> None:
        with anyio.move_on_after(without_question_s):
            await answered.wait()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(start)

    async with anyio.create_task_group() as group:
        group.start_soon(start_when_answered)
        await serve(answered.set)
        if not answered.is_set():
            group.cancel_scope.cancel()


def start_collector(data_dir: Path) -> None:
    """Start it unless one runs. If that fails the log says why; the agent is served from what is stored."""
    try:
        ensure_collector(data_dir)
    except (GasolineError, OSError) as error:
        _logger.error("the collector could not be started: %s", error)


@contextmanager
def _without_garbage_collection() -> Generator[None]:
    """Load packages without looking for garbage: there is none among classes, and looking costs a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _has_store(data_dir: Path) -> bool:
    """Tell whether the store can be opened: the file is there before its first tables are."""
    if not (data_dir / STORE_FILE_NAME).exists():
        return False
    connection = open_for_reading(data_dir)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0] > 0
    finally:
        connection.close()
