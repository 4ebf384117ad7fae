"""The requests inside a list of events: which events are whose, where each began, whether and why it failed.

The same rules as the request record's (contract "Request record"), read off events, so that a session's text
can name each of its requests.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from collector.query.calltree import CallTree, call_tree, end_of, span_id_of, start_of
from collector.query.cause import cause_of, spread_of
from collector.query.event import Cause, Event, Spread
from collector.query.operation import SERVER_ERROR_MIN, operation_of, status_of

_DEPTH_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request of an answer; `entry` is None where it has no span. `cause` and `spread` only if it failed."""

    request_id: str
    events: Sequence[Event]
    tree: CallTree
    entry: Event | None
    failed: bool
    cause: Cause | None
    spread: Sequence[Spread]

    @property
    def operation(self) -> str:
        """What was asked for, as `POST /api/checkout`; "logs only" where no span says."""
        return operation_of(self.entry) if self.entry else "logs only"

    @property
    def start_unix_nano(self) -> int:
        """When it began."""
        return start_of(self.entry or self.events[0])

    @property
    def duration_ms(self) -> float:
        """How long its entry took, else the time between its first and its last event."""
        if self.entry:
            return self.entry.get("duration_ms", 0)
        return (max(end_of(event) for event in self.events) - self.start_unix_nano) / 1_000_000

    @property
    def status(self) -> int | None:
        """What its entry answered."""
        return status_of(self.entry) if self.entry else None

    @property
    def reached(self) -> list[str]:
        """The services that it reached beyond the one where it began, in order."""
        first = (self.entry or self.events[0])["service"]
        services = dict.fromkeys(event["service"] for event in self.events if event["signal"] == "span")
        return [service for service in services if service != first]


def requests_in(events: Sequence[Event], undecided: Collection[str] = ()) -> dict[str, Request]:
    """Group the events of an answer by request, in order of their first event; those without request are left.

    Of the `undecided` the events do not tell whether they failed; they count as not failed.
    """
    grouped: dict[str, list[Event]] = {}
    for event in events:
        request_id = event.get("request_id")
        if request_id:
            grouped.setdefault(request_id, []).append(event)
    requests = {request_id: request_of(request_id, own) for request_id, own in grouped.items()}
    for request_id in undecided:
        if request_id in requests:
            requests[request_id] = replace(requests[request_id], failed=False, cause=None, spread=())
    return requests


def request_of(request_id: str, events: Sequence[Event]) -> Request:
    """Sum up one request from its events, in timeline order and at least one."""
    tree = call_tree(events)
    entry = _entry_of(tree)
    failed = has_failed(entry, events)
    cause = cause_of(events, span_id_of(entry) if entry else None) if failed else None
    return Request(request_id, events, tree, entry, failed, cause, spread_of(events, cause) if cause else ())


def has_failed(entry: Event | None, events: Sequence[Event]) -> bool:
    """Tell whether a request failed: its entry has an error or answered 500 or above; without one, any error."""
    if entry is None or entry["type"] != "network":
        return any(event["error"] for event in events)
    return entry["error"] or (status_of(entry) or 0) >= SERVER_ERROR_MIN


def _entry_of(tree: CallTree) -> Event | None:
    network = [span for span in tree.spans.values() if span["type"] == "network"]
    candidates = network or tree.roots or list(tree.spans.values())
    return min(
        candidates,
        key=lambda span: (_depth(tree, span), start_of(span), span_id_of(span)),
        default=None,
    )


def _depth(tree: CallTree, span: Event) -> int:
    depth = 0
    above = tree.parent_of(span)
    while above is not None and depth < _DEPTH_MAX:
        depth += 1
        above = tree.parent_of(above)
    return depth
