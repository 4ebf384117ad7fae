"""An error that a later copy of its span superseded is none: not in lists, their filters and totals, nor in `pick`."""

from typing import Any

import pytest

from collector.query import error_check
from collector.query.catalog import Catalog
from collector.query.snapshot import Snapshot, TimeLimit

HTTP = {"http.request.method": "GET", "url.full": "http://shop.test/x"}


def mended(world: Any, session: str, trace: str, at: float, *, together: bool = False) -> None:
    """A request of which a copy with an error came first, still running, then the complete one without."""
    span = {"at": at, "kind": "server", "attributes": HTTP, "session": session}
    world.span(trace, "a", **span, took=None, error=True, message="still running")
    if not together:
        world.commit()
    world.span(trace, "a", **span, took=5)
    world.commit()


def failed(world: Any, session: str, trace: str, at: float) -> None:
    """A request that failed."""
    world.span(trace, "a", at=at, kind="server", attributes=HTTP, session=session, error=True)
    world.commit()


def has_errors(world: Any) -> dict[str, bool]:
    """By session, the same in list and timeline."""
    listed = {item["session_id"]: item["has_errors"] for item in world.observe(what="sessions")["sessions"]}
    for session_id, told in listed.items():
        assert world.observe(what="session-trace", session_id=session_id)["session"]["has_errors"] == told
    return listed


@pytest.mark.parametrize("together", [False, True])
def test_list_and_timeline_agree_on_errors(world: Any, together: bool) -> None:
    mended(world, "mended", "aa", 0, together=together)
    failed(world, "failed", "bb", 10)
    for n in range(6):
        mended(world, "both", f"c{n}", 20 + n, together=together)
    failed(world, "both", "dd", 30)
    assert has_errors(world) == {"mended": False, "failed": True, "both": True}


def test_the_filter_is_right_over_all_pages(world: Any) -> None:
    for n in range(10):
        (failed if n % 3 == 0 else mended)(world, f"s{n}", f"{n + 1:02x}", n)
    question = {"what": "sessions", "status": "error", "limit": 2}
    pages = [world.observe(**question)]
    while "next_cursor" in pages[-1]:
        pages.append(world.observe(**question, cursor=pages[-1]["next_cursor"]))
    assert [[item["session_id"] for item in page["sessions"]] for page in pages] == [["s9", "s6"], ["s3", "s0"]]
    assert {page["total"] for page in pages} == {4}


def test_pick_of_the_last_error_passes_over_what_was_mended(world: Any) -> None:
    failed(world, "failed", "aa", 0)
    mended(world, "mended", "bb", 10)
    assert world.observe(what="session-trace", pick="last_error")["session_id"] == "failed"


def test_a_request_without_entry_span_fails_by_what_its_timeline_shows(world: Any) -> None:
    world.span("aa", "a", took=None, error=True)
    world.commit()
    world.span("aa", "a", took=5)
    world.commit()
    assert world.observe(what="requests", status="error")["total"] == 0
    assert "cause" not in world.observe(what="request-trace", pick="last")["request"]


def test_what_comes_later_is_looked_at_again_and_earlier_pages_stay(world: Any) -> None:
    mended(world, "s", "aa", 0)
    failed(world, "r", "bb", 10)
    question = {"what": "sessions", "limit": 1}
    cursor = world.observe(**question)["next_cursor"]
    failed(world, "s", "cc", 1)
    assert has_errors(world) == {"s": True, "r": True}
    (old,) = world.observe(**question, cursor=cursor)["sessions"]
    assert (old["session_id"], old["has_errors"]) == ("s", False)


def test_an_error_log_is_an_error_whatever_was_copied(world: Any) -> None:
    mended(world, "s", "aa", 0)
    world.log("bad", "aa", "a", severity=17)
    world.commit()
    assert has_errors(world) == {"s": True}


def test_only_so_many_traces_are_read_at_once(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_check, "TRACES_PER_READ_MAX", 2)
    for n in range(5):
        mended(world, f"s{n}", f"{n + 1:02x}", n)
    failed(world, "r", "aa", 9)
    read: list[int] = []
    traces = world.store.traces

    def counting(trace_keys: Any, *rest: Any) -> Any:
        read.append(len(trace_keys))
        return traces(trace_keys, *rest)

    monkeypatch.setattr(world.store, "traces", counting)
    assert world.observe(what="sessions", status="error")["total"] == 1
    assert read[:3] == [2, 2, 2]
    del read[:]
    # What was found is kept until something is added.
    assert world.observe(what="sessions", status="error")["total"] == 1
    assert read == []


def test_when_the_time_is_over_what_was_not_looked_at_counts_as_written(world: Any) -> None:
    mended(world, "s", "aa", 0)
    position = world.store.position()
    catalog = Catalog(world.store)
    catalog.advance(position, Snapshot(world.store, position.commit, TimeLimit()))
    for seconds, expected in ((0.0, True), (60.0, False)):
        snapshot = Snapshot(world.store, position.commit, TimeLimit(seconds))
        (checked,) = error_check.errors_checked(catalog, snapshot, [facts for _, facts in catalog.sessions(snapshot)])
        assert checked.has_errors == expected
        assert ["copies" in note for note in snapshot.notes] == [True] * expected
