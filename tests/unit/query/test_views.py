"""What a question reads while others send: nothing of a session laid out before, the requests of a page at once."""

import random
from typing import Any

import pytest

from collector.query import catalog
from collector.query.params import parse_params

SESSION = parse_params({"what": "session-trace", "session_id": "s"})


@pytest.fixture
def reads(world: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was read for each laying out: the traces."""
    read: list[Any] = []
    traces = world.store.traces

    def noted(trace_keys: Any, *rest: Any) -> Any:
        read.append(list(trace_keys))
        return traces(trace_keys, *rest)

    monkeypatch.setattr(world.store, "traces", noted)
    return read


def test_what_others_send_does_not_lay_a_session_out_again(world: Any, reads: list[Any]) -> None:
    world.span("1", "a", session="s")
    world.commit()
    first = world.query.observe(SESSION)
    reads.clear()
    for number in range(2, 5):
        world.span(f"{number}", "b", session="t")
        world.log("of nobody", "")
        world.commit()
        assert world.query.observe(SESSION) == first
    assert reads == []


def test_its_pages_stay_those_of_their_first_when_the_session_goes_on(world: Any, reads: list[Any]) -> None:
    for number in range(4):
        world.span("1", f"{number}", at=number, session="s")
    world.commit()
    page = parse_params({"what": "session-trace", "session_id": "s", "limit": 2})
    cursor = world.query.observe(page)["next_cursor"]
    world.span("2", "of another", session="t")
    world.commit()
    world.query.observe(page)
    world.span("1", "late", at=0.5)
    world.commit()
    assert world.query.observe(page)["total"] == 5
    reads.clear()
    second = world.query.observe(page.model_copy(update={"cursor": cursor}))
    assert ([event["name"] for event in second["events"]], second["total"], second["late"]) == (["2", "3"], 4, 1)
    assert reads == []


def test_an_answer_that_was_kept_is_the_one_that_a_fresh_reader_gives(world: Any) -> None:
    chosen = random.Random(11)
    for number in range(120):
        trace, owner = f"{chosen.randrange(4):02x}", chosen.choice(["", "", "s", "t"])
        if chosen.random() < 0.3:
            world.log(f"{number}", chosen.choice(["", trace]), session=owner)
        else:
            world.span(trace, f"{number}", at=number, session=owner, error=chosen.random() < 0.1)
        world.commit()
        if chosen.random() < 0.7:
            assert world.query.observe(SESSION) == world.fresh_query().observe(SESSION)


@pytest.mark.parametrize(("events_max", "reads_expected"), [(2, [3]), (1, [2, 1])])
def test_the_requests_of_a_page_are_read_at_once_but_for_large_ones(
    world: Any, reads: list[Any], monkeypatch: pytest.MonkeyPatch, events_max: int, reads_expected: list[int]
) -> None:
    monkeypatch.setattr(catalog, "READ_AHEAD_EVENTS_MAX", events_max)
    for number in range(1, 4):
        world.span(f"{number}", "a", at=number, kind="server", attributes={"http.request.method": "GET"})
    world.span("2", "b", "a", at=2)
    world.commit()
    requests = parse_params({"what": "requests"})
    first = world.query.observe(requests)
    assert [len(traces) for traces in reads] == reads_expected
    reads.clear()
    assert (world.query.observe(requests), reads) == (first, [])
