"""The events of one request as a tree: spans by parent, and what was said inside each span.

Telemetry may hold anything, loops and a hundred thousand levels too: every walk here is a loop, and enters
no span twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from collector.query.event import Event
from collector.query.operation import is_failing
from collector.query.times import NANOS_PER_MILLISECOND

_CALL_KINDS = frozenset({"client", "producer"})
_ENTRY_KINDS = frozenset({"server", "consumer"})


@dataclass(frozen=True, slots=True)
class CallTree:
    """`spans` by id, `children` by parent id and `said` (logs and span events) by span id, in timeline order.

    `roots` are the spans whose parent is not stored.
    """

    spans: dict[str, Event]
    children: dict[str, list[Event]]
    said: dict[str, list[Event]]
    roots: list[Event]

    def children_of(self, span: Event) -> Sequence[Event]:
        """Return the spans whose parent is `span`."""
        return self.children.get(span_id_of(span), ())

    def parent_of(self, span: Event) -> Event | None:
        """Return the stored parent of a span."""
        return self.spans.get(span.get("parent_span_id", ""))

    def said_in(self, span: Event) -> Sequence[Event]:
        """Return the logs and span events of a span."""
        return self.said.get(span_id_of(span), ())

    def own_spans(self, hop: Event) -> Iterator[Event]:
        """Yield the spans of one hop: `hop` and, in their service, all below it up to and with its calls.

        Parents come before their children. What lies below a call of the hop is not yielded.
        """
        seen = {span_id_of(hop)}
        waiting = [hop]
        while waiting:
            span = waiting.pop()
            yield span
            if span is not hop and is_call(span):
                continue
            for child in reversed(self.children_of(span)):
                span_id = span_id_of(child)
                if span_id not in seen and not enters(child, hop):
                    seen.add(span_id)
                    waiting.append(child)

    def callees(self, call: Event) -> list[Event]:
        """Return the spans with which a call entered other hops; without any, the orphans that it must have caused."""
        found: list[Event] = []
        seen = {span_id_of(call)}
        waiting = [call]
        while waiting:
            for child in self.children_of(waiting.pop()):
                span_id = span_id_of(child)
                if span_id in seen:
                    continue
                seen.add(span_id)
                if enters(child, call):
                    found.append(child)
                else:
                    waiting.append(child)
        return found or self._adopted(call)

    def caller_of(self, hop: Event) -> Event | None:
        """Return the span above a hop, or for an orphan the failing call that must have caused it."""
        parent = self.parent_of(hop)
        if parent is not None or not hop.get("parent_span_id"):
            return parent
        for call in self.spans.values():
            if is_call(call) and hop in self.callees(call):
                return call
        return None

    def _adopted(self, call: Event) -> list[Event]:
        """Orphans that failed while a failing call without callee was under way: the services between sent nothing."""
        if not is_failing(call):
            return []
        return [
            root
            for root in self.roots
            if root is not call
            and root.get("parent_span_id")
            and root.get("kind") in _ENTRY_KINDS
            and root["service"] != call["service"]
            and is_failing(root)
            and start_of(call) <= start_of(root) <= end_of(call)
        ]


def call_tree(events: Iterable[Event]) -> CallTree:
    """Build the tree of one request from its events in timeline order."""
    spans: dict[str, Event] = {}
    children: dict[str, list[Event]] = {}
    said: dict[str, list[Event]] = {}
    for event in events:
        if event["signal"] == "span":
            spans.setdefault(span_id_of(event), event)
            parent_span_id = event.get("parent_span_id")
            if parent_span_id:
                children.setdefault(parent_span_id, []).append(event)
        elif event.get("span_id"):
            said.setdefault(span_id_of(event), []).append(event)
    roots = [span for span in spans.values() if span.get("parent_span_id", "") not in spans]
    return CallTree(spans, children, said, roots)


def span_id_of(event: Event) -> str:
    """Return the span id of a span, or of the span that a log or span event belongs to; "" without one."""
    return event.get("span_id", "")


def is_call(span: Event) -> bool:
    """Tell a span that waits for another service or hands it something."""
    return span.get("kind") in _CALL_KINDS


def enters(child: Event, parent: Event) -> bool:
    """Tell whether `child` is where another hop begins, seen from its parent."""
    return child.get("kind") in _ENTRY_KINDS or child["service"] != parent["service"]


def start_of(event: Event) -> int:
    """Return when an event began, in unix nanoseconds as recorded."""
    return int(event["time_unix_nano"])


def end_of(event: Event) -> int:
    """Return when an event ended, in unix nanoseconds as recorded."""
    return start_of(event) + round(event.get("duration_ms", 0) * NANOS_PER_MILLISECOND)
