"""Services in four languages, set up by the files of otel-config/sdk alone: one session over all of them.

What each service does for a request is written down here from its own point of view.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import NewTrace, Records, Shop

# The first test installs what the services need.
pytestmark = pytest.mark.timeout(600)

Event = Mapping[str, Any]
CHAIN = ["storefront", "orders", "payments", "inventory"]
STATUS = {"ok": 200, "declined": 502, "soldout": 502, "bug": 502}
# Where each failure was reported, and as what: (service, signal, exception type, message).
REPORTS = {
    "ok": [],
    "declined": [("payments", "log", "Payments.PaymentDeclined", "card declined: insufficient funds")],
    "soldout": [
        ("inventory", "span_event", "*errors.errorString", "sold out: none left"),
        ("inventory", "log", "*errors.errorString", "sold out: none left"),
    ],
    "bug": [("orders", "log", "KeyError", "receipt"), ("orders", "span_event", "KeyError", "'receipt'")],
}


def reports(events: Sequence[Event]) -> list[tuple[str, str, str, str]]:
    return [
        (event["service"], event["signal"], found["exception.type"], found["exception.message"])
        for event in events
        if "exception.type" in (found := event["attributes"])
    ]


@pytest.fixture(scope="module")
def visits(shop: Shop, new_trace: NewTrace) -> Mapping[tuple[str, str], str]:
    """Two people who do everything at the same time: (session id, outcome) -> trace id."""
    sessions = [f"session-{secrets.token_hex(16)}" for _ in range(2)]

    def visit(session_id: str) -> Mapping[tuple[str, str], str]:
        made: dict[tuple[str, str], str] = {}
        for outcome in STATUS:
            made[session_id, outcome], headers = new_trace()
            named = {**headers, "tracestate": f"gasoline={session_id}", "X-Session-ID": session_id}
            answer = shop.request("node", f"/checkout?outcome={outcome}", named)
            assert answer.status_code == STATUS[outcome], answer.text
        return made

    with ThreadPoolExecutor(len(sessions)) as people:
        return {pair: trace_id for made in people.map(visit, sessions) for pair, trace_id in made.items()}


@pytest.fixture(scope="module")
def timelines(shop: Shop, visits: Mapping[tuple[str, str], str], records: Records) -> Mapping[str, Sequence[Event]]:
    """Session id -> its events, all of them."""
    sessions = dict.fromkeys(session_id for session_id, _ in visits)
    expected = sum(map(records.total, records.outcomes))
    return {
        session_id: shop.events({"what": "session-trace", "session_id": session_id}, "events", expected)
        for session_id in sessions
    }


@pytest.mark.requirement("flow:one-timeline")
@pytest.mark.parametrize("outcome", STATUS)
def test_a_session_holds_exactly_what_the_services_did(
    visits: Mapping[tuple[str, str], str], timelines: Mapping[str, Sequence[Event]], records: Records, outcome: str
) -> None:
    for session_id, events in timelines.items():
        own = [event for event in events if event["request_id"] == visits[session_id, outcome]]
        assert records.count(own) == records.outcomes[outcome]


@pytest.mark.requirement("flow:one-timeline")
def test_a_session_holds_nothing_else_and_no_effect_before_its_cause(
    visits: Mapping[tuple[str, str], str], timelines: Mapping[str, Sequence[Event]], records: Records
) -> None:
    for session_id, events in timelines.items():
        own = {request_id for (visitor, _), request_id in visits.items() if visitor == session_id}
        assert {event["request_id"] for event in events} == own
        assert records.out_of_order(events) == []
        servers = [event["service"] for event in events if event.get("kind") == "server"]
        assert servers == [*CHAIN, *CHAIN[:3], *CHAIN, *CHAIN]


@pytest.mark.requirement("header:tracestate", "backend:session-id-in-logs")
def test_every_span_says_its_session_by_tracestate_and_every_log_by_its_trace(
    timelines: Mapping[str, Sequence[Event]],
) -> None:
    evidence = {
        (event["service"], event["signal"], event["evidence"], event["session_id"] == session_id)
        for session_id, events in timelines.items()
        for event in events
    }
    expected = {
        (name, signal, proof, True) for name in CHAIN for signal, proof in (("span", "tracestate"), ("log", "trace"))
    }
    assert evidence == {*expected, *((name, "span_event", "tracestate", True) for name in ("orders", "inventory"))}


@pytest.mark.requirement("backend:error-reporting")
@pytest.mark.parametrize("outcome", STATUS)
def test_error_reports_are_in_the_session(
    visits: Mapping[tuple[str, str], str], timelines: Mapping[str, Sequence[Event]], outcome: str
) -> None:
    for session_id, events in timelines.items():
        request_id = visits[session_id, outcome]
        own = [event for event in events if event["request_id"] == request_id]
        assert sorted(reports(own)) == sorted(REPORTS[outcome])


@pytest.mark.requirement("backend:propagation")
def test_the_last_service_gets_what_the_first_one_got(shop: Shop, new_trace: NewTrace) -> None:
    _, headers = new_trace()
    sent = {"tracestate": "gasoline=session-of-many-hops,other=1", "baggage": "session.id=session-of-many-hops"}
    answer = shop.request("node", "/checkout?outcome=ok", {**headers, **sent})
    assert answer.json() == sent


@pytest.mark.requirement("header:x-session-id", "header:tracestate", "compatibility:gradual")
@pytest.mark.parametrize(
    ("entry", "path", "headers", "proofs"),
    [
        pytest.param(
            "node",
            "/checkout",
            {"tracestate": "gasoline=by-tracestate"},
            {
                "storefront": {"tracestate"},
                "orders": {"tracestate"},
                "payments": {"tracestate"},
                "inventory": {"tracestate"},
            },
            id="tracestate",
        ),
        pytest.param(
            "python",
            "/orders",
            {"X-Session-ID": "by-header"},
            {"orders": {"header", "trace"}, "payments": {"trace"}, "inventory": {"trace"}},
            id="header",
        ),
        pytest.param(
            "java",
            "/charge",
            {"X-Session-ID": "by-header-in-java"},
            {"payments": {"header", "trace"}, "inventory": {"trace"}},
            id="header-java",
        ),
        pytest.param(
            "node",
            "/checkout",
            {"baggage": "session.id=by-baggage"},
            {"storefront": {"trace"}, "orders": {"trace"}, "payments": {"attribute"}, "inventory": {"trace"}},
            id="baggage",
        ),
    ],
)
def test_each_way_of_naming_the_session_is_enough(
    shop: Shop,
    new_trace: NewTrace,
    records: Records,
    entry: str,
    path: str,
    headers: Mapping[str, str],
    proofs: Mapping[str, set[str]],
) -> None:
    trace_id, trace = new_trace()
    assert shop.request(entry, f"{path}?outcome=ok", {**trace, **headers}).status_code == 200
    session_id = next(iter(headers.values())).rpartition("=")[2]
    expected = {name: counts for name, counts in records.outcomes["ok"].items() if name in proofs}
    question = {"what": "session-trace", "session_id": session_id}
    events = shop.events(question, "events", sum(map(sum, expected.values())))
    assert records.count(events) == expected
    assert {event["request_id"] for event in events} == {trace_id}
    spans = [event for event in events if event["signal"] == "span"]
    assert {name: {span["evidence"] for span in spans if span["service"] == name} for name in proofs} == proofs


@pytest.mark.requirement("compatibility:opt-in")
def test_a_request_without_any_header_is_found_by_its_id(shop: Shop, records: Records) -> None:
    assert shop.request("node", "/checkout?outcome=ok&from=nobody", {}).status_code == 200
    question = {"what": "requests", "url": "from=nobody", "without_session": True}
    (request,) = shop.events(question, "requests", 1)
    assert request["service_calls"] == sorted(CHAIN)
    found = {"what": "request-trace", "request_id": request["request_id"]}
    assert records.count(shop.events(found, "timeline", records.total("ok"))) == records.outcomes["ok"]
