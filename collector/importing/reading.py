"""Files of recorded OTLP, read one request at a time: JSON lines, one JSON document, or protobuf behind lengths.

What cannot be read is said with its place, and what follows it is read all the same.
https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, cast

from collector.encoding.compression import REQUEST_BYTES_MAX
from collector.encoding.framing import Framing, detect_framing, read_length
from collector.encoding.otlp_json import request_to_protobuf
from collector.encoding.protobuf import refuse_bomb
from collector.errors import GasolineError, RefusedError
from collector.importing.signals import guess_signal
from collector.pdata.envelope import Signal

HEAD_BYTES = 16
LINES_LOOKED_AT_BYTES_MAX = 1024 * 1024
DISCARD_BYTES_MAX = 1024 * 1024
_COMPRESSED: Mapping[bytes, str] = MappingProxyType({b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"})
_FIRST_OF_JSON = (b"{", b"\xef\xbb\xbf{")
_LINE_OF_JSON = re.compile(rb'^\s*\{\s*"resource(?:Spans|Logs|Metrics)"', re.MULTILINE)
_MEMBERS: Mapping[str, Signal] = MappingProxyType(
    {"resourceSpans": Signal.TRACES, "resourceLogs": Signal.LOGS, "resourceMetrics": Signal.METRICS}
)


class UnreadableFileError(GasolineError):
    """A file cannot be opened or is nothing that can be imported; the text says what would be."""


class Request(NamedTuple):
    """One export request, as protobuf. `place` is the number of its line or message, from 1."""

    place: int
    position: int
    signal: Signal
    body: bytes


class Unreadable(NamedTuple):
    """What stands at a place and is no request; `position` is where the next one begins."""

    place: int
    position: int
    reason: str


def read_requests(path: Path, signal: Signal | None) -> Iterator[Request | Unreadable]:
    """Yield what the file holds, in order. `signal` is what protobuf messages are; None guesses, for each.

    Memory follows one request, of at most REQUEST_BYTES_MAX. What is appended meanwhile is left unread: an end that
    moves on may never come. Raises UnreadableFileError.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(LINES_LOOKED_AT_BYTES_MAX)
            file.seek(0)
            for magic, name in _COMPRESSED.items():
                if head.startswith(magic):
                    raise UnreadableFileError(
                        f"{path} is compressed with {name}; decompress it and import what comes of it"
                    )
            if _is_json(file, head, size, signal):
                yield from _read_json(file, size)
            elif size:
                yield from _read_messages(file, detect_framing(head[:HEAD_BYTES], size), size, signal)
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from error


def _is_json(file: BinaryIO, head: bytes, size: int, signal: Signal | None) -> bool:
    """Tell whether a file that begins with `head` is JSON: by its first character, or by any line of a request.

    That line may stand behind what is left of others. A file that begins with a message is none: that may quote lines.
    """
    if head.lstrip().startswith(_FIRST_OF_JSON):
        return True
    if not _LINE_OF_JSON.search(head):
        return False
    first = next(_read_messages(file, detect_framing(head[:HEAD_BYTES], size), size, signal), None)
    file.seek(0)
    return not (isinstance(first, Request) and first.body)


def _read_json(file: BinaryIO, size: int) -> Iterator[Request | Unreadable]:
    if size <= REQUEST_BYTES_MAX and _is_one_document(file, size):
        file.seek(0)
        yield from _requests_in(file.read(size), 1, size)
        return
    file.seek(0)
    place = 0
    while line := _read_line(file, size, REQUEST_BYTES_MAX + 1):
        place += 1
        if len(line) > REQUEST_BYTES_MAX:
            while line and not line.endswith(b"\n"):
                line = _read_line(file, size, DISCARD_BYTES_MAX)
            yield Unreadable(place, file.tell(), f"the line is longer than {REQUEST_BYTES_MAX} bytes")
        elif line.strip():
            yield from _requests_in(line, place, file.tell())


def _read_line(file: BinaryIO, size: int, bytes_max: int) -> bytes:
    """Return the next line of the first `size` bytes, or the beginning of a longer one."""
    return file.readline(min(bytes_max, size - file.tell()))


def _is_one_document(file: BinaryIO, size: int) -> bool:
    """Tell whether the file is one JSON document over several lines: then its first line is none."""
    first = _read_line(file, size, size)
    if file.tell() >= size:
        return True
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        file.seek(0)
        try:
            json.loads(file.read(size))
        except (ValueError, RecursionError):
            return False
        return True
    return False


def _requests_in(line: bytes, place: int, position: int) -> Iterator[Request | Unreadable]:
    """Yield the requests of one JSON document: usually one, of the signal that its member names."""
    line = line.removeprefix(b"\xef\xbb\xbf")
    try:
        document: object = json.loads(line)
        names = cast("dict[object, object]", document) if isinstance(document, dict) else {}
        found = [signal for name, signal in _MEMBERS.items() if name in names]
        if not found:
            yield Unreadable(place, position, f"it has none of {', '.join(_MEMBERS)}")
        requests = [Request(place, position, signal, request_to_protobuf(signal, line)) for signal in found]
    except (ValueError, RecursionError, RefusedError) as error:
        yield Unreadable(place, position, str(error) or "it is nested too deep")
        return
    yield from requests


def _read_messages(
    file: BinaryIO, framing: Framing, size: int, signal: Signal | None
) -> Iterator[Request | Unreadable]:
    place = 0
    while file.tell() < size:
        place += 1
        try:
            length = read_length(file, framing)
        except ValueError as error:
            yield Unreadable(place, size, str(error))
            return
        if length is None:
            return
        end = file.tell() + length
        if end > size:
            reason = "the file ends inside it" if length <= REQUEST_BYTES_MAX else "what stands here is no length"
            yield Unreadable(place, size, reason)
            return
        if length > REQUEST_BYTES_MAX:
            file.seek(end)
            yield Unreadable(place, end, f"the message is longer than {REQUEST_BYTES_MAX} bytes")
            continue
        body = file.read(length)
        try:
            yield Request(place, end, _checked(signal, body), body)
        except RefusedError as error:
            yield Unreadable(place, end, str(error))


def _checked(signal: Signal | None, body: bytes) -> Signal:
    """Return the signal of a message. Raises InvalidDataError, TooLargeError."""
    for each in Signal if signal is None else (signal,):
        refuse_bomb(each, body)
    return guess_signal(body) if signal is None else signal
