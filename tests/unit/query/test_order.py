"""Contract "Order" and the read-time adjusters: causality first, then time."""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.query.clock_skew import TOLERANCE_NANO

HTTP = {"http.request.method": "GET"}
MS = 1_000_000


def hosts(name: str) -> dict[str, str]:
    """A resource on a host of its own."""
    return {"host.name": name}


def order(world: Any, trace: str = "t") -> list[str]:
    """Names in the order of the request's timeline."""
    world.commit()
    return world.names(what="request-trace", request_id=world.trace_id(trace), limit=1_000)


def notes(world: Any, trace: str = "t") -> list[str]:
    """What the answer says of the request."""
    return world.observe(what="request-trace", request_id=world.trace_id(trace)).get("notes", [])


def test_no_effect_stands_before_its_cause_through_any_number_of_hops(world: Any) -> None:
    world.span("t", "grandchild", "child", at=9.2)
    world.span("t", "child", "root", at=9.1)
    world.span("t", "root", at=10)
    world.log("said", "t", "grandchild", at=9)
    world.span("t", "other", "root", at=9.95)
    assert order(world) == ["root", "child", "other", "grandchild", "said"]


def test_ties_go_by_depth_then_span_then_kind_then_index(world: Any) -> None:
    world.log("log", "t", "root", at=1)
    world.span("t", "child", "root", at=1)
    world.span("t", "root", at=1, events=[("first", 1, {}), ("second", 1, {})])
    assert order(world) == ["root", "first", "second", "log", "child"]


def test_ties_between_traces_go_by_trace_id(world: Any) -> None:
    for trace in ("bb", "aa", "cc"):
        world.span(trace, trace, at=1, session="s")
    world.commit()
    assert world.names(what="session-trace", session_id="s") == ["aa", "bb", "cc"]


def test_of_copies_the_complete_one_stays_then_the_latest(world: Any) -> None:
    world.span("t", "a", name="complete", at=0, took=5, events=[("kept", 1, {})])
    world.commit()
    world.span("t", "a", name="begun", at=0, took=None, events=[("gone", 1, {})])
    world.span("t", "b", name="old", at=2, events=[("old event", 3, {})])
    world.commit()
    world.span("t", "b", name="new", at=2, events=[("new event", 3, {})])
    assert order(world) == ["complete", "kept", "new", "new event"]


def test_equal_logs_are_never_dropped(world: Any) -> None:
    world.log("x", "t")
    world.log("x", "t")
    world.commit()
    world.log("x", "t")
    assert order(world) == ["x", "x", "x"]


def test_a_skewed_host_is_moved_with_all_that_ran_on_it(world: Any) -> None:
    world.span("t", "call", at=100, took=40, kind="client", attributes=HTTP, resource=hosts("a"))
    world.span("t", "serve", "call", at=5_110, took=20, kind="server", attributes=HTTP, resource=hosts("b"))
    world.span("t", "work", "serve", at=5_115, took=5, resource=hosts("b"), service="b")
    world.log("done", "t", "work", at=5_117, resource=hosts("b"))
    world.span("t", "after", at=150, resource=hosts("a"))
    assert order(world) == ["call", "serve", "work", "done", "after"]
    skew = [note for note in notes(world) if note.startswith("clock skew")]
    assert skew == [
        "clock skew: the clock of a (shop) is about 5.000 s behind; the order of its 2 records corrects it, times are"
        " as recorded"
    ]
    timeline = world.observe(what="request-trace", request_id=world.trace_id("t"))["timeline"]
    assert timeline[1]["time_unix_nano"] == "1700000005110000000"


def test_a_second_call_that_fits_by_chance_is_moved_with_its_host(world: Any) -> None:
    world.span("t", "root", at=0, took=20_000, kind="server", resource=hosts("a"))
    world.span("t", "long", "root", at=1, took=10_000, kind="client", resource=hosts("a"))
    world.span("t", "fits", "long", at=5_002, took=9_990, kind="server", resource=hosts("b"))
    world.span("t", "short", "root", at=10, took=10, kind="client", resource=hosts("a"))
    world.span("t", "skewed", "short", at=5_011, took=8, kind="server", resource=hosts("b"))
    world.span("t", "between", "root", at=1_000, resource=hosts("a"))
    assert order(world) == ["root", "long", "fits", "short", "skewed", "between"]


def test_late_children_are_not_skewed(world: Any) -> None:
    world.span("t", "call", at=0, took=500, kind="client", error=True, resource=hosts("a"))
    world.span("t", "late", "call", at=10, took=1_000, kind="server", resource=hosts("b"))
    world.span("t", "later", "call", at=600, took=1_000, kind="server", resource=hosts("c"))
    world.span("t", "mark", at=300, resource=hosts("a"))
    assert order(world) == ["call", "late", "mark", "later"]
    assert not [note for note in notes(world) if "skew" in note]


def test_consumers_may_start_long_after_their_producer(world: Any) -> None:
    world.span("t", "send", at=0, took=1, kind="producer", resource=hosts("a"))
    world.span("t", "receive", "send", at=9_000, kind="consumer", resource=hosts("b"))
    world.span("t", "mark", at=5_000, resource=hosts("a"))
    assert order(world) == ["send", "mark", "receive"]


def test_the_tolerance_at_its_edge(world: Any) -> None:
    edge = TOLERANCE_NANO / MS
    for trace, by in (("aa", edge), ("bb", edge + 0.001)):
        world.span(trace, f"call{trace}", at=100, took=40, kind="client", resource=hosts("a"))
        world.span(trace, f"serve{trace}", f"call{trace}", at=100 - by, took=20, kind="server", resource=hosts("b"))
    world.commit()
    assert [bool([note for note in notes(world, trace) if "skew" in note]) for trace in ("aa", "bb")] == [False, True]


def test_services_on_one_host_share_a_clock(world: Any) -> None:
    world.span("t", "call", at=100, took=40, kind="client", service="a", resource=hosts("one"))
    world.span("t", "serve", "call", at=5_000, took=20, kind="server", service="b", resource=hosts("one"))
    world.span("t", "mark", at=200, service="a", resource=hosts("one"))
    assert order(world) == ["call", "mark", "serve"]


def test_orphans_and_a_missing_root_are_told(world: Any) -> None:
    world.span("t", "root", at=0)
    world.span("t", "orphan", "never", at=1)
    world.span("u", "entry", "browser", at=0)
    world.commit()
    assert notes(world, "t") == ["orphans: 1 parent span never arrived; what they called stands at the top"]
    assert notes(world, "u") == ["missing root: in 1 request the topmost span's parent never arrived"]


def test_parent_cycles_neither_hang_nor_drop(world: Any) -> None:
    world.span("t", "a", "b", at=2)
    world.span("t", "b", "c", at=1)
    world.span("t", "c", "a", at=3)
    world.span("t", "d", "a", at=0)
    world.span("t", "self", "self", at=0.5)
    assert order(world) == ["self", "b", "a", "d", "c"]


def test_a_log_of_a_span_that_is_not_stored_stands_by_its_own_time(world: Any) -> None:
    world.span("t", "root", at=1)
    world.log("before", "t", "never", at=0)
    assert order(world) == ["before", "root"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_forest_in_any_order_of_arrival_is_ordered_alike(new_world: Callable[[], Any], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    spans = [
        (
            f"s{n}",
            data.draw(st.sampled_from(["", "gone", *(f"s{m}" for m in range(size))])),
            data.draw(st.integers(0, 4)),
            data.draw(st.sampled_from(["client", "server", "internal"])),
            data.draw(st.sampled_from(["a", "b"])),
        )
        for n in range(size)
    ]
    answers: list[list[str]] = []
    for seed in (1, 2):
        world = new_world()
        mixed = list(spans)
        random.Random(seed).shuffle(mixed)
        for name, parent, at, kind, host in mixed:
            world.span("t", name, parent, at=at, kind=kind, resource=hosts(host))
            world.log(f"log {name}", "t", name, at=at)
            if seed == 2:
                world.commit()
        answers.append(order(world))
    assert answers[0] == answers[1]
    assert len(answers[0]) == 2 * size
    place = {name: position for position, name in enumerate(answers[0])}
    parents = {name: parent for name, parent, *_ in spans}
    for name, parent in parents.items():
        assert place[name] < place[f"log {name}"]
        if parent in place and not _in_cycle(name, parents):
            assert place[parent] < place[name]


def _in_cycle(name: str, parents: dict[str, str]) -> bool:
    """Tell whether a span is its own ancestor."""
    above = parents[name]
    for _ in parents:
        if above == name:
            return True
        above = parents.get(above, "")
    return False
