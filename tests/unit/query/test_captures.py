"""Recorded traffic of real SDKs: sessions hold what their truth states, in causal order, in pages of any size."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIVE_SERVICES = ["baggage-mixed", "edge-grpc", "forward-http", "tracestate"]


def events_of(world: Any, session_id: str) -> list[dict[str, Any]]:
    """All events of a session, page by page."""
    events: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = world.observe(what="session-trace", session_id=session_id, limit=29, **cursor)
        events += answer["events"]
        if "next_cursor" not in answer:
            assert answer["total"] == len(events) == answer["session"]["event_count"]
            return events
        cursor = {"cursor": answer["next_cursor"]}


@pytest.mark.parametrize("name", FIVE_SERVICES)
def test_sessions_hold_what_the_manifest_states(capture: Callable[[str], Any], root: Path, name: str) -> None:
    manifest = json.loads((root / "tests" / "data" / "captures" / name / "manifest.json").read_text())
    world = capture(name)
    statuses = {item["request_id"]: item for item in world.observe(what="requests", limit=1_000)["requests"]}
    for session_id, truth in manifest["sessions"].items():
        events = events_of(world, session_id)
        assert len([event for event in events if event["signal"] == "span"]) == truth["span_total"]
        assert len([event for event in events if event["signal"] == "log"]) == truth["log_total"]
        for expected in truth["traces"]:
            own = [event for event in events if event["request_id"] == expected["trace_id"]]
            spans = [event for event in own if event["signal"] == "span"]
            assert Counter(event["service"] for event in spans) == Counter(expected["spans"])
            assert sum(event["error"] for event in spans) == expected["error_spans"]
            logs = Counter(event["service"] for event in own if event["signal"] == "log")
            assert logs == Counter(expected["logs"])
            assert statuses[expected["trace_id"]]["status"] == expected["http_status"]
            assert ("cause" in statuses[expected["trace_id"]]) == (expected["http_status"] >= 500)
    assert world.observe(what="sessions")["total"] == len(manifest["sessions"])


@pytest.mark.parametrize("name", [*FIVE_SERVICES, "browser", "telemetrygen", "emit", "emit-rust"])
def test_order_is_causal_and_ids_are_unique(capture: Callable[[str], Any], name: str) -> None:
    world = capture(name)
    for record in world.observe(what="sessions", limit=1_000)["sessions"]:
        events = events_of(world, record["session_id"])
        assert len({event["id"] for event in events}) == len(events)
        place = {
            (event["request_id"], event["span_id"]): position
            for position, event in enumerate(events)
            if event["signal"] == "span"
        }
        for position, event in enumerate(events):
            assert event["session_id"] == record["session_id"]
            cause = event.get("parent_span_id") if event["signal"] == "span" else event.get("span_id")
            assert place.get((event.get("request_id", ""), cause or ""), -1) < position


def test_list_and_trace_agree_on_every_request(capture: Callable[[str], Any]) -> None:
    for name in ("edge-grpc", "browser"):
        world = capture(name)
        for record in world.observe(what="requests", limit=1_000)["requests"]:
            assert world.observe(what="request-trace", request_id=record["request_id"])["request"] == record
        for record in world.observe(what="sessions", limit=1_000)["sessions"]:
            whole = world.observe(what="session-trace", session_id=record["session_id"])["session"]
            assert whole == record
