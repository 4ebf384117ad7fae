"""`sessions` and `requests`: one page of a list, with what only its own entries have to be read for."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from collector.errors import QueryError
from collector.query.catalog import Catalog
from collector.query.cursor import evicted_error, restart_call
from collector.query.details import first_url_in, lifecycle_in, visitor_in
from collector.query.error_check import errors_checked
from collector.query.facts import RequestFacts, SessionFacts
from collector.query.failure import failure_of, newest_failure
from collector.query.kept import ListKey
from collector.query.lists import requests_matching, sessions_matching
from collector.query.prefixes import Unknown, session_id_of
from collector.query.question import Page, Question
from collector.query.records import (
    REQUEST_IDS_IN_LIST_MAX,
    Lifecycle,
    Visitor,
    child_requests_of,
    request_record,
    session_record,
)
from collector.query.snapshot import Snapshot

_UNREAD = ("", Visitor(), Lifecycle())
Item = TypeVar("Item")


def answer_sessions(question: Question, catalog: Catalog) -> dict[str, Any]:
    """Return one page of sessions, newest activity first. Raises QueryError."""
    check_list_cursor(question, catalog)
    found = sessions_matching(catalog, question.snapshot, question.params, question.window)
    page, answer = list_page(question, catalog, found, "sessions")
    checked = errors_checked(catalog, question.snapshot, page)
    snapshot = question.snapshot
    snapshot.read_bodies([mark.key for facts in checked for mark in (facts.page, facts.server) if mark])
    answer["sessions"] = [
        catalog.record(facts, snapshot, partial(_session, catalog, snapshot, facts)) for facts in checked
    ]
    if question.cursor is not None:
        now = now_snapshot(question)
        answer["late"] = late_count(found, sessions_matching(catalog, now, question.params, question.window))
    return answer


def answer_requests(question: Question, catalog: Catalog) -> dict[str, Any]:
    """Return one page of requests, newest start first. Raises QueryError."""
    check_list_cursor(question, catalog)
    session_id = None
    if question.params.session_id is not None:
        resolved = listed_session(question, question.params.session_id)
        if isinstance(resolved, Unknown):
            return {"requests": [], "total": 0, "notes": [resolved.note]}
        session_id = resolved
    found = requests_matching(catalog, question.snapshot, question.params, question.window, session_id)
    page, answer = list_page(question, catalog, found, "requests", session_id=session_id or "")
    snapshot = question.snapshot
    if not snapshot.limit.is_over:
        snapshot.read_ahead(catalog.unread(page, snapshot))
    answer["requests"] = [catalog.record(facts, snapshot, partial(_request, snapshot, facts)) for facts in page]
    if question.cursor is not None:
        now = now_snapshot(question)
        answer["late"] = late_count(
            found, requests_matching(catalog, now, question.params, question.window, session_id)
        )
    return answer


def listed_session(question: Question, asked: str) -> str | Unknown:
    """Return the session that a list is of: by the cursor, or by what was asked. Raises QueryError if ambiguous."""
    if question.cursor is not None:
        return question.cursor.session_id
    return session_id_of(question.snapshot.reader, asked)


def check_list_cursor(question: Question, catalog: Catalog) -> None:
    """Refuse to go on with a list that eviction touched, or whose first page looked at other commits."""
    cursor = question.cursor
    if cursor is None:
        return
    if question.was_evicted:
        raise evicted_error(question.params)
    if cursor.low and cursor.low != catalog.low:
        raise QueryError(
            "cursor: its first page was partial, and more has been read since; start again:"
            f" {restart_call(question.params)}"
        )


def list_page(
    question: Question,
    catalog: Catalog,
    found: Sequence[tuple[ListKey, Item]],
    name: str,
    *,
    session_id: str = "",
    request_id: str = "",
) -> tuple[list[Item], dict[str, Any]]:
    """Cut one page from a sorted list; returns it and the answer without its entries. The ids are those it is about."""
    start = bisect_right(found, _after(question), key=lambda item: item[0]) if question.cursor else 0
    page = found[start : start + question.page_size]
    answer: dict[str, Any] = {name: []}
    question.cut(Page([key for key, _ in page], len(found), session_id, request_id, catalog.low))
    if start + len(page) < len(found):
        answer["next_cursor"] = question.cursor_after(len(page))
    answer["total"] = len(found)
    if catalog.low > 0:
        question.snapshot.note(f"partial: what was committed before commit {catalog.low} was not looked at")
    return [item for _, item in page], answer


def now_snapshot(question: Question) -> Snapshot:
    """Return the store as it is at this call, for what has come since the first page."""
    return Snapshot(question.snapshot.reader, question.position.commit, question.snapshot.limit)


def late_count(found: Sequence[tuple[ListKey, object]], now: Sequence[tuple[ListKey, object]]) -> int:
    """Count the entries that match now and were not in the list before."""
    before = {key[1] for key, _ in found}
    return sum(key[1] not in before for key, _ in now)


def _after(question: Question) -> ListKey:
    match question.cursor.after if question.cursor else None:
        case [int(negative_time), str(key_id)]:
            return (negative_time, key_id)
        case _:
            raise QueryError(f"cursor: this is no cursor; leave it out to start again: {restart_call(question.params)}")


def _session(catalog: Catalog, snapshot: Snapshot, facts: SessionFacts) -> dict[str, Any]:
    shown = [trace_key.value.hex() for trace_key in facts.trace_keys[-REQUEST_IDS_IN_LIST_MAX:]]
    if is_over(snapshot):
        return dict(session_record(facts, shown, *_UNREAD, None))
    merged = catalog.session_at(facts.session_id, snapshot)
    said_in = {key for key in merged.sessions[facts.session_id] if merged.traces[key][facts.session_id].logs}
    cause = newest_failure(snapshot, merged, facts.trace_keys)
    visitor = visitor_in(snapshot, facts.page, facts.server)
    first_url = first_url_in(snapshot, facts.page, facts.server)
    lifecycle = lifecycle_in(snapshot, facts, said_in)
    return dict(session_record(facts, shown, first_url, visitor, lifecycle, cause))


def _request(snapshot: Snapshot, facts: RequestFacts) -> dict[str, Any]:
    if is_over(snapshot):
        return dict(request_record(facts, [], None))
    cause = failure_of(snapshot, facts).cause if facts.is_failed else None
    rows = [row for _, row in snapshot.ordered([facts.trace_key])]
    return dict(request_record(facts, child_requests_of(rows, facts), cause))


def is_over(snapshot: Snapshot) -> bool:
    """Tell whether the details of further entries are left out; a note says so."""
    if snapshot.limit.is_over:
        snapshot.note("partial: the time for one question was over; the last entries lack details and causes")
        return True
    return False
