"""Links to the page: one an answer, on its last line, which is ours; within the budget of the answer."""

from typing import Any
from urllib.parse import unquote

import pytest

from collector.query.params import parse_params
from mcp_server.render.beyond import Beyond
from mcp_server.render.links import list_link, request_link, session_link
from mcp_server.render.text import render

PAGE_URL = "http://127.0.0.1:4319"


@pytest.mark.parametrize("session_id", ["session-0123", "a/b?c#d e", "</script>\n", "ümlaut\u202e", "%2F"])
def test_any_id_is_one_segment_of_the_path(session_id: str) -> None:
    link = session_link(PAGE_URL, session_id)
    start, segment = link[: len(f"{PAGE_URL}/sessions/")], link[len(f"{PAGE_URL}/sessions/") :]
    assert start == f"{PAGE_URL}/sessions/"
    assert segment.isascii()
    assert set("/?#<>\n ").isdisjoint(segment)
    assert unquote(segment) == session_id


@pytest.mark.parametrize("session_id", [".", "..", "~..", "~."])
def test_what_a_browser_takes_for_a_step_stands_behind_a_sign(session_id: str) -> None:
    assert session_link(PAGE_URL, session_id) == f"{PAGE_URL}/sessions/~{session_id}"


def test_ids_are_long_enough_for_a_large_store_and_for_those_that_begin_with_the_time() -> None:
    assert request_link(PAGE_URL, "6b0b1661a1b2c3d4e5f60718293a4b5c") == f"{PAGE_URL}/requests/6b0b1661a1b2c"
    of_version_7 = "01932c07-1f2e-7aaa-8bbb-0123456789ab"
    links = [
        session_link(PAGE_URL, session_id)
        for session_id in (of_version_7, f"sess-{of_version_7}", "session-" + "9" * 32)
    ]
    assert links == [
        f"{PAGE_URL}/sessions/{part}" for part in (of_version_7, f"sess-{of_version_7}", "session-9999999999999")
    ]


def test_an_event_is_named_behind_its_request() -> None:
    assert request_link(PAGE_URL, "9d6b3e", "9d:33:0&x") == f"{PAGE_URL}/requests/9d6b3e?event=9d:33:0%26x"


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"what": "sessions"}, "/sessions"),
        ({"what": "sessions", "status": "error", "limit": 3}, "/sessions?status=error"),
        ({"what": "sessions", "url": "/a b&c", "since": "-1h"}, "/sessions?url=%2Fa+b%26c&since=-1h"),
        ({"what": "requests", "without_session": True}, "/requests?without_session=true"),
    ],
)
def test_a_list_is_linked_with_its_filters(arguments: dict[str, Any], path: str) -> None:
    assert list_link(PAGE_URL, parse_params(arguments)) == PAGE_URL + path


def test_without_a_page_there_is_no_link() -> None:
    params = parse_params({"what": "sessions", "status": "error"})
    assert (session_link("", "x"), request_link("", "x", "y"), list_link("", params)) == ("", "", "")


def request_answer(events: int) -> dict[str, Any]:
    started = 1_800_000_000_000_000_000
    logs: list[dict[str, Any]] = [
        {
            "id": f"log:{number}",
            "type": "log",
            "signal": "log",
            "time_unix_nano": str(started + number * 1_000_000),
            "service": "web",
            "body": f"step {'x' * (number % 50)} {number}",
            "request_id": "a" * 32,
            "severity": "INFO",
            "error": False,
            "attributes": {},
        }
        for number in range(events)
    ]
    record = {"request_id": "a" * 32, "started_at": "2027-01-15T08:00:00.000000000Z", "service_calls": ["web"]}
    return {"request": record, "timeline": logs, "total": events}


@pytest.mark.parametrize("budget", [200, 500, 2_000])
def test_a_link_is_part_of_the_budget(budget: int) -> None:
    params = parse_params({"what": "request-trace", "request_id": "a" * 32, "budget": budget})
    text = render(request_answer(300), params, Beyond(PAGE_URL))
    assert len(text) / 4 <= budget
    assert text.splitlines()[-1].endswith(f" · see {PAGE_URL}/requests/aaaaaaaaaaaaa")


def test_what_is_not_stored_has_no_link() -> None:
    for what in ("session", "request"):
        params = parse_params({"what": f"{what}-trace", f"{what}_id": "nobody"})
        assert PAGE_URL not in render({"events": [], "timeline": [], "total": 0}, params, Beyond(PAGE_URL))


def test_a_list_whose_budget_has_no_room_goes_without() -> None:
    record = {
        "session_id": f"session-{'5' * 32}",
        "started_at": "2027-01-15T08:00:00.000000000Z",
        "last_activity": "2027-01-15T08:00:01.500000000Z",
        "request_count": 4,
        "event_count": 41,
        "has_errors": True,
        "cause": {"service": "payments", "operation": "POST /charge", "reason": "declined", "span_id": "a" * 16},
    }
    params = parse_params({"what": "sessions"})
    texts = [
        render(
            {"sessions": [{**record, "session_id": f"{n}{'5' * 31}"} for n in range(count)], "total": count},
            params,
            Beyond(PAGE_URL),
        )
        for count in (1, 9)
    ]
    assert [PAGE_URL in text for text in texts] == [False, True]
    assert [len(text) / 4 <= 40 * count for text, count in zip(texts, (1, 9), strict=True)] == [True, True]


def test_a_link_to_an_event_is_part_of_what_it_may_cost_to_show_it_whole() -> None:
    params = parse_params({"what": "request-trace", "request_id": "a" * 32, "expand": "b" * 16})
    answer = request_answer(1)
    answer["timeline"][0]["attributes"] = {f"attribute.{n}": "x" * 20 for n in range(3_000)}
    text = render(answer, params, Beyond(f"https://{'telemetry.' * 20}example"))
    assert 0.98 * 8_000 < len(text) / 4 <= 8_000
    assert "lines of it (budget=8000 shows more) · next: " in text.splitlines()[-1]
