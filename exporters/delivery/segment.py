"""The files of a sending queue: frames in segments, and beside each segment which frames were delivered.

A frame is a header (magic, signal, number of records, length and checksum of the body, checksum of the header)
and the body of one export request. `<number>.segment` is only appended to, and every append is on disk before it
counts. `<number>.done` holds the offsets of delivered frames, four bytes each; it is not forced to disk: what a
power failure takes from it is delivered twice.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from collector.left_queues import SEGMENT_SUFFIX
from collector.pdata.envelope import Signal
from exporters.delivery.durable import sync_folder, write_whole

MAGIC = b"GSQ1"
_HEADER = struct.Struct(">4sBIII")
_CHECKSUM = struct.Struct(">I")
HEADER_BYTES = _HEADER.size + _CHECKSUM.size
_SIGNALS = (Signal.TRACES, Signal.LOGS, Signal.METRICS)
_NUMBER_DIGITS = 12


class Entry(NamedTuple):
    """What is put into the queue: the body of one export request and how many records it holds."""

    signal: Signal
    records: int
    body: bytes

    @property
    def frame_bytes(self) -> int:
        """Bytes of its frame."""
        return HEADER_BYTES + len(self.body)


class Frame(NamedTuple):
    """An entry, and where it lies."""

    segment: int
    offset: int
    entry: Entry


class BrokenFrameError(Exception):
    """A frame cannot be read; `resume` is where the next one begins, None if nothing behind it can be found.

    `records` is how many it held at least.
    """

    def __init__(self, message: str, resume: int | None = None, records: int = 0) -> None:
        super().__init__(message)
        self.resume = resume
        self.records = records


def segment_path(folder: Path, number: int) -> Path:
    """Return where a segment lies."""
    return folder / f"{number:0{_NUMBER_DIGITS}}{SEGMENT_SUFFIX}"


def done_path(folder: Path, number: int) -> Path:
    """Return where the offsets of a segment's delivered frames lie."""
    return folder / f"{number:0{_NUMBER_DIGITS}}.done"


def stored_segments(folder: Path) -> list[tuple[int, int]]:
    """Return number and size of every segment in `folder`, oldest first. Raises OSError."""
    found = [path for path in folder.glob(f"*{SEGMENT_SUFFIX}") if path.stem.isdigit()]
    return sorted((int(path.stem), path.stat().st_size) for path in found)


def delivered_offsets(folder: Path, number: int) -> frozenset[int]:
    """Return the offsets of the frames of a segment that were delivered. Raises OSError."""
    try:
        raw = done_path(folder, number).read_bytes()
    except FileNotFoundError:
        return frozenset()
    whole = len(raw) - len(raw) % _CHECKSUM.size
    return frozenset(offset for (offset,) in _CHECKSUM.iter_unpack(raw[:whole]))


def mark_delivered(folder: Path, frame: Frame) -> None:
    """Note that a frame was delivered. Raises OSError."""
    with done_path(folder, frame.segment).open("ab", buffering=0) as file:
        file.write(_CHECKSUM.pack(frame.offset))


def remove_segment(folder: Path, number: int) -> None:
    """Delete a segment, then its offsets: the other way round a crash in between would deliver it again."""
    segment_path(folder, number).unlink(missing_ok=True)
    done_path(folder, number).unlink(missing_ok=True)


def read_frames(folder: Path, number: int, offset: int, end: int, bytes_max: int) -> Iterator[Frame]:
    """Yield the frames from `offset` on, at least one and then no more than `bytes_max` bytes; `end` is exclusive.

    Raises BrokenFrameError at a frame that is not whole, and OSError.
    """
    stop = offset + bytes_max
    with segment_path(folder, number).open("rb") as file:
        file.seek(offset)
        while offset < end:
            header = file.read(HEADER_BYTES)
            if len(header) < HEADER_BYTES:
                raise BrokenFrameError(f"the header at byte {offset} of segment {number} is cut off")
            fields = _decode_header(header)
            if fields is None:
                raise _without_header(header + file.read(max(end - file.tell(), 0)), number, offset)
            signal, records, length, checksum = fields
            if offset + HEADER_BYTES + length > end:
                raise BrokenFrameError(f"the frame at byte {offset} of segment {number} is cut off")
            body = file.read(length)
            if len(body) < length or zlib.crc32(body) != checksum:
                raise BrokenFrameError(
                    f"the frame at byte {offset} of segment {number} does not have its checksum",
                    offset + HEADER_BYTES + length,
                    records,
                )
            yield Frame(number, offset, Entry(_SIGNALS[signal], records, body))
            offset += HEADER_BYTES + length
            if offset >= stop:
                return


def _decode_header(header: bytes) -> tuple[int, int, int, int] | None:
    """Return signal, number of records, length and checksum of the body; None if these bytes are no header."""
    if len(header) < HEADER_BYTES:
        return None
    magic, signal, records, length, checksum = _HEADER.unpack_from(header)
    (header_checksum,) = _CHECKSUM.unpack_from(header, _HEADER.size)
    if magic != MAGIC or signal >= len(_SIGNALS) or zlib.crc32(header[: _HEADER.size]) != header_checksum:
        return None
    return signal, records, length, checksum


def _without_header(rest: bytes, number: int, offset: int) -> BrokenFrameError:
    """Say what is lost where `rest`, all from `offset` on, does not begin with a header: up to the next one.

    How many records that were nobody knows: one at least. Only zeros are what a power failure leaves of a frame that
    was being written, which nobody was told of yet.
    """
    at = rest.find(MAGIC, 1)
    while at >= 0 and _decode_header(rest[at : at + HEADER_BYTES]) is None:
        at = rest.find(MAGIC, at + 1)
    return BrokenFrameError(
        f"the header at byte {offset} of segment {number} is none",
        offset + at if at >= 0 else None,
        1 if rest.strip(b"\0") else 0,
    )


def _encode_header(entry: Entry) -> bytes:
    header = _HEADER.pack(MAGIC, _SIGNALS.index(entry.signal), entry.records, len(entry.body), zlib.crc32(entry.body))
    return header + _CHECKSUM.pack(zlib.crc32(header))


@dataclass(slots=True)
class _Open:
    number: int
    descriptor: int
    size: int


class SegmentAppender:
    """Appends entries to the newest segment, and begins another one when it is full. One thread owns it."""

    def __init__(self, folder: Path, segment_bytes: int, next_number: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._next_number = next_number
        self._open: _Open | None = None
        self._sealed = next_number - 1

    @property
    def sealed(self) -> int:
        """Segments up to this number are never appended to again; any thread may ask."""
        return self._sealed

    def append(self, entries: Sequence[Entry]) -> dict[int, int]:
        """Write all entries, or none; return the size of each segment that grew, once they are on disk.

        The last one is the segment that is appended to next. Raises OSError.
        """
        before = self._open
        before_size = before.size if before else 0
        begun: list[int] = []
        try:
            sizes: dict[int, int] = {}
            for entry in entries:
                segment = self._segment_for(entry.frame_bytes, begun)
                write_whole(segment.descriptor, _encode_header(entry))
                write_whole(segment.descriptor, entry.body)
                segment.size += entry.frame_bytes
                sizes[segment.number] = segment.size
            if self._open is not None:
                os.fdatasync(self._open.descriptor)
            if begun:
                sync_folder(self._folder)
        except OSError:
            self._undo(before, before_size, begun)
            raise
        return sizes

    def close(self) -> None:
        """Append no more. May be called twice."""
        if self._open is not None:
            os.close(self._open.descriptor)
            self._open = None

    def _segment_for(self, size: int, begun: list[int]) -> _Open:
        if self._open is not None and self._open.size and self._open.size + size > self._segment_bytes:
            os.fdatasync(self._open.descriptor)
            self.close()
        if self._open is None:
            number = self._next_number
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._open = _Open(number, os.open(segment_path(self._folder, number), flags, 0o600), 0)
            self._next_number += 1
            begun.append(number)
        return self._open

    def _undo(self, before: _Open | None, before_size: int, begun: Sequence[int]) -> None:
        """After a failed write nothing of it may count; what cannot be undone is read as a frame cut off."""
        self.close()
        try:
            for number in begun:
                segment_path(self._folder, number).unlink(missing_ok=True)
            if before is not None:
                os.truncate(segment_path(self._folder, before.number), before_size)
        except OSError:
            return
        finally:
            self._sealed = self._next_number - 1
