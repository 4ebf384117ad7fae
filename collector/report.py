"""`gasoline report`: one session or request as a file that shows it in any browser, for a bug report.

It holds the same JSON answers that `observe` gives, with all their pages in one, so it cannot say anything else.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from collector.errors import ConfigError, QueryError
from collector.query.params import LIMIT_MAX, parse_params
from collector.query.prefixes import Unknown, request_id_of, session_id_of
from collector.query.service import QueryService
from collector.query.times import rfc3339
from collector.rendezvous import touch_readers
from collector.store.api import Reader
from collector.store.sqlite.reader import SqliteReader
from mcp_server.view import view_html, view_with_data
from mcp_server.view_size import text_within

REPORT_EVENTS_MAX = 10_000
REPORT_ERRORS_MAX = 1_000
# Of a report with up to 1,000 events; of a larger one as much for every 1,000 begun.
REPORT_BYTES_MAX = 1_000_000
_REPORT_BYTES_EVENTS = 1_000
REPORT_FAILURES_MAX = 100
REPORT_TIME_S_MAX = 30.0
# What a request's answer repeats of the events that the report holds already.
_EVENT_LISTS = ("timeline", "related_logs", "related_events", "total")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is of, by its whole id."""

    kind: Literal["session", "request"]
    id: str

    @property
    def events_field(self) -> str:
        """The name of the list of events in the answer."""
        return "events" if self.kind == "session" else "timeline"


def subject_of(reader: Reader, text: str) -> Subject:
    """Return the session or request that an id, or a unique beginning of one, means.

    Raises QueryError if there is none, or if it could mean several.
    """
    session_id, trace_id = session_id_of(reader, text), request_id_of(reader, text)
    if isinstance(session_id, Unknown) and isinstance(trace_id, Unknown):
        raise QueryError(f"{session_id.note}; {trace_id.note}")
    found: list[Subject] = []
    if not isinstance(session_id, Unknown):
        found.append(Subject("session", session_id))
    if not isinstance(trace_id, Unknown):
        found.append(Subject("request", trace_id.hex()))
    whole = [subject for subject in found if subject.id in (text.strip(), text.strip().lower())]
    if len(found) > 1 and not whole:
        both = " and ".join(f"the {subject.kind} {subject.id}" for subject in found)
        raise QueryError(f"{text!r} begins {both}; give more of the id")
    return (whole or found)[0]


def report_data(query: QueryService, subject: Subject, now_unix_nano: int) -> dict[str, Any]:
    """Return what a report shows: `answer` with at most REPORT_EVENTS_MAX events; `cut` says so if there are more.

    Of those more, at most REPORT_ERRORS_MAX that failed follow the others; `cut` says how many. `requests` holds, of
    each request of a session (the newest LIMIT_MAX), what `request-trace` says beside its events.
    Raises QueryError and StoreError.
    """
    question = {"what": f"{subject.kind}-trace", f"{subject.kind}_id": subject.id}
    answer = query.observe(parse_params(question), page_size=REPORT_EVENTS_MAX)
    if subject.kind not in answer:
        raise QueryError("; ".join(answer.get("notes", ())) or f"nothing is stored of {subject.kind} {subject.id}")
    cursor = answer.pop("next_cursor", None)
    data: dict[str, Any] = {"kind": subject.kind, "made_at": rfc3339(now_unix_nano), "answer": dict(answer)}
    data["requests"] = _requests(query, subject.id) if subject.kind == "session" else {}
    if cursor:
        events: list[Any] = answer[subject.events_field]
        errors = _errors_beyond(query, subject, question, events, cursor)
        data["answer"][subject.events_field] = [*events, *errors]
        data["cut"] = {"shown": len(events), "total": answer["total"], "errors": len(errors)}
    return data


def _errors_beyond(
    query: QueryService, subject: Subject, question: Mapping[str, Any], events: Sequence[Any], cursor: str
) -> list[Any]:
    """Return what failed of the events that come after these. Only of a session can errors alone be asked for."""
    known = {event["id"] for event in events}
    is_session = subject.kind == "session"
    asked = {**question, "event_types": "error"} if is_session else {**question, "cursor": cursor}
    found: list[Any] = []
    while len(found) < REPORT_ERRORS_MAX:
        answer = query.observe(parse_params(asked), page_size=REPORT_EVENTS_MAX)
        found += [event for event in answer[subject.events_field] if event["error"] and event["id"] not in known]
        if "next_cursor" not in answer:
            break
        asked = {**asked, "cursor": answer["next_cursor"]}
    return found[:REPORT_ERRORS_MAX]


def _requests(query: QueryService, session_id: str) -> dict[str, Mapping[str, Any]]:
    listed = query.observe(parse_params({"what": "requests", "session_id": session_id, "limit": LIMIT_MAX}))
    told: dict[str, Mapping[str, Any]] = {}
    failures = 0
    for record in listed["requests"]:
        request_id: str = record["request_id"]
        told[request_id] = {"request": record}
        if "cause" in record and failures < REPORT_FAILURES_MAX:
            failures += 1
            answer = query.observe(parse_params({"what": "request-trace", "request_id": request_id, "limit": 1}))
            kept = {name: value for name, value in answer.items() if name not in (*_EVENT_LISTS, "next_cursor")}
            told[request_id] = {**told[request_id], **kept}
    return told


def write_report(data_dir: Path, text: str, target: Path, now_unix_nano: int) -> str:
    """Write the report of what `text` means to `target`; return what was written, in one line.

    Raises QueryError if nothing is meant, StoreError, and ConfigError if the file cannot be written.
    """
    view = view_html()
    reader = SqliteReader(data_dir)
    try:
        touch_readers(data_dir)
        subject = subject_of(reader, text)
        data = report_data(QueryService(reader, time_limit_s=REPORT_TIME_S_MAX), subject, now_unix_nano)
    finally:
        reader.close()
    thousands = max(1, math.ceil(len(data["answer"][subject.events_field]) / _REPORT_BYTES_EVENTS))
    around = len(view_with_data(view, "").encode())
    text, kept = text_within(data, thousands * REPORT_BYTES_MAX - around)
    document = view_with_data(view, text).encode()
    try:
        target.write_bytes(document)
    except OSError as error:
        raise ConfigError(f"--output {target}: cannot be written: {error.strerror or error}") from error
    return f"{target}: {subject.kind} {subject.id}, {_held(kept)}, {len(document) / 1000:.0f} kB"


def _held(data: Mapping[str, Any]) -> str:
    cut, chars = data.get("cut"), data.get("values_cut")
    words = f"the first {cut['shown']} of {cut['total']} events" if cut else f"{data['answer']['total']} events"
    if cut and cut["errors"]:
        words += f" and {cut['errors']} that failed of the others"
    if chars is not None:
        words += f", texts cut to {chars} characters" if chars else ", without attributes"
    return words
