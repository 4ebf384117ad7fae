"""Why one span failed, in its own words.

What telemetry said stands between double quotes, on one line and shortened, so that it cannot be taken for ours.
"""

import re
from collections.abc import Iterable

from collector.pdata.semconv import EXCEPTION_EVENT_NAME
from collector.query.calltree import CallTree, is_call
from collector.query.event import Event, JsonValue
from collector.query.operation import CLIENT_ERROR_MIN, grpc_failure_of, status_of
from collector.query.values import json_text, one_line

QUOTED_CHARACTERS_MAX = 160
TYPE_CHARACTERS_MAX = 60
# Types that name no kind of error: Go's errors.New and fmt.Errorf.
_TYPES_WITHOUT_MEANING = frozenset(
    {"*errors.errorString", "*fmt.wrapError", "*errors.fundamental", "*errors.withStack"}
)


def exception_words(event: Event) -> str:
    """Return `Type "message"` of a span event or log that carries exception attributes; "" if it carries none.

    https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
    """
    attributes = event["attributes"]
    kind, message = attributes.get("exception.type"), attributes.get("exception.message")
    words: list[str] = []
    if isinstance(kind, str) and kind and kind not in _TYPES_WITHOUT_MEANING:
        words.append(one_line(kind, TYPE_CHARACTERS_MAX))
    if isinstance(message, str) and message.strip():
        words.append(quoted(message))
    return " ".join(words)


def exceptions_in(tree: CallTree, span: Event) -> list[Event]:
    """Return the exceptions that a span recorded, in timeline order."""
    return [
        event
        for event in tree.said_in(span)
        if event["signal"] == "span_event" and event.get("name") == EXCEPTION_EVENT_NAME
    ]


def reason_of(tree: CallTree, span: Event, around: Iterable[Event] = ()) -> str:
    """Say why `span` failed: its last exception, its last ERROR log, its status message, what it answered.

    `around` are spans of the same hop whose ERROR logs count when `span` has said nothing itself.
    """
    for event in reversed(exceptions_in(tree, span)):
        if words := exception_words(event):
            return words
    if words := _logged_words(tree, (span,)):
        return words
    message = span.get("status_message", "").strip()
    if message:
        return quoted(message)
    return _logged_words(tree, around) or _answer_words(span)


def short_type(tree: CallTree, span: Event) -> str:
    """Return the last part of the type of a span's error, as `ReadTimeout`; "" if it names none."""
    kinds = [event["attributes"].get("exception.type") for event in reversed(exceptions_in(tree, span))]
    kinds.append(span["attributes"].get("error.type"))
    for kind in kinds:
        if isinstance(kind, str) and kind and kind not in _TYPES_WITHOUT_MEANING:
            return one_line(re.split(r"[.$:/]", kind.rstrip(".$:/"))[-1], TYPE_CHARACTERS_MAX)
    return ""


def quoted(value: JsonValue) -> str:
    """Put what was recorded on one line between double quotes, at most QUOTED_CHARACTERS_MAX of it."""
    text = value if isinstance(value, str) else json_text(value)
    return '"' + one_line(text.replace('"', "'"), QUOTED_CHARACTERS_MAX) + '"'


def log_words(log: Event) -> str:
    """Return what an ERROR log says: its exception, else its body."""
    words = exception_words(log)
    if words:
        return words
    body = log.get("body")
    return "" if body is None or (isinstance(body, str) and not body.strip()) else quoted(body)


def _logged_words(tree: CallTree, spans: Iterable[Event]) -> str:
    """The last ERROR log of these spans; one that carries an exception comes first."""
    logs = [event for span in spans for event in tree.said_in(span) if event["signal"] == "log" and event["error"]]
    for log in reversed(logs):
        if words := exception_words(log):
            return words
    for log in reversed(logs):
        if words := log_words(log):
            return words
    return ""


def _answer_words(span: Event) -> str:
    verb = "was answered" if is_call(span) else "answered"
    status = status_of(span)
    if status is not None and status >= CLIENT_ERROR_MIN:
        return f"{verb} {status}"
    grpc_failure = grpc_failure_of(span)
    if grpc_failure is not None:
        return f"{verb} gRPC status {one_line(grpc_failure, TYPE_CHARACTERS_MAX)}"
    kind = span["attributes"].get("error.type")
    if isinstance(kind, str) and kind:
        return one_line(kind, TYPE_CHARACTERS_MAX)
    return "ended with status ERROR and said no more"
