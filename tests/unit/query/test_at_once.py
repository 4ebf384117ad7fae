"""Several agents ask one service at once: nobody waits for another's timeline, and each list is whole."""

import gc
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from collector.query.params import parse_params

BOUND_S = 10


@pytest.fixture
def shop(world: Any) -> Any:
    """Sessions s1 to s4, each with a failed request of its own."""
    for n in range(1, 5):
        world.span(
            f"a{n}", "entry", at=n, kind="server", session=f"s{n}", error=True, attributes={"http.method": "GET"}
        )
        world.log(f"log {n}", f"a{n}", "entry", at=n, session=f"s{n}")
    world.commit()
    return world


def ask_all(world: Any, questions: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Ask in a thread each; returns the answers in order."""
    with ThreadPoolExecutor(len(questions)) as threads:
        asked = [threads.submit(world.query.observe, parse_params(question)) for question in questions]
        return [future.result(BOUND_S) for future in asked]


@pytest.mark.parametrize(
    "questions",
    [
        [{"what": "session-trace", "session_id": "s1"}, {"what": "session-trace", "session_id": "s2"}],
        [{"what": "session-trace", "session_id": "s1"}, {"what": "request-trace", "request_id": "a20000"}],
        [{"what": "session-trace", "pick": "last"}, {"what": "session-trace", "session_id": "s1"}],
    ],
)
def test_two_slow_timelines_are_read_at_once(
    shop: Any, monkeypatch: pytest.MonkeyPatch, questions: list[Mapping[str, Any]]
) -> None:
    both_read = threading.Barrier(2)
    met = threading.local()
    traces: Callable[..., Any] = shop.store.traces

    def slow(*arguments: Any) -> Any:
        if not hasattr(met, "once"):
            met.once = True
            both_read.wait(BOUND_S)
        return traces(*arguments)

    alone = [shop.fresh_query().observe(parse_params(question)) for question in questions]
    monkeypatch.setattr(shop.store, "traces", slow)
    assert ask_all(shop, questions) == alone


def test_a_timeline_does_not_wait_for_a_slow_list(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listing, answered = threading.Event(), threading.Event()
    traces: Callable[..., Any] = shop.store.traces
    list_thread: list[int] = []

    def slow(*arguments: Any) -> Any:
        if threading.get_ident() in list_thread:
            listing.set()
            assert answered.wait(BOUND_S)
        return traces(*arguments)

    monkeypatch.setattr(shop.store, "traces", slow)

    def list_sessions() -> dict[str, Any]:
        list_thread.append(threading.get_ident())
        return shop.observe(what="sessions", status="error")

    with ThreadPoolExecutor(1) as thread:
        listed = thread.submit(list_sessions)
        assert listing.wait(BOUND_S)
        assert shop.observe(what="session-trace", session_id="s1")["total"] == 2
        assert shop.observe(what="request-trace", request_id="a20000")["total"] == 2
        answered.set()
        assert listed.result(BOUND_S)["total"] == 4


def test_many_questions_at_once_give_the_answers_of_one_after_another(shop: Any) -> None:
    questions: list[Mapping[str, Any]] = [
        *({"what": "session-trace", "session_id": f"s{n}"} for n in range(1, 5)),
        *({"what": "request-trace", "request_id": f"a{n}0000"} for n in range(1, 5)),
        {"what": "request-trace", "pick": "last_error"},
        *({"what": what} for what in ("sessions", "requests", "logs", "status")),
        {"what": "sessions", "status": "error"},
    ]
    alone = [shop.fresh_query().observe(parse_params(question)) for question in questions]
    for _ in range(5):
        shop.query = shop.fresh_query()
        assert ask_all(shop, questions) == alone
    assert gc.isenabled()
