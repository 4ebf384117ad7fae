"""What bounds a question, at its edge."""

from typing import Any

import pytest

from collector.query import catalog, failure, pages, snapshot, views
from collector.query.params import parse_params
from collector.query.values import VALUE_BYTES_MAX, shown_value

HTTP = {"http.request.method": "GET", "url.full": "http://shop.test/x"}


def partial(answer: dict[str, Any]) -> list[str]:
    """The notes that say that something was left out."""
    return [note for note in answer.get("notes", ()) if note.startswith("partial: ")]


def test_events_of_one_trace(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        world.log(f"log {n}", "t", at=n, session="s")
    world.commit()
    for limit, expected in ((5, []), (4, [f"partial: only the first 4 events of {world.trace_id('t')} were read"])):
        monkeypatch.setattr(snapshot, "TRACE_EVENTS_MAX", limit)
        for question in ({"what": "session-trace", "session_id": "s"}, {"what": "logs"}):
            answer = world.fresh_query().observe(parse_params(question))
            assert (answer["total"], partial(answer)) == (limit, expected)


@pytest.mark.parametrize("question", [{"what": "session-trace", "session_id": "s"}, {"what": "request-trace"}])
def test_a_timeline_that_is_partial_says_so_each_time_and_on_each_page(
    world: Any, monkeypatch: pytest.MonkeyPatch, question: dict[str, Any]
) -> None:
    for n in range(5):
        world.log(f"log {n}", "t", at=n, session="s")
    world.commit()
    monkeypatch.setattr(snapshot, "TRACE_EVENTS_MAX", 4)
    asked = question | ({} if "session_id" in question else {"request_id": world.trace_id("t")})
    first = world.observe(**asked, limit=2)
    again = world.observe(**asked, limit=2)
    page = world.observe(**asked, limit=2, cursor=again["next_cursor"])
    expected = [f"partial: only the first 4 events of {world.trace_id('t')} were read"]
    assert [(answer["total"], partial(answer)) for answer in (first, again, page)] == [(4, expected)] * 3


def test_traces_in_the_catalog(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "COMMITS_PER_READ", 1)
    for n in range(1, 5):
        world.span(f"{n:02x}", "a", at=n, session=f"s{n}")
        world.commit()
    for limit, sessions, notes in ((4, 4, 0), (3, 3, 1)):
        monkeypatch.setattr(catalog, "CATALOG_TRACES_MAX", limit)
        answer = world.fresh_query().observe(parse_params({"what": "sessions"}))
        assert (answer["total"], len(partial(answer))) == (sessions, notes)
        assert answer["sessions"][0]["session_id"] == "s4"


def test_bodies_are_read_in_bounded_pieces(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        world.log(f"log {n}", session="s", at=n)
    world.commit()
    monkeypatch.setattr(snapshot, "BODIES_PER_READ_MAX", 2)
    monkeypatch.setattr(pages, "BODIES_PER_READ_MAX", 2)
    assert world.names(what="session-trace", session_id="s", query="LOG") == [f"log {n}" for n in range(5)]


def test_the_cause_is_looked_for_in_a_bounded_number_of_events(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        world.log(f"noise {n}", "t", "a", at=0.1)
    world.span("t", "a", kind="server", attributes=HTTP, error=True, message="broken", took=9)
    world.commit()
    for limit, notes in ((4, 0), (3, 1)):
        monkeypatch.setattr(failure, "CAUSE_EVENTS_MAX", limit)
        answer = world.fresh_query().observe(parse_params({"what": "request-trace", "pick": "last"}))
        assert "broken" in answer["request"]["cause"]["reason"]
        assert len(partial(answer)) == notes


@pytest.mark.parametrize(("limit", "kept"), [("VIEWS_CACHED_MAX", 2), ("VIEW_ROWS_CACHED_MAX", 3)])
def test_only_the_last_few_views_are_kept(world: Any, monkeypatch: pytest.MonkeyPatch, limit: str, kept: int) -> None:
    for n in range(1, 5):
        world.log("x", f"{n:02x}", session=f"s{n}")
    world.commit()
    monkeypatch.setattr(views, limit, kept)
    cache = views.Views()
    built: list[str] = []

    def get(name: str) -> None:
        seen = snapshot.Snapshot(world.store, 1, snapshot.TimeLimit())

        def build() -> views.View | None:
            built.append(name)
            return views.session_view(seen, name)

        assert cache.get((name,), seen, build) is not None

    names = [f"s{n}" for n in range(1, kept + 2)]
    for name in names:
        get(name)
    for name in reversed(names):
        get(name)
    assert built == [*names, names[0]]


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("a" * VALUE_BYTES_MAX, True),
        ("a" * (VALUE_BYTES_MAX + 1), False),
        ("é" * (VALUE_BYTES_MAX // 2), True),
        ("é" * (VALUE_BYTES_MAX // 2) + "a", False),
        (["a" * (VALUE_BYTES_MAX - 4)], True),
        (["a" * (VALUE_BYTES_MAX - 3)], False),
        (b"\0" * (VALUE_BYTES_MAX // 4 * 3), True),
        (b"\0" * (VALUE_BYTES_MAX // 4 * 3 + 1), False),
    ],
)
def test_one_value(value: Any, fits: bool) -> None:
    shown, was_cut = shown_value(value)
    assert was_cut is not fits
    assert isinstance(shown, str | list)
    assert not was_cut or len(str(shown).encode()) <= VALUE_BYTES_MAX
