"""Clocks that disagree: one correction per session, the same order in a request and in its session."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.query import clock_skew, snapshot
from collector.query.adjustment_notes import SERVICES_NAMED_MAX
from collector.query.clock_skew import Call, host_offsets

HTTP = {"http.request.method": "GET", "url.full": "http://shop.test/x", "http.response.status_code": 200}
SKEWS_MS = [0, 5_000, -5_000, 86_400_000]


def hosts(name: str) -> dict[str, str]:
    """A resource on a host of its own."""
    return {"host.name": name}


def names(events: list[dict[str, Any]]) -> list[str]:
    """Names or bodies of events."""
    return [event.get("name") or event["body"] for event in events]


def session(world: Any) -> list[str]:
    """Names in the order of session s; the order of each of its requests must be a part of it."""
    world.commit()
    events = world.observe(what="session-trace", session_id="s", limit=1_000)["events"]
    for request_id in {event["request_id"] for event in events if "request_id" in event}:
        alone = world.observe(what="request-trace", request_id=request_id, limit=1_000)["timeline"]
        assert names(alone) == names([event for event in events if event.get("request_id") == request_id])
    return names(events)


def skew_notes(world: Any, **question: Any) -> list[str]:
    """What the answer says of clocks."""
    notes = world.observe(**question).get("notes", [])
    return [note for note in notes if note.startswith("clock skew")]


def checkout(world: Any, trace: str, at: float, skew: float, parent: str = "") -> None:
    """A fetch of the browser that a frontend serves with the help of a backend on another host."""
    world.span(trace, f"fetch {trace}", parent, at=at + skew, took=60, kind="client", service="browser",
               attributes=HTTP, session="s")  # fmt: skip
    world.span(trace, f"serve {trace}", f"fetch {trace}", at=at + 10, took=40, kind="server", service="frontend",
               attributes=HTTP, resource=hosts("web-1"))  # fmt: skip
    world.log(f"log {trace}", trace, f"serve {trace}", at=at + 15, service="frontend", resource=hosts("web-1"))
    world.span(trace, f"call {trace}", f"serve {trace}", at=at + 20, took=20, kind="client", service="frontend",
               attributes=HTTP, resource=hosts("web-1"))  # fmt: skip
    world.span(trace, f"pay {trace}", f"call {trace}", at=at + 25, took=10, kind="server", service="payments",
               attributes=HTTP, resource=hosts("pay-1"))  # fmt: skip


@pytest.mark.requirement("session-trace:chronological")
@pytest.mark.parametrize("skew", SKEWS_MS)
@pytest.mark.parametrize("apart", [False, True])
def test_a_browser_with_a_wrong_clock_is_placed_in_its_whole_session(world: Any, skew: float, apart: bool) -> None:
    world.log(None, session="s", at=0 + skew, service="browser", event_name="session.start")
    world.log(None, session="s", at=100 + skew, service="browser", event_name="click")
    checkout(world, "aa", 101, skew)
    if apart:
        world.commit()
    world.log("failed", "aa", "fetch aa", at=162 + skew, service="browser", session="s")
    # No browser span, no call: only what the other traces tell places these.
    world.span("bb", "worker", at=170, kind="server", service="frontend", session="s", resource=hosts("web-1"))
    world.log("marked", "cc", at=180 + skew, service="browser", session="s")
    world.log("served", "dd", at=190, service="frontend", session="s", resource=hosts("web-1"))
    world.log(None, session="s", at=200 + skew, service="browser", event_name="second click")
    assert session(world) == [
        "session.start",
        "click",
        "fetch aa",
        "serve aa",
        "log aa",
        "call aa",
        "pay aa",
        "failed",
        "worker",
        "marked",
        "served",
        "second click",
    ]


def test_the_notes_say_whose_clock_and_by_how_much_and_times_stay(world: Any) -> None:
    world.log(None, session="s", at=5_100, service="browser", event_name="click")
    checkout(world, "aa", 101, 5_000)
    world.commit()
    answer = world.observe(what="session-trace", session_id="s")
    assert skew_notes(world, what="session-trace", session_id="s") == [
        "clock skew: the clock of browser is about 5.000 s ahead; the order of its 2 records corrects it, times are as"
        " recorded"
    ]
    assert skew_notes(world, what="request-trace", request_id=world.trace_id("aa")) == [
        "clock skew: the clock of browser is about 5.000 s ahead; the order of its 1 record corrects it, times are as"
        " recorded"
    ]
    times = [int(event["time_unix_nano"]) - 1_700_000_000_000_000_000 for event in answer["events"]]
    assert times == [at * 1_000_000 for at in (5_100, 5_101, 111, 116, 121, 126)]
    assert answer["session"]["started_at"] == "2023-11-14T22:13:20.111000000Z"


def test_nothing_is_said_or_moved_where_clocks_agree(world: Any) -> None:
    checkout(world, "aa", 0, 0)
    world.log(None, session="s", at=5, service="browser", event_name="click")
    assert session(world) == ["fetch aa", "click", "serve aa", "log aa", "call aa", "pay aa"]
    assert skew_notes(world, what="session-trace", session_id="s") == []


@pytest.mark.parametrize("skew", [-5_000, 5_000])
def test_of_several_servers_the_one_that_disagrees_with_the_others_is_moved(world: Any, skew: float) -> None:
    world.span("aa", "fetch", at=0, took=60, kind="client", service="browser", session="s")
    world.span("aa", "serve", "fetch", at=10 + skew, took=40, kind="server", service="frontend")
    world.span("aa", "call", "serve", at=20 + skew, took=20, kind="client", service="frontend")
    world.span("aa", "pay", "call", at=25, took=10, kind="server", service="payments")
    world.log("said", session="s", at=70 + skew, service="frontend")
    world.log("clicked", session="s", at=80, service="browser")
    assert session(world) == ["fetch", "serve", "call", "pay", "said", "clicked"]
    (note,) = skew_notes(world, what="session-trace", session_id="s")
    assert note.startswith(f"clock skew: the clock of frontend is about 5.000 s {'ahead' if skew > 0 else 'behind'};")


def test_a_server_that_only_the_browser_calls_stays_where_its_calls_allow_it(world: Any) -> None:
    for trace, service, at in (("aa", "one", 0), ("bb", "two", 100), ("cc", "one", 200)):
        world.span(trace, f"fetch {trace}", at=at + 5_000, took=50, kind="client", service="browser", session="s")
        world.span(trace, f"serve {trace}", f"fetch {trace}", at=at + 5 + at / 20, took=30, kind="server",
                   service=service)  # fmt: skip
    assert session(world) == ["fetch aa", "serve aa", "fetch bb", "serve bb", "fetch cc", "serve cc"]
    (note,) = skew_notes(world, what="session-trace", session_id="s")
    assert "the clock of browser" in note


def test_a_clock_that_was_set_right_within_the_session_is_right_from_then_on(world: Any) -> None:
    for n in range(3):
        checkout(world, f"a{n}", 1_000 * n, 5_000)
    checkout(world, "bb", 4_000, 0)
    order = session(world)
    assert order == [f"{name} {trace}" for trace in ("a0", "a1", "a2", "bb")
                     for name in ("fetch", "serve", "log", "call", "pay")]  # fmt: skip


def test_instances_that_share_a_host_name_are_placed_call_by_call(world: Any) -> None:
    world.span("aa", "root", at=0, took=500, kind="server", service="front", session="s")
    for n, skew in enumerate((0, 5_000, -5_000)):
        at = 100 * n
        world.span("aa", f"call{n}", "root", at=at, took=50, kind="client", service="front")
        world.span("aa", f"serve{n}", f"call{n}", at=at + 10 + skew, took=30, kind="server", service="replica")
        world.span("aa", f"work{n}", f"serve{n}", at=at + 15 + skew, took=5, service="replica")
        world.log(f"done{n}", "aa", f"work{n}", at=at + 18 + skew, service="replica")
    assert session(world) == [
        "root", *(f"{name}{n}" for n in range(3) for name in ("call", "serve", "work", "done"))
    ]  # fmt: skip


def test_a_log_stands_by_the_clock_of_its_own_host_whatever_span_it_names(world: Any) -> None:
    checkout(world, "aa", 100, -5_000)
    world.log("of a service without spans", "aa", "fetch aa", at=130, service="legacy")
    assert session(world)[-1] == "of a service without spans"


def test_a_call_from_a_span_that_is_no_client_cannot_come_before_it(world: Any) -> None:
    world.span("aa", "documentLoad", at=5_000, took=80, service="browser", session="s")
    world.span("aa", "page", "documentLoad", at=10, took=20, kind="server", service="front")
    world.log("rendered", "aa", at=40, service="front")
    world.log("painted", session="s", at=5_050, service="browser")
    assert session(world) == ["documentLoad", "page", "rendered", "painted"]


@pytest.mark.parametrize("sender", ["client", "producer"])
def test_a_consumer_may_start_long_after_what_it_was_sent_by(world: Any, sender: str) -> None:
    world.span("aa", "order", at=0, took=20, kind="server", service="web", session="s", resource=hosts("web-1"))
    world.span("aa", "send", "order", at=5, took=4, kind=sender, service="web", resource=hosts("web-1"))
    world.span("aa", "process", "send", at=60_000, took=5, kind="consumer", service="worker", resource=hosts("work-1"))
    world.log("meanwhile", session="s", at=30_000, service="web", resource=hosts("web-1"))
    assert session(world) == ["order", "send", "meanwhile", "process"]
    assert skew_notes(world, what="session-trace", session_id="s") == []


def test_clocks_are_learned_from_a_bounded_number_of_traces(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.log("click", "01", session="s", at=5_100, service="browser")
    world.span("02", "plain", at=0, service="frontend", session="s", resource=hosts("web-1"))
    world.commit()
    checkout(world, "aa", 101, 5_000)
    monkeypatch.setattr(snapshot, "CLOCK_TRACES_MAX", 3)
    assert session(world)[1:3] == ["click", "fetch aa"]
    monkeypatch.setattr(snapshot, "CLOCK_TRACES_MAX", 2)
    world.query = world.fresh_query()
    # The trace's own calls still correct the trace.
    assert session(world)[1:] == ["fetch aa", "serve aa", "log aa", "call aa", "pay aa", "click"]


@pytest.mark.parametrize(("services", "named"), [(SERVICES_NAMED_MAX, "s0 s1 s2"), (4, "s0 s1 s2 …")])
def test_a_note_names_some_services_of_the_host(world: Any, services: int, named: str) -> None:
    world.span("aa", "call", at=1_000, took=9, kind="client", service="s0", resource=hosts("h"))
    world.span("aa", "serve", "call", at=3, took=2, kind="server", service="other")
    for n in range(services):
        world.log("x", "aa", at=1_000, service=f"s{n}", resource=hosts("h"))
    world.commit()
    (note,) = skew_notes(world, what="request-trace", pick="last")
    assert note.startswith(f"clock skew: the clock of h ({named}) is about 1.000 s ahead")


def call(estimate: int, slack: int) -> Call:
    """A call that allows `slack` on both sides of its estimate."""
    return Call("a", "b", estimate - slack, estimate + slack, estimate, slack)


@pytest.mark.parametrize(("limit", "offset"), [(1, 100), (2, 500)])
def test_estimates_are_tried_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, limit: int, offset: int) -> None:
    monkeypatch.setattr(clock_skew, "ESTIMATES_PER_PAIR_MAX", limit)
    assert host_offsets([call(100, 1), call(500, 2), call(500, 3)]) == {"a": -offset}


@pytest.mark.parametrize(("limit", "offset"), [(2, 100), (3, 500)])
def test_the_shortest_calls_count_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, limit: int, offset: int) -> None:
    monkeypatch.setattr(clock_skew, "CALLS_PER_PAIR_MAX", limit)
    assert host_offsets([call(500, 3), call(500, 2), call(100, 1)]) == {"a": -offset}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_the_clocks_what_was_apart_stays_in_order(new_world: Callable[[], Any], data: st.DataObject) -> None:
    world = new_world()
    skew = data.draw(st.integers(-20_000, 20_000).filter(lambda ms: abs(ms) > 200))
    at = 0.0
    for n in range(data.draw(st.integers(1, 5))):
        at += data.draw(st.integers(100, 400))
        trace = f"{n + 1:02x}"
        kind = data.draw(st.sampled_from(["click", "checkout", "server"])) if n else "checkout"
        if kind == "click":
            world.log(f"click {trace}", session="s", at=at + skew, service="browser")
        elif kind == "checkout":
            checkout(world, trace, at, skew)
        else:
            world.span(trace, f"alone {trace}", at=at, service="frontend", session="s", resource=hosts("web-1"))
        if data.draw(st.booleans()):
            world.commit()
    # A fetch tells the browser's clock to 10 ms, and 40 ms or more lie between one of these and the next.
    steps = [name.split()[-1] for name in session(world)]
    assert steps == sorted(steps)
