"""From evidence to sessions and requests: what the write path keeps of the records of one trace.

A part sums up the records that one commit added to one trace for one session, or for none. Parts are only
ever added: a request is the merge of all parts of its trace; a session is the merge of its own parts and of
the parts without session of its traces. So a session that is named late costs one part, and an answer as of
an earlier commit is the merge of the parts up to that commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.record import EventType, Record
from collector.pdata.semconv import (
    HttpFacts,
    full_url,
    http_attributes,
    http_facts,
)

ROOTS_PER_PART_MAX = 8
_NO_HTTP = HttpFacts(None, None, None)
_SERVER = int(Span.SPAN_KIND_SERVER)


class TraceKey(NamedTuple):
    """Where a record is filed: a trace, or in its absence a pseudo trace per session or per service.

    `kind` is "trace" (value: the 16 bytes), "session" (the id in UTF-8) or "service" (the name in UTF-8).
    """

    kind: str
    value: bytes

    @property
    def is_trace(self) -> bool:
        """Tell a real trace, which is a request, from a pseudo trace, which is none."""
        return self.kind == "trace"


class Root(NamedTuple):
    """A span whose parent was not in the same trace and commit: it may be the entry of its request.

    `position` is its position among the records that the commit added to the trace.
    """

    position: int
    span_id: bytes
    parent_span_id: bytes
    start_time_unix_nano: int
    end_time_unix_nano: int
    error: bool
    type: EventType
    kind: int
    service: str
    name: str
    method: str | None
    url: str | None
    status: int | None


class Landmark(NamedTuple):
    """The earliest record of its sort in a part, and the URL that it names ("" if it names none).

    `url` is None where it was not read: then only the record's body tells.
    """

    time_unix_nano: int
    position: int
    url: str | None


class Part(NamedTuple):
    """What one commit added to one trace for one session ("" = records that name no session).

    Times are the start of the first and of the last event, as recorded. `roots` holds the earliest
    ROOTS_PER_PART_MAX; `roots_left_out` counts the others. `page` is the earliest page load or navigation,
    `server` the earliest SERVER span.
    """

    commit: int
    trace_key: TraceKey
    session_id: str
    start_time_unix_nano: int
    last_time_unix_nano: int
    spans: int
    span_events: int
    logs: int
    errors: int
    service_bytes: dict[str, int]
    roots: tuple[Root, ...]
    roots_left_out: int
    page: Landmark | None
    server: Landmark | None

    @property
    def event_count(self) -> int:
        """All events: spans, span events and log records."""
        return self.spans + self.span_events + self.logs


def trace_key_of(record: Record) -> TraceKey:
    """Return where a record is filed."""
    if record.trace_id:
        return TraceKey("trace", record.trace_id)
    if record.session_id:
        return TraceKey("session", record.session_id.encode())
    return TraceKey("service", record.context.service.encode())


class RootFacts(NamedTuple):
    """What a root's attributes and name say; its other facts stand in the columns."""

    name: str
    method: str | None
    url: str | None
    status: int | None


class Findings(NamedTuple):
    """What only the messages of a commit's records in one trace tell, by position.

    `roots` are all roots, `facts` those of the ROOTS_PER_PART_MAX roots of each session that may be entries,
    `pages` the URL of each session's earliest page load or navigation ("" if it names none).
    """

    roots: frozenset[int]
    facts: Mapping[int, RootFacts]
    pages: Mapping[int, str]


class Columns(NamedTuple):
    """The records that one commit added to one trace, by column; enough for its parts.

    `positions` are those of the records that are still there; the columns hold one value for each of them.
    `events` are (index into the columns, time, error) of each span event.
    """

    positions: Sequence[int]
    sessions: Sequence[str]
    services: Sequence[str]
    sizes: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]
    span_ids: Sequence[bytes]
    parent_span_ids: Sequence[bytes]
    types: Sequence[EventType]
    kinds: Sequence[int]
    errors: Sequence[bool]
    logs: Sequence[bool]
    events: Sequence[tuple[int, int, bool]]
    findings: Findings


def findings_of(records: Sequence[Record]) -> Findings:
    """Find the roots and pages among the records that a commit adds to one trace, and read their attributes."""
    span_ids = {record.span_id for record in records if not record.content_hash}
    roots = [
        position
        for position, record in enumerate(records)
        if record.parent_span_id not in span_ids and not record.content_hash
    ]
    candidates: Iterable[int] = roots
    if len(roots) > ROOTS_PER_PART_MAX:
        by_session: dict[str, list[int]] = {}
        for position in sorted(roots, key=lambda root: _entry_rank(records[root])):
            by_session.setdefault(records[position].session_id, []).append(position)
        candidates = [position for own in by_session.values() for position in own[:ROOTS_PER_PART_MAX]]
    pages: dict[str, int] = {}
    for position in [position for position, record in enumerate(records) if record.is_page]:
        session_id = records[position].session_id
        first = pages.setdefault(session_id, position)
        if records[position].time_unix_nano < records[first].time_unix_nano:
            pages[session_id] = position
    return Findings(
        frozenset(roots),
        {position: _root_facts(records[position]) for position in candidates},
        {position: _url_of(records[position]) for position in pages.values()},
    )


def parts_of(commit: int, trace_key: TraceKey, records: Sequence[Record]) -> list[Part]:
    """Sum up the records that `commit` adds to one trace: one part per session, in order of first record."""
    columns = Columns(
        range(len(records)),
        [record.session_id for record in records],
        [record.context.service for record in records],
        [len(record.raw) for record in records],
        [record.time_unix_nano for record in records],
        [record.end_time_unix_nano for record in records],
        [record.span_id for record in records],
        [record.parent_span_id for record in records],
        [record.type for record in records],
        [record.kind for record in records],
        [record.error for record in records],
        [not record.is_span for record in records],
        [
            (index, event.time_unix_nano, event.error)
            for index, record in enumerate(records)
            for event in record.span_events
        ],
        findings_of(records),
    )
    return parts_of_columns(commit, trace_key, columns)


def parts_of_columns(commit: int, trace_key: TraceKey, columns: Columns) -> list[Part]:
    """Sum up a commit's records in one trace: one part per session, in order of first record."""
    by_session: dict[str, list[int]] = {}
    for index, session_id in enumerate(columns.sessions):
        by_session.setdefault(session_id, []).append(index)
    return [_part(commit, trace_key, session_id, own, columns) for session_id, own in by_session.items()]


def _part(commit: int, trace_key: TraceKey, session_id: str, own: Sequence[int], columns: Columns) -> Part:
    starts, positions, findings = columns.starts, columns.positions, columns.findings
    times = [starts[index] for index in own]
    errors = sum([columns.errors[index] for index in own])
    mine = set(own)
    events = [event for event in columns.events if event[0] in mine]
    if events:
        times.extend([time for _, time, _ in events])
        errors += sum([error for _, _, error in events])
    service_bytes: dict[str, int] = {}
    for index in own:
        service = columns.services[index]
        service_bytes[service] = service_bytes.get(service, 0) + columns.sizes[index]
    logs = sum([columns.logs[index] for index in own])
    roots = [_root(index, columns) for index in own if positions[index] in findings.facts]
    root_count = sum([positions[index] in findings.roots for index in own])
    pages = [index for index in own if positions[index] in findings.pages]
    servers = [index for index in own if columns.kinds[index] == _SERVER]
    return Part(
        commit,
        trace_key,
        session_id,
        min(times),
        max(times),
        len(own) - logs,
        len(events),
        logs,
        errors,
        service_bytes,
        tuple(sorted(roots, key=lambda root: (root.type is not EventType.NETWORK, root.start_time_unix_nano))),
        root_count - len(roots),
        _page(min(pages, key=starts.__getitem__), columns) if pages else None,
        _server(min(servers, key=starts.__getitem__), columns) if servers else None,
    )


def _entry_rank(record: Record) -> tuple[bool, int]:
    return (record.type is not EventType.NETWORK, record.time_unix_nano)


def _root_facts(record: Record) -> RootFacts:
    message = record.message
    if not isinstance(message, Span):
        raise TypeError("a root is a span")
    http = http_facts(http_attributes(message.attributes)) if record.type is EventType.NETWORK else _NO_HTTP
    return RootFacts(message.name, *http)


def _url_of(record: Record) -> str:
    return full_url(http_attributes(record.message.attributes)) or ""


def _root(index: int, columns: Columns) -> Root:
    position = columns.positions[index]
    name, method, url, status = columns.findings.facts[position]
    return Root(
        position,
        columns.span_ids[index],
        columns.parent_span_ids[index],
        columns.starts[index],
        columns.ends[index],
        columns.errors[index],
        columns.types[index],
        columns.kinds[index],
        columns.services[index],
        name,
        method,
        url,
        status,
    )


def _page(index: int, columns: Columns) -> Landmark:
    position = columns.positions[index]
    return Landmark(columns.starts[index], position, columns.findings.pages[position])


def _server(index: int, columns: Columns) -> Landmark:
    """Reading attributes is dear: the URL is there where it was read for a root."""
    position = columns.positions[index]
    facts = columns.findings.facts.get(position)
    read = facts is not None and columns.types[index] is EventType.NETWORK
    return Landmark(columns.starts[index], position, (facts.url or "") if facts and read else None)
