"""From rows and bodies to events, contract "Event".

A row says enough to order and filter; the body, parsed here and only for what is shown, says the rest.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import log_event_name
from collector.correlation.record import EventType, Evidence, Severity
from collector.pdata.attributes import PlainValue, plain_attributes, plain_value
from collector.pdata.semconv import EXCEPTION_EVENT_NAME, first_text, http_facts
from collector.query.event import Event, JsonValue
from collector.query.times import milliseconds
from collector.query.values import VALUE_BYTES_MAX, json_value, one_line, shown_attributes, shown_value
from collector.store.api import Body, Row

SUMMARY_CHARS_MAX = 200
BODY = "body"
_TYPES = {EventType.NETWORK: "network", EventType.SPAN: "span", EventType.EVENT: "event", EventType.LOG: "log"}
_KINDS: dict[int, str] = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}
_EVIDENCE = {
    Evidence.ATTRIBUTE: "attribute",
    Evidence.HEADER: "header",
    Evidence.TRACESTATE: "tracestate",
    Evidence.TRACE: "trace",
}


class Text(NamedTuple):
    """What a record says in words: its name, body, status message and own attributes."""

    name: str
    body: PlainValue
    status_message: str
    attributes: Mapping[str, PlainValue]


def text_of(row: Row, body: Body) -> Text:
    """Parse one record's body and return its words."""
    if row.signal == "log":
        log = LogRecord.FromString(body.raw)
        return Text(log_event_name(log), plain_value(log.body), "", plain_attributes(log.attributes))
    span = Span.FromString(body.raw)
    if row.signal == "span_event":
        event = span.events[row.event_index]
        return Text(event.name, None, "", plain_attributes(event.attributes))
    return Text(span.name, None, span.status.message, plain_attributes(span.attributes))


def event_of(
    row: Row,
    event_id: str,
    body: Body,
    through_session_id: str = "",
    bytes_max: int | None = VALUE_BYTES_MAX,
) -> Event:
    """Return one event.

    `through_session_id` is the session that the record belongs to by its trace; it counts where the record
    names none itself. `bytes_max` bounds each attribute value (None: whole).
    """
    text = text_of(row, body)
    attributes, truncated = shown_attributes(text.attributes, bytes_max)
    shown_body, body_was_cut = shown_value(text.body, bytes_max)
    if body_was_cut:
        truncated.append(BODY)
    evidence = row.evidence
    if not row.session_id:
        evidence = Evidence.TRACE if through_session_id else Evidence.NONE
    is_span = row.signal == "span"
    duration_ms = None
    if is_span and row.end_time_unix_nano:
        duration_ms = milliseconds(row.end_time_unix_nano - row.time_unix_nano)
    fields: dict[str, Any] = {
        "id": event_id,
        "type": _TYPES[row.type],
        "signal": row.signal,
        "time_unix_nano": str(row.time_unix_nano),
        "service": row.service,
        "name": text.name,
        BODY: shown_body,
        "session_id": row.session_id or through_session_id,
        "request_id": row.trace_id.hex(),
        "span_id": row.span_id.hex(),
        "parent_span_id": row.parent_span_id.hex() if is_span else "",
        "kind": _KINDS.get(row.kind) if is_span else None,
        "duration_ms": duration_ms,
        "error": row.error,
        "status_message": text.status_message,
        "severity": row.severity.name if row.severity else None,
        "evidence": _EVIDENCE.get(evidence),
        "summary": summary_of(row, text),
        "attributes": attributes,
        "truncated": truncated,
    }
    return cast("Event", {name: value for name, value in fields.items() if name == "attributes" or not is_empty(value)})


def summary_of(row: Row, text: Text) -> str:
    """Say one event in one line: a log's body, else name, status and status message."""
    body = json_value(text.body)
    if not is_empty(body):
        return one_line(body, SUMMARY_CHARS_MAX)
    words = [text.name]
    if row.signal == "span":
        status = http_facts(text.attributes).status if row.type is EventType.NETWORK else None
        words += [str(status) if status is not None else "", "ERROR" if row.error else "", text.status_message]
    elif text.name == EXCEPTION_EVENT_NAME or row.severity >= Severity.ERROR:
        words.append(first_text(text.attributes, ("exception.type",)) or "")
        words.append(first_text(text.attributes, ("exception.message",)) or "")
    return one_line(" ".join(word for word in words if word), SUMMARY_CHARS_MAX)


def is_empty(value: JsonValue) -> bool:
    """Tell whether a field is left out: null, empty text, an empty list or object."""
    return value is None or value == "" or value == [] or value == {}
