"""The store's one writer: a thread that commits all requests that are waiting, then acknowledges them."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, TypeVar, TypeVarTuple, Unpack

from collector.errors import BusyError
from collector.store.api import Batch, WriteResult
from collector.store.sqlite.clearing import clear_everything, clear_session
from collector.store.sqlite.commit import Committer
from collector.store.sqlite.deletion import Deletion
from collector.store.sqlite.lock import DataFolderLock
from collector.store.sqlite.numbering import Numbering
from collector.store.sqlite.retention import Retention, RetentionSettings
from collector.store.sqlite.schema import open_for_writing
from collector.store.sqlite.waiting_line import WaitingLine

logger = logging.getLogger(__name__)

COMMIT_BATCHES_MAX = 256
COMMIT_RECORDS_MAX = 32_768
GATHER_S_MAX = 0.01
RETRY_AFTER_S = 1.0


@dataclass(slots=True)
class _Write:
    batch: Batch
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[WriteResult]


@dataclass(slots=True)
class _Clear:
    session_id: str | None
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]


class _Stop:
    """The last item of the queue."""


_Item: TypeAlias = _Write | _Clear | _Stop


class SqliteWriter:
    """Writer of a data folder; see store.api.Writer.

    What waits here is bounded by bounded_queue.InFlight, which the receivers hold until they are answered.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: DataFolderLock,
        retention: RetentionSettings,
        clock_unix_nano: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._numbering = Numbering(connection)
        self._committer = Committer(connection, self._numbering, clock_unix_nano)
        self._deletion = Deletion(connection, self._numbering)
        self._retention = Retention(self._deletion, retention, clock_unix_nano)
        self._waiting: WaitingLine[_Item] = WaitingLine()
        self._closed = False
        # Nothing may come behind the last item: nobody would ever answer it.
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._expected = 0
        self.failed_writes = 0

    @classmethod
    def open(
        cls,
        data_dir: Path,
        retention: RetentionSettings | None = None,
        clock_unix_nano: Callable[[], int] = time.time_ns,
    ) -> Self:
        """Take the folder's lock, open its store and start the writer thread.

        Raises StoreLockedError, StoreNewerError or StoreUnavailableError.
        """
        lock = DataFolderLock(data_dir)
        try:
            writer = cls(open_for_writing(data_dir), lock, retention or RetentionSettings(), clock_unix_nano)
        except BaseException:
            lock.release()
            raise
        writer._thread.start()
        return writer

    @property
    def counters(self) -> dict[str, int]:
        """Return what was counted since the start: re-sent requests, failed writes, what retention removed."""
        return {
            "resent_requests": self._committer.resent_requests,
            "failed_writes": self.failed_writes,
            "evicted_records": self._retention.evicted_records,
        }

    async def write(self, batch: Batch) -> WriteResult:
        """See store.api.Writer."""
        loop = asyncio.get_running_loop()
        write = _Write(batch, loop, loop.create_future())
        self._put(write)
        return await write.done

    async def clear(self, session_id: str | None = None) -> int:
        """See store.api.Writer."""
        loop = asyncio.get_running_loop()
        clear = _Clear(session_id, loop, loop.create_future())
        self._put(clear)
        return await clear.done

    async def shutdown(self) -> None:
        """See store.api.Writer."""
        await asyncio.to_thread(self.stop)

    def stop(self) -> None:
        """Do what `shutdown` does, for callers without an event loop; blocks."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._waiting.put(_Stop(), hurry=True)
        self._thread.join()
        self._connection.close()
        self._lock.release()

    def _put(self, item: _Write | _Clear) -> None:
        with self._closing:
            if self._closed:
                raise BusyError(
                    "the collector is shutting down; send again when it is back", RETRY_AFTER_S, limit="shutdown"
                )
            self._waiting.put(item, hurry=isinstance(item, _Clear))

    def _run(self) -> None:
        while True:
            item = self._next()
            if isinstance(item, _Write):
                group = self._gather(item)
                self._commit(group)
                self._expected = len(group) + len(self._waiting)
                if self._committer.recompression.is_due:
                    self._recompress()
                if self._retention.is_due():
                    self._evict()
            elif isinstance(item, _Clear):
                self._clear(item)
            else:
                return

    def _next(self) -> _Item:
        """Wait for the next item; retention runs while nothing comes."""
        while True:
            item = self._waiting.take()
            if item is not None:
                return item
            if not self._waiting.wait(1, self._retention.pause_s):
                while self._committer.recompression.is_due and not self._waiting:
                    self._recompress()
                self._evict()

    def _gather(self, first: _Write) -> list[_Write]:
        """Return `first` with the writes that wait behind it, up to the next item of another kind.

        Senders wait for their answers, so about as many requests come again as were on their way at the last
        commit. Waiting a moment for them makes one commit out of several, each of which costs the same. Those that
        come at their own pace, whatever was answered, are as many in any moment: a long one would hold up each of them.
        """
        group = [first]
        record_count = len(first.batch.records)
        if record_count < COMMIT_RECORDS_MAX and len(self._waiting) < self._expected - 1:
            self._waiting.wait(min(self._expected, COMMIT_BATCHES_MAX) - 1, GATHER_S_MAX)
        while len(group) < COMMIT_BATCHES_MAX and record_count < COMMIT_RECORDS_MAX:
            item = self._waiting.take()
            if item is None:
                break
            if not isinstance(item, _Write):
                self._waiting.put_back(item)
                break
            group.append(item)
            record_count += len(item.batch.records)
        return group

    def _commit(self, group: Sequence[_Write]) -> None:
        try:
            results: Sequence[WriteResult | BusyError] = self._committer.commit([write.batch for write in group])
        except Exception as error:
            self.failed_writes += 1
            if len(group) > 1:
                # One of them may be the cause: the others must not suffer for it.
                logger.warning("a commit of %d requests failed; trying them one by one", len(group))
                for write in group:
                    self._commit([write])
                return
            logger.exception("a request could not be stored")
            results = [
                BusyError(f"the store could not be written ({error}); send again later", RETRY_AFTER_S, limit="store")
            ]
        _resolve(group, results)

    def _clear(self, clear: _Clear) -> None:
        result: int | BusyError
        try:
            if clear.session_id is None:
                result = clear_everything(self._deletion)
                self._committer.forget_dictionaries()
            else:
                result = clear_session(self._deletion, clear.session_id)
        except Exception as error:
            self.failed_writes += 1
            logger.exception("clear failed")
            result = BusyError(f"the store could not be written ({error}); try again later", RETRY_AFTER_S)
        _wake(clear.loop, _settle, clear.done, result)

    def _recompress(self) -> None:
        try:
            self._committer.recompression.run(self._committer.bodies)
        except Exception:
            self._committer.recompression.stop()
            self.failed_writes += 1
            logger.exception("what was stored without a dictionary could not be compressed again; it stays as it is")

    def _evict(self) -> None:
        try:
            self._retention.run()
        except Exception:
            self._numbering.forget()
            self.failed_writes += 1
            logger.exception("retention failed; it will be tried again")


def _resolve(group: Sequence[_Write], results: Sequence[WriteResult | BusyError]) -> None:
    """Wake the waiting tasks: one call into each event loop for the whole group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[WriteResult], WriteResult | BusyError]]] = {}
    for write, result in zip(group, results, strict=True):
        by_loop.setdefault(write.loop, []).append((write.done, result))
    for loop, pairs in by_loop.items():
        _wake(loop, _settle_all, pairs)


_Arguments = TypeVarTuple("_Arguments")


def _wake(
    loop: asyncio.AbstractEventLoop, callback: Callable[[Unpack[_Arguments]], None], *arguments: *_Arguments
) -> None:
    try:
        loop.call_soon_threadsafe(callback, *arguments)
    except RuntimeError:
        # The loop was closed: nobody waits for the answer any more; what was asked for is done.
        logger.warning("the store has an answer for an event loop that was closed")


_Result = TypeVar("_Result")


def _settle_all(pairs: Sequence[tuple[asyncio.Future[_Result], _Result | BusyError]]) -> None:
    for done, result in pairs:
        _settle(done, result)


def _settle(done: asyncio.Future[_Result], result: _Result | BusyError) -> None:
    if done.cancelled():
        return
    if isinstance(result, BusyError):
        done.set_exception(result)
    else:
        done.set_result(result)
