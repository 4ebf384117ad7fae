"""Reading the headers of many chunks at once: into rows for timelines, into parts for lists.

Laid end to end they are one message (stored.proto, ChunkHeaders), so its columns hold the records of all chunks,
chunk after chunk. A mark before each header tells where the lists begin that not every record has a share in.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Literal, NamedTuple, TypeVar

from collector.correlation.join import Columns, Part, RootFacts, TraceKey, parts_of_columns
from collector.correlation.record import EventType, Evidence, Severity
from collector.store.api import Row, RowKey, TraceRows
from collector.store.rows import span_event_row
from collector.store.sqlite.chunk import (
    ERROR_SHIFT,
    EVIDENCE_SHIFT,
    ID_BYTES,
    KIND_SHIFT,
    LOG_SHIFT,
    NO_ID,
    ROOT,
    SEVERITY_SHIFT,
    UINT64,
)
from collector.store.sqlite.stored_pb2 import ChunkHeader, ChunkHeaders, StoredPage, StoredRoot

# No chunk has so many records.
_MARK_POSITION = (1 << 32) - 1
_MARK = ChunkHeader(
    event_records=[_MARK_POSITION],
    event_offsets=[0],
    event_errors=[False],
    roots=[StoredRoot(position=_MARK_POSITION)],
    pages=[StoredPage(position=_MARK_POSITION)],
).SerializeToString()
# By number, in place of the slow look-up by value: only numbers that were written are ever read.
_TYPES = tuple(EventType(max(number, 1)) for number in range(5))
_SEVERITIES = tuple(Severity)
_EVIDENCES = tuple(Evidence)
_T = TypeVar("_T")


class StoredChunk(NamedTuple):
    """One chunk as it lies in the store."""

    trace_key: TraceKey
    commit: int
    header: bytes


class ContextFacts(NamedTuple):
    """What a row takes from its context."""

    service: str
    host: str


class Names(NamedTuple):
    """How numbers are read: contexts and sessions by their number."""

    context: Callable[[int], ContextFacts]
    session: Callable[[int], str]


class _Records(NamedTuple):
    """The columns of all records of several chunks; and by number of the chunk, what few records have."""

    message: ChunkHeaders
    counts: list[int]
    flags: list[int]
    contexts: list[ContextFacts]
    sessions: list[str]
    span_ids: bytes
    others: bytes
    events: dict[int, list[tuple[int, int, bool]]]
    roots: dict[int, list[tuple[int, StoredRoot]]]
    pages: dict[int, list[tuple[int, StoredPage]]]


def decode_rows(chunks: Sequence[StoredChunk], names: Names, found: dict[TraceKey, TraceRows]) -> None:
    """Add the rows of chunks, which come in commit order, to `found`: each record, then its span events."""
    records = _read(chunks, names)
    message = records.message
    shapes = {flags: _shape(flags) for flags in set(records.flags)}
    columns = zip(
        records.flags,
        message.start_offsets,
        message.durations,
        records.contexts,
        records.sessions,
        _ids(records.span_ids),
        _ids(records.others),
        strict=True,
    )
    bases = message.base_times_unix_nano
    for number, ((trace_key, commit, _), base, count) in enumerate(zip(chunks, bases, records.counts, strict=True)):
        trace_id = trace_key.value if trace_key.is_trace else b""
        of_trace = found.get(trace_key)
        if of_trace is None:
            of_trace = found[trace_key] = TraceRows([], {}, {})
        rows, statuses, pages = of_trace
        events = records.events.get(number)
        for position, (flags, offset, duration, context, session, span_id, other) in enumerate(islice(columns, count)):
            if not flags:
                continue
            type_, signal, kind, error, severity, evidence = shapes[flags]
            is_log = signal == "log"
            row = Row(
                RowKey(trace_key, commit, position),
                -1,
                type_,
                signal,
                kind,
                trace_id,
                b"" if span_id == NO_ID else span_id,
                b"" if is_log or other == NO_ID else other,
                base + offset,
                (base + offset + duration) & UINT64,
                error,
                severity,
                session,
                evidence,
                context[0],
                context[1],
                other if is_log else b"",
            )
            rows.append(row)
            if events:
                mine = [event for event in events if event[0] == position]
                for event_index, (_, event_offset, error) in enumerate(mine):
                    rows.append(span_event_row(row, event_index, (base + event_offset) & UINT64, error))
        for position, root in records.roots.get(number, ()):
            status = root.status if root.HasField("status") else None
            statuses[RowKey(trace_key, commit, position)] = status
        for position, page in records.pages.get(number, ()):
            pages[RowKey(trace_key, commit, position)] = page.url


def _shape(flags: int) -> tuple[EventType, Literal["span", "log"], int, bool, Severity, Evidence]:
    """Return what a row takes from its flags; only a few of all combinations ever occur."""
    return (
        _TYPES[flags & 7],
        "log" if flags >> LOG_SHIFT & 1 else "span",
        flags >> KIND_SHIFT & 7,
        flags >> ERROR_SHIFT & 1 == 1,
        _SEVERITIES[flags >> SEVERITY_SHIFT & 7],
        _EVIDENCES[flags >> EVIDENCE_SHIFT & 3],
    )


def decode_parts(chunks: Sequence[StoredChunk], names: Names) -> list[Part]:
    """Return the parts of chunks, in their order."""
    records = _read(chunks, names)
    message, flags = records.message, records.flags
    sessions = [session if value else None for session, value in zip(records.sessions, flags, strict=True)]
    services = [context[0] for context in records.contexts]
    types = [_TYPES[value & 7] for value in flags]
    kinds = [value >> KIND_SHIFT & 7 for value in flags]
    errors = [value >> ERROR_SHIFT & 1 for value in flags]
    logs = [value >> LOG_SHIFT & 1 for value in flags]
    is_root = [value & ROOT for value in flags]
    offsets, durations, sizes = list(message.start_offsets), list(message.durations), list(message.sizes)
    parts: list[Part] = []
    first = 0
    bases = message.base_times_unix_nano
    for number, ((trace_key, commit, _), base, count) in enumerate(zip(chunks, bases, records.counts, strict=True)):
        end = first + count
        starts = [base + offset for offset in offsets[first:end]]
        roots = records.roots.get(number, ())
        columns = Columns(
            sessions[first:end],
            services[first:end],
            sizes[first:end],
            starts,
            [(start + duration) & UINT64 for start, duration in zip(starts, durations[first:end], strict=True)],
            types[first:end],
            kinds[first:end],
            errors[first:end],
            logs[first:end],
            is_root[first:end],
            [(at, (base + offset) & UINT64, error) for at, offset, error in records.events.get(number, ())],
            {position: _root_ids(records, first + position) for position, _ in roots},
            {position: _facts_of(root) for position, root in roots},
            {position: page.url for position, page in records.pages.get(number, ())},
        )
        parts += parts_of_columns(commit, trace_key, columns)
        first = end
    return parts


def _read(chunks: Sequence[StoredChunk], names: Names) -> _Records:
    message = ChunkHeaders.FromString(_MARK.join((b"", *(chunk.header for chunk in chunks))))
    contexts = list(message.contexts)
    facts_of = {number: names.context(number) for number in set(contexts)}
    sessions = list(message.sessions)
    session_of = {number: names.session(number) for number in set(sessions)}
    return _Records(
        message,
        [len(span_ids) // ID_BYTES for span_ids in message.span_ids],
        list(message.flags),
        [facts_of[number] for number in contexts],
        [session_of[number] for number in sessions],
        b"".join(message.span_ids),
        b"".join(message.parents_or_hashes),
        _by_chunk(
            (event[0], event)
            for event in zip(message.event_records, message.event_offsets, message.event_errors, strict=True)
        ),
        _by_chunk((root.position, (root.position, root)) for root in message.roots),
        _by_chunk((page.position, (page.position, page)) for page in message.pages),
    )


def _by_chunk(items: Iterable[tuple[int, _T]]) -> dict[int, list[_T]]:
    """Part a list at its marks; only chunks that have a share in it are there."""
    found: dict[int, list[_T]] = {}
    number = -1
    for position, item in items:
        if position == _MARK_POSITION:
            number += 1
        elif number in found:
            found[number].append(item)
        else:
            found[number] = [item]
    return found


def _ids(joined: bytes) -> list[bytes]:
    return [joined[at : at + ID_BYTES] for at in range(0, len(joined), ID_BYTES)]


def _root_ids(records: _Records, index: int) -> tuple[bytes, bytes]:
    at = ID_BYTES * index
    parent = records.others[at : at + ID_BYTES]
    return records.span_ids[at : at + ID_BYTES], b"" if parent == NO_ID else parent


def _facts_of(root: StoredRoot) -> RootFacts:
    return RootFacts(
        root.name,
        root.method if root.HasField("method") else None,
        root.url if root.HasField("url") else None,
        root.status if root.HasField("status") else None,
    )
