"""From the queue on disk to a backend: several requests at a time, each until it is delivered or refused for good."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Generator
from typing import NamedTuple, Protocol

from collector.component import Telemetry
from collector.errors import BusyError
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import ExporterCounters
from exporters.delivery.retry import Backoff, NotDeliveredError, RetrySettings
from exporters.delivery.segment import Entry, Frame
from exporters.delivery.sending_queue import SendingQueue

DRAIN_S = 3.0
QUEUE_PAUSE_S = 1.0
MESSAGE_CHARS_MAX = 300

_logger = logging.getLogger("gasoline.forward")


class Delivered(NamedTuple):
    """A backend's answer: how many records it rejected for good, and what it said."""

    rejected: int = 0
    message: str = ""


class Sender(Protocol):
    """The way to one backend."""

    async def send(self, signal: Signal, body: bytes) -> Delivered:
        """Send one export request; return when the backend has taken it. Raises NotDeliveredError."""
        ...

    async def close(self) -> None:
        """Release connections. May be called twice."""
        ...


class Forwarder:
    """An Exporter: `export` returns when a request is in the queue; delivery goes on behind it."""

    def __init__(
        self,
        name: str,
        sender: Sender,
        queue: SendingQueue,
        retry: RetrySettings,
        counters: ExporterCounters,
        *,
        consumers: int,
        clock_s: Callable[[], float] = time.monotonic,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._sender = sender
        self._queue = queue
        self._retry = retry
        self._counters = counters
        self._consumers = consumers
        self._clock_s = clock_s
        self._randomness = randomness
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._failing = False
        counters.watch_queue(lambda: queue.waiting_bytes, lambda: queue.bytes_max)

    async def start(self) -> None:
        """See Exporter; what an earlier process left in the queue is sent first."""
        self._tasks = [asyncio.create_task(self._consume()) for _ in range(self._consumers)]

    def check_room(self, telemetry: Telemetry) -> None:
        """See Bounded."""
        entry = _entry(telemetry)
        with self._counting(entry):
            self._queue.check_room(entry)

    async def export(self, telemetry: Telemetry) -> None:
        """See Exporter."""
        entry = _entry(telemetry)
        with self._counting(entry):
            await self._queue.put(entry)
        self._counters.enqueued()

    @contextlib.contextmanager
    def _counting(self, entry: Entry) -> Generator[None]:
        try:
            yield
        except BusyError:
            self._counters.enqueue_failed(entry.signal, entry.records)
            raise

    async def shutdown(self) -> None:
        """See Exporter. Sends for at most DRAIN_S; what is left is on disk, and sent by the next process."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._sender.close()
        await self._queue.close()

    async def _drain(self) -> None:
        """Return when the queue is empty, or no consumer is left that gets on."""
        while self._tasks and not self._queue.is_empty:
            await self._queue.change()
            if all(task.done() for task in self._tasks):
                return

    async def _consume(self) -> None:
        while True:
            try:
                frame = await self._queue.take()
                if not await self._deliver(frame):
                    self._queue.wake()
                    return
                await self._queue.done(frame)
            except Exception:
                _logger.exception("%s: the queue cannot be read just now", self._name)
                await self._pause(QUEUE_PAUSE_S)

    async def _pause(self, pause_s: float) -> None:
        """Return after so long, or as soon as it ends."""
        # Not wait_for: before Python 3.12 it swallows a cancellation that comes when its time is over.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()

    async def _deliver(self, frame: Frame) -> bool:
        """Send until delivered or given up; False if it is left for the next process."""
        backoff = Backoff(self._retry, self._clock_s())
        while True:
            failure = await self._attempt(frame.entry)
            if failure is None:
                return True
            pause_s = self._pause_s(backoff, failure)
            if pause_s is None:
                self._give_up(frame.entry, failure)
                return True
            if not self._failing:
                self._failing = True
                _logger.warning("%s: not delivered, trying again: %s", self._name, _shown(failure))
            await self._pause(pause_s)
            if self._stopping.is_set():
                return False

    async def _attempt(self, entry: Entry) -> NotDeliveredError | None:
        """Send once; return what went wrong."""
        signal, records, body = entry
        try:
            answer = await self._sender.send(signal, body)
        except NotDeliveredError as error:
            failure = error
        except Exception as error:
            _logger.exception("%s: sending failed in a way that nobody foresaw", self._name)
            failure = NotDeliveredError(str(error), retryable=True)
        else:
            if self._failing:
                self._failing = False
                _logger.info("%s: delivering again", self._name)
            self._counters.sent(signal, records - min(records, answer.rejected))
            message = answer.message[:MESSAGE_CHARS_MAX]
            if answer.rejected:
                self._counters.drop("rejected_by_backend", answer.rejected, message)
            if message:
                _logger.warning("%s: the backend says: %s", self._name, message)
            return None
        # What it came from holds the request that was sent, and is kept while the next attempt waits.
        failure.__traceback__ = failure.__cause__ = failure.__context__ = None
        is_refused = not (failure.retryable or failure.is_fault)
        self._counters.send_failed(signal, records, told=_shown(failure), is_refused=is_refused)
        return failure

    def _pause_s(self, backoff: Backoff, failure: NotDeliveredError) -> float | None:
        if not (failure.retryable or failure.is_fault):
            return None
        return backoff.pause_s(
            self._clock_s(), self._randomness(), failure.retry_after_s, is_fault=not failure.retryable
        )

    def _give_up(self, entry: Entry, failure: NotDeliveredError) -> None:
        reason = "gave_up_retrying" if failure.retryable or failure.is_fault else "refused_by_backend"
        self._counters.drop(reason, entry.records, _shown(failure))
        _logger.error(
            "%s: %d records of %s cannot be delivered: %s", self._name, entry.records, entry.signal, _shown(failure)
        )


def _entry(telemetry: Telemetry) -> Entry:
    return Entry(telemetry.signal, telemetry.count_records(), telemetry.body)


def _shown(failure: NotDeliveredError) -> str:
    return str(failure)[:MESSAGE_CHARS_MAX]
