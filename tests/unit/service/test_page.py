"""The page on the query port: there before the answers are, without a token, behind the same guard."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from collector.probes import Probes
from collector.query_port import QueryPort, QuerySettings
from collector.store.memory import MemoryStore
from collector.telemetry.metrics import Counters

pytestmark = pytest.mark.anyio

DEADLINE_S = 5.0


@asynccontextmanager
async def client_of_port(token: str | None) -> AsyncGenerator[tuple[QueryPort, httpx.AsyncClient]]:
    port = QueryPort(QuerySettings(endpoint="127.0.0.1:0"), MemoryStore(), token)
    port.bind()
    try:
        await port.start(Probes(lambda: "", Counters()), lambda: None, lambda: "", lambda: ())
        async with httpx.AsyncClient(base_url=f"http://{port.endpoint}", trust_env=False, timeout=30) as client:
            yield port, client
    finally:
        await port.shutdown(DEADLINE_S)


async def test_the_page_needs_no_token_and_what_it_asks_does() -> None:
    async with client_of_port("s3cret") as (port, client):
        nowhere = await client.get("/nowhere")
        assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert nowhere.text.startswith("There is no such page. Start at /, ")
        assert port.requests == 0
        for path in ("/api/observe?what=status", "/api/news", "/api/nowhere", "/mcp"):
            assert (await client.get(path)).status_code == 401
        token = {"Authorization": "Bearer s3cret"}
        assert (await client.get("/api/observe?what=status", headers=token)).status_code == 200
        assert (await client.get("/api/nowhere", headers=token)).status_code == 404


@pytest.mark.parametrize("path", ["/", "/sessions/x", "/assets/page.js", "/nowhere"])
async def test_the_page_is_behind_the_guard(path: str) -> None:
    async with client_of_port(None) as (_, client):
        assert (await client.get(path, headers={"Host": "evil.example"})).status_code == 421
        assert (await client.get(path, headers={"Host": "10.1.2.3"})).status_code == 421
        assert (await client.get(path, headers={"Origin": "http://evil.example"})).status_code == 403


async def test_a_stream_of_news_counts_as_use_and_ends_with_the_port() -> None:
    async with client_of_port(None) as (port, client), client.stream("GET", "/api/news") as response:
        chunks = response.aiter_bytes()
        assert (await anext(chunks)).startswith(b"id: 0-0\nevent: news\n")
        assert port.requests_open == 1
        port.release_clients()
        assert [chunk async for chunk in chunks] == []
