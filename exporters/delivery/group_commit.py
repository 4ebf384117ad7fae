"""Durable writes in groups: whatever waits while one write is under way goes out with the next."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

GROUP_ITEMS_MAX = 256

_Item = TypeVar("_Item")
_Written = TypeVar("_Written")


class GroupCommit(Generic[_Item, _Written]):
    """Hands items to `write`, in their order, from one thread of its own; one event loop owns it.

    `write` takes at most GROUP_ITEMS_MAX items and returns when all of them are durable, or raises. `on_written`
    is called with its result on the event loop, before the waiting ones hear of it.
    """

    def __init__(
        self,
        write: Callable[[Sequence[_Item]], _Written],
        on_written: Callable[[_Written], None] | None = None,
    ) -> None:
        self._write = write
        self._on_written = on_written
        self._thread = ThreadPoolExecutor(1, "group-commit")
        self._waiting: deque[tuple[_Item, asyncio.Future[None]]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def put(self, item: _Item) -> None:
        """Return when `item` is durable. Raises what `write` raised for its group."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await future

    async def close(self) -> None:
        """Write what waits, then end the thread. May be called twice."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_ITEMS_MAX))]
            error: OSError | None = None
            try:
                written = await loop.run_in_executor(self._thread, self._write, [item for item, _ in group])
                if self._on_written is not None:
                    self._on_written(written)
            except OSError as failed:
                error = failed
            for _, future in group:
                if future.done():
                    continue
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)
