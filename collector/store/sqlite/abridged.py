"""A record without what its trace and its header hold as well: its ids and its times.

The content of these fields is left out and their tags stay, so whoever has the header puts it back, to the byte.
A record in which such a field holds anything else, or that is no plain message, is kept whole.
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Mapping
from typing import TypeAlias

OMISSIONS_MAX = 8

# Tags of Span.
_TRACE_ID, _SPAN_ID, _PARENT_SPAN_ID, _START, _END = 0x0A, 0x12, 0x22, 0x39, 0x41
# Tags of LogRecord.
_LOG_TIME, _LOG_TRACE_ID, _LOG_SPAN_ID = 0x09, 0x4A, 0x52
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_VARINT_BYTES_MAX = 10
_UINT32 = (1 << 32) - 1
_UINT64 = (1 << 64) - 1

Known: TypeAlias = Mapping[int, bytes]


def known_of_span(trace_id: bytes, span_id: bytes, parent_span_id: bytes, start: int, end: int) -> Known:
    """Return by tag what is known of a span: ids as the header has them, zeros where there is none."""
    return {
        _TRACE_ID: trace_id,
        _SPAN_ID: span_id,
        _PARENT_SPAN_ID: parent_span_id,
        _START: start.to_bytes(8, "little"),
        _END: end.to_bytes(8, "little"),
    }


def known_of_log(trace_id: bytes, span_id: bytes, time: int) -> Known:
    """Return by tag what is known of a log record."""
    return {_LOG_TIME: time.to_bytes(8, "little"), _LOG_TRACE_ID: trace_id, _LOG_SPAN_ID: span_id}


def abridge(record: bytes, known: Known) -> bytes | None:
    """Return the record without what is known; None where it has to be kept whole."""
    omissions = _omissions(record, known, are_out=False)
    if omissions is None:
        return None
    kept: list[bytes] = []
    start = 0
    for at, content in omissions:
        end = at + len(content)
        if record[at:end] != content:
            return None
        kept.append(record[start:at])
        start = end
    kept.append(record[start:])
    return b"".join(kept)


def restore(abridged: bytes, known: Known) -> bytes:
    """Return the record that `abridge` made this of. Raises ValueError for what it never made."""
    omissions = _omissions(abridged, known, are_out=True)
    if omissions is None:
        raise ValueError(f"an abridged record of {len(abridged)} bytes cannot be read")
    pieces: list[bytes] = []
    start = 0
    for at, content in omissions:
        pieces += (abridged[start:at], content)
        start = at
    pieces.append(abridged[start:])
    return b"".join(pieces)


def _omissions(record: bytes, known: Known, *, are_out: bool) -> list[tuple[int, bytes]] | None:
    """Return the content to leave out, or that is left out, and where; None for bytes that are not read here."""
    found: list[tuple[int, bytes]] = []
    at = 0
    try:
        while at < len(record):
            tag, at = _read_varint(record, at)
            size, at = _read_size(record, tag, at)
            content = known.get(tag, b"")
            if content and size == len(content):
                found.append((at, content))
                if are_out:
                    continue
            at += size
            if at > len(record):
                return None
    except (IndexError, ValueError):
        return None
    return found if len(found) <= OMISSIONS_MAX else None


def _read_size(record: bytes, tag: int, at: int) -> tuple[int, int]:
    """Return the size of a field's content, and where it begins. Raises ValueError for what OTLP has none of."""
    wire_type = tag & 7
    if tag > _UINT32:
        raise ValueError(tag)
    if wire_type == _LENGTH:
        return _read_varint(record, at)
    if wire_type == _VARINT:
        return _read_varint(record, at)[1] - at, at
    if wire_type in (_FIXED64, _FIXED32):
        return 8 if wire_type == _FIXED64 else 4, at
    raise ValueError(tag)


def _read_varint(record: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_VARINT_BYTES_MAX):
        byte = record[at + shift]
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value & _UINT64, at + shift + 1
    raise ValueError(at)
