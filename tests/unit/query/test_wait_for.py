"""Contract "wait_for": until the asked-for thing is there and at rest, or what is still missing."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from collector.errors import QueryError
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.query.waiting import QUIET_S, Probe, Waited, wait_for


def test_what_is_there_and_at_rest_is_answered_at_once(world: Any) -> None:
    world.log("x", session="s")
    world.commit()
    world.now += int(QUIET_S * 1e9)
    begin = time.monotonic()
    answer = world.observe(what="session-trace", session_id="s", wait_for=30)
    assert time.monotonic() - begin < QUIET_S / 2
    assert answer == world.observe(what="session-trace", session_id="s")


@pytest.mark.parametrize(
    "question",
    [
        {"what": "session-trace", "session_id": "other-one"},
        {"what": "session-trace", "pick": "last_error"},
        {"what": "session-trace", "session_id": "s", "event_types": "error"},
        {"what": "session-trace", "session_id": "s", "service": "nobody"},
        {"what": "session-trace", "pick": "last", "query": "y"},
        {"what": "session-trace", "session_id": "s", "since": "-1s"},
        {"what": "request-trace", "request_id": "abcdef"},
        {"what": "request-trace", "pick": "slowest", "session_id": "s", "url": "/y"},
        {"what": "logs", "session_id": "s", "severity": "ERROR"},
        {"what": "requests", "service": "nobody"},
        {"what": "sessions", "status": "error"},
    ],
)
def test_every_call_waits_for_what_matches_and_names_it_when_the_time_is_over(
    world: Any, question: Mapping[str, Any]
) -> None:
    world.log("x", "aa", session="s")
    world.commit()
    world.now += int(QUIET_S * 1e9)
    begin = time.monotonic()
    answer = world.observe(**question, wait_for=0.05)
    assert time.monotonic() - begin >= 0.05
    assert answer["notes"][0] == "waited 0.05 s: still missing, nothing that matches has arrived"
    assert answer["total"] == 0


def test_an_event_to_expand_is_waited_for_like_anything_else(world: Any) -> None:
    world.span("aa", "there")
    world.commit()
    world.now += int(QUIET_S * 1e9)
    question = {"what": "request-trace", "request_id": world.trace_id("aa"), "wait_for": 0.05}
    assert world.observe(**question, expand=world.span_id("there"))["total"] == 1
    begin = time.monotonic()
    with pytest.raises(QueryError, match=r"expand: .* no event of the request has this id"):
        world.observe(**question, expand=world.span_id("never"))
    assert time.monotonic() - begin >= 0.05


def test_an_id_that_could_mean_several_is_an_error_at_once(world: Any) -> None:
    world.log("x", "abcdef1", session="s")
    world.log("x", "abcdef2", session="s")
    world.commit()
    begin = time.monotonic()
    with pytest.raises(QueryError, match="begins 2 ids"):
        world.observe(what="request-trace", request_id="abcdef", wait_for=30)
    assert time.monotonic() - begin < 5


def test_a_wait_that_was_ended_early_says_how_long_it_was(world: Any) -> None:
    params = parse_params({"what": "sessions", "wait_for": 40})
    begin = time.monotonic()
    answer = world.query.observe(params, is_cancelled=lambda: time.monotonic() - begin > 0.2)
    said = answer["notes"][0].split(" ")
    assert answer["notes"][0] == (
        f"waited {said[1]} of 40 s, until the waiting was ended: still missing, nothing that matches has arrived"
    )
    assert 0.2 <= float(said[1]) <= 10


def test_a_later_page_is_there_and_cannot_change(world: Any) -> None:
    for n in range(3):
        world.log(f"log {n}", session="s", at=n)
    world.commit()
    question = {"what": "session-trace", "session_id": "s", "limit": 2}
    cursor = world.observe(**question)["next_cursor"]
    answer = world.observe(**question, cursor=cursor, wait_for=30)
    assert ([event["body"] for event in answer["events"]], "notes" in answer) == (["log 2"], False)


def test_it_waits_for_what_arrives_and_for_its_rest(world: Any) -> None:
    real = QueryService(world.store)
    world.now = time.time_ns()
    answers: list[dict[str, Any]] = []
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        answers.append(real.observe(parse_params({"what": "session-trace", "session_id": "s", "wait_for": 30})))

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(5)
    world.log("first", session="s", at=1)
    world.commit()
    world.log("of another", session="r")
    world.commit()
    world.log("second", session="s", at=2)
    world.commit()
    last = time.monotonic()
    thread.join(20)
    assert not thread.is_alive()
    assert time.monotonic() - last < 5
    assert [event["body"] for event in answers[0]["events"]] == ["first", "second"]
    assert "notes" not in answers[0]


class Ticking:
    """A store to which one thing is committed every `every_s`, on a clock that only waiting moves."""

    def __init__(self, every_s: float, upto: int) -> None:
        self.now_s = 100.0
        self._every_s = every_s
        self._upto = upto

    @property
    def commit(self) -> int:
        return min(self._upto, int((self.now_s - 100.0) / self._every_s))

    def position(self) -> Any:
        return self

    def commit_time_unix_nano(self, commit: int) -> int:
        return round((100.0 + commit * self._every_s) * 1e9)

    def wait_for_commit(self, after: int, timeout_s: float) -> int:
        end = self.now_s + timeout_s
        while self.commit <= after and self.now_s < end:
            self.now_s = min(end, self.now_s + 0.01)
        return self.commit

    def wait(self, seconds: float) -> Waited:
        reader: Any = self
        return wait_for(
            reader,
            lambda: Probe(self.commit > 0, self.commit),
            seconds,
            lambda: round(self.now_s * 1e9),
            lambda: self.now_s,
        )


def test_it_returns_one_quiet_second_after_the_last_commit_for_it() -> None:
    store = Ticking(0.5, upto=4)
    assert store.wait(45) == Waited(True, True)
    assert 102.99 <= store.now_s <= 103.2


def test_what_never_rests_is_answered_when_the_time_is_over() -> None:
    store = Ticking(0.5, upto=1_000)
    assert store.wait(10) == Waited(True, False)
    assert 109.99 <= store.now_s <= 110.1


def test_what_is_still_arriving_is_said(world: Any) -> None:
    world.log("x", session="s")
    world.commit()
    answer = world.observe(what="session-trace", session_id="s", wait_for=0.02)
    assert answer["notes"] == ["waited 0.02 s: more was still arriving"]
    assert answer["total"] == 1
