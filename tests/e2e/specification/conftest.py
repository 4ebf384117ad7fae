"""One story, sent as OTLP/JSON to a real collector, and a real MCP client that asks about it.

A person opens a page and checks out; the shop answers 502 because the service orders refuses. Another person's
session is named by tracestate alone; a monitor names none.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, cast

import anyio
import httpx
import pytest
from mcp import Client

START_S = 1_795_341_600
"""2026-11-22T10:00:00Z."""
SESSION_ID = "session-a7f8e3d9c1b2e4f6"
OTHER_SESSION_ID = "session-00000000000000000000000000000b0b"
PAGE_ID = "0af7651916cd43dd8448eb211c80319c"
CHECKOUT_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_ID = "b9c7c989f97918e1b9c7c989f97918e1"
MONITOR_ID = "5b8aa5a2d2c872e8321cf37308d69df2"

SERVER, CLIENT = 2, 3
ERROR_STATUS = {"code": 2, "message": "the order was refused"}


def at(seconds: float) -> str:
    return str(START_S * 1_000_000_000 + round(seconds * 1000) * 1_000_000)


def attributes(**values: object) -> list[dict[str, Any]]:
    """Write attributes as OTLP/JSON; `__` stands for a dot, a list is an array of texts."""

    def any_value(value: object) -> dict[str, Any]:
        if isinstance(value, int):
            return {"intValue": str(value)}
        if isinstance(value, list):
            return {"arrayValue": {"values": [any_value(item) for item in cast("list[object]", value)]}}
        return {"stringValue": value}

    return [{"key": key.replace("__", "."), "value": any_value(value)} for key, value in values.items()]


def span(trace_id: str, span_id: str, name: str, start: float, end: float, **rest: Any) -> dict[str, Any]:
    times = {"startTimeUnixNano": at(start), "endTimeUnixNano": at(end)}
    return {"traceId": trace_id, "spanId": span_id, "name": name, "kind": 1, **times, **rest}


def log(body: str, time: float, severity: int = 9, **rest: Any) -> dict[str, Any]:
    return {"timeUnixNano": at(time), "severityNumber": severity, "body": {"stringValue": body}, **rest}


PAGE_SPANS = [
    span(
        PAGE_ID,
        "aaaaaaaaaaaaaaaa",
        "documentLoad",
        0.0,
        0.3,
        attributes=attributes(
            session__id=SESSION_ID, url__full="http://shop.test/", user_agent__original="Firefox/145"
        ),
    )
]
SHOP_SPANS = [
    span(
        CHECKOUT_ID,
        "bbbbbbbbbbbbbbbb",
        "POST /checkout",
        1.0,
        1.4,
        kind=SERVER,
        status=ERROR_STATUS,
        attributes=attributes(
            http__request__method="POST",
            url__full="http://shop.test/checkout",
            http__response__status_code=502,
            client__address="203.0.113.7",
            **{"http.request.header.x-session-id": [SESSION_ID]},
        ),
    ),
    span(
        CHECKOUT_ID,
        "cccccccccccccccc",
        "POST",
        1.1,
        1.3,
        kind=CLIENT,
        parentSpanId="bbbbbbbbbbbbbbbb",
        attributes=attributes(
            http__request__method="POST", url__full="http://orders.test/orders", http__response__status_code=402
        ),
    ),
    span(
        OTHER_ID,
        "dddddddddddddddd",
        "GET /cart",
        2.0,
        2.1,
        kind=SERVER,
        traceState=f"vendor=1,gasoline={OTHER_SESSION_ID}",
        attributes=attributes(
            http__request__method="GET", url__full="http://shop.test/cart", http__response__status_code=200
        ),
    ),
    span(
        MONITOR_ID,
        "eeeeeeeeeeeeeeee",
        "GET /health",
        3.0,
        3.1,
        kind=SERVER,
        attributes=attributes(
            http__request__method="GET", url__full="http://shop.test/health", http__response__status_code=200
        ),
    ),
]
ORDERS_SPANS = [
    span(
        CHECKOUT_ID,
        "ffffffffffffffff",
        "POST /orders",
        1.15,
        1.25,
        kind=SERVER,
        parentSpanId="cccccccccccccccc",
        attributes=attributes(
            http__request__method="POST", url__full="http://orders.test/orders", http__response__status_code=402
        ),
    )
]
ORDERS_LOGS = [
    log("card declined", 1.2, 17, traceId=CHECKOUT_ID, spanId="ffffffffffffffff"),
    log("tried once", 1.21, 9, traceId=CHECKOUT_ID, spanId="ffffffffffffffff", eventName="payment.attempt"),
    # As the middleware of the specification writes it: no trace context, both ids as plain attributes.
    log("left the order open", 1.22, 13, attributes=attributes(session_id=SESSION_ID, request_id=CHECKOUT_ID)),
]

Ask = Callable[..., dict[str, Any]]


class Running(Protocol):
    """What the fixture `start_collector` gives."""

    http: str
    query: str


def resource(service: str) -> dict[str, Any]:
    return {"attributes": attributes(service__name=service)}


@pytest.fixture(scope="session")
def collector(
    start_collector: Callable[[Path], AbstractContextManager[Running]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A collector that was told the story, one export request per service and signal; callees first."""
    with start_collector(tmp_path_factory.mktemp("specification")) as running:
        for path, kind, scope, records, service in (
            ("logs", "resourceLogs", ("scopeLogs", "logRecords"), ORDERS_LOGS, "orders"),
            ("traces", "resourceSpans", ("scopeSpans", "spans"), ORDERS_SPANS, "orders"),
            ("traces", "resourceSpans", ("scopeSpans", "spans"), SHOP_SPANS, "shop"),
            ("traces", "resourceSpans", ("scopeSpans", "spans"), PAGE_SPANS, "browser"),
        ):
            body = {kind: [{"resource": resource(service), scope[0]: [{scope[1]: records}]}]}
            answer = httpx.post(f"http://{running.http}/v1/{path}", json=body, timeout=30, trust_env=False)
            assert (answer.status_code, answer.json()) == (200, {})
        yield running


@pytest.fixture(scope="session")
def ask(collector: Running) -> Ask:
    """`ask(what=..., ...)`: the JSON answer of the tool `observe`, over MCP."""

    async def call(arguments: dict[str, object]) -> dict[str, Any]:
        async with Client(f"http://{collector.query}/mcp") as client:
            result = await client.call_tool("observe", {**arguments, "format": "json"})
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content

    def ask_one(**arguments: object) -> dict[str, Any]:
        return anyio.run(call, arguments)

    return ask_one
