"""From evidence to sessions and requests: what the write path keeps of the records of one trace.

A part sums up the records that one commit added to one trace for one session, or for none. Parts are only
ever added: a request is the merge of all parts of its trace; a session is the merge of its own parts and of
the parts without session of its traces. So a session that is named late costs one part, and an answer as of
an earlier commit is the merge of the parts up to that commit.
"""

from collections.abc import Sequence
from typing import NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import log_event_name
from collector.correlation.record import EventType, Record
from collector.pdata.attributes import plain_attributes
from collector.pdata.semconv import NAVIGATION_EVENT_NAME, PAGE_LOAD_SPAN_NAME, HttpFacts, full_url, http_facts

ROOTS_PER_PART_MAX = 8
_NO_HTTP = HttpFacts(None, None, None)


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
    """The earliest record of its sort in a part, and the URL that it names."""

    time_unix_nano: int
    position: int
    url: str


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


def parts_of(commit: int, trace_key: TraceKey, records: Sequence[Record]) -> list[Part]:
    """Sum up the records that `commit` adds to one trace: one part per session, in order of first record."""
    by_session: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        by_session.setdefault(record.session_id, []).append(index)
    span_ids = {record.span_id for record in records if not record.content_hash}
    return [
        _part(commit, trace_key, session_id, indexes, records, span_ids) for session_id, indexes in by_session.items()
    ]


def _part(
    commit: int,
    trace_key: TraceKey,
    session_id: str,
    indexes: Sequence[int],
    records: Sequence[Record],
    span_ids: set[bytes],
) -> Part:
    times: list[int] = []
    roots: list[int] = []
    service_bytes: dict[str, int] = {}
    spans = span_events = logs = errors = 0
    page = server = -1
    for index in indexes:
        record = records[index]
        service = record.context.service
        service_bytes[service] = service_bytes.get(service, 0) + len(record.raw)
        time_unix_nano = record.time_unix_nano
        times.append(time_unix_nano)
        errors += record.error
        if record.content_hash:
            logs += 1
            if record.type is EventType.EVENT and _is_earlier(records, index, page) and _is_page(record):
                page = index
            continue
        spans += 1
        for event in record.span_events:
            span_events += 1
            times.append(event.time_unix_nano)
            errors += event.error
        if record.parent_span_id not in span_ids:
            roots.append(index)
        if record.kind == Span.SPAN_KIND_SERVER and _is_earlier(records, index, server):
            server = index
        if _is_earlier(records, index, page) and _is_page(record):
            page = index
    roots.sort(key=lambda index: (records[index].type is not EventType.NETWORK, records[index].time_unix_nano))
    return Part(
        commit=commit,
        trace_key=trace_key,
        session_id=session_id,
        start_time_unix_nano=min(times),
        last_time_unix_nano=max(times),
        spans=spans,
        span_events=span_events,
        logs=logs,
        errors=errors,
        service_bytes=service_bytes,
        roots=tuple(_root(index, records[index]) for index in roots[:ROOTS_PER_PART_MAX]),
        roots_left_out=max(0, len(roots) - ROOTS_PER_PART_MAX),
        page=_landmark(page, records),
        server=_landmark(server, records),
    )


def _is_earlier(records: Sequence[Record], index: int, than: int) -> bool:
    return than < 0 or records[index].time_unix_nano < records[than].time_unix_nano


def _is_page(record: Record) -> bool:
    message = record.message
    if isinstance(message, LogRecord):
        return log_event_name(message) == NAVIGATION_EVENT_NAME
    return message.name == PAGE_LOAD_SPAN_NAME


def _root(index: int, record: Record) -> Root:
    message = record.message
    if not isinstance(message, Span):
        raise TypeError("a root is a span")
    http = http_facts(plain_attributes(message.attributes)) if record.type is EventType.NETWORK else _NO_HTTP
    return Root(
        position=index,
        span_id=record.span_id,
        parent_span_id=record.parent_span_id,
        start_time_unix_nano=record.time_unix_nano,
        end_time_unix_nano=record.end_time_unix_nano,
        error=record.error,
        type=record.type,
        kind=record.kind,
        service=record.context.service,
        name=message.name,
        method=http.method,
        url=http.url,
        status=http.status,
    )


def _landmark(index: int, records: Sequence[Record]) -> Landmark | None:
    if index < 0:
        return None
    record = records[index]
    return Landmark(record.time_unix_nano, index, full_url(plain_attributes(record.message.attributes)) or "")
