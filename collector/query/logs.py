"""`logs`: log records of the whole store, of one session or of one request, newest first. Contract "Calls"."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from collector.correlation.join import TraceKey
from collector.query.adjusters import OrderKey
from collector.query.catalog import Catalog
from collector.query.event_id import event_id
from collector.query.kept import ListKey
from collector.query.list_answers import check_list_cursor, list_page, listed_session, now_snapshot
from collector.query.pages import events_of, matching
from collector.query.prefixes import Unknown, request_id_of
from collector.query.question import Question
from collector.query.snapshot import Snapshot
from collector.store.api import Row


class Scope(NamedTuple):
    """Where logs are looked for: in one session, in one request, in both, or everywhere."""

    session_id: str | None
    trace_key: TraceKey | None


def answer_logs(question: Question, catalog: Catalog) -> dict[str, Any]:
    """Return one page of log records. Raises QueryError."""
    check_list_cursor(question, catalog)
    scope = _scope(question)
    if isinstance(scope, Unknown):
        return {"events": [], "total": 0, "notes": [scope.note]}
    found, through = _matching_logs(question, catalog, question.snapshot, scope)
    request_id = scope.trace_key.value.hex() if scope.trace_key else ""
    page, answer = list_page(
        question, catalog, found, "events", session_id=scope.session_id or "", request_id=request_id
    )
    answer["events"] = events_of(question, page, through)
    if question.cursor is not None:
        now, _ = _matching_logs(question, catalog, now_snapshot(question), scope)
        before = {key for key, _ in found}
        answer["late"] = sum(key not in before for key, _ in now)
    return answer


def _scope(question: Question) -> Scope | Unknown:
    session_id: str | None = None
    trace_key: TraceKey | None = None
    if question.params.session_id is not None:
        resolved = listed_session(question, question.params.session_id)
        if isinstance(resolved, Unknown):
            return resolved
        session_id = resolved
    if question.params.request_id is not None:
        trace_id = _trace_id(question, question.params.request_id)
        if isinstance(trace_id, Unknown):
            return trace_id
        trace_key = TraceKey("trace", trace_id)
    return Scope(session_id, trace_key)


def _trace_id(question: Question, asked: str) -> bytes | Unknown:
    if question.cursor is not None:
        return bytes.fromhex(question.cursor.request_id)
    return request_id_of(question.snapshot.reader, asked)


def _matching_logs(
    question: Question, catalog: Catalog, snapshot: Snapshot, scope: Scope
) -> tuple[list[tuple[ListKey, tuple[OrderKey, Row]]], dict[bytes, str]]:
    """Return the matching logs, newest first, and the session that unnamed ones belong to, by trace id."""
    selection = question.selection
    through: dict[bytes, str] = {}
    taken: list[tuple[OrderKey, Row]] = []
    for trace_key, session_ids in _traces(question, catalog, snapshot, scope):
        if snapshot.limit.is_over:
            snapshot.note("partial: the time for one question was over; the oldest logs were not looked at")
            break
        if scope.session_id is not None:
            through[trace_key.value] = scope.session_id
        elif len(session_ids) == 1:
            through[trace_key.value] = session_ids[0]
        rows, counts, _, _ = snapshot.trace(trace_key)
        for row in rows:
            if row.signal == "log" and (scope.session_id is None or row.session_id in ("", scope.session_id)):
                n = counts.get((row.key.commit, row.key.position), 0)
                taken.append(((row.time_unix_nano, row.trace_id, 0, b"", 0, 0, event_id(row, n)), row))
    taken = list(matching(snapshot, selection, taken))
    found = [((-key[0], key[6]), (key, row)) for key, row in taken]
    found.sort(key=lambda item: item[0])
    return found, through


def _traces(
    question: Question, catalog: Catalog, snapshot: Snapshot, scope: Scope
) -> Iterable[tuple[TraceKey, list[str]]]:
    """Yield the traces that may hold matching logs, and the sessions that claim each."""
    if scope.session_id is None and scope.trace_key is None:
        service, window = question.params.service, question.window
        for trace_key in catalog.trace_keys():
            merged = catalog.merged_at(trace_key, snapshot)
            if merged is None:
                continue
            whole = merged.whole(trace_key)
            if (
                whole.logs
                and (service is None or service in whole.services)
                and window.overlaps(whole.start_time_unix_nano, whole.last_time_unix_nano)
            ):
                yield trace_key, merged.session_ids_of(trace_key)
        return
    if scope.session_id is not None:
        merged = snapshot.merged_session(scope.session_id)
        keys = merged.sessions.get(scope.session_id, set[TraceKey]())
        wanted = keys if scope.trace_key is None else keys & {scope.trace_key}
    else:
        merged = snapshot.merged_traces([scope.trace_key] if scope.trace_key else [])
        wanted = set(merged.traces)
    for trace_key in sorted(wanted):
        yield trace_key, merged.session_ids_of(trace_key)
