"""What waits for the writer thread, which is woken once for as many items as it waits for, not for each of them.

To wake a thread for every request costs more than to store a small one: both threads then wait for one interpreter.
"""

import threading
import time
from collections import deque
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class WaitingLine(Generic[_Item]):
    """Items in the order they came, from any thread, for one taker. Not bounded: who puts bounds it."""

    def __init__(self) -> None:
        self._items: deque[_Item] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._wanted = 1
        self._hurried = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: _Item, *, hurry: bool = False) -> None:
        """Add an item; with `hurry` the taker waits for no more of them."""
        with self._changed:
            self._items.append(item)
            self._hurried = self._hurried or hurry
            if self._hurried or len(self._items) >= self._wanted:
                self._changed.notify()

    def wait(self, count: int, timeout_s: float) -> bool:
        """Return when `count` items are there or one is in a hurry; False when the time was over before."""
        end_s = time.monotonic() + timeout_s
        with self._changed:
            self._wanted = count
            while not (is_enough := self._hurried or len(self._items) >= count):
                left_s = end_s - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            self._hurried = False
            return is_enough

    def take(self) -> _Item | None:
        """Return the first item; None if there is none."""
        try:
            return self._items.popleft()
        except IndexError:
            return None

    def put_back(self, item: _Item) -> None:
        """Put the item in front that was taken last."""
        self._items.appendleft(item)
