"""A part of a session's events, and requests that say little: the text says no more and no less than is known."""

from typing import Any

import pytest

from collector.query.event import Event
from collector.query.params import parse_params
from mcp_server.render.text import render

SESSION_ID = "sess-6d4b4b"
STARTED = "2027-01-15T08:00:00.000000000Z"
FAILED = 'next: observe(what="request-trace", session_id="sess-6d4b4b", pick="last_error")'
CAUSE = 'payments POST /pay: Payments.Declined "card declined: insufficient funds"'


def _request(span: Any, number: int, status: int | None, *, reaches: str = "") -> list[Event]:
    url = {"http.request.method": "GET", "url.full": f"http://shop/{number}"}
    name, start_ms = f"GET /{number}", number * 100
    fields: dict[str, Any] = {"kind": "client", "attributes": url, "status": status, "start_ms": start_ms}
    events: list[Event] = [span(f"c{number}", "browser", name, duration_ms=50, **fields)]
    if reaches:
        attributes = {"http.request.method": "GET"}
        inner = {"kind": "server", "parent": f"c{number}", "start_ms": start_ms + 10, "attributes": attributes}
        events.append(span(f"s{number}", reaches, name, **inner))
    request_id = f"{number:032x}"
    return [{**event, "id": f"{request_id}:{event.get('span_id')}", "request_id": request_id} for event in events]


def _answer(events: list[Event], **more: Any) -> dict[str, Any]:
    request_ids = list(dict.fromkeys(event.get("request_id", "") for event in events))
    record = {
        "session_id": SESSION_ID,
        "started_at": STARTED,
        "last_activity": STARTED,
        "request_ids": request_ids,
        "request_count": len(request_ids),
        "event_count": len(events),
        "has_errors": False,
        **more.pop("session", {}),
    }
    return {"session": record, "events": events, "total": len(events), **more}


def _text(answer: dict[str, Any], **arguments: Any) -> list[str]:
    return render(answer, parse_params({"what": "session-trace", "session_id": SESSION_ID, **arguments})).splitlines()


@pytest.mark.parametrize(
    ("status", "reaches", "line"),
    [
        (None, "shop", " +0.100 browser GET /# ×3, 50ms via shop [000…1 000…2 000…3]"),
        (None, "", " +0.100 browser GET /# ×3, 50ms [000…1 000…2 000…3]"),
        (200, "shop", " +0.100 browser GET /# 200 ×3, 50ms via shop [000…1 000…2 000…3]"),
    ],
)
def test_folded_requests_say_their_status_and_way_once(span: Any, status: int | None, reaches: str, line: str) -> None:
    events = [event for n in (1, 2, 3) for event in _request(span, n, status, reaches=reaches)]
    shown = [shown for shown in _text(_answer(events)) if shown.startswith(" +")]
    ids = " ".join(f"{n:032x}" for n in (1, 2, 3))
    assert shown == [line.replace("000…1 000…2 000…3", ids)]


def test_requests_that_went_different_ways_do_not_fold(span: Any) -> None:
    events = [*_request(span, 1, 200, reaches="shop"), *_request(span, 2, 200, reaches="cart")]
    shown = [shown.rsplit(" [", 1)[0] for shown in _text(_answer(events)) if shown.startswith(" +")]
    assert shown == [" +0.100 browser GET /1 200 50ms via shop", " +0.200 browser GET /2 200 50ms via cart"]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"event_types": "error"}, f"cause 9d6b3e: {CAUSE}"),
        ({"event_types": "log", "service": "orders"}, f"cause: {CAUSE}"),
        ({"service": "pricing"}, f"cause: {CAUSE}"),
        ({"query": "card declined"}, f"cause 9d6b3e: {CAUSE}"),
    ],
)
def test_filtered_events_do_not_hide_that_a_request_failed(asked: Any, arguments: dict[str, Any], cause: str) -> None:
    _, text = asked("edge-grpc", what="session-trace", session_id=SESSION_ID, **arguments)
    title, _, caused, *_, last = text.splitlines()
    assert (" · 4 requests, at least 1 failed · " in title, caused, last.split(" · ")[-2]) == (True, cause, FAILED)


def test_a_page_says_that_a_request_failed_and_where_the_next_page_is(asked: Any) -> None:
    answer, _ = asked("edge-grpc", what="session-trace", session_id=SESSION_ID)
    page = {**answer, "events": answer["events"][:1]}
    first, last = _text({**page, "next_cursor": "abc"}, limit=1), _text(page, limit=1, cursor="abc")
    assert [" · 4 requests, at least 1 failed · " in text[0] for text in (first, last)] == [True, True]
    assert (first[2], last[2]) == (f"cause: {CAUSE}", f"cause: {CAUSE}")
    assert first[-1].endswith('session_id="sess-6d4b4b", limit=1, cursor="abc")')
    assert last[-1].split(" · ")[-1] == FAILED


def test_the_only_request_is_the_one_that_failed(span: Any) -> None:
    events = _request(span, 1, 200)
    cause = {"service": "db", "reason": "oops", "span_id": "d1"}
    title, caused, *_ = _text(_answer(events, session={"cause": cause}), event_types="network")
    assert title.split(" · ")[-1] == "1 request, 1 failed"
    assert caused == "cause 000000: db: oops"


def test_a_cause_outside_of_the_shown_events_is_not_laid_on_a_shared_request(span: Any) -> None:
    events = [*_request(span, 1, 200), *_request(span, 2, 200)]
    cause = {"service": "db", "reason": "oops", "span_id": "d1"}
    shared = [events[1].get("request_id")]
    answer = _answer(events, session={"cause": cause}, shared_request_ids=shared)
    assert _text(answer, event_types="network")[1] == "cause: db: oops"
    title, caused, *_ = _text(answer)
    assert (title.split(" · ")[-1], caused) == ("2 requests, at least 1 failed", f"cause {2:032x}: db: oops")


def test_a_session_lasts_until_its_last_span_has_ended_and_at_least_as_long_where_not_all_is_here(span: Any) -> None:
    answer = _answer([*_request(span, 1, 200), *_request(span, 2, 200)])
    lasted = [_text(answer, **arguments)[0].split(" · ")[2] for arguments in ({}, {"event_types": "network"})]
    # The last of them began after 200 ms and took 50.
    assert lasted == ["250ms", "≥250ms"]
    assert _text({**answer, "next_cursor": "more"})[0].split(" · ")[2] == "≥250ms"


def test_where_nothing_failed_a_filtered_session_names_the_slowest_request(span: Any) -> None:
    title, *_, last = _text(_answer([*_request(span, 1, 200), *_request(span, 2, 200)]), event_types="network")
    assert title.split(" · ")[-1] == "2 requests"
    assert last.endswith('next: observe(what="request-trace", session_id="sess-6d4b4b", pick="slowest")')


def test_a_session_without_a_request_leads_to_its_logs() -> None:
    event: Event = {
        "id": "log:1",
        "type": "log",
        "signal": "log",
        "time_unix_nano": "1800000000000000000",
        "service": "worker",
        "error": False,
        "attributes": {},
        "body": "started",
    }
    last = _text(_answer([event], session={"request_count": 0, "request_ids": []}))[-1]
    assert last == '1 of 1 event shown · next: observe(what="logs", session_id="sess-6d4b4b")'
