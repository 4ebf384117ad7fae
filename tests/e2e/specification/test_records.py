"""The records of the specification, field by field, as an MCP client reads them."""

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., dict[str, Any]]

SESSION_ID = "session-a7f8e3d9c1b2e4f6"
OTHER_SESSION_ID = "session-00000000000000000000000000000b0b"
PAGE_ID = "0af7651916cd43dd8448eb211c80319c"
CHECKOUT_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.requirement(
    "session-index:lookup",
    "session-index:metadata",
    "session-record:session-id",
    "session-record:ip-address",
    "session-record:started-at",
    "session-record:last-activity",
    "session-record:request-ids",
    "session-record:services",
    "session-record:event-count",
    "session-record:has-errors",
)
def test_a_session_is_found_by_its_id_with_its_whole_record(ask: Ask) -> None:
    assert ask(what="session-trace", session_id=SESSION_ID)["session"] == {
        "session_id": SESSION_ID,
        "user_agent": "Firefox/145",
        "ip_address": "203.0.113.7",
        "started_at": "2026-11-22T10:00:00.000000000Z",
        "last_activity": "2026-11-22T10:00:01.220000000Z",
        "request_ids": [PAGE_ID, CHECKOUT_ID],
        "request_count": 2,
        "services": ["browser", "orders", "shop"],
        "event_count": 7,
        "has_errors": True,
        "first_url": "http://shop.test/",
        "cause": {
            "service": "orders",
            "span_id": "ffffffffffffffff",
            "operation": "POST /orders",
            "reason": '"card declined"',
        },
    }


@pytest.mark.requirement(
    "request-index:lookup",
    "request-index:relations",
    "header:traceparent",
    "request-record:request-id",
    "request-record:session-id",
    "request-record:method",
    "request-record:url",
    "request-record:status",
    "request-record:started-at",
    "request-record:completed-at",
    "request-record:duration-ms",
    "request-record:child-requests",
    "request-record:service-calls",
)
def test_a_request_is_found_by_its_id_with_its_whole_record(ask: Ask) -> None:
    assert ask(what="request-trace", request_id=CHECKOUT_ID)["request"] == {
        "request_id": CHECKOUT_ID,
        "session_id": SESSION_ID,
        "method": "POST",
        "url": "http://shop.test/checkout",
        "status": 502,
        "started_at": "2026-11-22T10:00:01.000000000Z",
        "completed_at": "2026-11-22T10:00:01.400000000Z",
        "duration_ms": 400.0,
        "child_requests": ["cccccccccccccccc"],
        "service_calls": ["orders", "shop"],
        "cause": {
            "service": "orders",
            "span_id": "ffffffffffffffff",
            "operation": "POST /orders",
            "reason": '"card declined"',
        },
    }


@pytest.mark.requirement(
    "header:x-session-id", "header:tracestate", "session-id:form", "server:place", "ingestion:logs"
)
def test_sessions_are_named_by_header_and_by_tracestate_whatever_their_form(ask: Ask) -> None:
    sessions = ask(what="sessions")["sessions"]
    assert [session["session_id"] for session in sessions] == [OTHER_SESSION_ID, SESSION_ID]
    evidence = {
        event["span_id"]: event["evidence"]
        for session_id in (SESSION_ID, OTHER_SESSION_ID)
        for event in ask(what="session-trace", session_id=session_id)["events"]
        if event["signal"] == "span"
    }
    assert evidence == {
        "aaaaaaaaaaaaaaaa": "attribute",
        "bbbbbbbbbbbbbbbb": "header",
        "cccccccccccccccc": "trace",
        "dddddddddddddddd": "tracestate",
        "ffffffffffffffff": "trace",
    }
    logs = ask(what="logs", session_id=SESSION_ID)["events"]
    assert [log["body"] for log in logs] == ["left the order open", "tried once", "card declined"]


@pytest.mark.requirement("backend:middleware")
def test_a_log_with_both_ids_as_plain_attributes_is_of_its_session_and_request(ask: Ask) -> None:
    (event,) = ask(what="session-trace", session_id=SESSION_ID, query="left the order open")["events"]
    assert (event["session_id"], event["request_id"], event["evidence"]) == (SESSION_ID, CHECKOUT_ID, "attribute")
