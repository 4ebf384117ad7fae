"""Contract "Cursor": later pages show exactly what was there at the first one; `late` counts what came since."""

import base64
import hashlib
import json
from typing import Any

import anyio
import pytest

from collector.errors import QueryError

HTTP = {"http.request.method": "GET"}


def walk(world: Any, field: str, fresh: bool = False, between: Any = None, **question: Any) -> list[Any]:
    """All items, page by page; holds total, and what `between` does between the first two pages changes nothing."""
    answer = world.observe(**question)
    assert "late" not in answer
    total, items, pages = answer["total"], list(answer[field]), 1
    while "next_cursor" in answer:
        if between and pages == 1:
            between()
        if fresh:
            world.query = world.fresh_query()
        answer = world.observe(**question, cursor=answer["next_cursor"])
        assert answer["total"] == total
        items += answer[field]
        pages += 1
    assert len(items) == total
    return items


def fill(world: Any) -> None:
    """Session s with 3 traces of spans and logs, in two commits; session r beside it."""
    for n, trace in enumerate(("aa", "bb", "cc")):
        world.span(trace, "a", at=10 * n, kind="server", attributes=HTTP, session="s")
        world.span(trace, "b", "a", at=10 * n + 1, events=[("e", 10 * n + 2, {})])
        world.log(f"log {trace}", trace, "b", at=10 * n + 3)
        world.commit()
    world.span("dd", "a", session="r")
    world.commit()


def add_more(world: Any) -> None:
    """Earlier, in the middle, in a new trace, of a copy, and by a late binding: everything that could shift a page."""
    world.log("early", "aa", "a", at=0.5)
    world.span("bb", "c", "a", at=11)
    world.span("cc", "a", at=20, kind="server", attributes=HTTP, session="s", error=True)
    world.span("ee", "a", at=-5, session="s")
    world.log("binds", "ff", session="s", at=40)
    world.commit()


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_do_not_change_whatever_comes(new_world: Any, fresh: bool, limit: int) -> None:
    for field, question in (
        ("events", {"what": "session-trace", "session_id": "s"}),
        ("events", {"what": "session-trace", "pick": "last"}),
        ("timeline", {"what": "request-trace", "request_id": new_world.trace_id("aa")}),
        ("timeline", {"what": "request-trace", "pick": "last", "session_id": "s"}),
        ("sessions", {"what": "sessions"}),
        ("requests", {"what": "requests"}),
        ("requests", {"what": "requests", "session_id": "s"}),
        ("events", {"what": "logs"}),
        ("events", {"what": "logs", "session_id": "s", "until": "-1s"}),
    ):
        world = new_world()
        world.span("ff", "unbound", at=2)
        fill(world)
        whole = world.observe(**question, limit=1_000)[field]
        assert whole
        paged = walk(world, field, fresh, lambda world=world: add_more(world), **question, limit=limit)
        assert paged == whole


def test_late_counts_the_matching_events_that_have_come_since(world: Any) -> None:
    fill(world)
    question = {"what": "session-trace", "session_id": "s", "service": "shop", "limit": 2}
    first = world.observe(**question)
    assert world.observe(**question, cursor=first["next_cursor"])["late"] == 0
    world.log("more", "aa", "a")
    world.log("elsewhere", "aa", "a", service="other")
    world.log("of another", "dd")
    world.commit()
    later = world.observe(**question, cursor=first["next_cursor"])
    assert (later["late"], later["total"]) == (1, first["total"])
    lists = {
        what: world.observe(what=what, limit=1, cursor=world.observe(what=what, limit=1)["next_cursor"])["late"]
        for what in ("sessions", "requests", "logs")
    }
    assert lists == {"sessions": 0, "requests": 0, "logs": 0}


def test_late_counts_in_lists_and_requests(world: Any) -> None:
    fill(world)
    questions: list[dict[str, Any]] = [
        {"what": "sessions"},
        {"what": "requests"},
        {"what": "logs"},
        {"what": "request-trace", "request_id": world.trace_id("aa")},
    ]
    firsts = [world.observe(**question, limit=1) for question in questions]
    world.log("new", "ee", session="new")
    world.log("known", "aa")
    world.commit()
    late = [
        world.observe(**question, limit=1, cursor=first["next_cursor"])["late"]
        for question, first in zip(questions, firsts, strict=True)
    ]
    assert late == [1, 1, 2, 1]


@pytest.mark.parametrize(
    "other",
    [
        {"session_id": "r"},
        {"session_id": "ss"},
        {"pick": "last"},
        {"session_id": "s", "service": "shop"},
        {"session_id": "s", "limit": 3},
        {"session_id": "s", "budget": 2_001},
        {"session_id": "s", "format": "json"},
    ],
)
def test_other_arguments_with_a_cursor_are_an_error(world: Any, other: dict[str, Any]) -> None:
    fill(world)
    cursor = world.observe(what="session-trace", session_id="s", limit=2)["next_cursor"]
    with pytest.raises(QueryError, match=r"cursor: .*start again: observe\("):
        world.observe(**{"what": "session-trace", "limit": 2, "cursor": cursor, **other})
    with pytest.raises(QueryError, match="cursor: "):
        world.observe(what="logs", limit=2, cursor=cursor)


@pytest.mark.parametrize("damage", ["", "x", "9" * 5_000, "e30", base64.urlsafe_b64encode(b"[" * 900).decode()])
def test_what_is_no_cursor_is_an_error_that_names_the_call_to_restart_with(world: Any, damage: str) -> None:
    fill(world)
    cursor = world.observe(what="session-trace", session_id="s", limit=2)["next_cursor"]
    with pytest.raises(QueryError, match="cursor: "):
        world.observe(what="session-trace", session_id="s", limit=2, cursor=damage or cursor[:-9])


@pytest.mark.parametrize(
    "question",
    [
        {"what": "requests", "session_id": "shop-1"},
        {"what": "logs", "session_id": "shop-1"},
        {"what": "logs", "request_id": "abcdef"},
        {"what": "logs", "session_id": "shop-1", "request_id": "abcdef"},
        {"what": "session-trace", "session_id": "shop-1"},
        {"what": "request-trace", "request_id": "abcdef"},
    ],
)
@pytest.mark.parametrize("newcomer", [("shop-1", "123456"), ("shop-12", "abcdef99")])
def test_later_pages_keep_to_the_ids_that_a_prefix_meant_at_first(
    new_world: Any, question: dict[str, Any], newcomer: tuple[str, str]
) -> None:
    world = new_world()
    for n, trace in enumerate(("abcdef01", "bb", "cc")):
        world.span(trace, "a", at=10 * n, session="shop-1234567")
        world.log(f"log {n}", trace, at=10 * n + 1)
        world.log(f"log {n} again", trace, at=10 * n + 2)
    world.commit()
    field = {"requests": "requests", "request-trace": "timeline"}.get(question["what"], "events")
    whole = world.observe(**question, limit=1_000)[field]
    assert len(whole) > 1

    def arrive() -> None:
        session, trace = newcomer
        world.span(trace, "a", session=session)
        world.commit()

    assert walk(world, field, True, arrive, **question, limit=1) == whole


@pytest.mark.parametrize(
    "damage",
    [
        {"request_id": "zz"},
        {"request_id": ""},
        {"request_id": "é" * 32},
        {"session_id": "\ud800"},
        {"commit": -5},
        {"size": -1},
        {"now_unix_nano": 10**30},
        {"after": []},
        {"after": ["x", 1]},
        {"after": [10**40]},
    ],
)
def test_a_cursor_that_was_changed_is_an_error_that_names_the_call_to_restart_with(
    world: Any, damage: dict[str, Any]
) -> None:
    fill(world)
    for question in (
        {"what": "request-trace", "request_id": world.trace_id("aa"), "limit": 1},
        {"what": "logs", "request_id": world.trace_id("aa"), "session_id": "s", "limit": 1},
    ):
        world.log("more", "aa", at=4, session="s")
        world.commit()
        whole = world.observe(**question)["next_cursor"]
        raw = base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4))
        changed = json.dumps({**json.loads(raw[8:]), **damage}).encode()
        for start in (raw[:8], hashlib.blake2b(changed, digest_size=8).digest()):
            cursor = base64.urlsafe_b64encode(start + changed).decode()
            with pytest.raises(QueryError, match=rf'cursor: .*observe\(what="{question["what"]}"'):
                world.observe(**question, cursor=cursor)


def test_eviction_that_took_something_is_an_error_with_the_call_to_restart_with(world: Any) -> None:
    fill(world)
    cursors = {
        what: world.observe(what=what, limit=1, **more)["next_cursor"]
        for what, more in (("session-trace", {"session_id": "s"}), ("sessions", {}), ("logs", {}))
    }
    anyio.run(world.store.clear, "r")
    assert world.observe(what="session-trace", session_id="s", limit=1, cursor=cursors["session-trace"])["events"]
    with pytest.raises(QueryError, match=r'evicted.*observe\(what="sessions", limit=1\)'):
        world.observe(what="sessions", limit=1, cursor=cursors["sessions"])
    anyio.run(world.store.clear, "s")
    with pytest.raises(QueryError, match=r'evicted.*observe\(what="session-trace", session_id="s", limit=1\)'):
        world.observe(what="session-trace", session_id="s", limit=1, cursor=cursors["session-trace"])
    with pytest.raises(QueryError, match=r'evicted.*observe\(what="logs", limit=1\)'):
        world.observe(what="logs", limit=1, cursor=cursors["logs"])


def test_ages_count_from_the_first_page(world: Any) -> None:
    for n in range(3):
        world.log(f"log {n}", session="s", at=None)
        world.commit()
    question: dict[str, Any] = {"what": "logs", "since": "-2s", "limit": 1}
    first = world.observe(**question)
    assert first["total"] == 3
    world.now += 60_000_000_000
    second = world.observe(**question, cursor=first["next_cursor"])
    assert (second["total"], [event["body"] for event in second["events"]]) == (3, ["log 1"])


def test_a_cursor_from_another_store_is_an_error(new_world: Any) -> None:
    full, empty = new_world(), new_world()
    fill(full)
    cursor = full.observe(what="logs", limit=1)["next_cursor"]
    with pytest.raises(QueryError, match="another store"):
        empty.observe(what="logs", limit=1, cursor=cursor)
