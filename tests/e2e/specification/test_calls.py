"""The two calls of the specification, with each of their parameters and fields, as an MCP client makes them."""

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., dict[str, Any]]

SESSION_ID = "session-a7f8e3d9c1b2e4f6"
CHECKOUT_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
IN_ORDER = [
    "documentLoad",
    "POST /checkout",
    "POST",
    "POST /orders",
    "card declined",
    "payment.attempt",
    "left the order open",
]


def named(events: list[dict[str, Any]]) -> list[str]:
    """What each event is called: its name, or the body of a log without one."""
    return [event.get("name") or event["body"] for event in events]


@pytest.mark.requirement(
    "session-trace:handler",
    "session-trace:chronological",
    "session-trace:session-id",
    "session-trace:total",
)
def test_session_trace_answers_with_all_events_in_order(ask: Ask) -> None:
    answer = ask(what="session-trace", session_id=SESSION_ID)
    assert named(answer["events"]) == IN_ORDER
    assert (answer["session_id"], answer["total"], answer.get("next_cursor")) == (SESSION_ID, 7, None)


@pytest.mark.requirement("session-trace:time-range")
@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-11-22T10:00:01Z", None, IN_ORDER[1:]),
        (None, "2026-11-22T10:00:01Z", IN_ORDER[:1]),
        ("2026-11-22T10:00:01.1Z", "2026-11-22T10:00:01.2Z", IN_ORDER[2:4]),
    ],
)
def test_session_trace_keeps_to_a_range_of_time(
    ask: Ask, since: str | None, until: str | None, expected: list[str]
) -> None:
    bounds = {name: value for name, value in (("since", since), ("until", until)) if value}
    assert named(ask(what="session-trace", session_id=SESSION_ID, **bounds)["events"]) == expected


@pytest.mark.requirement("session-trace:event-types")
@pytest.mark.parametrize(
    ("event_types", "expected"),
    [
        (["network"], IN_ORDER[1:4]),
        (["span"], IN_ORDER[:1]),
        (["event"], ["payment.attempt"]),
        (["log"], IN_ORDER[4:]),
        (["error"], ["POST /checkout", "card declined"]),
        (["span", "error"], ["documentLoad", "POST /checkout", "card declined"]),
    ],
)
def test_session_trace_keeps_to_types_of_events(ask: Ask, event_types: list[str], expected: list[str]) -> None:
    answer = ask(what="session-trace", session_id=SESSION_ID, event_types=event_types)
    assert named(answer["events"]) == expected
    assert answer["total"] == len(expected)


@pytest.mark.requirement("session-trace:service")
def test_session_trace_keeps_to_a_service(ask: Ask) -> None:
    answer = ask(what="session-trace", session_id=SESSION_ID, service="orders")
    assert named(answer["events"]) == IN_ORDER[3:]


@pytest.mark.requirement("session-trace:limit", "session-trace:pagination")
def test_session_trace_is_read_page_by_page(ask: Ask) -> None:
    pages = [ask(what="session-trace", session_id=SESSION_ID, limit=3)]
    while "next_cursor" in pages[-1]:
        pages.append(ask(what="session-trace", session_id=SESSION_ID, limit=3, cursor=pages[-1]["next_cursor"]))
    assert [named(page["events"]) for page in pages] == [IN_ORDER[:3], IN_ORDER[3:6], IN_ORDER[6:]]
    assert [page["total"] for page in pages] == [7, 7, 7]


@pytest.mark.requirement(
    "request-trace:handler",
    "request-trace:request",
    "request-trace:related-logs",
    "request-trace:related-events",
    "request-trace:timeline",
)
def test_request_trace_answers_with_record_logs_events_and_timeline(ask: Ask) -> None:
    answer = ask(what="request-trace", request_id=CHECKOUT_ID)
    assert answer["request"]["request_id"] == CHECKOUT_ID
    assert named(answer["timeline"]) == IN_ORDER[1:]
    assert answer["total"] == 6
    assert named(answer["related_logs"]) == IN_ORDER[4:]
    assert named(answer["related_events"]) == ["payment.attempt"]
