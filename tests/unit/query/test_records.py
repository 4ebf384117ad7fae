"""Contract "Request record" and "Session record", sentence by sentence."""

from typing import Any

import pytest

from collector.query.details import LIFECYCLE_REQUESTS_MAX
from collector.query.records import REQUEST_IDS_IN_LIST_MAX

HTTP = {"http.request.method": "GET", "url.full": "http://shop.test/x", "http.response.status_code": 200}


def request(world: Any, trace: str = "t") -> dict[str, Any]:
    """The request's record, once from request-trace and once from the list; both must agree."""
    world.commit()
    request_id = world.trace_id(trace)
    record = world.observe(what="request-trace", request_id=request_id)["request"]
    listed = world.observe(what="requests", limit=1_000)["requests"]
    assert [item for item in listed if item["request_id"] == request_id] == [record]
    return record


def session(world: Any, session_id: str = "s") -> dict[str, Any]:
    """The session's record, once from session-trace and once from the list; both must agree."""
    world.commit()
    record = world.observe(what="session-trace", session_id=session_id)["session"]
    listed = world.observe(what="sessions")["sessions"]
    newest = {"request_ids": record["request_ids"][-REQUEST_IDS_IN_LIST_MAX:]} if "request_ids" in record else {}
    assert [item for item in listed if item["session_id"] == session_id] == [{**record, **newest}]
    return record


def test_a_request_is_shown_whole(world: Any) -> None:
    world.span("t", "entry", "browser", at=5, took=31.5, kind="server", service="front", attributes=HTTP, session="s")
    world.span("t", "out", "entry", at=6, took=90, kind="client", service="front", attributes=HTTP)
    world.span("t", "in", "out", at=7, took=80, kind="server", service="back", attributes=HTTP)
    world.span("t", "out2", "in", at=8, kind="client", service="back", attributes=HTTP)
    assert request(world) == {
        "request_id": world.trace_id("t"),
        "session_id": "s",
        "method": "GET",
        "url": "http://shop.test/x",
        "status": 200,
        "started_at": "2023-11-14T22:13:20.005000000Z",
        "completed_at": "2023-11-14T22:13:20.036500000Z",
        "duration_ms": 31.5,
        "child_requests": [world.span_id("out"), world.span_id("out2")],
        "service_calls": ["back", "front"],
    }


@pytest.mark.parametrize("commits", ["together", "apart", "backwards"])
def test_the_entry_is_the_earliest_network_span_whose_parent_is_not_stored(world: Any, commits: str) -> None:
    spans: list[dict[str, Any]] = [
        {"span": "early", "parent": "click", "at": 2, "kind": "client", "attributes": {**HTTP, "url.full": "/early"}},
        {"span": "orphan", "parent": "gone", "at": 4, "kind": "server", "attributes": {**HTTP, "url.full": "/orphan"}},
        {"span": "root", "parent": "", "at": 6, "kind": "client", "attributes": {**HTTP, "url.full": "/root"}},
        {"span": "click", "parent": "", "at": 1, "kind": "internal", "attributes": {}},
    ]
    for fields in reversed(spans) if commits == "backwards" else spans:
        world.span("t", **fields)
        if commits != "together":
            world.commit()
    record = request(world)
    assert (record["url"], record["child_requests"]) == ("/orphan", [world.span_id("early"), world.span_id("root")])


@pytest.mark.parametrize("apart", [False, True])
def test_else_the_entry_is_the_topmost_network_span(world: Any, apart: bool) -> None:
    world.span("t", "deep", "fetch", at=0, kind="server", attributes={**HTTP, "url.full": "/deep"})
    if apart:
        world.commit()
    world.span("t", "fetch", "click", at=2, kind="client", attributes={**HTTP, "url.full": "/fetch"})
    if apart:
        world.commit()
    world.span("t", "click", at=1)
    assert request(world)["url"] == "/fetch"


def test_without_a_network_span_the_topmost_span_gives_the_times_only(world: Any) -> None:
    world.span("t", "inner", "top", at=1, took=50, attributes={"http.request.method": "GET"})
    world.span("t", "top", at=2, took=3)
    assert request(world) == {
        "request_id": world.trace_id("t"),
        "started_at": "2023-11-14T22:13:20.002000000Z",
        "completed_at": "2023-11-14T22:13:20.005000000Z",
        "duration_ms": 3.0,
        "service_calls": ["shop"],
    }


def test_a_trace_of_logs_only_is_a_request(world: Any) -> None:
    world.log("b", "t", at=7)
    world.log("a", "t", at=3, session="s")
    assert request(world) == {
        "request_id": world.trace_id("t"),
        "session_id": "s",
        "started_at": "2023-11-14T22:13:20.003000000Z",
        "completed_at": "2023-11-14T22:13:20.007000000Z",
        "duration_ms": 4.0,
        "service_calls": ["shop"],
    }


def test_an_entry_that_has_not_ended_has_no_end(world: Any) -> None:
    world.span("t", "a", took=None, kind="server", attributes={"http.request.method": "GET"})
    assert not {"completed_at", "duration_ms", "status"} & request(world).keys()


def test_several_sessions_are_listed(world: Any) -> None:
    for name in ("s2", "s1"):
        world.log("x", "t", session=name)
    record = request(world)
    assert (record["session_ids"], "session_id" in record) == (["s1", "s2"], False)


@pytest.mark.parametrize(
    ("status", "error", "inner_error", "failed"),
    [(200, False, False, False), (200, True, False, True), (500, False, False, True), (499, False, True, False)],
)
def test_a_request_fails_by_its_entry_span(
    world: Any, status: int, error: bool, inner_error: bool, failed: bool
) -> None:
    world.span("t", "a", kind="server", attributes={**HTTP, "http.response.status_code": status}, error=error)
    world.span("t", "b", "a", error=inner_error)
    assert "cause" not in request(world) or failed
    assert world.observe(what="requests", status="error")["total"] == failed


def test_without_an_entry_span_any_error_fails_it(world: Any) -> None:
    world.span("t", "a")
    world.log("bad", "t", "a", severity_text="error")
    request(world)
    assert world.observe(what="requests", status="error")["total"] == 1


def test_a_failed_request_and_its_session_name_the_cause(world: Any) -> None:
    world.span("t", "in", kind="server", service="front", attributes={**HTTP, "http.response.status_code": 502},
               error=True, session="s", took=50)  # fmt: skip
    world.span("t", "out", "in", at=1, took=40, kind="client", service="front", attributes=HTTP, error=True)
    world.span("t", "pay", "out", at=2, took=30, kind="server", service="pay", error=True, message="declined",
               attributes={**HTTP, "http.response.status_code": 402})  # fmt: skip
    cause = request(world)["cause"]
    assert (cause["service"], cause["span_id"]) == ("pay", world.span_id("pay"))
    assert "declined" in cause["reason"]
    assert session(world)["cause"] == cause
    answer = world.observe(what="request-trace", pick="last_error")
    assert [hop["service"] for hop in answer["spread"]] == ["pay", "front"]


def test_a_failed_request_tells_how_the_same_call_went_when_it_worked(world: Any) -> None:
    for trace, at, status in (("aa", 0, 200), ("bb", 100, 200), ("cc", 200, 500), ("dd", 300, 200)):
        world.span(trace, "a", at=at, took=at / 10 + 1, kind="server", name="GET /x",
                   attributes={**HTTP, "http.response.status_code": status})  # fmt: skip
        world.span(trace, "b", at=at, kind="server", name="GET /y", attributes=HTTP)
        world.commit()
    answer = world.observe(what="request-trace", request_id=world.trace_id("cc"))
    assert answer["worked"] == {"request_id": world.trace_id("dd"), "duration_ms": 31.0, "status": 200}
    assert "worked" not in world.observe(what="request-trace", request_id=world.trace_id("dd"))


def test_a_session_is_shown_whole(world: Any) -> None:
    world.log(None, session="s", at=0, event_name="session.start", attributes={"session.previous_id": "r"})
    world.span("bb", "load", at=10, name="documentLoad", session="s", service="page",
               attributes={"url.full": "http://shop.test/cart"},
               resource={"user_agent.original": "Firefox"})  # fmt: skip
    world.span("aa", "get", at=5, kind="server", service="front", session="s", error=True, message="no stock",
               attributes={**HTTP, "client.address": "10.0.0.7", "user_agent.original": "curl"})  # fmt: skip
    world.log("x", "bb", at=30)
    world.log(None, session="s", at=50, event_name="session.end", attributes={"gasoline.session.end_reason": "logout"})
    assert session(world) == {
        "session_id": "s",
        "user_agent": "Firefox",
        "ip_address": "10.0.0.7",
        "started_at": "2023-11-14T22:13:20.000000000Z",
        "last_activity": "2023-11-14T22:13:20.050000000Z",
        "request_ids": [world.trace_id("aa"), world.trace_id("bb")],
        "request_count": 2,
        "services": ["front", "page", "shop"],
        "event_count": 5,
        "has_errors": True,
        "first_url": "http://shop.test/cart",
        "previous_id": "r",
        "end_reason": "logout",
        "cause": {"service": "front", "span_id": world.span_id("get"), "operation": "GET /x", "reason": '"no stock"'},
    }


@pytest.mark.parametrize("requests", [1, 2 * LIFECYCLE_REQUESTS_MAX, 2 * LIFECYCLE_REQUESTS_MAX + 1])
@pytest.mark.parametrize("said_at", ["ends", "middle"])
def test_start_and_end_that_were_said_within_requests_count_too(world: Any, requests: int, said_at: str) -> None:
    first, last = (0, requests - 1) if said_at == "ends" else (requests // 2, requests // 2)
    for n in range(requests):
        trace = f"{n + 1:02x}"
        world.span(trace, f"a{n}", at=10 * n, session="s")
        world.log("x", trace, at=10 * n + 1, session="s")
        if n == first:
            world.log(None, trace, session="s", at=10 * n + 2, event_name="session.start",
                      attributes={"session.previous_id": "r"})  # fmt: skip
        if n == last:
            world.log(None, trace, session="s", at=10 * n + 3, event_name="session.end",
                      attributes={"gasoline.session.end_reason": "idle"})  # fmt: skip
    record = session(world)
    # `session` holds list and timeline against each other; beyond the limit both leave it out.
    is_read = said_at == "ends" or requests <= 2 * LIFECYCLE_REQUESTS_MAX
    assert (record.get("previous_id"), record.get("end_reason")) == (("r", "idle") if is_read else (None, None))


def test_what_another_session_says_in_a_shared_request_is_no_start_of_this_one(world: Any) -> None:
    world.log(
        None, "t", session="r", at=1, event_name="session.end", attributes={"gasoline.session.end_reason": "idle"}
    )
    world.log(None, "t", session="s", at=2, event_name="session.start", attributes={"session.previous_id": "r"})
    records = [session(world, name) for name in ("r", "s")]
    assert [(record.get("previous_id"), record.get("end_reason")) for record in records] == [
        (None, "idle"),
        ("r", None),
    ]


@pytest.mark.parametrize(
    ("attributes", "url"),
    [
        ({"url.scheme": "https", "server.address": "shop.test", "server.port": 443, "url.path": "/a"},
         "https://shop.test/a"),
        ({"url.scheme": "http", "server.address": "shop.test", "server.port": 8080, "url.path": "/a",
          "url.query": "b=1"},
         "http://shop.test:8080/a?b=1"),
        ({"http.scheme": "http", "http.host": "shop.test:81", "net.host.port": 81, "http.target": "/a?b"},
         "http://shop.test:81/a?b"),
    ],
)  # fmt: skip
def test_the_first_url_of_a_session_without_a_page_load_is_its_first_server_spans(
    world: Any, attributes: dict[str, Any], url: str
) -> None:
    world.span("t", "late", at=9, kind="server", attributes=HTTP)
    world.span("t", "a", at=1, kind="server", attributes={"http.request.method": "GET", **attributes}, session="s")
    world.span("t", "client", at=0, kind="client", attributes=HTTP)
    assert session(world)["first_url"] == url


@pytest.mark.parametrize("apart", [False, True])
def test_a_page_load_that_names_no_session_counts_through_its_trace(world: Any, apart: bool) -> None:
    world.span("t", "load", at=1, name="documentLoad", service="page", attributes={"http.url": "http://shop.test/p"})
    if apart:
        world.commit()
    world.span("t", "get", "load", at=2, kind="server", attributes=HTTP, session="s")
    assert session(world)["first_url"] == "http://shop.test/p"


def test_a_navigation_event_is_a_page_load(world: Any) -> None:
    world.log(None, session="s", at=1, event_name="browser.navigation", attributes={
        "url.full": "http://shop.test/n", "user_agent.original": "Safari"})  # fmt: skip
    record = session(world)
    assert (record["first_url"], record["user_agent"]) == ("http://shop.test/n", "Safari")


def test_naming_the_session_late_binds_the_whole_trace(world: Any) -> None:
    world.span("t", "a", kind="server", attributes=HTTP)
    world.log("x", "t", "a", at=1)
    world.commit()
    assert world.observe(what="sessions")["total"] == 0
    world.span("t", "b", "a", at=2, session="s")
    world.commit()
    assert world.names(what="session-trace", session_id="s") == ["a", "x", "b"]


def test_a_record_of_another_session_is_never_pulled_in(world: Any) -> None:
    for name in ("s1", "s2"):
        world.log(f"of {name}", "t", session=name)
    world.log("of nobody", "t", at=1)
    world.log("elsewhere", at=2)
    world.commit()
    assert world.names(what="session-trace", session_id="s1") == ["of s1", "of nobody"]
    assert world.names(what="session-trace", session_id="s2") == ["of s2", "of nobody"]
    assert world.names(what="request-trace", request_id=world.trace_id("t"))[2:] == ["of nobody"]


def test_logs_of_a_session_without_a_trace_belong_to_it(world: Any) -> None:
    world.log("first", session="s", at=1)
    world.log("of another", session="r", at=2)
    world.commit()
    answer = world.observe(what="session-trace", session_id="s")
    assert [event["body"] for event in answer["events"]] == ["first"]
    assert "request_id" not in answer["events"][0]
    assert (answer["session"]["request_count"], "request_ids" in answer["session"]) == (0, False)


def test_event_count_equals_the_unfiltered_total_though_a_copy_came(world: Any) -> None:
    for _ in range(2):
        world.span("t", "a", session="s", events=[("e", 1, {})])
        world.commit()
    answer = world.observe(what="session-trace", session_id="s", event_types="span")
    assert (answer["session"]["event_count"], answer["total"]) == (2, 1)


def test_a_session_names_who_sent_a_copy_that_is_not_shown_in_lists_and_alone(world: Any) -> None:
    """Some instrumentation gives the call and what serves it one span id, each service telling its own side."""
    world.span("t", "call", at=0, took=8, kind="client", service="shop", session="s")
    world.commit()
    world.span("t", "call", at=2, took=4, kind="server", service="orders", session="s")
    world.commit()
    world.span("t", "later", "call", at=3, service="orders", session="s")
    world.span("t", "later", "call", at=3, service="orders", session="s", took=9)
    world.commit()
    listed = world.observe(what="sessions")["sessions"][0]
    whole = world.observe(what="session-trace", session_id="s")
    request = world.observe(what="requests")["requests"][0]
    assert [event["service"] for event in whole["events"]] == ["orders", "orders"]
    assert listed["services"] == whole["session"]["services"] == request["service_calls"] == ["orders", "shop"]
    times = [(record["started_at"], record["last_activity"]) for record in (listed, whole["session"])]
    assert times == [("2023-11-14T22:13:20.000000000Z", "2023-11-14T22:13:20.003000000Z")] * 2


def test_a_list_shows_the_newest_request_ids_and_their_number(world: Any) -> None:
    traces = [f"{n:02x}" for n in range(1, 26)]
    for n, trace in enumerate(traces):
        world.span(trace, "a", at=n, session="s")
    world.commit()
    listed = world.observe(what="sessions")["sessions"][0]
    assert listed["request_ids"] == [world.trace_id(trace) for trace in traces[5:]]
    assert listed["request_count"] == 25
    whole = world.observe(what="session-trace", session_id="s")["session"]
    assert whole["request_ids"] == [world.trace_id(trace) for trace in traces]
