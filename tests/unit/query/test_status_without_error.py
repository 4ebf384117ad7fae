"""A server that answers 500 and does not call its span an error: the request failed, yet no event is an error.

Contract "Request record": status ≥ 500 fails a request; a session has errors if any event of it has `error`.
"""

from typing import Any

import pytest

from collector.query.params import parse_params
from mcp_server.render.text import render

HTTP = {"http.request.method": "GET", "url.full": "http://shop.test/x"}


@pytest.fixture
def answered_500(world: Any) -> Any:
    """Two requests of session `s`: the first answered 500, the second 200; neither span has status ERROR."""
    for trace, at, status in (("aa", 0, 500), ("bb", 50, 200)):
        attributes = {**HTTP, "http.response.status_code": status}
        world.span(trace, trace, at=at, kind="server", name="GET /x", attributes=attributes, session="s")
    world.commit()
    return world


def text(world: Any, **arguments: Any) -> str:
    return render(world.observe(**arguments), parse_params(arguments))


def test_session_sessions_and_request_agree_on_the_cause(answered_500: Any) -> None:
    world, failed = answered_500, answered_500.trace_id("aa")
    cause = {"service": "shop", "span_id": world.span_id("aa"), "operation": "GET /x", "reason": "answered 500"}
    timeline = world.observe(what="session-trace", session_id="s")
    (listed,) = world.observe(what="sessions")["sessions"]
    assert timeline["session"] == listed
    assert (listed["has_errors"], listed["cause"]) == (False, cause)
    assert [event["error"] for event in timeline["events"]] == [False, False]
    requests = {item["request_id"]: item.get("cause") for item in world.observe(what="requests")["requests"]}
    assert requests == {failed: cause, world.trace_id("bb"): None}
    assert world.observe(what="request-trace", request_id=failed)["request"]["cause"] == cause


def test_lists_of_errors_hold_the_request_but_not_the_session(answered_500: Any) -> None:
    world = answered_500
    assert world.observe(what="requests", status="error")["total"] == 1
    assert world.observe(what="request-trace", pick="last_error", session_id="s")["request"]["status"] == 500
    assert world.observe(what="sessions", status="error")["total"] == 0
    assert world.observe(what="session-trace", pick="last_error")["total"] == 0


def test_every_text_calls_the_request_failed_and_nothing_an_error(answered_500: Any) -> None:
    world = answered_500
    texts = {
        what: text(world, what=what, **arguments)
        for what, arguments in {
            "sessions": {},
            "session-trace": {"session_id": "s"},
            "requests": {},
            "request-trace": {"pick": "last_error"},
        }.items()
    }
    assert [what for what, shown in texts.items() if "shop GET /x: answered 500" not in shown] == []
    assert [what for what, shown in texts.items() if "error" in shown.lower()] == []
    assert "2 requests, 1 failed" in texts["session-trace"]
    assert [texts[what].count("FAILED") for what in ("session-trace", "requests", "request-trace")] == [1, 1, 2]


def test_the_cause_of_a_session_is_that_of_its_newest_failed_request(answered_500: Any) -> None:
    world = answered_500
    world.span("cc", "cc", at=20, kind="server", service="cart", name="GET /y", session="s", error=True,
               message="gone", attributes={**HTTP, "http.response.status_code": 502})  # fmt: skip
    world.commit()
    (listed,) = world.observe(what="sessions")["sessions"]
    assert world.observe(what="session-trace", session_id="s")["session"] == listed
    assert (listed["has_errors"], listed["cause"]["service"]) == (True, "cart")
