"""The acted browser: it sends requests and telemetry as the browser extension does.

Requests carry `traceparent`, `tracestate: gasoline=<session id>` and `X-Session-ID`; spans and log events go
to the collector as OTLP/JSON over HTTP.
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

SPAN_KIND_CLIENT = 3
STATUS_CODE_ERROR = 2
SEVERITY_NUMBER_INFO = 9
SEVERITY_NUMBER_ERROR = 17
ANSWER_TIMEOUT_S = 15.0
_SCOPE = {"name": "gasoline.demo.browser"}


def new_session_id() -> str:
    """Return a session id of the form that the extension mints."""
    return f"session-{secrets.token_hex(16)}"


class Browser:
    """One person's browser on one page of the shop; `flush` hands its telemetry to the collector."""

    def __init__(self, client: httpx.Client, shop_url: str, collector_url: str, session_id: str, agent: str) -> None:
        self._client = client
        self._shop_url = shop_url
        self._collector_url = collector_url
        self._session_id = session_id
        self._agent = agent
        self._spans: list[dict[str, Any]] = []
        self._logs: list[dict[str, Any]] = []

    def open_page(self) -> str:
        """Load the page and return the trace id of that."""
        self._event("session.start")
        self._event("browser.navigation", {"url.full": f"{self._shop_url}/"})
        trace_id, _ = self._request("documentLoad", "GET", "/")
        return trace_id

    def click(self, selector: str) -> None:
        """Click an element."""
        self._event("browser.user_action.click", {"browser.css_selector": selector, "browser.tag_name": "button"})

    def fetch(self, method: str, path: str, body: Mapping[str, str] | None = None) -> tuple[str, int]:
        """Fetch as the page's script does; return trace id and HTTP status."""
        trace_id, status = self._request(method, method, path, body)
        if status >= 400:
            self._event(
                "browser.console", {"browser.console.method": "error"}, f"{method} {path} failed: {status}", trace_id
            )
        return trace_id, status

    def flush(self) -> None:
        """Send what was gathered to the collector. Raises httpx.HTTPError if it is not taken."""
        resource = {"attributes": _attributes({"service.name": "browser", "user_agent.original": self._agent})}
        for path, body in (
            ("/v1/traces", {"resourceSpans": [_scoped(resource, "scopeSpans", "spans", self._spans)]}),
            ("/v1/logs", {"resourceLogs": [_scoped(resource, "scopeLogs", "logRecords", self._logs)]}),
        ):
            self._client.post(f"{self._collector_url}{path}", json=body).raise_for_status()

    def _request(self, name: str, method: str, path: str, body: Mapping[str, str] | None = None) -> tuple[str, int]:
        trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
        url = f"{self._shop_url}{path}"
        started = time.time_ns()
        answer = self._client.request(
            method,
            url,
            json=body,
            headers={
                "traceparent": f"00-{trace_id}-{span_id}-01",
                "tracestate": f"gasoline={self._session_id}",
                "X-Session-ID": self._session_id,
                "User-Agent": self._agent,
            },
        )
        where = urlsplit(url)
        attributes: dict[str, str | int] = {
            "session.id": self._session_id,
            "gasoline.request.id": trace_id,
            "http.request.method": method,
            "http.response.status_code": answer.status_code,
            "url.full": url,
            "server.address": where.hostname or "",
            "server.port": where.port or 80,
            "user_agent.original": self._agent,
        }
        failed = answer.status_code >= 400
        if failed:
            attributes["error.type"] = str(answer.status_code)
        self._spans.append(
            {
                "traceId": trace_id,
                "spanId": span_id,
                "traceState": f"gasoline={self._session_id}",
                "name": name,
                "kind": SPAN_KIND_CLIENT,
                "startTimeUnixNano": str(started),
                "endTimeUnixNano": str(time.time_ns()),
                "attributes": _attributes(attributes),
                "status": {"code": STATUS_CODE_ERROR} if failed else {},
            }
        )
        return trace_id, answer.status_code

    def _event(
        self, name: str, attributes: Mapping[str, str] | None = None, error: str = "", trace_id: str = ""
    ) -> None:
        record: dict[str, Any] = {
            "timeUnixNano": str(time.time_ns()),
            "severityNumber": SEVERITY_NUMBER_ERROR if error else SEVERITY_NUMBER_INFO,
            "eventName": name,
            "attributes": _attributes({"session.id": self._session_id, **(attributes or {})}),
        }
        if error:
            record["body"] = {"stringValue": error}
        if trace_id:
            record["traceId"] = trace_id
        self._logs.append(record)


def _attributes(values: Mapping[str, str | int]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]


def _scoped(resource: Mapping[str, Any], scopes: str, records: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resource": resource, scopes: [{"scope": _SCOPE, records: items}]}
