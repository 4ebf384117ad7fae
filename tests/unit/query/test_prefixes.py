"""Contract "Calls": complete ids win, unique prefixes do, ambiguous ones name the candidates; wrong ids are told."""

from collections.abc import Callable
from typing import Any

import pytest

from collector.errors import QueryError
from collector.query.prefixes import request_id_of, session_id_of

LONG = "session-9f2c11aa22bb33cc44dd55ee66ff7788"


@pytest.fixture
def sessions(world: Any) -> Any:
    """Sessions whose ids begin one another."""
    for name in ("s", "shop-1", "shop-1234567", "shop-12345678", LONG, "session-9f2c22", "Äpfel-und-Birnen"):
        world.log(f"of {name}", session=name)
    world.commit()
    return world


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("s", "s"),
        ("shop-1", "shop-1"),
        ("shop-1234567", "shop-1234567"),
        ("shop-12345678", "shop-12345678"),
        ("session-9f2c1", LONG),
        ("9f2c11", LONG),
        ("9f2c11…", LONG),
        ("session-9f2c11aa22bb…", LONG),
        (" 9f2c22 ", "session-9f2c22"),
        ("Äpfel-", "Äpfel-und-Birnen"),
    ],
)
def test_what_is_typed_means_one_session(sessions: Any, typed: str, meant: str) -> None:
    for what in ("session-trace", "logs"):
        assert sessions.names(what=what, session_id=typed) == [f"of {meant}"]


@pytest.mark.parametrize(
    ("typed", "candidates"),
    [("shop-12", ["shop-1234567", "shop-12345678"]), ("session-9f2c", ["session-9f2c11", "session-9f2c22"])],
)
def test_an_ambiguous_prefix_is_an_error_with_the_candidates(sessions: Any, typed: str, candidates: list[str]) -> None:
    with pytest.raises(QueryError, match="session_id: ") as raised:
        sessions.observe(what="session-trace", session_id=typed)
    assert all(candidate in str(raised.value) for candidate in candidates)
    assert "A valid call: observe(" in str(raised.value)


def test_an_id_behind_two_labels_is_found_once(world: Any) -> None:
    world.log("of both", session="session-session-9")
    world.commit()
    assert world.names(what="logs", session_id="session-") == ["of both"]


def test_candidates_are_quoted_in_the_call(world: Any) -> None:
    for name in ('say "a" now', 'say "a" then'):
        world.log("hello", session=name)
    world.commit()
    with pytest.raises(QueryError) as raised:
        world.observe(what="session-trace", session_id='say "a"')
    assert str(raised.value).endswith(r'A valid call: observe(what="session-trace", session_id="say \"a\" now")')


@pytest.mark.parametrize("resolve", [session_id_of, request_id_of])
def test_what_is_no_utf_8_is_an_error(world: Any, resolve: Callable[[Any, str], Any]) -> None:
    with pytest.raises(QueryError, match=r"_id: '\\udcffabcdefg' is no UTF-8; copy the id from a list"):
        resolve(world.store, "\udcffabcdefg")


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [("9f2c1", LONG), ("shop-99999", "shop-1"), ("SHOP-1234567", "shop-1234567"), ("session-9f2d", LONG)],
)
@pytest.mark.parametrize("what", ["session-trace", "requests", "logs"])
def test_a_wrong_id_gives_an_empty_answer_that_lists_the_nearest(
    sessions: Any, what: str, typed: str, nearest: str
) -> None:
    answer = sessions.observe(what=what, session_id=typed)
    assert answer["total"] == 0
    (note,) = answer["notes"]
    assert note.startswith(f"no session with the id {typed!r} is stored")
    assert nearest in note


def test_an_id_without_matching_data_is_told_from_a_wrong_one(sessions: Any) -> None:
    answer = sessions.observe(what="session-trace", session_id="s", service="nowhere")
    assert (answer["session_id"], answer["events"], answer["total"]) == ("s", [], 0)
    assert answer["notes"] == ["it is stored with 1 events, but none matches the filters"]


@pytest.mark.parametrize(
    "typed", ["abcdef", "ABCDEF", "abcdef…", "abcdef0000000000000000000000000", "ABCDEF" + "0" * 26]
)
def test_request_ids_in_either_case(world: Any, typed: str) -> None:
    world.span("abcdef", "a")
    world.span("abcdff", "b")
    world.commit()
    assert world.names(what="request-trace", request_id=typed) == ["a"]


def test_a_traceparent_names_its_request(world: Any) -> None:
    world.span("abcdef", "a")
    world.commit()
    assert world.names(what="request-trace", request_id=f"00-{world.trace_id('abcdef')}-00f067aa0ba902b7-01") == ["a"]


def test_an_ambiguous_request_prefix_is_an_error_with_the_candidates(world: Any) -> None:
    world.span("abcdef01", "a")
    world.span("abcdef02", "b")
    world.commit()
    with pytest.raises(QueryError, match="request_id: ") as raised:
        world.observe(what="request-trace", request_id="abcdef")
    assert world.trace_id("abcdef01") in str(raised.value)
    assert world.trace_id("abcdef02") in str(raised.value)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("abcde", "a prefix needs 6 characters"),
        ("abcdee", "the nearest: abcdef00"),
        ("abcd", "the nearest: abcdef00"),
        ("req-1", "a request id is a trace id: 32 hex digits"),
    ],
)
@pytest.mark.parametrize("what", ["request-trace", "logs"])
def test_a_wrong_request_id_gives_an_empty_answer_that_says_why(world: Any, what: str, typed: str, told: str) -> None:
    world.span("abcdef", "a")
    world.commit()
    answer = world.observe(what=what, request_id=typed)
    assert answer["total"] == 0
    assert told in answer["notes"][0]


def test_the_nearest_ids_begin_with_what_was_typed_if_any_does(world: Any) -> None:
    for trace in ("89860000", "8986c195", "8987", "8985"):
        world.span(trace, trace)
    world.commit()
    answer = world.observe(what="request-trace", request_id="8986")
    assert answer["notes"][0].partition("; the nearest: ")[2].split(", ") == [
        world.trace_id("89860000"),
        world.trace_id("8986c195"),
    ]


def test_an_empty_store_has_no_nearest_ids(world: Any) -> None:
    answer = world.observe(what="session-trace", session_id="nobody")
    assert answer == {
        "session_id": "nobody",
        "events": [],
        "total": 0,
        "notes": ["no session with the id 'nobody' is stored, nor any other session"],
    }
