"""A queue of export requests on disk: what was put in is still there after a crash, until it is delivered.

Segments are appended to by one thread and read by another; which frames are taken and done is known on the event
loop. A segment goes when all its frames are done and no more can come. In memory are only the frames that
were read ahead and those that are being sent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from collector.errors import BusyError, StoreUnavailableError
from collector.store.sqlite.lock import DataFolderLock
from exporters.delivery.group_commit import GroupCommit
from exporters.delivery.segment import (
    BrokenFrameError,
    Entry,
    Frame,
    SegmentAppender,
    delivered_offsets,
    mark_delivered,
    read_frames,
    remove_segment,
    stored_segments,
)

SEGMENT_BYTES_MAX = 8 * 1024 * 1024
SEGMENTS_PER_QUEUE = 8
READ_AHEAD_BYTES_MAX = 1024 * 1024
SENDING_BYTES_MAX = 64 * 1024 * 1024
FULL_RETRY_AFTER_S = 5.0

_logger = logging.getLogger("gasoline.sending_queue")


@dataclass(slots=True)
class _Segment:
    """`size`: bytes that are on disk; `read`: of these taken; `outstanding`: frames taken and not done."""

    size: int
    read: int = 0
    outstanding: int = 0
    delivered: frozenset[int] | None = None

    @property
    def is_finished(self) -> bool:
        return self.read >= self.size and not self.outstanding


class SendingQueue:
    """Bounded in bytes on disk; a request larger than that is let in when nothing else waits.

    One event loop owns it. Opening raises StoreUnavailableError if the folder is no use, StoreLockedError if
    another process has it.
    """

    def __init__(self, folder: Path, bytes_max: int, drop: Callable[[str, int], None]) -> None:
        """`drop` counts, by reason, records that the disk has lost."""
        self._folder = folder
        self._drop = drop
        self._bytes_max = bytes_max
        self._lock = DataFolderLock(folder)
        try:
            stored = stored_segments(folder)
        except OSError as error:
            self._lock.release()
            raise StoreUnavailableError(f"cannot read the sending queue in {folder}: {error.strerror}") from error
        self._segments = {number: _Segment(size) for number, size in stored}
        left_over = max(self._segments, default=0)
        segment_bytes = min(SEGMENT_BYTES_MAX, bytes_max // SEGMENTS_PER_QUEUE)
        self._appender = SegmentAppender(folder, segment_bytes, left_over + 1)
        self._commits: GroupCommit[Entry, dict[int, int]] = GroupCommit(self._appender.append, self._on_appended)
        self._reader = ThreadPoolExecutor(1, "sending-queue")
        self._taking = asyncio.Lock()
        self._changed = asyncio.Event()
        self._ready: deque[Frame] = deque()
        self._putting_bytes = 0
        self._sending_bytes = 0
        self._closed = False

    @property
    def bytes(self) -> int:
        """Bytes on disk, those among them that were delivered but not yet removed."""
        return sum(segment.size for segment in self._segments.values())

    @property
    def waiting_bytes(self) -> int:
        """Bytes on disk of the segments that hold what is still to be delivered: 0 when there is nothing."""
        return sum(segment.size for segment in self._segments.values() if not segment.is_finished)

    @property
    def bytes_max(self) -> int:
        """Bytes that may be."""
        return self._bytes_max

    @property
    def is_empty(self) -> bool:
        """Whether everything that was put in is done."""
        return not self._putting_bytes and all(segment.is_finished for segment in self._segments.values())

    def check_room(self, entry: Entry) -> None:
        """Raise BusyError if there is no room for `entry` just now."""
        size = entry.frame_bytes
        if not self.is_empty and self.bytes + self._putting_bytes + size > self._bytes_max:
            raise BusyError(
                f"the sending queue {self._folder.name} is full: {self.bytes} bytes wait for a backend that is slow "
                "or away; send again later",
                FULL_RETRY_AFTER_S,
                limit="sending_queue",
            )

    async def put(self, entry: Entry) -> None:
        """Return when `entry` is on disk. Raises BusyError if there is no room, or it cannot be written."""
        self.check_room(entry)
        size = entry.frame_bytes
        self._putting_bytes += size
        try:
            await self._commits.put(entry)
        except OSError as error:
            self.wake()  # what is finished may go now: it may be what the disk has no room for
            raise BusyError(
                f"the sending queue {self._folder} cannot be written: {error.strerror}",
                FULL_RETRY_AFTER_S,
                limit="sending_queue_disk",
            ) from error
        finally:
            self._putting_bytes -= size

    async def take(self) -> Frame:
        """Return the next frame as soon as there is one, and room to send it beside those that are being sent.

        Raises OSError if the queue cannot be read; nothing is taken then.
        """
        async with self._taking:
            while not self._ready:
                await self._read_ahead()
            while self._sending_bytes and self._sending_bytes + self._ready[0].entry.frame_bytes > SENDING_BYTES_MAX:
                await self.change()
            frame = self._ready.popleft()
            self._sending_bytes += frame.entry.frame_bytes
            return frame

    async def done(self, frame: Frame) -> None:
        """Say that a frame was delivered, or never will be; it is not given out again, also after a restart."""
        await self._in_reader(partial(mark_delivered, self._folder, frame))
        self._segments[frame.segment].outstanding -= 1
        self._sending_bytes -= frame.entry.frame_bytes
        await self._remove_finished()
        self.wake()

    async def change(self) -> None:
        """Return when something was put in, done or removed."""
        self._changed.clear()
        await self._changed.wait()

    def wake(self) -> None:
        """Let everybody who waits for a change look again."""
        self._changed.set()

    async def close(self) -> None:
        """Write what is being put in, then give everything back; what is not done stays. May be called twice."""
        if self._closed:
            return
        self._closed = True
        await self._commits.close()
        self._appender.close()
        self._reader.shutdown()
        self._lock.release()

    def _on_appended(self, sizes: dict[int, int]) -> None:
        for number, size in sizes.items():
            self._segments.setdefault(number, _Segment(0)).size = size
        self.wake()

    async def _in_reader(self, work: "partial[None]") -> None:
        """Run file work in the reader's thread. What fails there costs a delivery in duplicate, not data."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._reader, work)
        except OSError as error:
            _logger.error("the sending queue %s cannot be written: %s", self._folder, error)

    async def _read_ahead(self) -> None:
        """Read the next frames that are not delivered yet into `_ready`; wait if there are none."""
        number = next((number for number, each in self._segments.items() if each.read < each.size), None)
        if number is None:
            await self._remove_finished()
            if all(segment.read >= segment.size for segment in self._segments.values()):
                await self.change()
            return
        segment = self._segments[number]
        loop = asyncio.get_running_loop()
        delivered = segment.delivered
        if delivered is None:
            delivered = await loop.run_in_executor(self._reader, delivered_offsets, self._folder, number)
            segment.delivered = delivered
        frames, position, lost = await loop.run_in_executor(
            self._reader, self._read, number, segment.read, segment.size, delivered
        )
        segment.read = position
        self._drop("unreadable_in_queue", lost)
        waiting = [frame for frame in frames if frame.offset not in delivered]
        segment.outstanding += len(waiting)
        self._ready.extend(waiting)

    def _read(self, number: int, start: int, end: int, delivered: Collection[int]) -> tuple[Sequence[Frame], int, int]:
        """Return frames, the position behind them, and how many records are lost with what is broken."""
        frames: list[Frame] = []
        position, lost = start, 0
        try:
            for frame in read_frames(self._folder, number, start, end, READ_AHEAD_BYTES_MAX):
                frames.append(frame)
                position = frame.offset + frame.entry.frame_bytes
        except BrokenFrameError as broken:
            resume = end if broken.resume is None else broken.resume
            _logger.warning(
                "the sending queue %s holds what cannot be read: %s; %d bytes are left out",
                self._folder,
                broken,
                resume - position,
            )
            lost = 0 if position in delivered else broken.records
            position = resume
        return frames, position, lost

    async def _remove_finished(self) -> None:
        newest = max(self._segments, default=0)
        finished = [number for number, segment in self._segments.items() if segment.is_finished]
        for number in finished:
            if self._appender.sealed < number == newest:
                continue  # it is still appended to
            if self._segments.pop(number, None) is None:
                continue  # somebody else has removed it meanwhile
            await self._in_reader(partial(remove_segment, self._folder, number))
            self.wake()
