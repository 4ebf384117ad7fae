"""Questions in threads: bounded, and told when nobody waits for them any more."""

import threading
from collections.abc import Callable

import anyio
import pytest

from collector.errors import QueryError
from mcp_server.queries import QueryThreads

pytestmark = pytest.mark.anyio


async def test_the_answer_and_the_error_come_back() -> None:
    threads = QueryThreads()
    assert await threads.run(lambda _: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda _: 1 // 0)


async def test_one_question_more_than_allowed_is_refused_and_room_comes_back() -> None:
    threads = QueryThreads(at_once_max=2)
    release = threading.Event()

    def wait(_: Callable[[], bool]) -> None:
        release.wait(5)

    async with anyio.create_task_group() as group:
        group.start_soon(threads.run, wait)
        group.start_soon(threads.run, wait)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(QueryError, match="2 questions are being answered just now; ask again, without wait_for"):
            await threads.run(lambda _: 42)
        release.set()
    assert await threads.run(lambda _: 42) == 42


async def test_a_question_that_nobody_waits_for_keeps_its_place_until_its_thread_has_noticed() -> None:
    threads = QueryThreads(at_once_max=1)
    asked, noticed = threading.Event(), threading.Event()

    def wait(is_cancelled: Callable[[], bool]) -> None:
        asked.set()
        deadline = threading.Event()
        while not is_cancelled():
            deadline.wait(0.01)
        noticed.wait(5)

    async with anyio.create_task_group() as group:
        group.start_soon(threads.run, wait)
        await anyio.to_thread.run_sync(asked.wait)
        group.cancel_scope.cancel()
    with pytest.raises(QueryError):
        await threads.run(lambda _: 42)
    noticed.set()
    with anyio.fail_after(5):
        while True:
            try:
                assert await threads.run(lambda _: 42) == 42
                break
            except QueryError:
                await anyio.lowlevel.checkpoint()


async def test_a_caller_who_goes_before_the_thread_begins_leaves_no_place_behind() -> None:
    threads = QueryThreads(at_once_max=1)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await threads.run(lambda _: 42)
    assert scope.cancelled_caught
    assert await threads.run(lambda _: 42) == 42


async def test_waits_are_ended_when_that_is_asked_for() -> None:
    threads = QueryThreads()
    asked = threading.Event()

    def wait(is_cancelled: Callable[[], bool]) -> str:
        asked.set()
        pause = threading.Event()
        while not is_cancelled():
            pause.wait(0.01)
        return "what is there"

    answers: list[str] = []

    async def ask() -> None:
        answers.append(await threads.run(wait))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.to_thread.run_sync(asked.wait)
            threads.end_waits()
    assert answers == ["what is there"]


async def test_leaving_waits_for_threads_whose_callers_have_gone() -> None:
    threads = QueryThreads()
    asked, closed = threading.Event(), threading.Event()
    was_open: list[bool] = []

    def read(is_cancelled: Callable[[], bool]) -> None:
        asked.set()
        pause = threading.Event()
        while not is_cancelled():
            pause.wait(0.01)
        pause.wait(0.1)
        was_open.append(not closed.is_set())

    async with threads.drained():
        async with anyio.create_task_group() as group:
            group.start_soon(threads.run, read)
            await anyio.to_thread.run_sync(asked.wait)
            group.cancel_scope.cancel()
    closed.set()
    assert was_open == [True]
