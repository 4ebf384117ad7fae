"""The HTML document of a page is a request, too: its backend's trace is joined to the session of the page."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Gasoline, NewTrace, Records, Service, Shop, StartService

pytestmark = pytest.mark.timeout(600)


def document_load(trace_id: str, span_id: str, session_id: str, url: str) -> Mapping[str, Any]:
    """Return what the browser extension sends about a page load: the span that the navigation's traceparent names."""
    attributes = {"session.id": session_id, "http.request.method": "GET", "url.full": url}
    now = time.time_ns()
    span = {
        "traceId": trace_id,
        "spanId": span_id,
        "name": "documentLoad",
        "kind": 3,
        "startTimeUnixNano": str(now - 10**9),
        "endTimeUnixNano": str(now),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "browser"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


@pytest.mark.requirement("backend:document")
@pytest.mark.parametrize("browser_first", [True, False])
def test_the_trace_of_the_navigation_is_the_document_s(
    shop: Shop, new_trace: NewTrace, records: Records, browser_first: bool
) -> None:
    session_id = f"session-{secrets.token_hex(16)}"
    trace_id, headers = new_trace()
    span_id = headers["traceparent"].split("-")[2]
    document = document_load(trace_id, span_id, session_id, "http://shop.test/page")

    def browse() -> None:
        shop.client.post(f"http://{shop.collector.http}/v1/traces", json=document).raise_for_status()

    if browser_first:
        browse()
    named = {**headers, "tracestate": f"gasoline={session_id}", "X-Session-ID": session_id}
    page = shop.client.get(f"{shop.services['node'].url}/page?outcome=ok", headers=named)
    assert page.status_code == 200
    if not browser_first:
        browse()
    question = {"what": "session-trace", "session_id": session_id}
    events = shop.events(question, "events", 1 + records.total("ok"))
    assert records.count(events) == {"browser": (1, 0, 0), **records.outcomes["ok"]}
    load, server = events[:2]
    assert (load["name"], load["span_id"]) == ("documentLoad", span_id)
    assert (server["service"], server["parent_span_id"], server["request_id"]) == ("storefront", span_id, trace_id)


@pytest.fixture(scope="module")
def own_trace(
    shop: Shop, start_service: StartService, sdk_settings: Callable[[str, Gasoline], Mapping[str, str]]
) -> Iterator[Service]:
    """A service at the edge that trusts no traceparent from outside and starts a trace of its own."""
    changed = {"OTEL_PROPAGATORS": "baggage", "PAYMENTS_URL": shop.services["java"].url}
    with start_service("python", {**sdk_settings("python", shop.collector), **changed}) as running:
        yield running


@pytest.mark.requirement("backend:document")
def test_a_backend_that_starts_its_own_trace_is_joined_by_the_header(
    shop: Shop, own_trace: Service, new_trace: NewTrace
) -> None:
    session_id = f"session-{secrets.token_hex(16)}"
    trace_id, headers = new_trace()
    span_id = headers["traceparent"].split("-")[2]
    document = document_load(trace_id, span_id, session_id, "http://shop.test/own")
    shop.client.post(f"http://{shop.collector.http}/v1/traces", json=document).raise_for_status()
    named = {**headers, "tracestate": f"gasoline={session_id}", "X-Session-ID": session_id}
    assert shop.client.post(f"{own_trace.url}/orders?outcome=ok", headers=named).status_code == 200
    question = {"what": "session-trace", "session_id": session_id}
    # What it calls gets no headers either, and is in no session: the document, its two spans and its log are.
    events = shop.events(question, "events", 4)
    assert [(event["service"], event["signal"], event["evidence"]) for event in events] == [
        ("browser", "span", "attribute"),
        ("orders", "span", "header"),
        ("orders", "log", "trace"),
        ("orders", "span", "trace"),
    ]
    assert [event["request_id"] == trace_id for event in events] == [True, False, False, False]


def restart_event(traceparent: str, session_id: str, asked: str) -> Mapping[str, Any]:
    """Return what the browser extension sends where a response's Server-Timing names another trace."""
    _, trace_id, span_id, _ = traceparent.split("-")
    attributes = {"session.id": session_id, "gasoline.request.id": asked, "url.full": "http://shop.test/"}
    record = {
        "traceId": trace_id,
        "spanId": span_id,
        "timeUnixNano": str(time.time_ns()),
        "eventName": "gasoline.propagation.restart",
        "severityNumber": 9,
        "body": {"stringValue": "the server answered in a trace of its own"},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "browser"}}]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}


@pytest.mark.requirement("backend:document")
@pytest.mark.parametrize("browser_first", [True, False])
def test_a_backend_that_starts_its_own_trace_is_joined_by_server_timing(
    shop: Shop, header_storefront: Service, records: Records, browser_first: bool
) -> None:
    session_id, asked = f"session-{secrets.token_hex(16)}", secrets.token_hex(16)
    # What comes without any header is found by its request alone, until the browser says whose it was.
    page = shop.client.post(f"{header_storefront.url}/checkout?outcome=ok")
    name, _, traceparent = page.headers["server-timing"].replace('"', "").partition(";desc=")
    assert (name, page.status_code) == ("traceparent", 200)
    request = {"what": "request-trace", "request_id": traceparent.split("-")[1]}
    if not browser_first:
        assert records.count(shop.events(request, "timeline", records.total("ok"))) == records.outcomes["ok"]
    event = restart_event(traceparent, session_id, asked)
    shop.client.post(f"http://{shop.collector.http}/v1/logs", json=event).raise_for_status()
    question = {"what": "session-trace", "session_id": session_id}
    events = shop.events(question, "events", records.total("ok") + 1)
    assert records.count(events) == {"browser": (0, 0, 1), **records.outcomes["ok"]}
    assert {(event["service"] == "browser", event["evidence"]) for event in events} == {
        (True, "attribute"),
        (False, "trace"),
    }
    assert records.out_of_order(events) == []
