"""Parts, merged: what is known of each trace and session without reading a record.

Merging does not depend on the order of parts, so newer and older ones can be added at any time. A slot sums
up one trace for one session, "" for the records that name none; a request merges all slots of its trace, a
session its own slots and the unnamed slots of the same traces.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.correlation.join import Landmark, Part, Root, TraceKey
from collector.correlation.record import EventType
from collector.store.api import RowKey


class Candidate(NamedTuple):
    """The earliest `network` span that had no stored parent in its own commit: most likely the entry span."""

    root: Root
    key: RowKey
    is_copied: bool

    @property
    def rank(self) -> tuple[int, bytes]:
        """What the earliest is decided by."""
        return (self.root.start_time_unix_nano, self.root.span_id)


class Mark(NamedTuple):
    """A landmark and the record it was taken from."""

    landmark: Landmark
    key: RowKey

    @property
    def rank(self) -> tuple[int, int, int]:
        """What the earliest is decided by."""
        return (self.landmark.time_unix_nano, self.key.commit, self.key.position)


@dataclass(slots=True)
class Slot:
    """The merge of the parts of one trace for one session, or of several slots.

    `status_max` is the highest status that a span without a parent in its own commit answered with.
    """

    first_commit: int = 0
    last_commit: int = 0
    start_time_unix_nano: int = 0
    last_time_unix_nano: int = 0
    events: int = 0
    spans: int = 0
    logs: int = 0
    errors: int = 0
    status_max: int = 0
    services: set[str] = field(default_factory=set[str])
    candidate: Candidate | None = None
    page: Mark | None = None
    server: Mark | None = None

    def add(self, part: Part) -> None:
        """Merge one part."""
        self._widen(part.commit, part.commit, part.start_time_unix_nano, part.last_time_unix_nano)
        self.events += part.event_count
        self.spans += part.spans
        self.logs += part.logs
        self.errors += part.errors
        self.services.update(part.service_bytes)
        for root in part.roots:
            if root.status and root.status > self.status_max:
                self.status_max = root.status
        if part.roots:
            self.candidate = _earlier_candidate(self.candidate, _candidate_of(part))
        if part.page:
            self.page = _earlier_mark(self.page, _mark_of(part, part.page))
        if part.server:
            self.server = _earlier_mark(self.server, _mark_of(part, part.server))

    def merge(self, other: "Slot") -> None:
        """Merge another slot, which stays as it is."""
        self._widen(other.first_commit, other.last_commit, other.start_time_unix_nano, other.last_time_unix_nano)
        self.events += other.events
        self.spans += other.spans
        self.logs += other.logs
        self.errors += other.errors
        self.status_max = max(self.status_max, other.status_max)
        self.services |= other.services
        self.candidate = _earlier_candidate(self.candidate, other.candidate)
        self.page = _earlier_mark(self.page, other.page)
        self.server = _earlier_mark(self.server, other.server)

    def _widen(self, first_commit: int, last_commit: int, start: int, last: int) -> None:
        # Compared one by one: this runs for every part of a store.
        is_empty = not self.last_commit
        if is_empty or first_commit < self.first_commit:
            self.first_commit = first_commit
        if last_commit > self.last_commit:
            self.last_commit = last_commit
        if is_empty or start < self.start_time_unix_nano:
            self.start_time_unix_nano = start
        if last > self.last_time_unix_nano:
            self.last_time_unix_nano = last


class Merged:
    """All traces and sessions that were added. Not thread-safe."""

    def __init__(self) -> None:
        self.traces: dict[TraceKey, dict[str, Slot]] = {}
        self.sessions: dict[str, set[TraceKey]] = {}

    def add(self, parts: Iterable[Part]) -> set[TraceKey]:
        """Merge parts; returns the traces that they touch."""
        touched: set[TraceKey] = set()
        for part in parts:
            touched.add(part.trace_key)
            slots = self.traces.setdefault(part.trace_key, {})
            slot = slots.get(part.session_id)
            if slot is None:
                slot = slots[part.session_id] = Slot()
                if part.session_id:
                    self.sessions.setdefault(part.session_id, set()).add(part.trace_key)
            slot.add(part)
        return touched

    def session_ids_of(self, trace_key: TraceKey) -> list[str]:
        """The sessions that claim a trace, sorted."""
        return sorted(session_id for session_id in self.traces.get(trace_key, {}) if session_id)

    def slots_of(self, trace_key: TraceKey, session_id: str | None = None) -> Iterator[Slot]:
        """Yield the slots of a trace; with `session_id` only its own and the unnamed one."""
        for owner, slot in self.traces.get(trace_key, {}).items():
            if session_id is None or owner in ("", session_id):
                yield slot

    def whole(self, trace_key: TraceKey, session_id: str | None = None) -> Slot:
        """Merge the slots of a trace; with `session_id` only its own and the unnamed one. To be read only."""
        slots = list(self.slots_of(trace_key, session_id))
        if len(slots) == 1:
            return slots[0]
        whole = Slot()
        for slot in slots:
            whole.merge(slot)
        return whole


# The constructor of a named tuple takes twice as long as that of a plain one, and there is one for most parts.
_new = tuple[object, ...].__new__


def _candidate_of(part: Part) -> Candidate | None:
    # Those of type `network` come first, the earliest of them first of all.
    first, *others = part.roots
    if first.type is not EventType.NETWORK:
        return None
    is_copied = False
    if others:
        start = first.start_time_unix_nano
        first = min(
            (one for one in part.roots if one.type is EventType.NETWORK and one.start_time_unix_nano == start),
            key=lambda root: root.span_id,
        )
        is_copied = sum(root.span_id == first.span_id for root in part.roots) > 1
    return _new(Candidate, (first, _new(RowKey, (part.trace_key, part.commit, first.position)), is_copied))


def _earlier_candidate(one: Candidate | None, other: Candidate | None) -> Candidate | None:
    if one is None or other is None:
        return one or other
    is_copied = one.root.span_id == other.root.span_id
    first = other if other.rank < one.rank else one
    return first._replace(is_copied=True) if is_copied and not first.is_copied else first


def _mark_of(part: Part, landmark: Landmark) -> Mark:
    return _new(Mark, (landmark, _new(RowKey, (part.trace_key, part.commit, landmark.position))))


def _earlier_mark(one: Mark | None, other: Mark | None) -> Mark | None:
    if one is None or other is None:
        return one or other
    return other if other.rank < one.rank else one
