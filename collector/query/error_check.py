"""Whether sessions have errors once superseded copies of spans are left out, as timelines leave them out.

Parts count what was written, copies too. So where parts know of errors, rows decide: of the traces that hold
errors, few at a time, until one is found that counts.
"""

from collections.abc import Sequence

from collector.correlation.join import TraceKey
from collector.query.catalog import Catalog
from collector.query.facts import SessionFacts
from collector.query.snapshot import TRACES_PER_READ_MAX, Snapshot

# One trace nearly always settles a session; of one that it does not settle, more and more are read at once.
_GROWTH = 4


def errors_checked(catalog: Catalog, snapshot: Snapshot, sessions: Sequence[SessionFacts]) -> list[SessionFacts]:
    """Return the sessions with `has_errors` as their timelines have it.

    When the time is over, what was not looked at counts as it was written, and a note says so.
    """
    unchecked = {facts.session_id: facts for facts in sessions if not facts.is_error_checked}
    left = {session_id: _error_traces(catalog, snapshot, facts) for session_id, facts in unchecked.items()}
    checked: dict[str, SessionFacts] = {}
    at_once = 1
    while left:
        asked = [(session_id, key) for session_id, keys in left.items() for key in keys[:at_once]]
        failed = _with_errors(snapshot, asked)
        if failed is None:
            snapshot.note("partial: the time for one question was over; some sessions may have errors in copies only")
            break
        for session_id, keys in left.items():
            if session_id in failed or len(keys) <= at_once:
                checked[session_id] = catalog.settled(unchecked[session_id], has_errors=session_id in failed)
        left = {session_id: keys[at_once:] for session_id, keys in left.items() if session_id not in checked}
        at_once *= _GROWTH
    return [checked.get(facts.session_id, facts) for facts in sessions]


def _error_traces(catalog: Catalog, snapshot: Snapshot, facts: SessionFacts) -> list[TraceKey]:
    """Return the traces in which parts count errors of the session, the smallest first."""
    merged = catalog.session_at(facts.session_id, snapshot)
    wholes = {key: merged.whole(key, facts.session_id) for key in merged.sessions[facts.session_id]}
    return sorted((key for key, whole in wholes.items() if whole.errors), key=lambda key: (wholes[key].events, key))


def _with_errors(snapshot: Snapshot, asked: Sequence[tuple[str, TraceKey]]) -> set[str] | None:
    """Return the sessions with an error that counts in one of their traces; None when the time is over."""
    failed: set[str] = set()
    for start in range(0, len(asked), TRACES_PER_READ_MAX):
        if snapshot.limit.is_over:
            return None
        failed |= _failed_in(snapshot, asked[start : start + TRACES_PER_READ_MAX])
    return failed


def _failed_in(snapshot: Snapshot, asked: Sequence[tuple[str, TraceKey]]) -> set[str]:
    # A snapshot of its own: what is read for a list of thousands of sessions is not kept.
    few = Snapshot(snapshot.reader, snapshot.upto, snapshot.limit)
    few.read_ahead([key for _, key in asked])
    return {session_id for session_id, key in asked if any(row.error for row in few.adjusted(key, session_id).rows)}
