"""The lines of one request: every event either has a line or stands on the line of another.

A call stands on the line of the hop that it reached, an exception on the line of the span that it ended, a
span that failed without a word on the line of its parent.
"""

from collections.abc import Mapping

from collector.query.calltree import CallTree, enters, is_call, span_id_of, start_of
from collector.query.event import Event
from collector.query.late import late_callees
from collector.query.operation import is_failing, status_of
from collector.query.reason import exception_words, exceptions_in
from mcp_server.render.escape import clean
from mcp_server.render.folding import pattern_of
from mcp_server.render.line import SERVICE_CHARACTERS_MAX, Line, Rank
from mcp_server.render.requests import Request
from mcp_server.render.words import SpanWords, log_words, span_event_words, span_words, telling_attributes

_CLIMB_MAX = 1_000


def request_lines(request: Request, order: Mapping[str, int]) -> list[Line]:
    """Return the lines of a request in timeline order; `order` holds each event's place in the answer, by event id."""
    tree = request.tree
    carriers = _carriers(request)
    told = _told_by_spans(tree)
    carried: dict[str, list[Event]] = {}
    for event in request.events:
        carrier = _last_carrier(carriers, event)
        if carrier is not event:
            carried.setdefault(carrier["id"], []).append(event)
    late = {span_id_of(span) for call in tree.spans.values() if is_call(call) for span in late_callees(tree, call)}
    depths: dict[str, int] = {}
    lines: list[Line] = []
    for event in request.events:
        if event["id"] in carriers:
            continue
        span = tree.spans.get(span_id_of(event))
        rank = _rank_of(request, event, late)
        said = _said(request, event, late, told)
        lines.append(
            Line(
                order=order[event["id"]],
                time_unix_nano=start_of(event),
                service=clean(event["service"], SERVICE_CHARACTERS_MAX),
                depth=_hops_above(tree, span, depths) if span else 0,
                head=said.head,
                tail=said.tail,
                rank=rank,
                kinds=[kind_of(event), *(kind_of(other) for other in carried.get(event["id"], ()))],
                scope=event.get("parent_span_id", "") if event["signal"] == "span" else span_id_of(event),
                pattern=_pattern(event, said, rank),
                duration_ms=event.get("duration_ms"),
            )
        )
    return lines


def kind_of(event: Event) -> str:
    """Return the word under which the last line of an answer counts an event that it leaves out."""
    if event["signal"] == "span":
        return "error span" if event["error"] else "ok span"
    if event["signal"] == "span_event":
        return "exception" if event["error"] else "span event"
    if event["type"] == "event":
        return "event"
    severity = event.get("severity")
    return f"{severity} log" if severity else "log"


def log_rank(log: Event) -> Rank:
    """Return how soon a log may be left out."""
    if log["error"]:
        return Rank.ALWAYS
    severity = log.get("severity")
    if severity == "WARN":
        return Rank.NOTABLE
    return Rank.NOISE if severity in ("DEBUG", "TRACE") else Rank.DETAIL


def _said(request: Request, event: Event, late: set[str], told: set[str]) -> SpanWords:
    if event["signal"] == "log":
        message = event["attributes"].get("exception.message")
        is_told = isinstance(message, str) and message in told
        return SpanWords(log_words(event, with_attributes=event["error"], with_exception=not is_told), "")
    if event["signal"] == "span_event":
        return SpanWords(span_event_words(event), "")
    return span_words(
        request.tree,
        event,
        has_callee=is_call(event) and bool(request.tree.callees(event)),
        failed=request.entry is event and request.failed,
        late=span_id_of(event) in late,
    )


def _pattern(event: Event, said: SpanWords, rank: Rank) -> str:
    if rank is Rank.ALWAYS:
        return f"{said.head} {said.tail}"
    if event["signal"] != "span":
        return pattern_of(said.head)
    status = status_of(event)
    operation = said.head.removesuffix(f" {status}")
    return f"{pattern_of(operation)} {status}" if status is not None else pattern_of(operation)


def _rank_of(request: Request, event: Event, late: set[str]) -> Rank:
    if event["signal"] == "log":
        return log_rank(event)
    if event["signal"] == "span_event":
        if event["error"]:
            return Rank.ALWAYS
        return Rank.DETAIL if telling_attributes(event) else Rank.NOISE
    tree = request.tree
    if request.entry is event or is_failing(event) or span_id_of(event) in late:
        return Rank.ALWAYS
    parent = tree.parent_of(event)
    if parent is None or enters(event, parent) or (is_call(event) and not tree.callees(event)):
        return Rank.HOP
    return Rank.NOISE


def _told_by_spans(tree: CallTree) -> set[str]:
    """The exception messages that the lines of failed spans tell; logs need not tell them again."""
    return {
        message
        for span in tree.spans.values()
        if span["error"]
        for event in exceptions_in(tree, span)
        if isinstance(message := event["attributes"].get("exception.message"), str) and message
    }


def _carriers(request: Request) -> dict[str, Event]:
    """Which events stand on the line of another, by event id; the entry of the request has its own."""
    carriers: dict[str, Event] = {}
    for event in request.events:
        carrier = None if event is request.entry else _carrier_of(request.tree, event)
        if carrier is not None:
            carriers[event["id"]] = carrier
    return carriers


def _carrier_of(tree: CallTree, event: Event) -> Event | None:
    if event["signal"] == "span_event":
        span = tree.spans.get(span_id_of(event))
        if span is None or not span["error"] or not event["error"]:
            return None
        told = next((words for other in reversed(exceptions_in(tree, span)) if (words := exception_words(other))), "")
        return span if exception_words(event) in ("", told) else None
    if event["signal"] != "span":
        return None
    if is_call(event):
        callees = [callee for callee in tree.callees(event) if tree.parent_of(callee) is not None]
        if is_failing(event):
            callees = [callee for callee in callees if is_failing(callee)]
        return callees[-1] if callees else None
    parent = tree.parent_of(event)
    is_silent = event["error"] and not event.get("status_message") and not exceptions_in(tree, event)
    if is_silent and parent is not None and parent["error"] and not enters(event, parent):
        return parent
    return None


def _last_carrier(carriers: Mapping[str, Event], event: Event) -> Event:
    """Follow carriers to the one that has a line; in a loop of parents every span keeps being carried."""
    for _ in range(_CLIMB_MAX):
        carrier = carriers.get(event["id"])
        if carrier is None:
            return event
        event = carrier
    return event


def _hops_above(tree: CallTree, span: Event, depths: dict[str, int]) -> int:
    """Count the hops between a span and the top; `depths` remembers what was counted."""
    path: list[Event] = []
    at: Event | None = span
    while at is not None and span_id_of(at) not in depths and len(path) < _CLIMB_MAX:
        path.append(at)
        at = tree.parent_of(at)
    depth = depths.get(span_id_of(at), 0) if at is not None else 0
    for step in reversed(path):
        parent = tree.parent_of(step)
        if parent is not None and enters(step, parent):
            depth += 1
        depths[span_id_of(step)] = depth
    return depth
