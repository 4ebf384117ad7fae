"""`gasoline mcp`: one agent on stdio, reading the store's file; the collector is a process of its own.

The agent's client waits for the first answer, and two processes that load their packages at the same time slow
each other down: so the collector is started when that answer is on its way, or when its ports are asked for. For
the same reason, what answers questions is loaded with the first of them.
"""

import signal
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from collector.agent_collector import AgentCollector
from collector.loading import build_models_when_used, without_garbage_collection
from collector.rendezvous import ReaderPresence
from collector.telemetry.logging import configure_logging

if TYPE_CHECKING:
    from mcp_server.answers import Answers

START_WITHOUT_QUESTION_S = 5.0


def serve_agent(data_dir: Path, token: str | None) -> None:
    """Serve until the agent closes stdin. Raises StoreUnavailableError if the folder is no use."""
    # As SIGTERM does: this process only reads, and the thread that reads stdin would keep an interrupted one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with ExitStack() as opened:
        opened.callback(ReaderPresence(data_dir).close)
        configure_logging("warn")
        with without_garbage_collection():
            build_models_when_used()
            import anyio

            from mcp_server.server import McpServer
            from mcp_server.stdio import run_stdio

        collector = AgentCollector(data_dir)

        async def serve(start_now: Callable[[], None]) -> None:
            async def before_status() -> None:
                start_now()
                await collector.wait_until_found()

            server = McpServer(lambda: _load_answers(data_dir, token, collector, before_status, opened))
            await run_stdio(server, start_now)

        anyio.run(answer_then_start, serve, collector.start)


def _load_answers(
    data_dir: Path,
    token: str | None,
    collector: AgentCollector,
    before_status: Callable[[], Awaitable[None]],
    opened: ExitStack,
) -> "Answers":
    with without_garbage_collection():
        from collector.late_reader import LateReader
        from collector.query.service import QueryService
        from collector.remote import live_status
        from collector.store.sqlite.reader import SqliteReader
        from collector.store.sqlite.schema import has_store
        from mcp_server.answers import Answers

    reader = LateReader(lambda: SqliteReader(data_dir), lambda: has_store(data_dir))
    opened.callback(reader.close)
    return Answers(
        QueryService(reader, live_status=lambda: live_status(data_dir, token)),
        first_note=collector.ports_note,
        standing_note=collector.absence_note,
        before_status=before_status,
        page_url=collector.page_url,
    )


async def answer_then_start(
    serve: Callable[[Callable[[], None]], Awaitable[None]],
    start: Callable[[], None],
    without_question_s: float = START_WITHOUT_QUESTION_S,
) -> None:
    """Run `serve(start_now)`; call `start` in a thread once `start_now` was, or when so long nobody has asked.

    An agent that leaves without a question starts nothing.
    """
    import anyio
    import anyio.to_thread

    wanted = anyio.Event()

    async def start_when_wanted() -> None:
        with anyio.move_on_after(without_question_s):
            await wanted.wait()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(start)

    async with anyio.create_task_group() as group:
        group.start_soon(start_when_wanted)
        await serve(wanted.set)
        if not wanted.is_set():
            group.cancel_scope.cancel()
