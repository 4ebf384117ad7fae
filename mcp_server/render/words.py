"""One event in words: what a line of a timeline says after the time and the service."""

from collections.abc import Mapping
from typing import NamedTuple

from collector.query.calltree import CallTree, is_call
from collector.query.event import Event, JsonValue
from collector.query.operation import operation_of, status_of
from collector.query.reason import exception_words, exceptions_in
from mcp_server.render.escape import attribute, clean, quoted

ATTRIBUTES_CHARACTERS_MAX = 100
EXCEPTION_CHARACTERS_MAX = 160
# What instrumentation adds to every record; it explains no failure, or stands in the line already.
_NOISE = (
    "asgi.",
    "browser.",
    "client.",
    "code.",
    "enduser.",
    "error.",
    "event.name",
    "exception.",
    "express.",
    "host.",
    "http.",
    "log.",
    "net.",
    "network.",
    "otel",
    "process.",
    "rpc.",
    "server.",
    "session",
    "span",
    "stack",
    "telemetry.",
    "thread.",
    "trace",
    "url.",
    "user_agent.",
)
_TOLD_BY_LOGS = frozenset({"http.status"})


class SpanWords(NamedTuple):
    """What the line of a span says before and after its duration."""

    head: str
    tail: str


def span_words(tree: CallTree, span: Event, *, has_callee: bool, failed: bool = False, late: bool = False) -> SpanWords:
    """Return `POST /charge 402` and `ERROR PaymentDeclined "card declined"`; `failed` marks a request's entry."""
    head = clean(operation_of(span, with_host=is_call(span) and not has_callee))
    status = status_of(span)
    if status is not None:
        head = f"{head} {status}"
    tail: list[str] = []
    if "duration_ms" not in span:
        tail.append("unfinished")
    if late:
        tail.append("LATE: its caller had given up")
    if failed:
        tail.append("FAILED")
    elif span["error"]:
        tail.append("ERROR")
    said = error_words(tree, span) if span["error"] else ""
    if said:
        tail += [said, telling_attributes(span)]
    return SpanWords(head, " ".join(word for word in tail if word))


def error_words(tree: CallTree, span: Event) -> str:
    """Return what a failed span says of its failure: its last exception, else its status message."""
    for exception in reversed(exceptions_in(tree, span)):
        words = exception_words(exception)
        if words:
            return clean(words, EXCEPTION_CHARACTERS_MAX)
    message = span.get("status_message", "")
    return quoted(message) if message.strip() else ""


def log_words(log: Event, *, with_attributes: bool, with_exception: bool = True) -> str:
    """Return `ERROR "charge failed"`, for an event its name too; with attributes that may explain it."""
    words: list[str] = []
    severity = log.get("severity")
    if log["type"] == "event":
        words.append(clean(log.get("name", "event")))
        if severity in ("WARN", "ERROR", "FATAL"):
            words.append(severity)
    else:
        words.append(severity or "log")
    body = log.get("body")
    if body is not None and body != "":
        words.append(quoted(body))
    if with_exception and ("body" not in log or log["error"]):
        exception = clean(exception_words(log), EXCEPTION_CHARACTERS_MAX)
        if exception and not (isinstance(body, str) and exception.strip('"') in body):
            words.append(exception)
    if with_attributes or body is None:
        words.append(telling_attributes(log))
    return " ".join(word for word in words if word)


def span_event_words(event: Event) -> str:
    """Return a span event's name with its attributes; of an exception type and message."""
    name = clean(event.get("name", "event"))
    exception = clean(exception_words(event), EXCEPTION_CHARACTERS_MAX)
    return " ".join(word for word in (name, exception or telling_attributes(event)) if word)


def telling_attributes(event: Event, characters_max: int = ATTRIBUTES_CHARACTERS_MAX) -> str:
    """Return the attributes that an instrumentation did not add by itself, as `app.amount=42.5 …`."""
    return attribute_words(event["attributes"], characters_max)


def attribute_words(attributes: Mapping[str, JsonValue], characters_max: int) -> str:
    """Return telling attributes as `key=value`, as many as fit."""
    words: list[str] = []
    room = characters_max
    for key, value in attributes.items():
        if key.lower().startswith(_NOISE) and key not in _TOLD_BY_LOGS:
            continue
        word = attribute(key, value)
        if len(word) + 1 > room:
            words.append("…")
            break
        room -= len(word) + 1
        words.append(word)
    return " ".join(words)
