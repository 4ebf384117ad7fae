"""From evidence to sessions and requests: what the write path keeps of the records of one trace.

A part sums up the records that one commit added to one trace for one session, or for none. Parts are only
ever added: a request is the merge of all parts of its trace; a session is the merge of its own parts and of
the parts without session of its traces. So a session that is named late costs one part, and an answer as of
an earlier commit is the merge of the parts up to that commit.
"""

from collections.abc import Sequence
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


def parts_of(commit: int, trace_key: TraceKey, records: Sequence[Record]) -> list[Part]:
    """Sum up the records that `commit` adds to one trace: one part per session, in order of first record."""
    by_session: dict[str, list[tuple[int, Record]]] = {}
    for positioned in enumerate(records):
        by_session.setdefault(positioned[1].session_id, []).append(positioned)
    span_ids = {record.span_id for record in records if not record.content_hash}
    return [_part(commit, trace_key, session_id, own, span_ids) for session_id, own in by_session.items()]


def _part(
    commit: int,
    trace_key: TraceKey,
    session_id: str,
    own: Sequence[tuple[int, Record]],
    span_ids: set[bytes],
) -> Part:
    times = [record.time_unix_nano for _, record in own]
    errors = sum([record.error for _, record in own])
    events = [event for _, record in own if record.span_events for event in record.span_events]
    if events:
        times.extend([event.time_unix_nano for event in events])
        errors += sum([event.error for event in events])
    service_bytes: dict[str, int] = {}
    for _, record in own:
        service = record.context.service
        service_bytes[service] = service_bytes.get(service, 0) + len(record.raw)
    logs = sum([record.content_hash != b"" for _, record in own])
    roots = [one for one in own if one[1].parent_span_id not in span_ids and not one[1].content_hash]
    roots.sort(key=_root_order)
    kept_roots = [_root(position, record) for position, record in roots[:ROOTS_PER_PART_MAX]]
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
        tuple(kept_roots),
        len(roots) - len(kept_roots),
        _page([one for one in own if one[1].is_page]),
        _server([one for one in own if one[1].kind == _SERVER], kept_roots),
    )


def _root_order(root: tuple[int, Record]) -> tuple[bool, int]:
    return (root[1].type is not EventType.NETWORK, root[1].time_unix_nano)


def _start(one: tuple[int, Record]) -> int:
    return one[1].time_unix_nano


def _root(index: int, record: Record) -> Root:
    message = record.message
    if not isinstance(message, Span):
        raise TypeError("a root is a span")
    http = http_facts(http_attributes(message.attributes)) if record.type is EventType.NETWORK else _NO_HTTP
    return Root(
        index,
        record.span_id,
        record.parent_span_id,
        record.time_unix_nano,
        record.end_time_unix_nano,
        record.error,
        record.type,
        record.kind,
        record.context.service,
        message.name,
        http.method,
        http.url,
        http.status,
    )


def _page(pages: Sequence[tuple[int, Record]]) -> Landmark | None:
    if not pages:
        return None
    position, record = min(pages, key=_start)
    return Landmark(record.time_unix_nano, position, full_url(http_attributes(record.message.attributes)) or "")


def _server(servers: Sequence[tuple[int, Record]], roots: Sequence[Root]) -> Landmark | None:
    """Reading attributes is dear: the URL is noted where it was read for a root already."""
    if not servers:
        return None
    position, record = min(servers, key=_start)
    for root in roots:
        if root.position == position and root.type is EventType.NETWORK:
            return Landmark(record.time_unix_nano, position, root.url or "")
    return Landmark(record.time_unix_nano, position, None)
