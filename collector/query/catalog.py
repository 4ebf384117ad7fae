"""All sessions and requests, merged from their parts and kept from call to call: what lists are made from.

The parts of the newest commits come first, older ones as far as the time of the question allows; the next
question goes on from there. So a list over a large store is incomplete at first, and says so, but never old.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from collector.correlation.join import TraceKey
from collector.query.facts import RequestFacts, SessionFacts, session_facts
from collector.query.kept import Kept, Listing, ListKey
from collector.query.merged import Merged
from collector.query.snapshot import Snapshot
from collector.store.api import Position, Reader

CATALOG_TRACES_MAX = 200_000
RECORDS_KEPT_MAX = 2_000
COMMITS_PER_READ = 256
READ_AHEAD_EVENTS_MAX = 1_000


class Catalog:
    """The merge of the parts of the commits in (low, high]. Not thread-safe; dropped whenever anything is evicted."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._evictions = -1
        self._reset(Position(0, -1))

    def _reset(self, position: Position) -> None:
        self.merged = Merged()
        self.low = self.high = position.commit
        self._evictions = position.evictions
        self._sessions = Listing[str, SessionFacts](attrgetter("session_id"), session_key, attrgetter("services"))
        self._requests = Listing[TraceKey, RequestFacts](attrgetter("trace_key"), request_key)
        self._records = Kept[Mapping[str, Any]](RECORDS_KEPT_MAX)
        self.words = Kept[tuple[str, str]](CATALOG_TRACES_MAX)

    def advance(self, position: Position, snapshot: Snapshot) -> None:
        """Merge what was committed since the last call, then older parts, until all is there or the time is over."""
        if position.evictions != self._evictions or len(self.merged.traces) > 2 * CATALOG_TRACES_MAX:
            self._reset(position)
        while self.high < position.commit and not snapshot.limit.is_over:
            upto = min(self.high + COMMITS_PER_READ, position.commit)
            self._add(self.high, upto)
            self.high = upto
        while self.low > 0 and len(self.merged.traces) < CATALOG_TRACES_MAX and not snapshot.limit.is_over:
            after = max(0, self.low - COMMITS_PER_READ)
            self._add(after, self.low)
            self.low = after

    def _add(self, after: int, upto: int) -> None:
        for trace_key in self.merged.add(self._reader.parts(upto, after=after)):
            if trace_key.is_trace:
                self._requests.drop(trace_key)
            for session_id in self.merged.traces[trace_key]:
                if session_id:
                    self._sessions.drop(session_id)

    def session_ids_of(self, trace_key: TraceKey) -> list[str]:
        """The sessions that claim a trace by now, sorted."""
        return self.merged.session_ids_of(trace_key)

    def is_as_of(self, snapshot: Snapshot) -> bool:
        """Tell whether all that is merged here was committed by the snapshot's commit."""
        return self.high <= snapshot.upto

    def sessions(self, snapshot: Snapshot, service: str | None = None) -> Sequence[tuple[ListKey, SessionFacts]]:
        """Return every session, or every one that the service took part in, as of the snapshot's commit.

        They are in the order of their last activity.
        """
        for session_id in list(self._sessions.missing):
            self._sessions.put(session_facts(self.merged, session_id))
        if self.is_as_of(snapshot):
            return self._sessions.in_order(service)
        then: list[tuple[ListKey, SessionFacts]] = []
        for key, facts in self._sessions.in_order():
            if facts.last_commit <= snapshot.upto:
                then.append((key, facts))
            elif facts.first_commit <= snapshot.upto:
                merged = snapshot.merged_session(facts.session_id)
                if facts.session_id in merged.sessions:
                    before = session_facts(merged, facts.session_id)
                    then.append((session_key(before), before))
        then.sort(key=lambda item: item[0])
        return then if service is None else [item for item in then if service in item[1].services]

    def requests(
        self, snapshot: Snapshot, may_match: Callable[[Merged, TraceKey], bool], is_over: Callable[[], bool]
    ) -> Sequence[tuple[ListKey, RequestFacts]]:
        """Return the requests as of the snapshot's commit, by start: all that may match, as far as the time allows.

        Those with the newest events come to be known first.
        """
        is_now = self.is_as_of(snapshot)
        then: list[tuple[ListKey, RequestFacts]] = []
        for trace_key in self._newest(self._requests.missing) if is_now else self.trace_keys():
            merged = self.merged if is_now else self.merged_at(trace_key, snapshot)
            if not trace_key.is_trace or merged is None or not may_match(merged, trace_key):
                continue
            if is_over():
                break
            facts = self.request(trace_key, merged, snapshot)
            then.append((request_key(facts), facts))
        if is_now:
            return self._requests.in_order()
        then.sort(key=lambda item: item[0])
        return then

    def trace_keys(self) -> list[TraceKey]:
        """All traces, those with the newest events first."""
        return self._newest(self.merged.traces)

    def _newest(self, trace_keys: Iterable[TraceKey]) -> list[TraceKey]:
        traces = self.merged.traces
        last = {key: max(slot.last_time_unix_nano for slot in traces[key].values()) for key in trace_keys}
        return sorted(last, key=lambda trace_key: (-last[trace_key], trace_key))

    def merged_at(self, trace_key: TraceKey, snapshot: Snapshot) -> Merged | None:
        """Return what holds the trace as of the snapshot's commit; None if it was not stored then."""
        slots = self.merged.traces[trace_key].values()
        if all(slot.last_commit <= snapshot.upto for slot in slots):
            return self.merged
        if all(slot.first_commit > snapshot.upto for slot in slots):
            return None
        merged = snapshot.merged_traces([trace_key])
        return merged if trace_key in merged.traces else None

    def settled(self, facts: SessionFacts, *, has_errors: bool) -> SessionFacts:
        """Return the facts of a session with its errors checked, and keep them if they are those of now."""
        checked = facts._replace(has_errors=has_errors, is_error_checked=True)
        if self._sessions.get(facts.session_id) is facts:
            self._sessions.put(checked)
        return checked

    def session_at(self, session_id: str, snapshot: Snapshot) -> Merged:
        """Return what holds all traces of a session, whole, as of the snapshot's commit."""
        traces = self.merged.traces
        is_current = self.high <= snapshot.upto or all(
            slot.last_commit <= snapshot.upto
            for trace_key in self.merged.sessions.get(session_id, ())
            for slot in traces[trace_key].values()
        )
        return self.merged if is_current and session_id in self.merged.sessions else snapshot.merged_session(session_id)

    def record(
        self, facts: SessionFacts | RequestFacts, snapshot: Snapshot, make: Callable[[], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return the record of a session or request: the one that was made of the same facts, else a new one."""
        if not self.is_as_of(snapshot):
            # Newer records of another session in the same request may be in what is kept.
            return dict(make())
        record = self._kept_record(facts)
        if record is None:
            notes = len(snapshot.notes)
            record = make()
            # What is noted has to be noted the next time, too.
            if len(snapshot.notes) == notes:
                self._records.keep(_record_key(facts), facts, record)
        return dict(record)

    def unread(self, page: Sequence[RequestFacts], snapshot: Snapshot) -> list[TraceKey]:
        """Return the traces of those requests on a page whose records have to be made; those too large are left out."""
        is_now = self.is_as_of(snapshot)
        return [
            facts.trace_key
            for facts in page
            if not (is_now and self._kept_record(facts))
            and sum(slot.events for slot in self.merged.slots_of(facts.trace_key)) <= READ_AHEAD_EVENTS_MAX
        ]

    def _kept_record(self, facts: SessionFacts | RequestFacts) -> Mapping[str, Any] | None:
        return self._records.get(_record_key(facts), facts)

    def request(self, trace_key: TraceKey, merged: Merged, snapshot: Snapshot) -> RequestFacts:
        """Sum up one request from what `merged_at` returned for it."""
        if merged is not self.merged:
            return snapshot.request(merged, trace_key)
        facts = self._requests.get(trace_key)
        if facts is None:
            facts = snapshot.request(merged, trace_key)
            self._requests.put(facts)
        return facts


def _record_key(facts: SessionFacts | RequestFacts) -> Hashable:
    return facts.session_id if isinstance(facts, SessionFacts) else facts.trace_key


def session_key(facts: SessionFacts) -> ListKey:
    """Return what the list of sessions is sorted by."""
    return (-facts.last_time_unix_nano, facts.session_id)


def request_key(facts: RequestFacts) -> ListKey:
    """Return what the list of requests is sorted by."""
    return (-facts.start_time_unix_nano, facts.request_id)
