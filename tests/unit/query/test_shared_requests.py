"""A request with records of several sessions: it failed or not as a whole. Contract "Session record", `cause`."""

from typing import Any

import pytest

from collector.query.params import parse_params
from mcp_server.render.text import render

HTTP = {"http.request.method": "GET", "url.full": "http://shop.test/x"}


@pytest.fixture(params=[False, True])
def apart(request: pytest.FixtureRequest) -> bool:
    """Whether the records of the two sessions come in commits of their own."""
    return request.param


def shared_request(world: Any, *, failed: bool, apart: bool) -> None:
    """One request of two sessions: s1 holds its entry, s2 an error and a log of it; s2 has another one."""
    world.span("bb", "entry", at=10, kind="server", service="front", session="s1", error=failed, message="broken",
               attributes={**HTTP, "http.response.status_code": 500 if failed else 200})  # fmt: skip
    if apart:
        world.commit()
    world.log("retried", "bb", "entry", at=11, session="s2", severity=17)
    world.span("aa", "other", at=0, kind="server", service="front", session="s2", attributes=HTTP)
    world.commit()


def record(world: Any, session_id: str) -> dict[str, Any]:
    """The session's record, the same in list and timeline."""
    whole = world.observe(what="session-trace", session_id=session_id)["session"]
    assert [item for item in world.observe(what="sessions")["sessions"] if item["session_id"] == session_id] == [whole]
    return whole


def text(world: Any, **arguments: Any) -> str:
    return render(world.observe(**arguments), parse_params(arguments))


def test_a_session_names_no_cause_for_a_shared_request_that_did_not_fail(world: Any, apart: bool) -> None:
    shared_request(world, failed=False, apart=apart)
    assert "cause" not in world.observe(what="request-trace", request_id=world.trace_id("bb"))["request"]
    assert [(record(world, name)["has_errors"], "cause" in record(world, name)) for name in ("s1", "s2")] == [
        (False, False),
        (True, False),
    ]
    told = text(world, what="session-trace", session_id="s2")
    assert told.splitlines()[0].endswith(" · 2 requests · front shop")
    assert "\ncause" not in told


def test_the_cause_of_a_shared_request_is_the_same_in_all_its_sessions(world: Any, apart: bool) -> None:
    shared_request(world, failed=True, apart=apart)
    cause = world.observe(what="request-trace", request_id=world.trace_id("bb"))["request"]["cause"]
    assert cause["span_id"] == world.span_id("entry")
    assert [record(world, name)["cause"] for name in ("s1", "s2")] == [cause, cause]
    for name in ("s1", "s2"):
        told = text(world, what="session-trace", session_id=name).splitlines()
        assert [line for line in told if line.startswith("cause")] == [f"cause bb0000: front GET /x: {cause['reason']}"]


def test_only_what_a_session_holds_stands_in_its_timeline_and_what_is_shared_is_named(world: Any, apart: bool) -> None:
    shared_request(world, failed=True, apart=apart)
    answer = world.observe(what="session-trace", session_id="s2")
    assert answer["shared_request_ids"] == [world.trace_id("bb")]
    assert world.names(what="session-trace", session_id="s2") == ["other", "retried"]
    world.log("x", "cc", session="s3")
    world.commit()
    assert "shared_request_ids" not in world.observe(what="session-trace", session_id="s3")


def test_a_parent_that_is_another_sessions_is_not_told_to_have_never_arrived(world: Any, apart: bool) -> None:
    world.span("bb", "entry", at=10, kind="server", session="s1", attributes=HTTP)
    if apart:
        world.commit()
    world.span("bb", "step", "entry", at=11, session="s2")
    world.span("bb", "lost", "never", at=12, session="s2")
    world.commit()
    notes = {name: world.observe(what="session-trace", session_id=name).get("notes") for name in ("s1", "s2")}
    assert notes == {
        "s1": None,
        "s2": [
            "shared: 1 parent span belongs to another session; what they called stands at the top",
            "orphans: 1 parent span never arrived; what they called stands at the top",
        ],
    }


def test_what_another_session_adds_later_changes_no_page(world: Any) -> None:
    shared_request(world, failed=False, apart=False)
    world.log("x", "cc", at=20, session="s3")
    world.commit()
    cursor = world.observe(what="sessions", limit=1)["next_cursor"]
    world.span("bb", "first", at=9, kind="server", service="front", session="s1", error=True, attributes=HTTP)
    world.commit()
    page = world.observe(what="sessions", limit=1, cursor=cursor)["sessions"]
    assert [(item["session_id"], "cause" in item) for item in page] == [("s2", False)]
