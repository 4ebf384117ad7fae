"""An agent is answered first; only then is the collector started. The real processes are in tests/e2e."""

import logging
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest

from collector.agent import answer_then_start
from collector.agent_collector import STARTING_NOTE, AgentCollector
from collector.rendezvous import RunningCollector, publish
from collector.store.sqlite.lock import DataFolderLock

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
        AgentCollector(tmp_path).start()
    (record,) = caplog.records
    assert record.getMessage() == (
        f"the collector could not be started: cannot write the data folder {tmp_path}: Is a directory; "
        "choose another one with --data-dir"
    )


async def test_what_is_told_of_a_collector_that_comes_runs_and_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[DataFolderLock] = []

    def hold_the_lock(folder: Path) -> None:
        locks.append(DataFolderLock(folder))

    monkeypatch.setattr("collector.agent_collector.ensure_collector", hold_the_lock)
    collector = AgentCollector(tmp_path)
    assert (collector.absence_note(), collector.ports_note()) == (STARTING_NOTE, "")
    collector.start()
    assert (collector.absence_note(), collector.ports_note()) == (STARTING_NOTE, "")
    publish(RunningCollector("127.0.0.1:1", "127.0.0.1:4318", "127.0.0.1:4319", str(tmp_path), 1))
    assert collector.absence_note() == ""
    assert "grpc 127.0.0.1:1" in collector.ports_note()
    for lock in locks:
        lock.release()
    assert collector.absence_note() == (
        "no collector runs on this data folder, nothing new arrives; "
        f"start one with `gasoline serve --data-dir {tmp_path}`"
    )
    assert collector.ports_note() == ""


async def test_waiting_for_a_collector_ends_when_it_is_found_when_none_comes_and_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_nothing(_: Path) -> None:
        """As where the process ends before it holds the lock."""

    monkeypatch.setattr("collector.agent_collector.ensure_collector", start_nothing)
    collector = AgentCollector(tmp_path)
    await collector.wait_until_found(limit_s=0)
    with anyio.fail_after(TIMEOUT_S):
        collector.start()
        await collector.wait_until_found(limit_s=2 * TIMEOUT_S)
        lock = DataFolderLock(tmp_path)
        async with anyio.create_task_group() as group:
            group.start_soon(collector.wait_until_found, 2 * TIMEOUT_S)
            await anyio.lowlevel.checkpoint()
            publish(RunningCollector("127.0.0.1:1", "", "", str(tmp_path), 1))
        lock.release()
