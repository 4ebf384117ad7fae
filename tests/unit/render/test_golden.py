"""What the answers look like: whole texts of recorded traffic, in golden/."""

from typing import Any

import pytest
from inline_snapshot import external_file

from collector.query.params import parse_params
from mcp_server.render.beyond import Beyond
from mcp_server.render.text import render

GOLDEN: list[tuple[str, str, dict[str, Any]]] = [
    ("declined", "edge-grpc", {"what": "request-trace", "request_id": "9d6b3e"}),
    ("soldout", "tracestate", {"what": "request-trace", "request_id": "1ae44d"}),
    ("slow", "forward-http", {"what": "request-trace", "request_id": "aad8b2"}),
    ("boom", "baggage-mixed", {"what": "request-trace", "request_id": "246b69"}),
    ("boom-in-full", "edge-grpc", {"what": "request-trace", "request_id": "f32c83", "budget": 8000}),
    ("request-that-went-well", "edge-grpc", {"what": "request-trace", "request_id": "f3a18f"}),
    ("span-whole", "edge-grpc", {"what": "request-trace", "request_id": "9d6b3e", "expand": "3307dca82a4fb120"}),
    ("session-of-services", "edge-grpc", {"what": "session-trace", "session_id": "sess-6d4b4b"}),
    ("session-with-browser", "browser", {"what": "session-trace", "session_id": "web-d09680"}),
    (
        "session-filtered",
        "edge-grpc",
        {"what": "session-trace", "session_id": "sess-6d4b4b", "event_types": "log", "service": "orders"},
    ),
    ("session-nothing-matches", "edge-grpc", {"what": "session-trace", "pick": "last", "query": "no such words"}),
    ("session-unknown", "edge-grpc", {"what": "session-trace", "session_id": "sess-6d4bxx"}),
    ("request-unknown", "edge-grpc", {"what": "request-trace", "request_id": "9d6b3f"}),
    ("sessions-failed", "edge-grpc", {"what": "sessions", "status": "error"}),
    ("sessions-ok", "telemetrygen", {"what": "sessions"}),
    ("sessions-none", "edge-grpc", {"what": "sessions", "service": "nobody"}),
    ("requests-failed", "edge-grpc", {"what": "requests", "status": "error"}),
    ("logs", "edge-grpc", {"what": "logs", "severity": "WARN"}),
    ("logs-none", "edge-grpc", {"what": "logs", "query": "no such words"}),
]


@pytest.mark.parametrize(("name", "folder", "arguments"), GOLDEN, ids=[name for name, _, _ in GOLDEN])
def test_the_text_is_the_golden_one(asked: Any, name: str, folder: str, arguments: dict[str, Any]) -> None:
    _, text = asked(folder, **arguments)
    assert text + "\n" == external_file(f"golden/{name}.txt")


def test_a_page_of_requests_names_the_next_one(asked: Any) -> None:
    answer, text = asked("edge-grpc", what="requests", limit=2)
    assert text.replace(answer["next_cursor"], "CURSOR") + "\n" == external_file("golden/requests-page.txt")


def test_status(asked: Any) -> None:
    answer, _ = asked("edge-grpc", what="status")
    services: list[dict[str, Any]] = answer["services"]
    answer = {
        **answer,
        "services": [{**service, "last_seen": "2026-11-22T10:00:42.000000000Z"} for service in services],
        "endpoints": {"grpc": "127.0.0.1:4317", "http": "127.0.0.1:4318"},
        "bytes_on_disk": 1_234_567,
        "refused": {"queue_full": 3},
        "dropped": {"metrics": 12},
        "lost_propagation": [
            {"service": "legacy", "requests": 4, "example_request_id": "a" * 32, "called_from": "orders"}
        ],
        "advice": ["legacy begins traces of its own while orders calls it: traceparent is lost between them"],
    }
    assert render(answer, parse_params({"what": "status"}), Beyond("http://127.0.0.1:4319")) + "\n" == external_file(
        "golden/status.txt"
    )
