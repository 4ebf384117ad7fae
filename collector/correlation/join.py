"""From evidence to sessions and requests: what the write path keeps of the records of one trace.

A part sums up the records that one commit added to one trace for one session, or for none. Parts are only
ever added: a request is the merge of all parts of its trace; a session is the merge of its own parts and of
the parts without session of its traces. So a session that is named late costs one part, and an answer as of
an earlier commit is the merge of the parts up to that commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
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

    `sessions` is None where a record was deleted; nothing else of it counts. Errors, logs and roots are 0 where they
    are false. `events` are (position of the span, time, error) of each span event. `root_ids` are span id and
    parent span id of those roots that `facts` describe; `facts` and `pages` are those of Findings.
    """

    sessions: Sequence[str | None]
    services: Sequence[str]
    sizes: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]
    types: Sequence[EventType]
    kinds: Sequence[int]
    errors: Sequence[int]
    logs: Sequence[int]
    roots: Sequence[int]
    events: Sequence[tuple[int, int, bool]]
    root_ids: Mapping[int, tuple[bytes, bytes]]
    facts: Mapping[int, RootFacts]
    pages: Mapping[int, str]


def findings_of(records: Sequence[Record]) -> Findings:
    """Find the roots and pages among the records that a commit adds to one trace, and read their attributes."""
    span_ids = {record.span_id for record in records if not record.content_hash}
    roots = [
        position
        for position, record in enumerate(records)
        if record.parent_span_id not in span_ids and not record.content_hash
    ]
    candidates = roots if len(roots) <= ROOTS_PER_PART_MAX else candidate_roots(records, roots)
    return Findings(
        frozenset(roots),
        {position: root_facts(records[position]) for position in candidates},
        page_urls(records),
    )


def candidate_roots(records: Sequence[Record], roots: Iterable[int]) -> list[int]:
    """Return the positions of those ROOTS_PER_PART_MAX roots of each session that may best be entries."""
    by_session: dict[str, list[int]] = {}
    for position in sorted(roots, key=lambda root: _entry_rank(records[root])):
        by_session.setdefault(records[position].session_id, []).append(position)
    return [position for own in by_session.values() for position in own[:ROOTS_PER_PART_MAX]]


def page_urls(records: Sequence[Record]) -> dict[int, str]:
    """Return by position the URL of each session's earliest page load or navigation ("" if it names none)."""
    pages: dict[str, int] = {}
    for position in [position for position, record in enumerate(records) if record.is_page]:
        session_id = records[position].session_id
        first = pages.setdefault(session_id, position)
        if records[position].time_unix_nano < records[first].time_unix_nano:
            pages[session_id] = position
    return {position: _url_of(records[position]) for position in pages.values()}


def parts_of(commit: int, trace_key: TraceKey, records: Sequence[Record]) -> list[Part]:
    """Sum up the records that `commit` adds to one trace: one part per session, in order of first record."""
    findings = findings_of(records)
    columns = Columns(
        [record.session_id for record in records],
        [record.context.service for record in records],
        [len(record.raw) for record in records],
        [record.time_unix_nano for record in records],
        [record.end_time_unix_nano for record in records],
        [record.type for record in records],
        [record.kind for record in records],
        [record.error for record in records],
        [not record.is_span for record in records],
        [position in findings.roots for position in range(len(records))],
        [
            (position, event.time_unix_nano, event.error)
            for position, record in enumerate(records)
            for event in record.span_events
        ],
        {position: (records[position].span_id, records[position].parent_span_id) for position in findings.facts},
        findings.facts,
        findings.pages,
    )
    return parts_of_columns(commit, trace_key, columns)


def parts_of_columns(commit: int, trace_key: TraceKey, columns: Columns) -> list[Part]:
    """Sum up a commit's records in one trace: one part per session, in order of first record."""
    sessions = columns.sessions
    first = sessions[0]
    if first is not None and sessions.count(first) == len(sessions):
        return [_part(commit, trace_key, first, range(len(sessions)), columns)]
    by_session: dict[str, list[int]] = {}
    for position, session_id in enumerate(sessions):
        if session_id is not None:
            by_session.setdefault(session_id, []).append(position)
    return [_part(commit, trace_key, session_id, own, columns) for session_id, own in by_session.items()]


def _part(commit: int, trace_key: TraceKey, session_id: str, own: Sequence[int], columns: Columns) -> Part:
    _, services, sizes, starts, _, _, kinds, is_error, is_log, is_root, every_event, _, facts, pages = columns
    logs = errors = root_count = 0
    server: int | None = None
    service_bytes: dict[str, int] = {}
    # One loop: this runs for every record whenever lists are made from the whole store.
    for position in own:
        service = services[position]
        service_bytes[service] = service_bytes.get(service, 0) + sizes[position]
        if kinds[position] == _SERVER and (server is None or starts[position] < starts[server]):
            server = position
        if is_error[position]:
            errors += 1
        if is_log[position]:
            logs += 1
        if is_root[position]:
            root_count += 1
    times = starts if len(own) == len(starts) else [starts[position] for position in own]
    start, last = min(times), max(times)
    events = 0
    if every_event:
        mine = set(own)
        for position, time, error in every_event:
            if position in mine:
                events += 1
                errors += error
                start, last = min(start, time), max(last, time)
    roots = [_root(position, columns) for position in own if position in facts] if facts else []
    if len(roots) > 1:
        roots.sort(key=lambda root: (root.type is not EventType.NETWORK, root.start_time_unix_nano))
    own_pages = [position for position in own if position in pages] if pages else []
    page = min(own_pages, key=starts.__getitem__) if own_pages else None
    return Part(
        commit,
        trace_key,
        session_id,
        start,
        last,
        len(own) - logs,
        events,
        logs,
        errors,
        service_bytes,
        tuple(roots),
        root_count - len(roots),
        None if page is None else Landmark(starts[page], page, pages[page]),
        None if server is None else _server(server, columns),
    )


def _entry_rank(record: Record) -> tuple[bool, int]:
    return (record.type is not EventType.NETWORK, record.time_unix_nano)


def root_facts(record: Record) -> RootFacts:
    """Read name and attributes of a span that is a root."""
    message = Span.FromString(record.raw)
    http = http_facts(http_attributes(message.attributes)) if record.type is EventType.NETWORK else _NO_HTTP
    return RootFacts(message.name, *http)


def _url_of(record: Record) -> str:
    message = LogRecord.FromString(record.raw) if record.content_hash else Span.FromString(record.raw)
    return full_url(http_attributes(message.attributes)) or ""


def _root(position: int, columns: Columns) -> Root:
    span_id, parent_span_id = columns.root_ids[position]
    name, method, url, status = columns.facts[position]
    return Root(
        position,
        span_id,
        parent_span_id,
        columns.starts[position],
        columns.ends[position],
        bool(columns.errors[position]),
        columns.types[position],
        columns.kinds[position],
        columns.services[position],
        name,
        method,
        url,
        status,
    )


def _server(position: int, columns: Columns) -> Landmark:
    """Reading attributes is dear: the URL is there where it was read for a root."""
    facts = columns.facts.get(position)
    read = facts is not None and columns.types[position] is EventType.NETWORK
    return Landmark(columns.starts[position], position, (facts.url or "") if facts and read else None)
