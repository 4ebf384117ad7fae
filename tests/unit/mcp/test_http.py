"""The query port's app: MCP over streamable HTTP in both eras, and the same answers as plain JSON."""

import json
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

import anyio
import httpx
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import TextContent
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from collector.errors import StoreUnavailableError
from collector.query.params import ObserveParams
from collector.query.service import QueryService
from collector.store.memory import MemoryStore
from mcp_server.answers import Answers, serve_answers
from mcp_server.http_app import REQUEST_BODY_BYTES_MAX, query_app
from mcp_server.server import McpServer

pytestmark = pytest.mark.anyio

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
MCP_HEADERS = {"Accept": "application/json, text/event-stream"}

Serve = Callable[[ASGIApp], AbstractAsyncContextManager[str]]


class LegacySubscriber(Protocol):
    @property
    def updated(self) -> MemoryObjectReceiveStream[str]: ...

    async def subscribe(self, uri: str) -> None: ...


OpenLegacy = Callable[[str], AbstractAsyncContextManager[LegacySubscriber]]


class Story(Protocol):
    session_id: str

    async def declined_checkout(self) -> None: ...


@pytest.fixture
def plain(server: McpServer, query: QueryService) -> httpx.AsyncClient:
    """A plain HTTP client of the app."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(query_app(server, query)), base_url="http://127.0.0.1:4319")


async def test_mcp_answers_in_both_eras_on_one_endpoint(
    server: McpServer, query: QueryService, serve: Serve, story: Story, era: Literal["auto", "legacy"]
) -> None:
    await story.declined_checkout()
    async with serve(query_app(server, query)) as url, Client(f"{url}/mcp", mode=era) as client:
        assert client.protocol_version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[era]
        answered = await client.call_tool("observe", {"what": "request-trace", "pick": "last_error"})
        refused = await client.call_tool("observe", {"what": "sessions", "limits": 3})
        assert len((await client.list_resources()).resources) == 1
    (text,) = answered.content
    assert isinstance(text, TextContent)
    assert "card declined" in text.text
    (error,) = refused.content
    assert refused.is_error
    assert isinstance(error, TextContent)
    assert error.text.startswith("limits: there is no such argument; did you mean limit?")


async def test_news_arrive_over_http(server: McpServer, query: QueryService, serve: Serve, story: Story) -> None:
    uri = f"session://{story.session_id}"
    async with serve(query_app(server, query)) as url, Client(f"{url}/mcp") as client:
        async with client.listen(resource_subscriptions=[uri]) as news:
            with anyio.fail_after(5):
                await story.declined_checkout()
                assert await anext(news) == ResourceUpdated(uri=uri)


@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed:Warning")
async def test_legacy_news_arrive_over_http(
    server: McpServer, query: QueryService, serve: Serve, story: Story, legacy_subscriber: OpenLegacy
) -> None:
    uri = f"session://{story.session_id}"
    async with serve(query_app(server, query)) as url, legacy_subscriber(f"{url}/mcp") as client:
        await client.subscribe(uri)
        with anyio.fail_after(5):
            await story.declined_checkout()
            assert await client.updated.receive() == uri


async def test_a_blank_around_a_header_value_is_no_part_of_it(
    server: McpServer, query: QueryService, serve: Serve
) -> None:
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "observe", "arguments": {}, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    async with serve(query_app(server, query)) as url:
        host, port = url.removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(
                b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                b"Mcp-Method: tools/call\r\nMcp-Name: \t observe \t \r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            with anyio.fail_after(5):
                assert (await stream.receive()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "arguments",
    [
        {"what": "sessions"},
        {"what": "requests", "limit": 3, "without_session": True},
        {"what": "session-trace", "pick": "last", "event_types": ["network", "log"]},
        {"what": "session-trace", "pick": "last", "event_types": ["error"], "format": "json"},
        {"what": "status", "format": "text"},
    ],
)
async def test_the_plain_answer_is_the_json_answer_by_get_and_by_post(
    plain: httpx.AsyncClient, query: QueryService, story: Story, arguments: dict[str, Any]
) -> None:
    await story.declined_checkout()
    expected = query.observe(ObserveParams.model_validate(arguments))
    got = await plain.get("/api/observe", params=arguments)
    posted = await plain.post("/api/observe", json=arguments)
    assert (got.status_code, got.json()) == (200, expected)
    assert (posted.status_code, posted.json()) == (200, expected)


async def test_a_wrong_question_is_400_with_the_text_of_the_error(plain: httpx.AsyncClient) -> None:
    expected = {
        "error": "limits: there is no such argument; did you mean limit? A valid call: "
        'observe(what="sessions", status="error", since="-1h")'
    }
    got = await plain.get("/api/observe?what=sessions&limits=3")
    posted = await plain.post("/api/observe", json={"what": "sessions", "limits": 3})
    assert (got.status_code, got.json()) == (400, expected)
    assert (posted.status_code, posted.json()) == (400, expected)


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("text/plain", b"{}", "send the arguments of observe as a JSON object with Content-Type: application/json"),
        ("application/json", b"{", "the body is not JSON ("),
        ("application/json", b"\xff", "the body is not JSON ("),
        ("application/json", b"[" * 100_000, "the body is not JSON ("),
        ("application/json", b"[]", "the body is not a JSON object; "),
    ],
)
async def test_a_body_that_is_no_json_object_is_400(
    plain: httpx.AsyncClient, content_type: str, body: bytes, error: str
) -> None:
    response = await plain.post("/api/observe", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 400
    assert response.json()["error"].startswith(error)


@pytest.mark.parametrize(("size", "status"), [(REQUEST_BODY_BYTES_MAX, 200), (REQUEST_BODY_BYTES_MAX + 1, 413)])
async def test_the_size_of_a_body_is_bounded(plain: httpx.AsyncClient, size: int, status: int) -> None:
    body = b'{"what": "status"}'.ljust(size)
    response = await plain.post("/api/observe", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status


async def test_a_store_that_cannot_be_read_is_503(server: McpServer) -> None:
    class Broken(QueryService):
        def observe(self, *args: object, **kwargs: object) -> dict[str, Any]:
            raise StoreUnavailableError("/data cannot be read")

    transport = httpx.ASGITransport(query_app(server, Broken(MemoryStore())))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        response = await client.get("/api/observe?what=status")
    assert (response.status_code, response.json()) == (503, {"error": "/data cannot be read"})


async def test_further_routes_are_served_behind_the_same_guard(server: McpServer, query: QueryService) -> None:
    async def more(_: Request) -> PlainTextResponse:
        return PlainTextResponse("more")

    app = query_app(server, query, extra_routes=[Route("/api/more", more)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert (await client.get("/api/more")).text == "more"
        assert (await client.get("/api/more", headers={"Origin": "http://evil.example"})).status_code == 403


class _Asked(QueryService):
    """Tells when a question has come in."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.asked = threading.Event()

    def observe(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.asked.set()
        return super().observe(*args, **kwargs)


@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed:Warning")
async def test_a_shutdown_lets_the_clients_go_in_good_order(serve: Serve, legacy_subscriber: OpenLegacy) -> None:
    query = _Asked()
    app = query_app(serve_answers(Answers(query)), query)
    answered: list[str] = []

    async def wait(client: Client) -> None:
        asked = {"what": "session-trace", "session_id": "nobody", "wait_for": 45}
        (content,) = (await client.call_tool("observe", asked)).content
        assert isinstance(content, TextContent)
        answered.append(content.text)

    with anyio.fail_after(10):
        async with serve(app) as url, legacy_subscriber(f"{url}/mcp") as legacy, Client(f"{url}/mcp") as client:
            await legacy.subscribe("session://nobody")
            async with (
                client.listen(resource_subscriptions=["session://nobody"]) as news,
                anyio.create_task_group() as group,
            ):
                group.start_soon(wait, client)
                await anyio.to_thread.run_sync(query.asked.wait)
                app.release_clients()
                assert [event async for event in news] == []
    assert len(answered) == 1
    assert "still missing" in answered[0]


async def test_the_number_of_mcp_sessions_is_bounded(server: McpServer, query: QueryService, serve: Serve) -> None:
    async with serve(query_app(server, query, mcp_sessions_max=2)) as url:
        async with Client(f"{url}/mcp", mode="legacy"), Client(f"{url}/mcp", mode="legacy"):
            async with httpx.AsyncClient(trust_env=False) as client:
                refused = await client.post(f"{url}/mcp", json=INITIALIZE, headers=MCP_HEADERS)
            assert (refused.status_code, refused.json()["error"]["message"]) == (503, "Too many open sessions")
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.post(f"{url}/mcp", json=INITIALIZE, headers=MCP_HEADERS)).status_code == 200
