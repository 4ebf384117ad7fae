"""The shapes of an answer's records, as programs read them: contract "Event", "Session record", "Request record".

A field that is null, empty text or an empty list is left out; `total=False` says so. `error` and `attributes`
are always there. Times are unix nanoseconds as decimal strings in events, RFC 3339 in records; durations are
milliseconds.
"""

from typing import Literal, Required, TypeAlias, TypedDict

JsonValue: TypeAlias = "str | bool | int | float | list[JsonValue] | dict[str, JsonValue] | None"


class Event(TypedDict, total=False):
    """One thing with a time: a span, a span event or a log record."""

    id: Required[str]
    type: Required[Literal["network", "span", "event", "log"]]
    signal: Required[Literal["span", "span_event", "log"]]
    time_unix_nano: Required[str]
    service: Required[str]
    error: Required[bool]
    attributes: Required[dict[str, JsonValue]]
    name: str
    body: JsonValue
    session_id: str
    request_id: str
    span_id: str
    parent_span_id: str
    kind: Literal["internal", "server", "client", "producer", "consumer"]
    duration_ms: float
    status_message: str
    severity: Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    evidence: Literal["attribute", "header", "tracestate", "trace"]
    summary: str
    truncated: list[str]


class Cause(TypedDict, total=False):
    """Why a request failed: the hop where it began, and its own words for it.

    A request of which only logs are known has no operation, and no span id unless the log names one.
    """

    service: Required[str]
    reason: Required[str]
    span_id: str
    operation: str


class Spread(TypedDict, total=False):
    """One hop on the way from the cause outwards; `status` is what it answered, left out where it did not say."""

    service: Required[str]
    operation: Required[str]
    status: int


class Worked(TypedDict, total=False):
    """How the same call went when it worked last."""

    request_id: Required[str]
    duration_ms: Required[float]
    status: int


class Undone(TypedDict):
    """A step that the same call takes when it works, and that a failed request never began."""

    service: str
    operation: str


class SessionRecord(TypedDict, total=False):
    """What one person did on one web origin, summed up."""

    session_id: Required[str]
    user_agent: str
    ip_address: str
    started_at: Required[str]
    last_activity: Required[str]
    request_ids: list[str]
    request_count: Required[int]
    services: list[str]
    event_count: Required[int]
    has_errors: Required[bool]
    first_url: str
    previous_id: str
    end_reason: str
    cause: Cause


class RequestRecord(TypedDict, total=False):
    """One trace, summed up by its entry span; `session_ids` instead of `session_id` if several claim it.

    Without `completed_at` and `duration_ms` its entry span has no end.
    """

    request_id: Required[str]
    session_id: str
    session_ids: list[str]
    method: str
    url: str
    status: int
    started_at: Required[str]
    completed_at: Required[str]
    duration_ms: Required[float]
    child_requests: list[str]
    service_calls: list[str]
    cause: Cause
