"""One page of events, cut from what matches. Contract "Calls"."""

from bisect import bisect_right
from collections.abc import Mapping

from collector.errors import QueryError
from collector.query.adjusters import Ordered, OrderKey
from collector.query.cursor import evicted_error, restart_call
from collector.query.event import Event
from collector.query.event_id import event_id
from collector.query.question import Question
from collector.query.selection import Selection
from collector.query.snapshot import BODIES_PER_READ_MAX, Snapshot
from collector.query.timeline import event_of, text_of
from collector.query.values import VALUE_BYTES_MAX
from collector.store.api import Row


def matching(snapshot: Snapshot, selection: Selection, ordered: Ordered) -> Ordered:
    """Return the events that pass all filters, in order; stops with a note when the time is over."""
    taken = selection.of(ordered)
    if not selection.query:
        return taken
    found: list[tuple[OrderKey, Row]] = []
    for start in range(0, len(taken), BODIES_PER_READ_MAX):
        if snapshot.limit.is_over:
            snapshot.note(f"partial: the time for one question was over; {start} of {len(taken)} events were searched")
            break
        chunk = taken[start : start + BODIES_PER_READ_MAX]
        bodies = snapshot.bodies([row for _, row in chunk])
        found += [
            item for item in chunk if item[1].key in bodies and selection.matches(text_of(item[1], bodies[item[1].key]))
        ]
    return found


def page_start(matched: Ordered, after: OrderKey | None) -> int:
    """Return where the page begins that follows the order key `after`."""
    return 0 if after is None else bisect_right(matched, after, key=lambda item: item[0])


def events_of(
    question: Question,
    page: Ordered,
    through: Mapping[bytes, str],
    bytes_max: int | None = VALUE_BYTES_MAX,
) -> list[Event]:
    """Read the bodies of a page and return its events. Raises QueryError if eviction took one meanwhile."""
    rows = [row for _, row in page]
    bodies = question.snapshot.bodies(rows)
    if any(row.key not in bodies for row in rows):
        if question.cursor is not None:
            raise evicted_error(question.params)
        raise QueryError(f"records were evicted while they were read; ask again: {restart_call(question.params)}")
    return [
        event_of(row, key[6] or event_id(row), bodies[row.key], through.get(row.trace_id, ""), bytes_max)
        for key, row in page
    ]


def written_key(key: OrderKey) -> list[int | str]:
    """Return an order key as a cursor holds it."""
    time_unix_nano, trace_id, depth, span_id, rank, index, log = key
    return [time_unix_nano, trace_id.hex(), depth, span_id.hex(), rank, index, log]


def read_key(question: Question) -> OrderKey | None:
    """Return the order key that a cursor holds; None on a first page. Raises QueryError if it is none."""
    if question.cursor is None:
        return None
    match question.cursor.after:
        case [int(time_unix_nano), str(trace_id), int(depth), str(span_id), int(rank), int(index), str(log)]:
            try:
                return (time_unix_nano, bytes.fromhex(trace_id), depth, bytes.fromhex(span_id), rank, index, log)
            except ValueError:
                pass
        case _:
            pass
    raise QueryError(f"cursor: this is no cursor; leave it out to start again: {restart_call(question.params)}")
