"""One chunk: the records that one commit added to one trace, as a header of columns and a body of raw bytes.

The header answers order, total and filters; the body is opened for the records that are shown.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from collector.correlation.join import TraceKey
from collector.correlation.record import Context, EventType, Evidence, Record, Severity
from collector.store.api import Row, RowKey
from collector.store.rows import span_event_row
from collector.store.sqlite.stored_pb2 import ChunkBody, ChunkHeader

_UINT64 = (1 << 64) - 1
_NO_ID = bytes(8)

# flags: bits 0-2 type (never 0), 3-5 kind, 6 error, 7-8 evidence, 9-11 severity, 12 log
_KIND_SHIFT = 3
_ERROR_SHIFT = 6
_EVIDENCE_SHIFT = 7
_SEVERITY_SHIFT = 9
_LOG_SHIFT = 12


class ContextFacts(NamedTuple):
    """What a row takes from its context."""

    service: str
    host: str


def pack_flags(record: Record) -> int:
    """Return the small facts of a record as one number; never 0."""
    return (
        record.type
        | (record.kind & 7) << _KIND_SHIFT
        | record.error << _ERROR_SHIFT
        | record.evidence << _EVIDENCE_SHIFT
        | record.severity << _SEVERITY_SHIFT
        | bool(record.content_hash) << _LOG_SHIFT
    )


def encode_header(records: Sequence[Record], contexts: Mapping[Context, int], sessions: Mapping[str, int]) -> bytes:
    """Return the header of these records; `contexts` and `sessions` give the numbers, that of "" is 0."""
    base = min([record.time_unix_nano for record in records])
    header = ChunkHeader(
        base_time_unix_nano=base,
        span_ids=b"".join([record.span_id or _NO_ID for record in records]),
        parents_or_hashes=b"".join([record.content_hash or record.parent_span_id or _NO_ID for record in records]),
        start_offsets=[record.time_unix_nano - base for record in records],
        durations=[(record.end_time_unix_nano - record.time_unix_nano) & _UINT64 for record in records],
        flags=[pack_flags(record) for record in records],
        contexts=[contexts[record.context] for record in records],
        sessions=[sessions[record.session_id] for record in records],
    )
    for position, record in enumerate(records):
        for event in record.span_events:
            header.event_records.append(position)
            header.event_offsets.append((event.time_unix_nano - base) & _UINT64)
            header.event_errors.append(event.error)
    return header.SerializeToString()


def encode_body(records: Sequence[Record]) -> bytes:
    """Return the body of these records, not yet compressed."""
    return ChunkBody(records=[record.raw for record in records]).SerializeToString()


def decode_rows(
    trace_key: TraceKey,
    commit: int,
    header_bytes: bytes,
    context_of: Callable[[int], ContextFacts],
    session_of: Callable[[int], str],
) -> Iterator[Row]:
    """Yield the rows of a chunk: each record that was not deleted, then its span events."""
    header = ChunkHeader.FromString(header_bytes)
    base = header.base_time_unix_nano
    trace_id = trace_key.value if trace_key.is_trace else b""
    events = _events_by_record(header)
    columns = zip(header.start_offsets, header.durations, header.flags, header.contexts, header.sessions, strict=True)
    for position, (offset, duration, flags, context, session) in enumerate(columns):
        if not flags:
            continue
        start = base + offset
        span_id = header.span_ids[8 * position : 8 * position + 8]
        other = header.parents_or_hashes[8 * position : 8 * position + 8]
        is_log = bool(flags >> _LOG_SHIFT & 1)
        facts = context_of(context)
        row = Row(
            key=RowKey(trace_key, commit, position),
            event_index=-1,
            type=EventType(flags & 7),
            signal="log" if is_log else "span",
            kind=flags >> _KIND_SHIFT & 7,
            trace_id=trace_id,
            span_id=b"" if span_id == _NO_ID else span_id,
            parent_span_id=b"" if is_log or other == _NO_ID else other,
            time_unix_nano=start,
            end_time_unix_nano=(start + duration) & _UINT64,
            error=bool(flags >> _ERROR_SHIFT & 1),
            severity=Severity(flags >> _SEVERITY_SHIFT & 7),
            session_id=session_of(session),
            evidence=Evidence(flags >> _EVIDENCE_SHIFT & 3),
            service=facts.service,
            host=facts.host,
            content_hash=other if is_log else b"",
        )
        yield row
        for event_index, (event_offset, event_error) in enumerate(events.get(position, ())):
            yield span_event_row(row, event_index, (base + event_offset) & _UINT64, event_error)


def _events_by_record(header: ChunkHeader) -> dict[int, list[tuple[int, bool]]]:
    events: dict[int, list[tuple[int, bool]]] = {}
    for position, offset, error in zip(header.event_records, header.event_offsets, header.event_errors, strict=True):
        events.setdefault(position, []).append((offset, error))
    return events


def contexts_of(header_bytes: bytes) -> dict[int, int]:
    """Return the context number of each record of a chunk by its position; deleted records are missing."""
    header = ChunkHeader.FromString(header_bytes)
    return {
        position: context
        for position, (flags, context) in enumerate(zip(header.flags, header.contexts, strict=True))
        if flags
    }


def records_by_context(header_bytes: bytes, sessions: set[int] | None = None) -> Counter[tuple[int, bool]]:
    """Count the records of a chunk by context number and whether they are logs; those of `sessions`, or all."""
    header = ChunkHeader.FromString(header_bytes)
    return Counter(
        (context, bool(flags >> _LOG_SHIFT & 1))
        for flags, context, session in zip(header.flags, header.contexts, header.sessions, strict=True)
        if flags and (sessions is None or session in sessions)
    )


def decode_body(body_bytes: bytes) -> Sequence[bytes]:
    """Return the records of a decompressed body, in the header's order; deleted ones are empty."""
    return ChunkBody.FromString(body_bytes).records


def delete_records(header_bytes: bytes, body_bytes: bytes, sessions: set[int]) -> tuple[bytes, bytes]:
    """Blank the records that these session numbers own; return header and body.

    The positions of the others stay. The header is empty when nothing is left.
    """
    header = ChunkHeader.FromString(header_bytes)
    body = ChunkBody.FromString(body_bytes)
    for position, session in enumerate(header.sessions):
        if session in sessions:
            header.flags[position] = 0
            body.records[position] = b""
    if not any(header.flags):
        return b"", b""
    return header.SerializeToString(), body.SerializeToString()
