"""Session and request records as an answer holds them. Contract "Session record" and "Request record"."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import log_event_name
from collector.correlation.record import EventType
from collector.pdata.attributes import PlainValue, plain_attributes
from collector.pdata.envelope_pb2 import ResourceEnvelope
from collector.pdata.semconv import client_address, first_text, user_agent, visitor_attributes
from collector.query.event import Cause, RequestRecord, SessionRecord
from collector.query.facts import RequestFacts, SessionFacts
from collector.query.timeline import is_empty
from collector.query.times import milliseconds, rfc3339
from collector.store.api import Body, Row

REQUEST_IDS_IN_LIST_MAX = 20
LIFECYCLE_EVENTS_MAX = 20
SESSION_START = "session.start"
SESSION_END = "session.end"
_PREVIOUS_ID_KEYS = ("session.previous_id",)
_END_REASON_KEYS = ("gasoline.session.end_reason",)


class Visitor(NamedTuple):
    """Who the session was, as far as its first page load or its first SERVER span says."""

    user_agent: str = ""
    ip_address: str = ""


class Lifecycle(NamedTuple):
    """What the session's own start and end events say."""

    previous_id: str = ""
    end_reason: str = ""


def visitor_of(page: Body | None, page_is_log: bool, server: Body | None) -> Visitor:
    """Read user agent and address, each on its own: the page load, its resource, then the first SERVER span."""
    places: list[Mapping[str, PlainValue]] = []
    if page is not None:
        message = LogRecord.FromString(page.raw) if page_is_log else Span.FromString(page.raw)
        places += [visitor_attributes(message.attributes), resource_attributes(page)]
    if server is not None:
        places.append(visitor_attributes(Span.FromString(server.raw).attributes))
    return Visitor(
        next((found for place in places if (found := user_agent(place))), ""),
        next((found for place in places if (found := client_address(place))), ""),
    )


def resource_attributes(body: Body) -> Mapping[str, PlainValue]:
    """Return the attributes of a record's resource."""
    resource = Resource.FromString(ResourceEnvelope.FromString(body.context).resource)
    return plain_attributes(resource.attributes)


def lifecycle_rows(rows: Iterable[Row], session_id: str) -> list[Row]:
    """Return the log events among which a session's start and end are looked for: its own first and last ones."""
    events = sorted(
        (row for row in rows if row.signal == "log" and row.type is EventType.EVENT and row.session_id == session_id),
        key=lambda row: (row.time_unix_nano, row.key.commit, row.key.position),
    )
    if len(events) <= 2 * LIFECYCLE_EVENTS_MAX:
        return events
    return events[:LIFECYCLE_EVENTS_MAX] + events[-LIFECYCLE_EVENTS_MAX:]


def lifecycle_of(bodies: Iterable[Body]) -> Lifecycle:
    """Read the first session.start that names a previous session, and the last session.end's reason."""
    previous_id = end_reason = ""
    for body in bodies:
        log = LogRecord.FromString(body.raw)
        name = log_event_name(log)
        if name == SESSION_START:
            previous_id = previous_id or first_text(plain_attributes(log.attributes), _PREVIOUS_ID_KEYS) or ""
        elif name == SESSION_END:
            end_reason = first_text(plain_attributes(log.attributes), _END_REASON_KEYS) or end_reason
    return Lifecycle(previous_id, end_reason)


def session_record(
    facts: SessionFacts,
    request_ids: Sequence[str],
    first_url: str,
    visitor: Visitor,
    lifecycle: Lifecycle,
    cause: Cause | None,
) -> SessionRecord:
    """Return a session's record."""
    return cast(
        "SessionRecord",
        _filled(
            {
                "session_id": facts.session_id,
                "user_agent": visitor.user_agent,
                "ip_address": visitor.ip_address,
                "started_at": rfc3339(facts.start_time_unix_nano),
                "last_activity": rfc3339(facts.last_time_unix_nano),
                "request_ids": request_ids,
                "request_count": len(facts.trace_keys),
                "services": facts.services,
                "event_count": facts.event_count,
                "has_errors": facts.has_errors,
                "first_url": first_url,
                "previous_id": lifecycle.previous_id,
                "end_reason": lifecycle.end_reason,
                "cause": cause,
            }
        ),
    )


def request_record(facts: RequestFacts, child_requests: Sequence[str], cause: Cause | None) -> RequestRecord:
    """Return a request's record."""
    entry = facts.entry
    sessions = list(facts.session_ids)
    has_end = facts.end_time_unix_nano > 0
    return cast(
        "RequestRecord",
        _filled(
            {
                "request_id": facts.request_id,
                "session_id": sessions[0] if len(sessions) == 1 else None,
                "session_ids": sessions if len(sessions) > 1 else None,
                "method": entry.http.method if entry else None,
                "url": entry.http.url if entry else None,
                "status": entry.http.status if entry else None,
                "started_at": rfc3339(facts.start_time_unix_nano),
                "completed_at": rfc3339(facts.end_time_unix_nano) if has_end else None,
                "duration_ms": milliseconds(facts.duration_nano) if has_end else None,
                "child_requests": child_requests,
                "service_calls": facts.services,
                "cause": cause,
            }
        ),
    )


def child_requests_of(rows: Iterable[Row], facts: RequestFacts) -> list[str]:
    """Return the span ids of the outgoing calls of a request, in the order given, without its entry span."""
    entry_id = facts.entry.span_id if facts.entry else b""
    return [
        row.span_id.hex()
        for row in rows
        if row.type is EventType.NETWORK and row.kind == Span.SPAN_KIND_CLIENT and row.span_id != entry_id
    ]


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not is_empty(value)}
