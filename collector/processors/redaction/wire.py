"""The fields of a protobuf message in its bytes, one by one, and fields written anew.

Only for bytes that the official class has accepted. https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, LENGTH, GROUP, GROUP_END, FIXED32 = range(6)


class Field(NamedTuple):
    """One field: its tag begins at `start`, its value is from `begin` up to, not including, `end`."""

    number: int
    wire_type: int
    start: int
    begin: int
    end: int


def fields(body: bytes, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message from `start` up to `end`; a group is one field with all that is in it."""
    position = start
    while position < end:
        before = position
        tag = body[position]
        position += 1
        if tag > 0x7F:
            tag, position = read_varint(body, before)
        wire_type = tag & 7
        if wire_type == LENGTH:
            length = body[position]
            position += 1
            if length > 0x7F:
                length, position = read_varint(body, position - 1)
            yield Field(tag >> 3, LENGTH, before, position, position + length)
            position += length
        else:
            begin = position
            position = _end_of(body, position, wire_type)
            yield Field(tag >> 3, wire_type, before, begin, position)


def _end_of(body: bytes, position: int, wire_type: int) -> int:
    if wire_type == VARINT:
        return read_varint(body, position)[1]
    if wire_type == FIXED64:
        return position + 8
    if wire_type == FIXED32:
        return position + 4
    depth = 1
    while depth:
        tag, position = read_varint(body, position)
        if tag & 7 == GROUP:
            depth += 1
        elif tag & 7 == GROUP_END:
            depth -= 1
        elif tag & 7 == LENGTH:
            length, position = read_varint(body, position)
            position += length
        else:
            position = _end_of(body, position, tag & 7)
    return position


def read_varint(body: bytes, position: int) -> tuple[int, int]:
    """Return the number that is written at `position`, and the position behind it."""
    number = shift = 0
    while True:
        byte = body[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7


def length_field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field as it is written in the shortest form."""
    return varint(number << 3 | LENGTH) + varint(len(content)) + content


def varint(number: int) -> bytes:
    """Return a number in the shortest form."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
