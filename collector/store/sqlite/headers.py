"""Reading the headers of many chunks at once: into rows for timelines, into parts for lists.

Laid end to end they are one message (stored.proto, ChunkHeaders), so its columns hold the records of all chunks,
chunk after chunk. A mark before each header tells where the lists begin that not every record has a share in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from collector.correlation.join import Columns, Part, RootFacts, TraceKey, parts_of_columns
from collector.correlation.record import EventType, Evidence, Severity
from collector.pdata import native
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
from collector.store.sqlite.codec import is_packed
from collector.store.sqlite.stored_pb2 import ChunkHeaders, StoredPage, StoredRoot

KERNEL = "collector.store.sqlite.header_kernel"
PARTS_KERNEL = "collector.store.sqlite.parts_kernel"
ROWS_KERNEL = "collector.store.native_rows"
# No chunk has so many records.
_MARK_POSITION = (1 << 32) - 1
_ROOT_MARK = StoredRoot(position=_MARK_POSITION).SerializeToString()
_PAGE_MARK = StoredPage(position=_MARK_POSITION).SerializeToString()
_MARK = ChunkHeaders(
    event_records=[_MARK_POSITION],
    event_offsets=[0],
    event_errors=[False],
    roots=[_ROOT_MARK],
    pages=[_PAGE_MARK],
).SerializeToString()
# By number, in place of the slow look-up by value: only numbers that were written are ever read.
_TYPES = tuple(EventType(max(number, 1)) for number in range(5))
_SEVERITIES = tuple(Severity)
_EVIDENCES = tuple(Evidence)
_T = TypeVar("_T")
# The position of its span, its time to the base, whether it is an error.
_StoredEvent: TypeAlias = tuple[int, int, bool]


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
    """The columns of all records of several chunks; and by number of the chunk, what few records have.

    `roots` and `pages` are messages, serialized.
    """

    message: ChunkHeaders
    counts: list[int]
    flags: list[int]
    contexts: list[ContextFacts]
    sessions: list[str]
    span_ids: bytes
    others: bytes
    events: dict[int, list[_StoredEvent]]
    roots: dict[int, list[bytes]]
    pages: dict[int, list[bytes]]


class _Statuses(Mapping[RowKey, int | None]):
    """The statuses of a trace's roots, each parsed when it is asked for: of all roots, few can be an entry span.

    `roots` holds by commit the serialized roots of a chunk, or its header as it is stored, which has them packed.
    """

    def __init__(self, trace_key: TraceKey, whole_header: Callable[[bytes], bytes]) -> None:
        self.trace_key = trace_key
        self.roots: dict[int, list[bytes] | bytes] = {}
        self._whole_header = whole_header

    def _roots_at(self, commit: int) -> Sequence[bytes]:
        found = self.roots.get(commit, [])
        if isinstance(found, bytes):
            found = self.roots[commit] = list(ChunkHeaders.FromString(self._whole_header(found)).roots)
        return found

    def __getitem__(self, key: RowKey) -> int | None:
        if key.trace_key == self.trace_key:
            for root in map(StoredRoot.FromString, self._roots_at(key.commit)):
                if root.position == key.position:
                    return root.status if root.HasField("status") else None
        raise KeyError(key)

    def __iter__(self) -> Iterator[RowKey]:
        for commit in self.roots:
            for root in self._roots_at(commit):
                yield RowKey(self.trace_key, commit, StoredRoot.FromString(root).position)

    def __len__(self) -> int:
        return sum(len(self._roots_at(commit)) for commit in self.roots)


class RowsOfTraces:
    """Rows by trace, filled chunk by chunk; chunks of one trace come in commit order.

    `whole_header` unpacks the facts of a stored header; it is asked for those that somebody looks at, also later.
    """

    def __init__(self, whole_header: Callable[[bytes], bytes] = bytes, *, use_native: bool = True) -> None:
        self._whole_header = whole_header
        self.traces: dict[TraceKey, TraceRows] = {}
        self._statuses: dict[TraceKey, _Statuses] = {}
        self._lists: dict[TraceKey, list[Row]] = {}
        self._kernel = native.kernel(KERNEL) if use_native else None
        self._rows_kernel = native.kernel(ROWS_KERNEL) if self._kernel else None
        self._places = self._rows_kernel.Places() if self._rows_kernel else None

    def add(self, chunks: Sequence[StoredChunk], names: Names) -> None:
        """Add the rows of chunks: each record, then its span events."""
        if self._kernel is None:
            self._add_by_columns(chunks, names)
            return
        read_rows = self._kernel.read_rows
        last: TraceKey | None = None
        rows: Sequence[Row] = ()
        roots_of_trace: dict[int, list[bytes] | bytes] = {}
        for trace_key, commit, header in chunks:
            if trace_key is not last:
                last = trace_key
                rows = self._of(trace_key).rows
                roots_of_trace = self._statuses[trace_key].roots
            roots, pages = read_rows(header, commit, names, rows)
            if roots:
                roots_of_trace[commit] = roots
            elif is_packed(header):
                roots_of_trace[commit] = header
            if pages:
                self._add_pages(trace_key, commit, pages)

    def cut(self, limit: int) -> None:
        """Leave at most so many rows of each trace."""
        for trace_key, of_trace in self.traces.items():
            if len(of_trace.rows) > limit:
                self.traces[trace_key] = of_trace._replace(rows=of_trace.rows[:limit])

    def _of(self, trace_key: TraceKey) -> TraceRows:
        of_trace = self.traces.get(trace_key)
        if of_trace is None:
            statuses = self._statuses[trace_key] = _Statuses(trace_key, self._whole_header)
            rows: Sequence[Row]
            if self._rows_kernel is None:
                rows = self._lists[trace_key] = []
            else:
                rows = self._rows_kernel.NativeRows(trace_key, self._places)
            of_trace = self.traces[trace_key] = TraceRows(rows, statuses, {})
        return of_trace

    def _add_pages(self, trace_key: TraceKey, commit: int, pages: Sequence[bytes]) -> None:
        for page in map(StoredPage.FromString, pages):
            self.traces[trace_key].pages[RowKey(trace_key, commit, page.position)] = page.url

    def _add_by_columns(self, stored: Sequence[StoredChunk], names: Names) -> None:
        chunks = [chunk._replace(header=self._whole_header(chunk.header)) for chunk in stored]
        records = _read(chunks, names)
        rows = _rows(chunks, records)
        has_deleted = 0 in records.flags
        first = 0
        for number, ((trace_key, commit, _), count) in enumerate(zip(chunks, records.counts, strict=True)):
            self._of(trace_key)
            mine = rows[first : first + count]
            if number in records.events:
                mine = _with_events(mine, records.events[number], records.message.base_times_unix_nano[number])
            if has_deleted:
                flags = records.flags[first : first + count]
                mine = [row for row in mine if flags[row.key.position]]
            self._lists[trace_key] += mine
            if number in records.roots:
                self._statuses[trace_key].roots[commit] = records.roots[number]
            self._add_pages(trace_key, commit, records.pages.get(number, ()))
            first += count


def _rows(chunks: Sequence[StoredChunk], records: _Records) -> list[Row]:
    """Return one row a record, also for those that were deleted."""
    message = records.message
    # Called with all fields in a tuple: a named tuple's own constructor takes twice as long, for tens of thousands.
    new = tuple[object, ...].__new__
    bases = message.base_times_unix_nano
    places = [
        (new(RowKey, (trace_key, commit, position)), base)
        for (trace_key, commit, _), base, count in zip(chunks, bases, records.counts, strict=True)
        for position in range(count)
    ]
    shapes = {flags: _shape(flags) for flags in set(records.flags)}
    columns = zip(
        places,
        records.flags,
        message.start_offsets,
        message.durations,
        records.contexts,
        records.sessions,
        _ids(records.span_ids),
        _ids(records.others),
        strict=True,
    )
    rows: list[Row] = []
    for (key, base), flags, offset, duration, (service, host), session, span_id, other in columns:
        type_, signal, kind, error, severity, evidence = shapes[flags]
        (trace_kind, trace_id), _, _ = key
        start = base + offset
        is_log = signal == "log"
        fields = (
            key,
            -1,
            type_,
            signal,
            kind,
            trace_id if trace_kind == "trace" else b"",
            b"" if span_id == NO_ID else span_id,
            b"" if is_log or other == NO_ID else other,
            start,
            (start + duration) & UINT64,
            error,
            severity,
            session,
            evidence,
            service,
            host,
            other if is_log else b"",
        )
        rows.append(new(Row, fields))
    return rows


def _with_events(rows: Sequence[Row], events: Sequence[_StoredEvent], base: int) -> list[Row]:
    """Put behind each row of one chunk those of its span events."""
    by_position: dict[int, list[_StoredEvent]] = {}
    for event in events:
        by_position.setdefault(event[0], []).append(event)
    found: list[Row] = []
    for position, row in enumerate(rows):
        found.append(row)
        for event_index, (_, offset, error) in enumerate(by_position.get(position, ())):
            found.append(span_event_row(row, event_index, (base + offset) & UINT64, error))
    return found


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


def decode_parts(chunks: Sequence[StoredChunk], names: Names, *, use_native: bool = True) -> list[Part]:
    """Return the parts of chunks, in their order. Their facts are unpacked."""
    kernel = native.kernel(PARTS_KERNEL) if use_native else None
    if kernel is not None:
        parts_of_chunks: list[Part] = kernel.decode_parts(chunks, names)
        return parts_of_chunks
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
        roots = [StoredRoot.FromString(root) for root in records.roots.get(number, ())]
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
            {root.position: _root_ids(records, first + root.position) for root in roots},
            {root.position: _facts_of(root) for root in roots},
            {page.position: page.url for page in map(StoredPage.FromString, records.pages.get(number, ()))},
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
            list(zip(message.event_records, message.event_offsets, message.event_errors, strict=True)),
            (_MARK_POSITION, 0, False),
            len(chunks),
        ),
        _by_chunk(message.roots, _ROOT_MARK, len(chunks)),
        _by_chunk(message.pages, _PAGE_MARK, len(chunks)),
    )


def _by_chunk(items: Sequence[_T], mark: _T, chunks: int) -> dict[int, list[_T]]:
    """Part a list at its marks; only chunks that have a share in it are there."""
    found: dict[int, list[_T]] = {}
    if len(items) == chunks:
        return found
    number = -1
    for item in items:
        if item == mark:
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
