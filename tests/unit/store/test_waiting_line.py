"""The line of what waits for the writer: when its taker is woken, and in what order it takes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from collector.store.sqlite.waiting_line import WaitingLine

WAIT_S_MAX = 10.0


@pytest.fixture
def taker() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor


def test_items_are_taken_in_the_order_they_came() -> None:
    line: WaitingLine[str] = WaitingLine()
    for item in "abc":
        line.put(item)
    assert [line.take(), len(line)] == ["a", 2]
    line.put_back("a")
    assert [line.take(), line.take(), line.take(), line.take()] == ["a", "b", "c", None]


def test_the_taker_is_woken_for_as_many_as_it_waits_for(taker: ThreadPoolExecutor) -> None:
    line: WaitingLine[int] = WaitingLine()
    line.put(0)
    woken = taker.submit(line.wait, 3, WAIT_S_MAX)
    line.put(1)
    assert not woken.done()
    line.put(2)
    assert woken.result(WAIT_S_MAX)
    assert len(line) == 3


def test_one_in_a_hurry_wakes_it_at_once_and_once(taker: ThreadPoolExecutor) -> None:
    line: WaitingLine[int] = WaitingLine()
    woken = taker.submit(line.wait, 3, WAIT_S_MAX)
    line.put(1, hurry=True)
    assert woken.result(WAIT_S_MAX)
    assert line.wait(3, 0.0) is False


def test_it_waits_no_longer_than_it_wants_to() -> None:
    line: WaitingLine[int] = WaitingLine()
    assert line.wait(1, 0.01) is False
    line.put(1)
    assert line.wait(1, 0.0) is True


def test_nothing_is_lost_between_many_who_put(taker: ThreadPoolExecutor) -> None:
    line: WaitingLine[int] = WaitingLine()
    numbers = range(4 * 500)

    def take_all() -> list[int]:
        taken: list[int] = []
        while len(taken) < len(numbers):
            assert line.wait(min(7, len(numbers) - len(taken)), WAIT_S_MAX)
            while (item := line.take()) is not None:
                taken.append(item)
        return taken

    taken = taker.submit(take_all)

    def put_all(own: range) -> None:
        for number in own:
            line.put(number)

    putters = [threading.Thread(target=put_all, args=(numbers[at::4],)) for at in range(4)]
    for putter in putters:
        putter.start()
    for putter in putters:
        putter.join(WAIT_S_MAX)
    found = taken.result(WAIT_S_MAX)
    assert [[number for number in found if number % 4 == at] for at in range(4)] == [
        list(numbers[at::4]) for at in range(4)
    ]
