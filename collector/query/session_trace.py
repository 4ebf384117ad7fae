"""`session-trace`: everything that happened in one session, in order."""

from typing import Any

from collector.query.catalog import Catalog
from collector.query.lists import newest_with_errors, sessions_matching
from collector.query.pages import events_of, matching, page_start, read_key, written_key
from collector.query.prefixes import Unknown, session_id_of
from collector.query.question import Page, Question
from collector.query.selection import EVERY_TIME
from collector.query.snapshot import Snapshot
from collector.query.views import View, Views, session_view


def chosen_session(question: Question, catalog: Catalog) -> str | Unknown:
    """Return the session that is meant: by the cursor, by its id, or by `pick`. Raises QueryError if ambiguous."""
    params = question.params
    if question.cursor is not None:
        return question.cursor.session_id
    if params.session_id is not None:
        return session_id_of(question.snapshot.reader, params.session_id)
    every = params.model_copy(update={"service": None, "query": None})
    found = sessions_matching(catalog, question.snapshot, every, EVERY_TIME)
    if params.pick == "last_error":
        failed = newest_with_errors(catalog, question.snapshot, found)
        return failed.session_id if failed else Unknown("no session with an error is stored")
    return found[0][1].session_id if found else Unknown("no session is stored yet")


def answer_session_trace(question: Question, chosen: str | Unknown, views: Views) -> dict[str, Any]:
    """Return one page of the chosen session's events. Raises QueryError."""
    if isinstance(chosen, Unknown):
        asked = {"session_id": question.params.session_id} if question.params.session_id else {}
        return {**asked, "events": [], "total": 0, "notes": [chosen.note]}
    snapshot = question.snapshot
    view = _view(question, views, chosen, snapshot)
    question.check_size(len(view.ordered) if view else 0)
    if view is None:
        return {"session_id": chosen, "events": [], "total": 0, "notes": [_nothing_left(snapshot, chosen)]}
    answer: dict[str, Any] = {"session_id": chosen, "session": view.record}
    if view.shared:
        answer["shared_request_ids"] = list(view.shared)
    add_page(question, view, answer, "events", session_id=chosen)
    if snapshot.reader.session_loss(chosen):
        answer["notes"] = ["retention has taken a part of this session", *answer.get("notes", ())]
    if question.cursor is not None:
        answer["late"] = _late(question, view, views, chosen)
    return answer


def add_page(
    question: Question, view: View, answer: dict[str, Any], name: str, *, session_id: str = "", request_id: str = ""
) -> None:
    """Put the page of matching events into the answer under `name`, with total, next_cursor and notes."""
    matched = matching(question.snapshot, question.selection, view.ordered)
    start = page_start(matched, read_key(question))
    page = matched[start : start + question.page_size]
    answer[name] = events_of(question, page, view.through)
    if start + len(page) < len(matched):
        question.cut(Page([written_key(key) for key, _ in page[-1:]], len(view.ordered), session_id, request_id))
        answer["next_cursor"] = question.cursor_after(1)
    answer["total"] = len(matched)
    notes = list(view.notes)
    if not matched:
        notes.append(f"it is stored with {len(view.ordered)} events, but none matches the filters")
    if notes:
        answer["notes"] = notes


def late_events(question: Question, view: View, now: View | None) -> int:
    """Count the matching events that have come since the first page."""
    if now is None:
        return 0
    before = {(row.key, row.event_index) for _, row in view.ordered}
    new = [item for item in now.ordered if (item[1].key, item[1].event_index) not in before]
    return len(matching(question.snapshot, question.selection, new))


def _view(question: Question, views: Views, session_id: str, snapshot: Snapshot) -> View | None:
    return views.get(
        ("session", session_id, question.position.evictions),
        snapshot,
        lambda: session_view(snapshot, session_id),
        lambda after: snapshot.reader.has_news(session_id, after, snapshot.upto),
    )


def _late(question: Question, view: View, views: Views, session_id: str) -> int:
    reader, upto, now = question.snapshot.reader, question.snapshot.upto, question.position.commit
    if not reader.has_news(session_id, upto, now):
        return 0
    snapshot = Snapshot(reader, now, question.snapshot.limit)
    return late_events(question, view, _view(question, views, session_id, snapshot))


def _nothing_left(snapshot: Snapshot, session_id: str) -> str:
    if snapshot.reader.session_loss(session_id):
        return f"session {session_id} was known, but retention has taken its records"
    return f"session {session_id} has no records in the store"
