"""All sessions and requests, merged from their parts and kept from call to call: what lists are made from.

The parts of the newest commits come first, older ones as far as the time of the question allows; the next
question goes on from there. So a list over a large store is incomplete at first, and says so, but never old.
"""

from collections.abc import Iterator

from collector.correlation.join import TraceKey
from collector.query.facts import RequestFacts, SessionFacts, session_facts
from collector.query.merged import Merged
from collector.query.snapshot import Snapshot
from collector.store.api import Position, Reader

CATALOG_TRACES_MAX = 200_000
COMMITS_PER_READ = 256


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
        self._sessions: dict[str, SessionFacts] = {}
        self._requests: dict[TraceKey, RequestFacts] = {}

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
            self._requests.pop(trace_key, None)
            for session_id in self.merged.session_ids_of(trace_key):
                self._sessions.pop(session_id, None)

    def session_ids_of(self, trace_key: TraceKey) -> list[str]:
        """The sessions that claim a trace by now, sorted."""
        return self.merged.session_ids_of(trace_key)

    def sessions(self, snapshot: Snapshot) -> Iterator[SessionFacts]:
        """Yield every session as of the snapshot's commit."""
        for session_id in self.merged.sessions:
            facts = self._sessions.get(session_id)
            if facts is None:
                facts = self._sessions[session_id] = session_facts(self.merged, session_id)
            if facts.last_commit <= snapshot.upto:
                yield facts
            elif facts.first_commit <= snapshot.upto:
                merged = snapshot.merged_session(session_id)
                if session_id in merged.sessions:
                    yield session_facts(merged, session_id)

    def trace_keys(self) -> list[TraceKey]:
        """All traces, those with the newest events first."""
        last = {
            trace_key: max(slot.last_time_unix_nano for slot in slots.values())
            for trace_key, slots in self.merged.traces.items()
        }
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
            self._sessions[facts.session_id] = checked
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

    def request(self, trace_key: TraceKey, merged: Merged, snapshot: Snapshot) -> RequestFacts:
        """Sum up one request from what `merged_at` returned for it."""
        if merged is not self.merged:
            return snapshot.request(merged, trace_key)
        facts = self._requests.get(trace_key)
        if facts is None:
            facts = self._requests[trace_key] = snapshot.request(merged, trace_key)
        return facts
