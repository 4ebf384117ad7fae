"""An agent is answered first; only then is the collector started. The real processes are in tests/e2e."""

import logging
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest

from collector import agent
from collector.agent import answer_then_start

TIMEOUT_S = 10

pytestmark = pytest.mark.anyio


async def test_the_collector_is_started_once_and_after_the_first_answer() -> None:
    happened: list[str] = []
    started = anyio.Event()

    async def serve(on_answer: Callable[[], None]) -> None:
        happened.append("asked")
        await anyio.lowlevel.checkpoint()
        happened.append("answered")
        on_answer()
        on_answer()
        with anyio.fail_after(TIMEOUT_S):
            await started.wait()

    def start() -> None:
        happened.append("started")
        anyio.from_thread.run_sync(started.set)

    await answer_then_start(serve, start)
    assert happened == ["asked", "answered", "started"]


async def test_an_agent_that_asks_and_leaves_at_once_has_started_it_all_the_same() -> None:
    happened: list[str] = []

    async def serve(on_answer: Callable[[], None]) -> None:
        on_answer()

    await answer_then_start(serve, lambda: happened.append("started"))
    assert happened == ["started"]


async def test_an_agent_that_asks_nothing_has_it_started_when_the_time_is_over() -> None:
    started = anyio.Event()

    async def serve(_: Callable[[], None]) -> None:
        with anyio.fail_after(TIMEOUT_S):
            await started.wait()

    await answer_then_start(serve, lambda: anyio.from_thread.run_sync(started.set), without_question_s=0)


async def test_an_agent_that_leaves_without_a_question_starts_nothing() -> None:
    happened: list[str] = []

    async def serve(_: Callable[[], None]) -> None:
        happened.append("left")

    await answer_then_start(serve, lambda: happened.append("started"))
    assert happened == ["left"]


async def test_a_start_that_fails_is_one_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "collector.log").mkdir()
    with caplog.at_level(logging.ERROR):
        agent.start_collector(tmp_path)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"the collector could not be started: cannot write the data folder {tmp_path}: Is a directory; "
        "choose another one with --data-dir"
    )
