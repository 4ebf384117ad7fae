"""What the page asks beside `observe`: over HTTP, behind the guard and the token, and with what headers."""

import json
from collections.abc import Callable
from typing import Any, Protocol

import httpx
import pytest

from collector.errors import StoreUnavailableError
from collector.query.service import QueryService
from collector.query.stored import FiledUnder
from collector.store.memory import MemoryStore
from mcp_server.http_app import query_app
from mcp_server.server import McpServer

pytestmark = pytest.mark.anyio

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
OWN = "http://127.0.0.1:4319"
Open = Callable[..., httpx.AsyncClient]


class Story(Protocol):
    session_id: str
    request_id: str

    async def declined_checkout(self) -> None: ...

    async def late_log(self, body: str = ...) -> None: ...


@pytest.fixture
def open_client(server: McpServer, query: QueryService) -> Open:
    """A plain HTTP client of the app, over `query` unless another is given."""

    def open_(asked: QueryService = query, token: str | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(query_app(server, asked, token=token)), base_url=OWN)

    return open_


async def test_activity_is_asked_for_by_ids(open_client: Open, query: QueryService, story: Story) -> None:
    await story.declined_checkout()
    asked = {"session_id": ["nobody", story.session_id]}
    response = await open_client().get("/api/activity", params=asked)
    assert (response.status_code, response.json()) == (200, query.activity([story.session_id]))
    assert response.json()["sessions"][0]["session_id"] == story.session_id
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


async def test_a_record_is_asked_for_by_its_event(open_client: Open, query: QueryService, story: Story) -> None:
    await story.declined_checkout()
    await story.late_log("<b>declined</b>")
    client = open_client()
    answer = (await client.get("/api/observe?what=logs")).json()
    (event,) = answer["events"]
    asked = {name: event[name] for name in ("id", "request_id", "session_id", "service")}
    response = await client.get("/api/otlp", params=asked)
    assert response.status_code == 200
    assert response.content == query.stored_otlp_json(event["id"], FiledUnder(story.request_id))
    record = json.loads(response.content)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert (record["traceId"], record["body"]) == (story.request_id, {"stringValue": "<b>declined</b>"})
    assert response.headers["content-type"] == "application/json"
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/activity", "session_id: 0 were given; give 1 to 100, each as session_id=ID"),
        ("/api/otlp?id=log:1&service=cron", "id: no event 'log:1' is stored; give the id of an event, and of a log "),
        ("/api/otlp", "id: no event '' is stored; "),
    ],
)
async def test_a_wrong_question_is_400_and_says_what_to_ask(open_client: Open, path: str, error: str) -> None:
    response = await open_client().get(path)
    assert response.status_code == 400
    assert response.json()["error"].startswith(error)


@pytest.mark.parametrize("path", ["/api/activity?session_id=x", "/api/otlp?id=log:1&service=x", "/api/news"])
async def test_a_store_that_cannot_be_read_is_503(open_client: Open, path: str) -> None:
    class Broken(MemoryStore):
        def position(self) -> Any:
            raise StoreUnavailableError("/data cannot be read")

    response = await open_client(QueryService(Broken())).get(path)
    assert (response.status_code, response.json()) == (503, {"error": "/data cannot be read"})


@pytest.mark.parametrize("path", ["/api/activity?session_id=x", "/api/otlp?id=x", "/api/news"])
async def test_each_route_is_behind_guard_and_token(open_client: Open, path: str) -> None:
    assert (await open_client().get(path, headers={"Host": "evil.example"})).status_code == 421
    assert (await open_client().get(path, headers={"Origin": "http://evil.example"})).status_code == 403
    refused = await open_client(token="s3cret").get(path)
    assert (refused.status_code, refused.headers["cache-control"]) == (401, "no-store")
