"""The store as one question sees it: as of one commit, within one time limit.

What was read once is kept until the question is answered.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from collector.correlation.join import TraceKey
from collector.pdata.semconv import http_facts
from collector.query.adjusters import (
    NO_OFFSETS,
    AdjustedTrace,
    Adjuster,
    LogCounts,
    Offsets,
    Ordered,
    learned_offsets,
    offsets_of,
)
from collector.query.clock_skew import HostOffsets
from collector.query.facts import (
    Entry,
    RequestFacts,
    entry_from_candidate,
    entry_from_row,
    entry_of_parts,
    request_facts,
)
from collector.query.merged import Merged, Slot
from collector.query.timeline import text_of
from collector.store.api import Body, Reader, Row, RowKey, TraceRows

QUERY_TIME_S_MAX = 2.0
TRACE_EVENTS_MAX = 100_000
BODIES_PER_READ_MAX = 1_000
TRACES_PER_READ_MAX = 250
# A request in a session is ordered by the same clocks as in its session, so it pays for reading these.
CLOCK_TRACES_MAX = 32


class TimeLimit:
    """The time that one question may take."""

    def __init__(self, seconds: float = QUERY_TIME_S_MAX, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Tell whether the question has to be answered with what is there."""
        return self._monotonic() >= self._end


class Trace(NamedTuple):
    """The rows of one trace in commit order, the numbers of its equal logs, and what was read when it was written.

    `statuses` and `pages` are those of store.api.TraceRows.
    """

    rows: Sequence[Row]
    counts: LogCounts
    statuses: Mapping[RowKey, int | None]
    pages: Mapping[RowKey, str]


class Snapshot:
    """Reads for one question. Not thread-safe. Raises what the reader raises."""

    def __init__(self, reader: Reader, upto: int, limit: TimeLimit) -> None:
        self.reader = reader
        self.upto = upto
        self.limit = limit
        self.notes: list[str] = []
        self._adjuster = Adjuster()
        self._trace_keys: dict[str, Sequence[TraceKey]] = {}
        self._traces: dict[TraceKey, Trace] = {}
        self._adjusted: dict[tuple[TraceKey, str | None], AdjustedTrace] = {}
        self._bodies: dict[RowKey, Body] = {}
        self._clocks: dict[str, HostOffsets] = {}

    def note(self, text: str) -> None:
        """Add a one-line fact about the answer, once."""
        if text not in self.notes:
            self.notes.append(text)

    def merged_session(self, session_id: str) -> Merged:
        """Merge all that a session consists of; empty if it is not stored."""
        return self.merged_traces(self.trace_keys(session_id))

    def trace_keys(self, session_id: str) -> Sequence[TraceKey]:
        """Return where records that name the session are filed, as Reader.trace_keys does."""
        if session_id not in self._trace_keys:
            self._trace_keys[session_id] = self.reader.trace_keys(session_id, self.upto)
        return self._trace_keys[session_id]

    def merged_traces(self, trace_keys: Iterable[TraceKey]) -> Merged:
        """Merge all parts of these traces."""
        merged = Merged()
        keys = sorted(trace_keys)
        if keys:
            merged.add(self.reader.parts(self.upto, trace_keys=keys))
        return merged

    def trace(self, trace_key: TraceKey) -> Trace:
        """Read one trace, at most TRACE_EVENTS_MAX rows; a note says so if there are more."""
        if trace_key not in self._traces:
            self._read([trace_key])
        return self._traces[trace_key]

    def read_ahead(self, trace_keys: Sequence[TraceKey]) -> Sequence[TraceKey]:
        """Read several traces, as many as the time allows; returns those that `trace` has now."""
        for start in range(0, len(trace_keys), TRACES_PER_READ_MAX):
            if self.limit.is_over:
                self.note(f"partial: the time for one question was over after {start} of {len(trace_keys)} traces")
                return trace_keys[:start]
            self._read(trace_keys[start : start + TRACES_PER_READ_MAX])
        return trace_keys

    def _read(self, trace_keys: Sequence[TraceKey]) -> None:
        unread = [trace_key for trace_key in trace_keys if trace_key not in self._traces]
        if not unread:
            return
        found = self.reader.traces(unread, self.upto, TRACE_EVENTS_MAX + 1)
        for trace_key in unread:
            rows, statuses, pages = found.get(trace_key) or TraceRows([], {}, {})
            if len(rows) > TRACE_EVENTS_MAX:
                rows = rows[:TRACE_EVENTS_MAX]
                name = trace_key.value.hex() if trace_key.is_trace else trace_key.value.decode(errors="replace")
                self.note(f"partial: only the first {TRACE_EVENTS_MAX} events of {name} were read")
            self._traces[trace_key] = Trace(rows, self._adjuster.log_counts(rows), statuses, pages)

    def adjusted(self, trace_key: TraceKey, session_id: str | None = None) -> AdjustedTrace:
        """Read and adjust one trace; with `session_id` without the records that name another session."""
        found = self._adjusted.get((trace_key, session_id))
        if found is None:
            rows = self.trace(trace_key).rows
            own = rows if session_id is None else self._adjuster.owned(rows, session_id)
            is_whole = own is rows and session_id is not None
            found = self.adjusted(trace_key) if is_whole else self._adjuster.adjust(own)
            self._adjusted[trace_key, session_id] = found
        return found

    def clocks(self, session_id: str) -> HostOffsets:
        """Learn from the first CLOCK_TRACES_MAX traces of a session which hosts' clocks are wrong in it."""
        found = self._clocks.get(session_id)
        if found is None:
            known = self._trace_keys.get(session_id)
            first = self.reader.trace_keys(session_id, self.upto, CLOCK_TRACES_MAX) if known is None else known
            trace_keys = self.read_ahead(first[:CLOCK_TRACES_MAX])
            found = learned_offsets([self.adjusted(trace_key, session_id) for trace_key in trace_keys])
            self._clocks[session_id] = found
        return found

    def offsets(
        self, trace_key: TraceKey, session_id: str | None = None, clocks: HostOffsets = NO_OFFSETS
    ) -> tuple[AdjustedTrace, Offsets]:
        """Return one trace as `adjusted` does, and what is added to its times for its order."""
        trace = self.adjusted(trace_key, session_id)
        return trace, offsets_of(trace, clocks)

    def ordered(
        self, trace_keys: Iterable[TraceKey], session_id: str | None = None, clocks: HostOffsets = NO_OFFSETS
    ) -> Ordered:
        """Return the events of several traces in the order of a timeline, by these clocks and by their own calls."""
        traces = [
            (trace, self.trace(trace_key).counts, offsets)
            for trace_key in sorted(trace_keys)
            for trace, offsets in [self.offsets(trace_key, session_id, clocks)]
        ]
        return self._adjuster.ordered(traces)

    def read_bodies(self, keys: Sequence[RowKey]) -> None:
        """Read what `body` is going to be asked for, at once."""
        self._bodies.update(self.reader.bodies([key for key in keys if key not in self._bodies]))

    def body(self, key: RowKey) -> Body | None:
        """Read one record that is asked for by several; None if it was evicted meanwhile."""
        if key not in self._bodies:
            self.read_bodies([key])
        return self._bodies.get(key)

    def bodies(self, rows: Sequence[Row]) -> Mapping[RowKey, Body]:
        """Read the bodies of these rows; those that were evicted meanwhile are missing."""
        keys = list(dict.fromkeys(row.key for row in rows))
        found: dict[RowKey, Body] = {}
        for start in range(0, len(keys), BODIES_PER_READ_MAX):
            found.update(self.reader.bodies(keys[start : start + BODIES_PER_READ_MAX]))
        return found

    def request(self, merged: Merged, trace_key: TraceKey) -> RequestFacts:
        """Sum up one request from all its records, whichever sessions they name."""
        whole = merged.whole(trace_key)
        entry: Entry | None = None
        topmost: Row | None = None
        has_errors = whole.errors > 0
        if whole.spans:
            candidate = entry_of_parts(whole)
            if candidate is not None:
                entry = entry_from_candidate(candidate)
            else:
                trace = self.adjusted(trace_key)
                entry = self._entry(trace.entry, whole) if trace.entry else None
                topmost = trace.topmost
                has_errors = has_errors and trace.has_errors
        session_ids = merged.session_ids_of(trace_key)
        return request_facts(trace_key, session_ids, whole, entry, topmost, has_errors=has_errors)

    def _entry(self, row: Row, whole: Slot) -> Entry | None:
        candidate = whole.candidate
        if candidate is not None and candidate.key == row.key:
            return entry_from_candidate(candidate)
        body = self.reader.bodies([row.key]).get(row.key)
        if body is None:
            return None
        text = text_of(row, body)
        return entry_from_row(row, text.name, http_facts(text.attributes))
