"""A session or a request laid out in order, before anything is left out: what its pages are cut from."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collector.correlation.join import TraceKey
from collector.query.adjusters import NO_OFFSETS, Ordered
from collector.query.adjustment_notes import parentage_notes, skew_notes
from collector.query.details import first_url_in, lifecycle_in, visitor_in
from collector.query.event import Spread
from collector.query.facts import RequestFacts
from collector.query.failure import failure_of
from collector.query.layout import laid_out
from collector.query.records import child_requests_of, request_record, session_record
from collector.query.snapshot import Snapshot

VIEWS_CACHED_MAX = 4
VIEW_ROWS_CACHED_MAX = 50_000


@dataclass(frozen=True, slots=True)
class View:
    """All events of a session or a request in order, and what the answer says of the whole.

    `through` names, by trace id, the session that records without a session of their own belong to. `shared` are the
    ids of a session's requests that hold records of other sessions, too.
    """

    trace_keys: Sequence[TraceKey]
    ordered: Ordered
    through: Mapping[bytes, str]
    record: Mapping[str, Any]
    notes: Sequence[str]
    facts: RequestFacts | None = None
    spread: Sequence[Spread] = field(default=())
    shared: Sequence[str] = field(default=())


class _Kept(NamedTuple):
    """A view, which is the same as of every commit from `first` to `last`, and what was noted when it was built."""

    first: int
    last: int
    view: View
    notes: Sequence[str]


class Views:
    """The last few views, by what they show and as of when. Safe to use from several threads, which build at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    def get(
        self,
        key: tuple[object, ...],
        snapshot: Snapshot,
        build: Callable[[], View | None],
        has_news: Callable[[int], bool] = lambda after: True,
    ) -> View | None:
        """Return the view under `key` as of the snapshot's commit, built now unless it is there; None if it is empty.

        `has_news(after)` tells whether commits behind that one can have changed it. What was noted when it was built,
        that it is partial, is noted in `snapshot` each time; a partial one is not the same as of later commits.
        """
        with self._lock:
            known = [kept for stored_key, kept in self._views.items() if stored_key[:-1] == key]
        kept = next((kept for kept in known if kept.first <= snapshot.upto <= kept.last), None)
        if kept is None:
            kept = self._carried(known, snapshot.upto, has_news) or self._built(snapshot, build)
            if kept is None:
                return None
        for note in kept.notes:
            snapshot.note(note)
        with self._lock:
            self._views[*key, kept.first] = kept
            self._views.move_to_end((*key, kept.first))
            while len(self._views) > 1 and (len(self._views) > VIEWS_CACHED_MAX or self._rows() > VIEW_ROWS_CACHED_MAX):
                self._views.popitem(last=False)
        return kept.view

    @staticmethod
    def _carried(known: Sequence[_Kept], upto: int, has_news: Callable[[int], bool]) -> _Kept | None:
        """Return the newest view from before a commit, if nothing that has come since can have changed it."""
        newest = max((kept for kept in known if kept.last < upto), key=lambda kept: kept.last, default=None)
        if newest is None or newest.notes or has_news(newest.last):
            return None
        return newest._replace(last=upto)

    @staticmethod
    def _built(snapshot: Snapshot, build: Callable[[], View | None]) -> _Kept | None:
        noted = len(snapshot.notes)
        view = build()
        return None if view is None else _Kept(snapshot.upto, snapshot.upto, view, snapshot.notes[noted:])

    def _rows(self) -> int:
        return sum(len(kept.view.ordered) for kept in self._views.values())


def session_view(snapshot: Snapshot, session_id: str) -> View | None:
    """Lay out a session: its own records and the unnamed ones of its traces. None if it is not stored."""
    trace_keys = snapshot.read_ahead(snapshot.trace_keys(session_id))
    clocks = snapshot.clocks(session_id)
    ordered = snapshot.ordered(trace_keys, session_id, clocks)
    if not ordered:
        return None
    corrected = {trace_key: snapshot.offsets(trace_key, session_id, clocks) for trace_key in trace_keys}
    traces = {trace_key: trace for trace_key, (trace, _) in corrected.items()}
    layout = laid_out(snapshot, session_id, traces)
    record = session_record(
        layout.facts,
        [trace_key.value.hex() for trace_key in layout.facts.trace_keys],
        first_url_in(snapshot, layout.facts.page, layout.facts.server),
        visitor_in(snapshot, layout.facts.page, layout.facts.server),
        lifecycle_in(snapshot, layout.facts, layout.said_in),
        layout.newest_failure,
    )
    return View(
        trace_keys,
        ordered,
        {trace_key.value: session_id for trace_key in trace_keys if trace_key.is_trace},
        record,
        [
            *skew_notes(corrected.values()),
            *parentage_notes((trace, snapshot.adjusted(trace_key)) for trace_key, trace in traces.items()),
        ],
        shared=[trace_key.value.hex() for trace_key in layout.shared],
    )


def request_view(snapshot: Snapshot, trace_key: TraceKey, asked_through: str = "") -> View | None:
    """Lay out a request: all records of its trace. None if it is not stored.

    `asked_through` is the session that the request was picked in; else the only session that claims the trace
    owns the records that name none.
    """
    merged = snapshot.merged_traces([trace_key])
    if trace_key not in merged.traces or not snapshot.trace(trace_key).rows:
        return None
    facts = snapshot.request(merged, trace_key)
    sessions = facts.session_ids
    through = asked_through if asked_through in sessions else sessions[0] if len(sessions) == 1 else ""
    trace = snapshot.adjusted(trace_key)
    has_clocks = len({row.host for row in trace.rows}) > 1
    clocks = snapshot.clocks(through) if through and has_clocks else NO_OFFSETS
    failure = failure_of(snapshot, facts) if facts.is_failed else None
    record = request_record(
        facts,
        child_requests_of((row for _, row in snapshot.ordered([trace_key])), facts),
        failure.cause if failure else None,
    )
    return View(
        [trace_key],
        snapshot.ordered([trace_key], clocks=clocks),
        {trace_key.value: through} if through else {},
        record,
        [*skew_notes([snapshot.offsets(trace_key, clocks=clocks)]), *parentage_notes([(trace, trace)])],
        facts,
        failure.spread if failure else (),
    )
