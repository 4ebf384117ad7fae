"""Writes in groups: in order, one at a time, as many as fit, and each waits for its own."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from exporters.delivery.group_commit import GROUP_ITEMS_MAX, GroupCommit

pytestmark = pytest.mark.anyio


class Disk:
    """Takes groups, the first of them when `gate` is set; fails for the items in `broken`."""

    def __init__(self, *broken: int) -> None:
        self.groups: list[list[int]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.broken = set(broken)

    def write(self, items: Sequence[int]) -> int:
        self.begun.set()
        assert self.gate.wait(10)
        self.groups.append(list(items))
        if self.broken & set(items):
            raise OSError(28, "No space left on device")
        return len(items)


@pytest.mark.parametrize(
    ("waiting", "sizes"), [(GROUP_ITEMS_MAX, [GROUP_ITEMS_MAX]), (GROUP_ITEMS_MAX + 1, [GROUP_ITEMS_MAX, 1])]
)
async def test_what_waits_during_a_write_goes_out_with_the_next(waiting: int, sizes: list[int]) -> None:
    disk = Disk()
    written: list[int] = []
    commits = GroupCommit(disk.write, written.append)
    first = asyncio.create_task(commits.put(0))
    await asyncio.to_thread(disk.begun.wait, 10)
    rest = [asyncio.create_task(commits.put(number)) for number in range(1, waiting + 1)]
    await asyncio.sleep(0)
    disk.gate.set()
    await asyncio.wait_for(asyncio.gather(first, *rest), 10)
    assert [len(group) for group in disk.groups] == [1, *sizes] == written
    assert [number for group in disk.groups for number in group] == list(range(waiting + 1))
    await commits.close()
    await commits.close()


async def test_a_write_that_fails_is_told_to_its_group_alone() -> None:
    disk = Disk(1)
    disk.gate.set()
    commits = GroupCommit(disk.write)
    await commits.put(0)
    with pytest.raises(OSError, match="No space left"):
        await commits.put(1)
    await commits.put(2)
    await commits.close()
    assert disk.groups == [[0], [1], [2]]


async def test_one_who_waits_no_longer_keeps_nobody_else_waiting() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    gone, other = asyncio.create_task(commits.put(0)), asyncio.create_task(commits.put(1))
    await asyncio.to_thread(disk.begun.wait, 10)
    gone.cancel()
    disk.gate.set()
    await asyncio.wait_for(other, 10)
    await commits.close()
    assert gone.cancelled()
