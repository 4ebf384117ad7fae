"""Contract "wait_for": until the asked-for thing is there and at rest, or what is still missing."""

import threading
import time
from typing import Any

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


def test_what_does_not_come_is_named_when_the_time_is_over(world: Any) -> None:
    world.log("x", session="s")
    world.commit()
    for question in (
        {"what": "session-trace", "session_id": "other-one"},
        {"what": "request-trace", "request_id": "abcdef"},
        {"what": "logs", "session_id": "s", "severity": "ERROR"},
        {"what": "requests", "pick": None},
        {"what": "sessions", "status": "error"},
    ):
        answer = world.observe(**question, wait_for=0.05)
        assert answer["notes"][0] == "waited 0.05 s: still missing, nothing that matches has arrived"


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
