"""From a record to its session: which attribute, header or tracestate names it.

First match wins: the attribute keys over all places (the record, its span events, scope, resource), then
the captured header over the same places, then the span's own tracestate. Keys match in any case.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, TypeAlias, cast

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.record import (
    Context,
    Correlated,
    EventType,
    Evidence,
    PlainRecord,
    Record,
    Severity,
    SpanEventFacts,
)
from collector.pdata.attributes import plain_attributes
from collector.pdata.envelope import Group, Signal
from collector.pdata.ids import is_span_id, is_trace_id, trace_id_from_text
from collector.pdata.semconv import (
    EXCEPTION_EVENT_NAME,
    NAVIGATION_EVENT_NAME,
    NETWORK_KEYS,
    PAGE_LOAD_SPAN_NAME,
    SERVICE_NAME,
    UNKNOWN_SERVICE,
    host_identity,
)

SESSION_ID_BYTES_MAX = 256
DEFAULT_SESSION_KEYS = ("session.id", "session_id", "gasoline.session.id", "rum.sessionId")
HEADER_KEYS = ("http.request.header.x-session-id", "http.request.header.x_session_id")
TRACESTATE_KEY = "gasoline"
EVENT_NAME_KEY = "event.name"
TRACE_ID_KEYS = ("trace_id", "request_id", "oteltraceid", "traceparent", "http.request.header.traceparent")

_REMOTE_KINDS = frozenset({int(Span.SPAN_KIND_SERVER), int(Span.SPAN_KIND_CLIENT)})
_LOCAL_KINDS = frozenset({int(Span.SPAN_KIND_INTERNAL), int(Span.SPAN_KIND_PRODUCER), int(Span.SPAN_KIND_CONSUMER)})
_ZERO_TRACE_ID = bytes(16)
_ZERO_SPAN_ID = bytes(8)
_NETWORK, _SPAN, _NO_SEVERITY = EventType.NETWORK, EventType.SPAN, Severity.NONE
_PAGE_MARKS = (PAGE_LOAD_SPAN_NAME.lower().encode(), NAVIGATION_EVENT_NAME.encode())
_NETWORK_MARKS = (b"http.request.method", b"http.method", b"rpc.system")
_ERROR = int(Status.STATUS_CODE_ERROR)
_EVENTS_TAG = bytes([Span.EVENTS_FIELD_NUMBER << 3 | 2])
# How the tag begins when it is written in more bytes than it needs.
_EVENTS_TAG_LONGER = bytes([_EVENTS_TAG[0] | 0x80])
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
    wanted: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Gather all keys that a closer look is after."""
        object.__setattr__(self, "wanted", frozenset((*self.attributes, *HEADER_KEYS)))

    @property
    def marks(self) -> tuple[bytes, ...]:
        """The needles of the scan that spares most records a closer look."""
        keys = [key.encode() for key in (*self.attributes, *HEADER_KEYS)]
        keys.append(f"{TRACESTATE_KEY}=".encode())
        if all(b"session" in key for key in keys[:-1]):
            return (b"session", keys[-1])
        return tuple(keys)


# What one place says that may name a session, by the key in lower case.
SessionValues: TypeAlias = Mapping[str, str]


class Found(NamedTuple):
    """The session that a record names, and whether (1) or not (0) a name over the limit was passed over."""

    session_id: str
    evidence: Evidence
    overlong: int


_NOTHING = Found("", Evidence.NONE, 0)


def correlate(signal: Signal, groups: Iterable[Group], keys: SessionKeys) -> Correlated:
    """Bind each record of a request to the session it names; pure, in the request's order."""
    records: list[Record] = []
    rejected = 0
    overlong = 0
    add = _add_spans if signal is Signal.TRACES else _add_logs
    for group in groups:
        context = context_of(group.context, group.resource)
        outer = [session_values(place, keys) for place in (group.scope.attributes, group.resource.attributes)]
        lowered = b"".join(group.slices).lower()
        looks = range(len(group.slices)) if any(outer) else indexes_of(keys.marks, lowered, group.slices)
        found = {index: session_of(group.records[index], outer, keys) for index in looks}
        pages = {index for index in indexes_of(_PAGE_MARKS, lowered, group.slices) if _is_page(group.records[index])}
        overlong += sum(one.overlong for one in found.values())
        rejected += add(records, group, context, found, pages)
    return Correlated(signal, records, rejected, overlong)


def context_of(envelope: bytes, resource: Resource) -> Context:
    """Return the context of the records of one group; `envelope` is what the group calls its context."""
    attributes = plain_attributes(resource.attributes)
    service = attributes.get(SERVICE_NAME)
    service = service if isinstance(service, str) and service else UNKNOWN_SERVICE
    return Context(envelope, service, host_identity(attributes) or service)


def indexes_of(marks: Iterable[bytes], lowered: bytes, slices: Sequence[bytes]) -> set[int]:
    """Return the indexes of the slices in which a mark may occur; `lowered` is the slices joined, in lower case.

    A hit across the border of two slices is a false one; it costs a closer look and no more.
    """
    ends: list[int] = []
    found: set[int] = set()
    for mark in marks:
        position = lowered.find(mark)
        while position >= 0:
            ends = ends or list(accumulate(map(len, slices)))
            index = bisect_right(ends, position)
            found.add(index)
            position = lowered.find(mark, ends[index])
    return found


def session_values(attributes: Iterable[KeyValue], keys: SessionKeys) -> SessionValues:
    """Return by lower-case key what may name a session; of a key that occurs twice the last that is not empty."""
    found: dict[str, str] = {}
    for item in attributes:
        key = item.key.lower()
        if key in keys.wanted:
            session_id = _as_session_id(item.value, is_header=key in HEADER_KEYS)
            if session_id:
                found[key] = session_id
    return found


def session_of(message: Span | LogRecord, outer: Sequence[SessionValues], keys: SessionKeys) -> Found:
    """Return what a record names; `outer` are the session values of its scope and of its resource."""
    places: list[SessionValues] = [session_values(message.attributes, keys)]
    if isinstance(message, Span):
        places.extend(session_values(event.attributes, keys) for event in message.events)
    places.extend(outer)
    overlong = 0
    for session_id, evidence in _claims(message, places, keys):
        if len(session_id.encode()) <= SESSION_ID_BYTES_MAX:
            return Found(session_id, evidence, overlong)
        overlong = 1
    return Found("", Evidence.NONE, overlong)


def _claims(
    message: Span | LogRecord, places: Sequence[SessionValues], keys: SessionKeys
) -> Iterator[tuple[str, Evidence]]:
    for wanted, evidence in ((keys.attributes, Evidence.ATTRIBUTE), (HEADER_KEYS, Evidence.HEADER)):
        for place in places:
            for key in wanted if place else ():
                if key in place:
                    yield place[key], evidence
    if isinstance(message, Span):
        for session_id in session_ids_in_tracestate(message.trace_state):
            yield session_id, Evidence.TRACESTATE


def _is_page(message: Span | LogRecord) -> bool:
    if isinstance(message, Span):
        return message.name == PAGE_LOAD_SPAN_NAME
    return log_event_name(message) == NAVIGATION_EVENT_NAME


def _as_session_id(value: AnyValue, *, is_header: bool) -> str:
    """Read a session id: text or integer; of a header (an array) the first element, cut at its first comma."""
    kind = value.WhichOneof("value")
    if kind == "array_value" and is_header:
        candidates = [item.string_value for item in value.array_value.values]
    elif kind == "string_value":
        candidates = [value.string_value]
    elif kind == "int_value":
        candidates = [str(value.int_value)]
    else:
        return ""
    for candidate in candidates:
        if is_header:
            candidate = candidate.split(",", 1)[0]
        candidate = candidate.strip()
        if candidate:
            return candidate
    return ""


def session_ids_in_tracestate(trace_state: str) -> Iterator[str]:
    """Yield the values of the list members `gasoline` of a W3C tracestate, trimmed, but for empty ones.

    https://www.w3.org/TR/trace-context/#tracestate-header
    """
    if "=" not in trace_state:
        return
    for member in trace_state.split(","):
        key, _, value = member.strip().partition("=")
        value = value.strip()
        if value and key.lower() == TRACESTATE_KEY:
            yield value


def _add_spans(
    records: list[Record], group: Group, context: Context, found: Mapping[int, Found], pages: Collection[int]
) -> int:
    """Add the records of a group's spans; return how many were rejected."""
    rejected = 0
    spans = cast(Sequence[Span], group.records)
    # Runs for every span: few calls, fields by position.
    for index, (raw, span) in enumerate(zip(group.slices, spans, strict=True)):
        trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
        if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _ZERO_TRACE_ID or span_id == _ZERO_SPAN_ID:
            rejected += 1
            continue
        if len(parent) != 8 or parent in (span_id, _ZERO_SPAN_ID):
            parent = b""
        kind = span.kind
        if kind in _REMOTE_KINDS:
            network = _is_network(raw, span.attributes)
        else:
            network = False
            # The enum is open: a kind that OTLP does not name is unspecified.
            kind = kind if kind in _LOCAL_KINDS else 0
        session = found.get(index, _NOTHING)
        records.append(
            PlainRecord(
                raw,
                context,
                _NETWORK if network else _SPAN,
                kind,
                trace_id,
                span_id,
                parent,
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                span.HasField("status") and span.status.code == _ERROR,
                _NO_SEVERITY,
                session.session_id,
                session.evidence,
                _span_events(span) if _EVENTS_TAG in raw or _EVENTS_TAG_LONGER in raw else (),
                b"",
                index in pages,
            )
        )
    return rejected


def _span_events(message: Span) -> tuple[SpanEventFacts, ...]:
    # An event without a time happened while its span ran; its start is the earliest that can be.
    return tuple(
        SpanEventFacts(event.time_unix_nano or message.start_time_unix_nano, event.name == EXCEPTION_EVENT_NAME)
        for event in message.events
    )


def _is_network(raw: bytes, attributes: Iterable[KeyValue]) -> bool:
    # The bytes of the key must be there before the attributes are worth the walk.
    if _NETWORK_MARKS[0] in raw or _NETWORK_MARKS[1] in raw or _NETWORK_MARKS[2] in raw:
        for item in attributes:
            if item.key in NETWORK_KEYS:
                return True
    return False


def _add_logs(
    records: list[Record], group: Group, context: Context, found: Mapping[int, Found], pages: Collection[int]
) -> int:
    """Add the records of a group's log records; none is ever rejected."""
    logs = cast(Sequence[LogRecord], group.records)
    for index, (raw, log) in enumerate(zip(group.slices, logs, strict=True)):
        trace_id, span_id = log.trace_id, log.span_id
        time_unix_nano = log.time_unix_nano or log.observed_time_unix_nano
        severity = severity_of(log.severity_number, log.severity_text)
        session = found.get(index, _NOTHING)
        records.append(
            PlainRecord(
                raw=raw,
                context=context,
                type=EventType.EVENT if log_event_name(log) else EventType.LOG,
                kind=0,
                trace_id=trace_id if is_trace_id(trace_id) else trace_id_from_attributes(log.attributes),
                span_id=span_id if is_span_id(span_id) else b"",
                parent_span_id=b"",
                time_unix_nano=time_unix_nano,
                end_time_unix_nano=time_unix_nano,
                error=severity >= Severity.ERROR,
                severity=severity,
                session_id=session.session_id,
                evidence=session.evidence,
                span_events=(),
                content_hash=content_hash_of(context, raw),
                is_page=index in pages,
            )
        )
    return 0


def content_hash_of(context: Context, raw: bytes) -> bytes:
    """Return a log record's content hash: 8 bytes over context and record."""
    content_hash = content_hash_begun(context)
    content_hash.update(raw)
    return content_hash.digest()


def content_hash_begun(context: Context) -> hashlib.blake2b:
    """Return the content hash of a log record of this context, its own bytes left out."""
    return hashlib.blake2b(context.envelope + b"\0", digest_size=8)


def log_event_name(message: LogRecord) -> str:
    """Return a log record's event name: its field, else the attribute of earlier conventions; "" if it has none."""
    if message.event_name:
        return message.event_name
    for item in message.attributes:
        if item.key == EVENT_NAME_KEY:
            return item.value.string_value
    return ""


def severity_of(number: int, text: str) -> Severity:
    """Return the range of a severity number, else of a text in any case.

    https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
    """
    if 1 <= number <= 24:
        return Severity((number + 3) // 4)
    return _SEVERITY_TEXTS.get(text.strip().lower().rstrip("0123456789"), Severity.NONE)


def trace_id_from_attributes(attributes: Iterable[KeyValue]) -> bytes:
    """Return the trace id that a log record's attributes name, by the first of TRACE_ID_KEYS; b"" if none does."""
    found: dict[str, bytes] = {}
    for item in attributes:
        key = item.key.lower()
        if key in TRACE_ID_KEYS:
            texts = [item.value.string_value, *(one.string_value for one in item.value.array_value.values)]
            for trace_id in map(trace_id_from_text, texts):
                if trace_id:
                    found[key] = trace_id
                    break
    return next((found[key] for key in TRACE_ID_KEYS if key in found), b"")
