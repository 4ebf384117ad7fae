"""Why requests failed, read from the store: the events of one request, given to `cause`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from collector.correlation.join import TraceKey
from collector.query.adjusters import Ordered, OrderKey
from collector.query.cause import cause_of, spread_of
from collector.query.event import Cause, Event, Spread, Undone
from collector.query.event_id import event_id
from collector.query.facts import RequestFacts
from collector.query.merged import Merged, Slot
from collector.query.operation import SERVER_ERROR_MIN
from collector.query.snapshot import Snapshot
from collector.query.timeline import event_of
from collector.query.undone import undone_of
from collector.store.api import Row

CAUSE_EVENTS_MAX = 5_000


class Failure(NamedTuple):
    """Why a request failed, and how that spread to its caller."""

    cause: Cause | None
    spread: Sequence[Spread]


def failure_of(snapshot: Snapshot, facts: RequestFacts) -> Failure:
    """Find the cause of a failed request, from all its records, whichever sessions they name."""
    events, is_partial = _events_of(snapshot, facts.trace_key)
    if is_partial:
        snapshot.note(f"partial: the cause was looked for in {CAUSE_EVENTS_MAX} events of {facts.request_id}")
    cause = cause_of(events, facts.entry.span_id.hex() if facts.entry else None)
    return Failure(cause, spread_of(events, cause) if cause else ())


def undone_in(snapshot: Snapshot, failed: TraceKey, worked: TraceKey) -> list[Undone]:
    """Find what a failed request left undone, held against one that worked; nothing if either is too large to tell."""
    failed_events, failed_is_partial = _events_of(snapshot, failed)
    worked_events, worked_is_partial = _events_of(snapshot, worked)
    return [] if failed_is_partial or worked_is_partial else undone_of(failed_events, worked_events)


def newest_failure(snapshot: Snapshot, merged: Merged, trace_keys: Iterable[TraceKey]) -> Cause | None:
    """Find the cause of the newest failed request among those of a session; None if none failed."""
    newest: RequestFacts | None = None
    for trace_key in trace_keys:
        if _surely_went_well(list(merged.slots_of(trace_key))):
            continue
        facts = snapshot.request(merged, trace_key)
        if facts.is_failed and (newest is None or _rank(facts) >= _rank(newest)):
            newest = facts
    return failure_of(snapshot, newest).cause if newest else None


def _surely_went_well(slots: Sequence[Slot]) -> bool:
    """Tell from the parts alone that a request did not fail, whichever span is its entry."""
    if any(slot.errors or slot.status_max >= SERVER_ERROR_MIN for slot in slots):
        return False
    return any(slot.candidate for slot in slots) or not any(slot.spans for slot in slots)


def _events_of(snapshot: Snapshot, trace_key: TraceKey) -> tuple[list[Event], bool]:
    """Return the events of one trace in order, and whether only the most telling CAUSE_EVENTS_MAX of them."""
    ordered = snapshot.ordered([trace_key])
    is_partial = len(ordered) > CAUSE_EVENTS_MAX
    rows = [row for _, row in (_most_telling(ordered) if is_partial else ordered)]
    bodies = snapshot.bodies(rows)
    events = [event_of(row, event_id(row), bodies[row.key]) for row in rows if row.key in bodies]
    return events, is_partial


def _most_telling(ordered: Ordered) -> list[tuple[OrderKey, Row]]:
    """Keep errors and spans before the rest, then what came first; the order stays."""
    ranked = sorted(
        range(len(ordered)), key=lambda index: (not ordered[index][1].error, ordered[index][1].signal != "span", index)
    )
    return [ordered[index] for index in sorted(ranked[:CAUSE_EVENTS_MAX])]


def _rank(facts: RequestFacts) -> tuple[int, TraceKey]:
    return (facts.start_time_unix_nano, facts.trace_key)
