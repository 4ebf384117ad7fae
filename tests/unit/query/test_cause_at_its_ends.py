"""Causes where telemetry is no tree, goes deeper than is followed, or says why in another form than text."""

from itertools import product
from typing import Any

import pytest

from collector.query import late

HTTP = {"http.request.method": "GET"}
KINDS = ("internal", "server", "client", "producer", "consumer")


def cause_everywhere(world: Any, session_id: str) -> list[Any]:
    """Ask for the cause in each call that tells it."""
    world.commit()
    return [
        world.observe(what="sessions")["sessions"][0].get("cause"),
        world.observe(what="requests")["requests"][0].get("cause"),
        world.observe(what="session-trace", session_id=session_id)["session"].get("cause"),
        world.observe(what="request-trace", pick="last")["request"].get("cause"),
    ]


@pytest.mark.parametrize(("first", "second"), list(product(KINDS, KINDS)))
@pytest.mark.parametrize("spans", [1, 2, 3])
def test_failing_spans_in_a_ring_have_a_cause(world: Any, first: str, second: str, spans: int) -> None:
    names = [f"span-{number}" for number in range(spans)]
    for number, name in enumerate(names):
        kind = second if number == 1 else first
        world.span("t", name, names[number - 1], kind=kind, error=True, took=9, attributes=HTTP, session="s")
    causes = cause_everywhere(world, "s")
    assert [cause["reason"] for cause in causes] == ["ended with status ERROR and said no more"] * 4


@pytest.mark.parametrize("hops", [late.HOPS_MAX - 1, late.HOPS_MAX, late.HOPS_MAX + 1, late.HOPS_MAX + 2])
def test_a_failure_that_spread_through_more_hops_than_are_followed_has_a_cause(world: Any, hops: int) -> None:
    parent = ""
    for number in range(hops):
        kind = "server" if number % 2 == 0 else "client"
        world.span(
            "t",
            f"span-{number}",
            parent,
            kind=kind,
            service=f"service-{(number + 1) // 2}",
            error=True,
            at=number * 0.01,
            took=9 - number * 0.02,
            attributes=HTTP,
            session="s",
        )
        parent = f"span-{number}"
    deepest = min(hops, late.HOPS_MAX + 1) - 1
    causes = cause_everywhere(world, "s")
    assert [cause["span_id"] for cause in causes] == [world.span_id(f"span-{deepest}")] * 4


@pytest.mark.parametrize(
    ("body", "event_name", "reason"),
    [
        ({"msg": "no stock", "sku": 9}, "", "\"{'msg':'no stock','sku':9}\""),
        (["no", "stock"], "", "\"['no','stock']\""),
        (None, "stock.missing", "stock.missing"),
        (None, "", "logged an error and said no more"),
    ],
)
def test_what_an_error_log_says_in_another_form_than_text_is_a_cause(
    world: Any, body: object, event_name: str, reason: str
) -> None:
    world.log(body, "t", severity=17, event_name=event_name, session="s")
    causes = cause_everywhere(world, "s")
    assert [cause["reason"] for cause in causes] == [reason] * 4


def test_an_exception_without_attributes_in_a_span_that_went_well_is_a_cause(world: Any) -> None:
    world.span("t", "a", session="s", events=[("exception", 0.5, {})])
    causes = cause_everywhere(world, "s")
    assert [cause["reason"] for cause in causes] == ["exception"] * 4


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"rpc.system": "aws-api", "rpc.method": "GetObject", "http.status_code": 503}, 503),
        ({"rpc.system.name": "connect_rpc", "http.response.status_code": 503}, 503),
        ({"rpc.system": "grpc", "rpc.grpc.status_code": 0, "http.response.status_code": 502}, 502),
        ({"rpc.system": "grpc", "rpc.grpc.status_code": 14, "http.response.status_code": 200}, "gRPC status 14"),
    ],
)
def test_an_rpc_that_http_answered_is_a_cause(world: Any, call: dict[str, Any], told: object) -> None:
    answered = {**HTTP, "http.response.status_code": 500, "url.path": "/buy"}
    world.span("t", "entry", kind="server", attributes=answered, session="s", took=9)
    world.span("t", "S3.GetObject", "entry", kind="client", attributes=call, took=5)
    expected = {
        "service": "shop",
        "span_id": world.span_id("S3.GetObject"),
        "operation": "S3.GetObject",
        "reason": f"was answered {told}",
    }
    assert cause_everywhere(world, "s") == [expected] * 4


def test_a_request_that_is_such_an_rpc_has_a_cause(world: Any) -> None:
    call = {"rpc.system": "aws-api", "rpc.method": "GetObject", "http.status_code": 503}
    world.span("t", "S3.GetObject", kind="client", attributes=call, session="s")
    assert [cause["reason"] for cause in cause_everywhere(world, "s")] == ["was answered 503"] * 4
