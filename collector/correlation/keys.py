"""From a record to its session: which attribute, header or tracestate names it.

First match wins: the attribute keys over all places (the record, its span events, scope, resource), then
the captured header over the same places, then the span's own tracestate. Keys match in any case.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.record import (
    Context,
    Correlated,
    EventType,
    Evidence,
    Record,
    Severity,
    SpanEventFacts,
)
from collector.pdata.attributes import plain_attributes
from collector.pdata.envelope import Group, Signal
from collector.pdata.ids import is_span_id, is_trace_id, trace_id_from_text
from collector.pdata.semconv import (
    EXCEPTION_EVENT_NAME,
    NETWORK_KEYS,
    SERVICE_NAME,
    UNKNOWN_SERVICE,
    host_identity,
)

SESSION_ID_BYTES_MAX = 256
DEFAULT_SESSION_KEYS = ("session.id", "session_id", "gasoline.session.id", "rum.sessionId")
HEADER_KEYS = ("http.request.header.x-session-id", "http.request.header.x_session_id")
TRACESTATE_KEY = "gasoline"
TRACE_ID_KEYS = ("trace_id", "request_id", "oteltraceid", "traceparent", "http.request.header.traceparent")

_REMOTE_KINDS = frozenset({Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT})
_NETWORK_MARKS = (b"http.request.method", b"http.method", b"rpc.system")
_SEVERITY_TEXTS = {
    "trace": Severity.TRACE,
    "debug": Severity.DEBUG,
    "info": Severity.INFO,
    "information": Severity.INFO,
    "notice": Severity.INFO,
    "warn": Severity.WARN,
    "warning": Severity.WARN,
    "error": Severity.ERROR,
    "err": Severity.ERROR,
    "severe": Severity.ERROR,
    "critical": Severity.FATAL,
    "crit": Severity.FATAL,
    "alert": Severity.FATAL,
    "emergency": Severity.FATAL,
    "emerg": Severity.FATAL,
    "panic": Severity.FATAL,
    "fatal": Severity.FATAL,
}


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Which attributes name a session, in order; lower case.

    `marks` are byte strings of which at least one occurs, in lower case, in any record that names a session.
    """

    attributes: tuple[str, ...] = tuple(key.lower() for key in DEFAULT_SESSION_KEYS)

    @property
    def marks(self) -> tuple[bytes, ...]:
        """The needles of the scan that spares most records a closer look."""
        keys = [key.encode() for key in (*self.attributes, *HEADER_KEYS)]
        keys.append(f"{TRACESTATE_KEY}=".encode())
        if all(b"session" in key for key in keys[:-1]):
            return (b"session", keys[-1])
        return tuple(keys)


class _Found(NamedTuple):
    session_id: str
    evidence: Evidence
    overlong: int


_NOTHING = _Found("", Evidence.NONE, 0)


def correlate(signal: Signal, groups: Iterable[Group], keys: SessionKeys) -> Correlated:
    """Bind each record of a request to the session it names; pure, in the request's order."""
    records: list[Record] = []
    rejected = 0
    overlong = 0
    make = _span_record if signal is Signal.TRACES else _log_record
    marks = keys.marks
    for group in groups:
        resource = plain_attributes(group.resource.attributes)
        service = resource.get(SERVICE_NAME)
        service = service if isinstance(service, str) and service else UNKNOWN_SERVICE
        context = Context(group.context, service, host_identity(resource) or service)
        outer = [group.scope.attributes, group.resource.attributes]
        always = _has_any_key(outer, keys)
        looks = _records_worth_a_look(group.slices, marks)
        for index, (raw, message) in enumerate(zip(group.slices, group.records, strict=True)):
            found = _session_of(message, outer, keys) if always or index in looks else _NOTHING
            overlong += found.overlong
            record = make(raw, context, message, found)
            if record is None:
                rejected += 1
            else:
                records.append(record)
    return Correlated(signal, records, rejected, overlong)


def _records_worth_a_look(slices: Sequence[bytes], marks: tuple[bytes, ...]) -> set[int]:
    """Return the indexes of slices that hold a mark; one pass over the joined, lowered bytes first."""
    joined = b"".join(slices).lower()
    if not any(mark in joined for mark in marks):
        return set()
    return {
        index for index, lowered in enumerate(item.lower() for item in slices) if any(mark in lowered for mark in marks)
    }


def _has_any_key(places: Sequence[Iterable[KeyValue]], keys: SessionKeys) -> bool:
    wanted = {*keys.attributes, *HEADER_KEYS}
    return any(item.key.lower() in wanted for place in places for item in place)


def _session_of(message: Span | LogRecord, outer: Sequence[Iterable[KeyValue]], keys: SessionKeys) -> _Found:
    places: list[Iterable[KeyValue]] = [message.attributes]
    if isinstance(message, Span):
        places.extend(event.attributes for event in message.events)
    places.extend(outer)
    texts = [_texts_by_key(place) for place in places]
    overlong = 0
    for wanted, evidence in ((keys.attributes, Evidence.ATTRIBUTE), (HEADER_KEYS, Evidence.HEADER)):
        for place in texts:
            for key in wanted:
                session_id = _as_session_id(place.get(key), evidence)
                if not session_id:
                    continue
                if len(session_id.encode()) <= SESSION_ID_BYTES_MAX:
                    return _Found(session_id, evidence, overlong)
                overlong = 1
    if isinstance(message, Span):
        session_id = session_id_from_tracestate(message.trace_state)
        if session_id:
            return _Found(session_id, Evidence.TRACESTATE, overlong)
    return _Found("", Evidence.NONE, overlong)


def _texts_by_key(attributes: Iterable[KeyValue]) -> dict[str, AnyValue]:
    return {item.key.lower(): item.value for item in attributes}


def _as_session_id(value: AnyValue | None, evidence: Evidence) -> str:
    """Read a session id: text or integer; of a header (an array) the first element, cut at its first comma."""
    if value is None:
        return ""
    kind = value.WhichOneof("value")
    if kind == "array_value" and evidence is Evidence.HEADER:
        candidates = [item.string_value for item in value.array_value.values]
    elif kind == "string_value":
        candidates = [value.string_value]
    elif kind == "int_value":
        candidates = [str(value.int_value)]
    else:
        return ""
    for candidate in candidates:
        if evidence is Evidence.HEADER:
            candidate = candidate.split(",", 1)[0]
        candidate = candidate.strip()
        if candidate:
            return candidate
    return ""


def session_id_from_tracestate(trace_state: str) -> str:
    """Return the value of the list member `gasoline` of a W3C tracestate; "" if it is not there.

    https://www.w3.org/TR/trace-context/#tracestate-header
    """
    if "=" not in trace_state:
        return ""
    for member in trace_state.split(","):
        key, _, value = member.strip().partition("=")
        if key.lower() == TRACESTATE_KEY and len(value.encode()) <= SESSION_ID_BYTES_MAX:
            return value.strip()
    return ""


def _span_record(raw: bytes, context: Context, message: Span | LogRecord, found: _Found) -> Record | None:
    if not isinstance(message, Span):
        raise TypeError(f"a span was expected, not {type(message).__name__}")
    trace_id, span_id = message.trace_id, message.span_id
    if not is_trace_id(trace_id) or not is_span_id(span_id):
        return None
    parent = message.parent_span_id
    # The enum is open: a kind that OTLP does not name is unspecified.
    kind = message.kind if Span.SPAN_KIND_INTERNAL <= message.kind <= Span.SPAN_KIND_CONSUMER else 0
    network = kind in _REMOTE_KINDS and _is_network(raw, message.attributes)
    events = message.events
    return Record(
        raw=raw,
        context=context,
        message=message,
        type=EventType.NETWORK if network else EventType.SPAN,
        kind=kind,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent if is_span_id(parent) and parent != span_id else b"",
        time_unix_nano=message.start_time_unix_nano,
        end_time_unix_nano=message.end_time_unix_nano,
        error=message.status.code == Status.STATUS_CODE_ERROR,
        severity=Severity.NONE,
        session_id=found.session_id,
        evidence=found.evidence,
        span_events=tuple(SpanEventFacts(event.time_unix_nano, event.name == EXCEPTION_EVENT_NAME) for event in events)
        if events
        else (),
        content_hash=b"",
    )


def _is_network(raw: bytes, attributes: Iterable[KeyValue]) -> bool:
    # The bytes of the key must be there before the attributes are worth the walk.
    if not any(mark in raw for mark in _NETWORK_MARKS):
        return False
    return any(item.key in NETWORK_KEYS for item in attributes)


def _log_record(raw: bytes, context: Context, message: Span | LogRecord, found: _Found) -> Record | None:
    if not isinstance(message, LogRecord):
        raise TypeError(f"a log record was expected, not {type(message).__name__}")
    trace_id, span_id = message.trace_id, message.span_id
    if not is_trace_id(trace_id):
        trace_id = _trace_id_from_attributes(message.attributes)
    time_unix_nano = message.time_unix_nano or message.observed_time_unix_nano
    severity = severity_of(message.severity_number, message.severity_text)
    return Record(
        raw=raw,
        context=context,
        message=message,
        type=EventType.EVENT if log_event_name(message) else EventType.LOG,
        kind=0,
        trace_id=trace_id,
        span_id=span_id if is_span_id(span_id) else b"",
        parent_span_id=b"",
        time_unix_nano=time_unix_nano,
        end_time_unix_nano=time_unix_nano,
        error=severity >= Severity.ERROR,
        severity=severity,
        session_id=found.session_id,
        evidence=found.evidence,
        span_events=(),
        content_hash=hashlib.blake2b(context.envelope + b"\0" + raw, digest_size=8).digest(),
    )


def log_event_name(message: LogRecord) -> str:
    """Return a log record's event name: its field, else the attribute of earlier conventions; "" if it has none."""
    if message.event_name:
        return message.event_name
    for item in message.attributes:
        if item.key == "event.name":
            return item.value.string_value
    return ""


def severity_of(number: int, text: str) -> Severity:
    """Return the range of a severity number, else of a text in any case.

    https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
    """
    if 1 <= number <= 24:
        return Severity((number + 3) // 4)
    return _SEVERITY_TEXTS.get(text.strip().lower().rstrip("0123456789"), Severity.NONE)


def _trace_id_from_attributes(attributes: Iterable[KeyValue]) -> bytes:
    values = _texts_by_key(attributes)
    for key in TRACE_ID_KEYS:
        value = values.get(key)
        if value is None:
            continue
        texts = [value.string_value] if value.HasField("string_value") else []
        texts += [item.string_value for item in value.array_value.values]
        for text in texts:
            trace_id = trace_id_from_text(text)
            if trace_id:
                return trace_id
    return b""
