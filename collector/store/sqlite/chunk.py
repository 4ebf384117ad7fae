"""One chunk: the records that one commit added to one trace, as a header of columns and a body of raw bytes.

The header answers order, total, filters and lists; the body is opened for the records that are shown.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from collector.correlation.join import Columns, Findings, RootFacts, TraceKey, findings_of
from collector.correlation.record import Context, EventType, Evidence, Record, Severity
from collector.store.api import Row, RowKey
from collector.store.rows import span_event_row
from collector.store.sqlite.stored_pb2 import ChunkBody, ChunkHeader

_UINT64 = (1 << 64) - 1
_NO_ID = bytes(8)

# flags: bits 0-2 type (never 0), 3-5 kind, 6 error, 7-8 evidence, 9-11 severity, 12 log, 13 root
_KIND_SHIFT = 3
_ERROR_SHIFT = 6
_EVIDENCE_SHIFT = 7
_SEVERITY_SHIFT = 9
_LOG_SHIFT = 12
_ROOT = 1 << 13


class ContextFacts(NamedTuple):
    """What a row takes from its context."""

    service: str
    host: str


class Names(NamedTuple):
    """How numbers are read: contexts and sessions by their number."""

    context: Callable[[int], ContextFacts]
    session: Callable[[int], str]


def encode_header(records: Sequence[Record], contexts: Mapping[Context, int], sessions: Mapping[str, int]) -> bytes:
    """Return the header of these records; `contexts` and `sessions` give the numbers, that of "" is 0."""
    # Turned into columns once: this runs for every record that is stored.
    (
        raws, record_contexts, _, types, kinds, _, span_ids, parents, starts, ends,
        errors, severities, session_ids, evidences, span_events, hashes, _,
    ) = zip(*records, strict=True)  # fmt: skip
    base = min(starts)
    roots, facts, pages = findings_of(records)
    flags = [
        type_ | kind << _KIND_SHIFT | error << _ERROR_SHIFT | evidence << _EVIDENCE_SHIFT
        for type_, kind, error, evidence in zip(types, kinds, errors, evidences, strict=True)
    ]
    if any(hashes):
        span_ids = [span_id or _NO_ID for span_id in span_ids]
        flags = [
            flag | severity << _SEVERITY_SHIFT | bool(content_hash) << _LOG_SHIFT
            for flag, severity, content_hash in zip(flags, severities, hashes, strict=True)
        ]
        parents = [content_hash or parent for content_hash, parent in zip(hashes, parents, strict=True)]
    for position in roots:
        flags[position] |= _ROOT
    header = ChunkHeader(
        base_time_unix_nano=base,
        span_ids=b"".join(span_ids),
        parents_or_hashes=b"".join([parent or _NO_ID for parent in parents]),
        start_offsets=[start - base for start in starts],
        durations=[(end - start) & _UINT64 for start, end in zip(starts, ends, strict=True)],
        flags=flags,
        contexts=[contexts[context] for context in record_contexts],
        sessions=[sessions[session_id] for session_id in session_ids],
        sizes=map(len, raws),
    )
    for position, (name, method, url, status) in facts.items():
        header.roots.add(position=position, name=name, method=method, url=url, status=status)
    for position, url in pages.items():
        header.pages.add(position=position, url=url)
    if any(span_events):
        for position, events in enumerate(span_events):
            for event in events:
                header.event_records.append(position)
                header.event_offsets.append((event.time_unix_nano - base) & _UINT64)
                header.event_errors.append(event.error)
    return header.SerializeToString()


def encode_body(records: Sequence[Record]) -> bytes:
    """Return the body of these records, not yet compressed."""
    return ChunkBody(records=[record.raw for record in records]).SerializeToString()


def decode_rows(trace_key: TraceKey, commit: int, header_bytes: bytes, names: Names) -> Iterator[Row]:
    """Yield the rows of a chunk: each record that was not deleted, then its span events."""
    header = ChunkHeader.FromString(header_bytes)
    base = header.base_time_unix_nano
    trace_id = trace_key.value if trace_key.is_trace else b""
    span_ids, others = header.span_ids, header.parents_or_hashes
    events = _events_by_record(header)
    columns = zip(header.start_offsets, header.durations, header.flags, header.contexts, header.sessions, strict=True)
    for position, (offset, duration, flags, context, session) in enumerate(columns):
        if not flags:
            continue
        start = base + offset
        span_id = span_ids[8 * position : 8 * position + 8]
        other = others[8 * position : 8 * position + 8]
        is_log = bool(flags >> _LOG_SHIFT & 1)
        facts = names.context(context)
        row = Row(
            RowKey(trace_key, commit, position),
            -1,
            EventType(flags & 7),
            "log" if is_log else "span",
            flags >> _KIND_SHIFT & 7,
            trace_id,
            b"" if span_id == _NO_ID else span_id,
            b"" if is_log or other == _NO_ID else other,
            start,
            (start + duration) & _UINT64,
            bool(flags >> _ERROR_SHIFT & 1),
            Severity(flags >> _SEVERITY_SHIFT & 7),
            names.session(session),
            Evidence(flags >> _EVIDENCE_SHIFT & 3),
            facts.service,
            facts.host,
            other if is_log else b"",
        )
        yield row
        for event_index, (event_offset, event_error) in enumerate(events.get(position, ())):
            yield span_event_row(row, event_index, (base + event_offset) & _UINT64, event_error)


def _events_by_record(header: ChunkHeader) -> dict[int, list[tuple[int, bool]]]:
    events: dict[int, list[tuple[int, bool]]] = {}
    for position, offset, error in zip(header.event_records, header.event_offsets, header.event_errors, strict=True):
        events.setdefault(position, []).append((offset, error))
    return events


def decode_columns(header_bytes: bytes, names: Names) -> Columns:
    """Return the columns of the records of a chunk that were not deleted."""
    header = ChunkHeader.FromString(header_bytes)
    base = header.base_time_unix_nano
    flags = header.flags
    positions = [position for position, value in enumerate(flags) if value]
    index_of = {position: index for index, position in enumerate(positions)}
    starts = [base + header.start_offsets[position] for position in positions]
    ids = [header.span_ids[8 * position : 8 * position + 8] for position in positions]
    others = [header.parents_or_hashes[8 * position : 8 * position + 8] for position in positions]
    values = [flags[position] for position in positions]
    findings = Findings(
        frozenset(position for position in positions if flags[position] & _ROOT),
        {
            root.position: RootFacts(
                root.name,
                root.method if root.HasField("method") else None,
                root.url if root.HasField("url") else None,
                root.status if root.HasField("status") else None,
            )
            for root in header.roots
        },
        {page.position: page.url for page in header.pages},
    )
    return Columns(
        positions,
        [names.session(header.sessions[position]) for position in positions],
        [names.context(header.contexts[position]).service for position in positions],
        [header.sizes[position] for position in positions],
        starts,
        [(start + header.durations[at]) & _UINT64 for start, at in zip(starts, positions, strict=True)],
        [b"" if span_id == _NO_ID else span_id for span_id in ids],
        [b"" if other == _NO_ID else other for other in others],
        [EventType(value & 7) for value in values],
        [value >> _KIND_SHIFT & 7 for value in values],
        [bool(value >> _ERROR_SHIFT & 1) for value in values],
        [bool(value >> _LOG_SHIFT & 1) for value in values],
        [
            (index_of[position], (base + offset) & _UINT64, error)
            for position, offset, error in zip(
                header.event_records, header.event_offsets, header.event_errors, strict=True
            )
            if position in index_of
        ],
        findings,
    )


def contexts_of(header_bytes: bytes) -> dict[int, int]:
    """Return the context number of each record of a chunk by its position; deleted records are missing."""
    header = ChunkHeader.FromString(header_bytes)
    return {
        position: context
        for position, (flags, context) in enumerate(zip(header.flags, header.contexts, strict=True))
        if flags
    }


class Share(NamedTuple):
    """Records, and their bytes, of one context and one signal in a chunk."""

    context: int
    is_log: bool


def shares_of(header_bytes: bytes, sessions: set[int] | None = None) -> tuple[Counter[Share], Counter[Share]]:
    """Count records and bytes of a chunk by context and signal; those of these sessions, or all."""
    header = ChunkHeader.FromString(header_bytes)
    counts: Counter[Share] = Counter()
    sizes: Counter[Share] = Counter()
    for flags, context, session, size in zip(header.flags, header.contexts, header.sessions, header.sizes, strict=True):
        if flags and (sessions is None or session in sessions):
            share = Share(context, bool(flags >> _LOG_SHIFT & 1))
            counts[share] += 1
            sizes[share] += size
    return counts, sizes


def sessions_of(header_bytes: bytes) -> set[int]:
    """Return the numbers of the sessions that records of a chunk name."""
    header = ChunkHeader.FromString(header_bytes)
    return {session for flags, session in zip(header.flags, header.sessions, strict=True) if flags} - {0}


def decode_body(body_bytes: bytes) -> Sequence[bytes]:
    """Return the records of a decompressed body, in the header's order; deleted ones are empty."""
    return ChunkBody.FromString(body_bytes).records


def delete_records(header_bytes: bytes, body_bytes: bytes, sessions: set[int]) -> tuple[bytes, bytes]:
    """Blank the records that these session numbers own, and all that was read from them; return header and body.

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
    roots = [root for root in header.roots if header.flags[root.position]]
    pages = [page for page in header.pages if header.flags[page.position]]
    del header.roots[:], header.pages[:]
    header.roots.extend(roots)
    header.pages.extend(pages)
    return header.SerializeToString(), body.SerializeToString()
