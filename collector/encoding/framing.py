"""Protobuf messages in a file, each behind its length.

The OpenTelemetry Collector's file exporter writes lengths as four bytes, the highest first; many other programs
write them as varints. https://protobuf.dev/programming-guides/techniques/#streaming
"""

import enum
import struct
from typing import BinaryIO

LENGTH_BYTES = 4
_LENGTH = struct.Struct(">I")
_VARINT_BYTES_MAX = 10
# Every field of an export request is field 1, length-delimited: an empty request aside, this is how it begins.
_FIRST_TAG = 0x0A


class Framing(enum.Enum):
    """How a message's length is written."""

    BIG_ENDIAN = "four bytes"
    VARINT = "varint"


def framed(body: bytes) -> bytes:
    """Return `body` behind its length, as the Collector writes it."""
    return _LENGTH.pack(len(body)) + body


def detect_framing(head: bytes, file_size: int) -> Framing:
    """Tell how the lengths of a file are written that begins with `head` (16 bytes or all there is)."""
    if len(head) >= LENGTH_BYTES:
        (length,) = _LENGTH.unpack_from(head)
        fits = LENGTH_BYTES + length <= file_size
        if fits and (head[LENGTH_BYTES] == _FIRST_TAG if length else len(head) == LENGTH_BYTES or head[0] == 0):
            return Framing.BIG_ENDIAN
    return Framing.VARINT


def read_length(file: BinaryIO, framing: Framing) -> int | None:
    """Return the next length; None at the end of the file. Raises ValueError if it is cut off or too long."""
    if framing is Framing.BIG_ENDIAN:
        raw = file.read(LENGTH_BYTES)
        if not raw:
            return None
        if len(raw) < LENGTH_BYTES:
            raise ValueError("the file ends inside a length")
        return _LENGTH.unpack(raw)[0]
    return _read_varint(file)


def _read_varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 7 * _VARINT_BYTES_MAX, 7):
        byte = file.read(1)
        if not byte:
            if shift:
                raise ValueError("the file ends inside a length")
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("a length is longer than 10 bytes")
