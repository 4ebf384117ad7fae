"""From rows and bodies to events, contract "Event".

A row says enough to order and filter; the body, parsed here and only for what is shown, says the rest.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import log_event_name
from collector.correlation.record import EventType, Evidence, Severity
from collector.pdata import native
from collector.pdata.attributes import PlainValue, plain_attributes, plain_value
from collector.pdata.semconv import EXCEPTION_EVENT_NAME, first_text, http_status
from collector.query.event import Event, JsonValue
from collector.query.times import milliseconds
from collector.query.values import VALUE_BYTES_MAX, json_value, one_line, shown_attributes, shown_value
from collector.store.api import Body, Row

KERNEL = "collector.query.text_kernel"
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


def text_of(row: Row, body: Body, *, use_native: bool = True) -> Text:
    """Parse one record's body and return its words: by the native kernel, else by the official classes."""
    kernel = native.kernel(KERNEL) if use_native else None
    if kernel is not None:
        if row.signal == "span":
            words = kernel.span_text(body.raw)
        elif row.signal == "log":
            words = kernel.log_text(body.raw)
        else:
            words = kernel.span_event_text(body.raw, row.event_index)
        if words is not None:
            return Text(*words)
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
    # One field by another, without those that are left out: this runs for every event of a page.
    fields: dict[str, Any] = {
        "id": event_id,
        "type": _TYPES[row.type],
        "signal": row.signal,
        "time_unix_nano": str(row.time_unix_nano),
    }
    if row.service:
        fields["service"] = row.service
    if text.name:
        fields["name"] = text.name
    if not is_empty(shown_body):
        fields[BODY] = shown_body
    _add_ids(fields, row, row.session_id or through_session_id)
    fields["error"] = row.error
    if text.status_message:
        fields["status_message"] = text.status_message
    if row.severity:
        fields["severity"] = row.severity.name
    evidence = row.evidence if row.session_id else Evidence.TRACE if through_session_id else Evidence.NONE
    if evidence:
        fields["evidence"] = _EVIDENCE[evidence]
    summary = summary_of(row, text)
    if summary:
        fields["summary"] = summary
    fields["attributes"] = attributes
    if truncated:
        fields["truncated"] = truncated
    return cast("Event", fields)


def _add_ids(fields: dict[str, Any], row: Row, session_id: str) -> None:
    """Add what the event belongs to, and what only spans have."""
    if session_id:
        fields["session_id"] = session_id
    if row.trace_id:
        fields["request_id"] = row.trace_id.hex()
    if row.span_id:
        fields["span_id"] = row.span_id.hex()
    if row.signal != "span":
        return
    if row.parent_span_id:
        fields["parent_span_id"] = row.parent_span_id.hex()
    kind = _KINDS.get(row.kind)
    if kind:
        fields["kind"] = kind
    if row.end_time_unix_nano:
        fields["duration_ms"] = milliseconds(row.end_time_unix_nano - row.time_unix_nano)


def summary_of(row: Row, text: Text) -> str:
    """Say one event in one line: a log's body, else name, status and status message."""
    body = json_value(text.body)
    if not is_empty(body):
        return one_line(body, SUMMARY_CHARS_MAX)
    words = [text.name]
    if row.signal == "span":
        status = http_status(text.attributes) if row.type is EventType.NETWORK else None
        words += [str(status) if status is not None else "", "ERROR" if row.error else "", text.status_message]
    elif text.name == EXCEPTION_EVENT_NAME or row.severity >= Severity.ERROR:
        words.append(first_text(text.attributes, ("exception.type",)) or "")
        words.append(first_text(text.attributes, ("exception.message",)) or "")
    return one_line(" ".join(word for word in words if word), SUMMARY_CHARS_MAX)


def is_empty(value: JsonValue) -> bool:
    """Tell whether a field is left out: null, empty text, an empty list or object."""
    return value is None or value == "" or value == [] or value == {}
