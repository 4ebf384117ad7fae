"""Contract "Calls": `sessions`, `requests`, `logs`, `pick`, windows and filters."""

from typing import Any

import pytest

from collector.errors import QueryError
from collector.query.times import rfc3339

T0 = 1_700_000_000_000_000_000


def http(path: str, status: int = 200, method: str = "GET") -> dict[str, Any]:
    """Attributes of an HTTP span."""
    return {"http.request.method": method, "url.full": f"http://shop.test{path}", "http.response.status_code": status}


def at(milliseconds: float) -> str:
    """A time as an argument."""
    return rfc3339(T0 + round(milliseconds * 1_000_000))


@pytest.fixture
def shop(world: Any) -> Any:
    """Four requests: two of session s (one failed), one of session r, one of nobody; and logs."""
    world.span("aa", "GET /cart", at=0, took=10, kind="server", attributes=http("/cart"), session="s")
    world.span("bb", "POST /pay", at=100, took=50, kind="server", attributes=http("/pay", 502, "POST"), error=True,
               session="s", service="pay")  # fmt: skip
    world.span("cc", "GET /Cart", at=200, took=30, kind="server", attributes=http("/Cart"), session="r")
    world.span("dd", "GET /health", at=300, took=1, kind="server", attributes=http("/health"), service="probe")
    world.log("paid", "bb", at=120, severity=17, service="pay", attributes={"order": "A-7"})
    world.log("hello", at=400, severity=9, service="probe")
    world.commit()
    return world


def ids(world: Any, **question: Any) -> list[str]:
    """The two first letters of the request ids that match, or the session ids."""
    answer = world.observe(**question)
    assert answer["total"] == len(answer[question["what"]])
    if question["what"] == "sessions":
        return [record["session_id"] for record in answer["sessions"]]
    return [record["request_id"][:2] for record in answer["requests"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["dd", "cc", "bb", "aa"]),
        ({"status": "error"}, ["bb"]),
        ({"service": "pay"}, ["bb"]),
        ({"service": "pa"}, []),
        ({"url": "/cart"}, ["aa"]),
        ({"url": "shop.test/"}, ["dd", "cc", "bb", "aa"]),
        ({"query": "CART"}, ["cc", "aa"]),
        ({"query": "post"}, ["bb"]),
        ({"query": "Probe"}, ["dd"]),
        ({"query": "bb0000"}, ["bb"]),
        ({"min_duration_ms": 30}, ["cc", "bb"]),
        ({"min_duration_ms": 30.1}, ["bb"]),
        ({"session_id": "s"}, ["bb", "aa"]),
        ({"without_session": True}, ["dd"]),
        ({"since": at(100)}, ["dd", "cc", "bb"]),
        ({"until": at(100)}, ["aa"]),
        ({"since": at(100), "until": at(300)}, ["cc", "bb"]),
        ({"since": "-1h"}, []),
        ({"since": "-2h"}, ["dd", "cc", "bb", "aa"]),
    ],
)
def test_requests_newest_first_by_every_filter(shop: Any, filters: dict[str, Any], expected: list[str]) -> None:
    assert ids(shop, what="requests", **filters) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["r", "s"]),
        ({"status": "error"}, ["s"]),
        ({"service": "pay"}, ["s"]),
        ({"url": "/pay"}, ["s"]),
        ({"url": "/Cart"}, ["r"]),
        ({"query": "cart"}, ["r", "s"]),
        ({"query": "POST"}, ["s"]),
        ({"since": at(120), "until": at(121)}, ["s"]),
        ({"since": at(120.001)}, ["r"]),
        ({"until": at(200)}, ["s"]),
        ({"until": at(0)}, []),
    ],
)
def test_sessions_newest_first_by_every_filter(shop: Any, filters: dict[str, Any], expected: list[str]) -> None:
    assert ids(shop, what="sessions", **filters) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["hello", "paid"]),
        ({"severity": "error"}, ["paid"]),
        ({"severity": "INFO"}, ["hello", "paid"]),
        ({"severity": "FATAL"}, []),
        ({"service": "probe"}, ["hello"]),
        ({"session_id": "s"}, ["paid"]),
        ({"request_id": "bb0000"}, ["paid"]),
        ({"request_id": "aa0000"}, []),
        ({"request_id": "bb0000", "session_id": "r"}, []),
        ({"query": "a-7"}, ["paid"]),
        ({"query": "HELL"}, ["hello"]),
        ({"since": at(400)}, ["hello"]),
        ({"until": at(400)}, ["paid"]),
    ],
)
def test_logs_newest_first_by_every_filter(shop: Any, filters: dict[str, Any], expected: list[str]) -> None:
    answer = shop.observe(what="logs", **filters)
    assert [event["body"] for event in answer["events"]] == expected
    assert answer["total"] == len(expected)


def test_a_log_in_the_list_is_the_event_of_its_timeline(shop: Any) -> None:
    listed = shop.observe(what="logs", service="pay")["events"]
    assert listed == shop.observe(what="session-trace", session_id="s", event_types="log")["events"]
    assert listed == shop.observe(what="request-trace", request_id=shop.trace_id("bb"))["related_logs"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"service": "pay"}, ["POST /pay", "paid"]),
        ({"event_types": ["log", "network"], "since": at(100)}, ["POST /pay", "paid"]),
        ({"until": at(100)}, ["GET /cart"]),
        ({"query": "A-7"}, ["paid"]),
        ({"query": "shop.test/cart"}, ["GET /cart"]),
        ({"query": "nowhere"}, []),
    ],
)
def test_the_filters_of_a_session_trace(shop: Any, filters: dict[str, Any], expected: list[str]) -> None:
    answer = shop.observe(what="session-trace", session_id="s", **filters)
    assert [event.get("name") or event["body"] for event in answer["events"]] == expected
    assert (answer["total"], answer["session"]["event_count"]) == (len(expected), 3)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"pick": "last"}, "dd"),
        ({"pick": "last_error"}, "bb"),
        ({"pick": "slowest"}, "bb"),
        ({"pick": "slowest", "service": "probe"}, "dd"),
        ({"pick": "last", "session_id": "s"}, "bb"),
        ({"pick": "last", "session_id": "s", "until": at(100)}, "aa"),
        ({"pick": "last", "url": "/cart"}, "aa"),
        ({"pick": "slowest", "since": at(150)}, "cc"),
    ],
)
def test_pick_among_what_the_filters_leave(shop: Any, question: dict[str, Any], expected: str) -> None:
    answer = shop.observe(what="request-trace", **question)
    assert answer["request"]["request_id"][:2] == expected


def test_pick_of_a_session(shop: Any) -> None:
    assert shop.observe(what="session-trace", pick="last")["session_id"] == "r"
    assert shop.observe(what="session-trace", pick="last_error")["session_id"] == "s"


def test_lists_are_there_when_nothing_is_stored(world: Any) -> None:
    assert world.observe(what="sessions") == {"sessions": [], "total": 0}
    assert world.observe(what="requests") == {"requests": [], "total": 0}
    assert world.observe(what="logs") == {"events": [], "total": 0}
    empty = world.observe(what="session-trace", pick="last")
    assert empty == {"events": [], "total": 0, "notes": ["no session is stored yet"]}
    empty = world.observe(what="request-trace", pick="last_error")
    notes = empty.pop("notes")
    assert empty == {"related_logs": [], "related_events": [], "timeline": [], "total": 0}
    assert len(notes) == 1


def test_ties_go_by_id(world: Any) -> None:
    for name in ("b", "a", "c"):
        world.span(name * 2, "x", at=5, session=name)
        world.log("same", at=5, session=name)
    world.commit()
    assert ids(world, what="sessions") == ["a", "b", "c"]
    assert ids(world, what="requests") == ["aa", "bb", "cc"]
    found = [event["id"] for event in world.observe(what="logs")["events"]]
    assert found == sorted(found)


def test_an_empty_window_is_an_error(shop: Any) -> None:
    with pytest.raises(QueryError, match="until: "):
        shop.observe(what="logs", since=at(5), until=at(5))


def test_a_list_is_complete_after_each_commit_and_after_an_eviction(shop: Any) -> None:
    assert ids(shop, what="sessions") == ["r", "s"]
    shop.log("late", "dd", at=900, session="new")
    shop.commit()
    assert ids(shop, what="sessions") == ["new", "r", "s"]
    assert ids(shop, what="requests", without_session=True) == []
    shop.span("aa", "boom", at=1, error=True)
    shop.commit()
    assert ids(shop, what="sessions", status="error") == ["s"]


def test_related_logs_and_events_are_those_of_the_page(world: Any) -> None:
    world.span("t", "a", at=0, events=[("e", 1, {})])
    world.log("one", "t", "a", at=2)
    world.log("two", "t", "a", at=3, event_name="named")
    world.commit()
    request_id = world.trace_id("t")
    whole = world.observe(what="request-trace", request_id=request_id)
    assert [event["id"] for event in whole["related_events"]] == [whole["timeline"][n]["id"] for n in (1, 3)]
    assert [event["id"] for event in whole["related_logs"]] == [whole["timeline"][n]["id"] for n in (2, 3)]
    page = world.observe(what="request-trace", request_id=request_id, limit=2)
    assert (len(page["timeline"]), len(page["related_events"]), page["related_logs"], page["total"]) == (2, 1, [], 4)


def test_expand_answers_one_event_whole(world: Any) -> None:
    world.span("t", "a", attributes={"long": "x" * 9_000}, resource={"host.name": "h"}, scope={"c": 1})
    world.log("y" * 9_000, "t", "a")
    world.commit()
    request_id = world.trace_id("t")
    for expand in (world.span_id("a"), f"{request_id}:{world.span_id('a')}", world.span_id("a")[:6]):
        answer = world.observe(what="request-trace", request_id=request_id, expand=expand)
        event = answer["timeline"][0]
        assert (len(answer["timeline"]), event["attributes"]) == (1, {"long": "x" * 9_000})
        assert event["resource"] == {"attributes": {"service.name": "shop", "host.name": "h"}}
        assert (event["scope"], "truncated" in event) == ({"attributes": {"c": 1}}, False)
    log = world.observe(what="request-trace", request_id=request_id)["related_logs"][0]
    whole = world.observe(what="request-trace", request_id=request_id, expand=log["id"])
    assert [event["body"] for event in whole["related_logs"]] == ["y" * 9_000]
    with pytest.raises(QueryError, match=r"expand: .*A valid call"):
        world.observe(what="request-trace", request_id=request_id, expand="nothing")


def test_when_the_time_is_over_the_answer_says_so(shop: Any) -> None:
    shop.query = shop.fresh_query(time_limit_s=0.0)
    for question in ({"what": "requests"}, {"what": "logs"}, {"what": "session-trace", "session_id": "s"}):
        answer = shop.observe(**question)
        assert [note for note in answer["notes"] if note.startswith("partial: ")]
