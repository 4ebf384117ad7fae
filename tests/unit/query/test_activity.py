"""Activity of sessions: every event once, in the stretch of time that it began in."""

from collections.abc import Callable
from typing import Any

import pytest

from collector.errors import QueryError
from collector.query.activity import ACTIVITY_BUCKETS, ACTIVITY_SESSIONS_MAX

LAST = ACTIVITY_BUCKETS - 1


def filled(buckets: list[int]) -> dict[int, int]:
    assert len(buckets) == ACTIVITY_BUCKETS
    return {index: count for index, count in enumerate(buckets) if count}


def test_events_and_errors_are_counted_where_they_began(world: Any) -> None:
    world.span("one", "page", at=0, took=900, session="alice", events=[("click", 479.9, {}), ("exception", 480, {})])
    world.span("one", "call", "page", at=240, took=500, error=True)
    world.log("later", trace="one", at=479.5)
    world.span("two", "other", at=100, session="bob")
    world.log("last", at=480, session="alice", severity=17)
    world.commit()
    assert world.query.activity(["alice"]) == {
        "buckets": ACTIVITY_BUCKETS,
        "sessions": [
            {
                "session_id": "alice",
                "started_at": "2023-11-14T22:13:20.000000000Z",
                "last_activity": "2023-11-14T22:13:20.480000000Z",
                "ended_at": "2023-11-14T22:13:20.900000000Z",
                "events": [1, *[0] * 23, 1, *[0] * 22, 4],
                "errors": [0, *[0] * 23, 1, *[0] * 22, 2],
            }
        ],
        "partial": False,
    }


def test_records_of_another_session_in_the_same_trace_do_not_count(world: Any) -> None:
    world.span("shared", "a", session="alice")
    world.span("shared", "b", at=1, session="bob")
    world.log("of both", trace="shared", at=2)
    world.commit()
    by_session = {each["session_id"]: each for each in world.query.activity(["alice", "bob"])["sessions"]}
    assert filled(by_session["alice"]["events"]) == {0: 1, LAST: 1}
    assert filled(by_session["bob"]["events"]) == {0: 1, LAST: 1}


def test_a_session_of_one_moment_is_one_bucket(world: Any) -> None:
    world.span("one", "a", session="alice")
    world.span("one", "b", session="alice")
    world.commit()
    (alice,) = world.query.activity(["alice"])["sessions"]
    assert filled(alice["events"]) == {0: 2}


def test_sessions_come_once_in_the_order_asked_for_and_unknown_ones_not_at_all(world: Any) -> None:
    for session_id in ("alice", "bob"):
        world.span(session_id, "a", session=session_id)
    world.commit()
    found = world.query.activity(["bob", "nobody", "alice", "bob"])
    assert [each["session_id"] for each in found["sessions"]] == ["bob", "alice"]
    assert found["partial"] is False


def test_what_there_was_no_time_for_is_missing_and_said(world: Any) -> None:
    world.span("one", "a", session="alice")
    world.commit()
    assert world.fresh_query(time_limit_s=0).activity(["alice"]) == {
        "buckets": ACTIVITY_BUCKETS,
        "sessions": [],
        "partial": True,
    }


def test_the_number_of_sessions_is_bounded(world: Any) -> None:
    names = [f"session {number}" for number in range(ACTIVITY_SESSIONS_MAX + 1)]
    assert world.query.activity(names[:-1])["sessions"] == []
    for wrong in (names, []):
        with pytest.raises(QueryError, match=f"session_id: {len(wrong)} were given; give 1 to {ACTIVITY_SESSIONS_MAX}"):
            world.query.activity(wrong)


@pytest.mark.parametrize("name", ["browser", "edge-grpc", "telemetrygen", "tracestate", "baggage-mixed"])
def test_the_counts_add_up_to_the_records_of_the_list(capture: Callable[[str], Any], name: str) -> None:
    world = capture(name)
    records = world.observe(what="sessions", limit=ACTIVITY_SESSIONS_MAX)["sessions"]
    found = world.query.activity([record["session_id"] for record in records])["sessions"]
    told = [
        (each["session_id"], each["started_at"], each["last_activity"], sum(each["events"]), sum(each["errors"]) > 0)
        for each in found
    ]
    assert told == [
        (
            record["session_id"],
            record["started_at"],
            record["last_activity"],
            record["event_count"],
            record["has_errors"],
        )
        for record in records
    ]
