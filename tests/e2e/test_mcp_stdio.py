"""`gasoline mcp`, as an agent's configuration starts it, spoken to by the real client over stdio."""

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import CallToolResult, TextContent

pytestmark = pytest.mark.anyio

STOP_TIMEOUT_S = 20
ARRIVAL_S = 20
GONE_S = 5
SESSION_ID = "session-0123456789abcdef0123456789abcdef"
REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736"

WAIT = {"what": "session-trace", "session_id": SESSION_ID, "wait_for": 45}

Agent = Callable[[], StdioServerParameters]


@pytest.fixture
def agent(tmp_path: Path) -> Generator[Agent]:
    """What an agent runs; the collector that the first one starts is stopped at the end."""
    data_dir = tmp_path / "data"
    yield lambda: StdioServerParameters(
        command=sys.executable, args=["-m", "collector", "mcp", "--data-dir", str(data_dir)]
    )
    subprocess.run(
        [sys.executable, "-m", "collector", "stop", "--data-dir", str(data_dir)], check=True, timeout=STOP_TIMEOUT_S
    )


@pytest.fixture
def export_checkout(tmp_path: Path) -> Callable[[], None]:
    """Send the collector one failed request of one session."""

    def export() -> None:
        endpoints = json.loads((tmp_path / "data" / "endpoints.json").read_text())
        span = {
            "traceId": REQUEST_ID,
            "spanId": "00f067aa0ba902b7",
            "name": "POST /checkout",
            "kind": 2,
            "startTimeUnixNano": "1795000000000000000",
            "endTimeUnixNano": "1795000000400000000",
            "status": {"code": 2, "message": "card declined"},
            "attributes": [
                {"key": "session.id", "value": {"stringValue": SESSION_ID}},
                {"key": "http.request.method", "value": {"stringValue": "POST"}},
            ],
        }
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "frontend"}}]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
        httpx.post(f"http://{endpoints['http']}/v1/traces", json=body, trust_env=False).raise_for_status()

    return export


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def status_with_endpoints(client: Client) -> dict[str, Any]:
    """Ask for the status until the collector that was started names its endpoints."""
    with anyio.fail_after(ARRIVAL_S):
        while True:
            result = await client.call_tool("observe", {"what": "status", "format": "json"})
            assert result.structured_content is not None, text_of(result)
            if result.structured_content["endpoints"]:
                return result.structured_content


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_one_command_is_the_whole_installation(
    agent: Agent, export_checkout: Callable[[], None], era: Literal["auto", "legacy"]
) -> None:
    async with Client(agent(), mode=era) as client:
        assert client.protocol_version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[era]
        await status_with_endpoints(client)
        export_checkout()
        asked = {"what": "request-trace", "pick": "last_error", "wait_for": ARRIVAL_S}
        assert "card declined" in text_of(await client.call_tool("observe", asked))
        refused = await client.call_tool("observe", {"what": "sessions", "limits": 3})
        assert refused.is_error
        assert "did you mean limit?" in text_of(refused)


async def test_of_two_agents_one_may_go_and_the_other_and_the_collector_live_on(
    agent: Agent, export_checkout: Callable[[], None]
) -> None:
    async with Client(agent()) as stays:
        async with Client(agent()) as goes:
            first = await status_with_endpoints(goes)
            assert (await status_with_endpoints(stays))["endpoints"] == first["endpoints"]
        async with stays.listen(resource_subscriptions=[f"session://{SESSION_ID}"]) as news:
            export_checkout()
            with anyio.fail_after(ARRIVAL_S):
                assert await anext(news) == ResourceUpdated(uri=f"session://{SESSION_ID}")
        assert (await status_with_endpoints(stays))["endpoints"] == first["endpoints"]
        assert "card declined" in text_of(await stays.call_tool("observe", {"what": "request-trace", "pick": "last"}))


async def test_an_agent_that_goes_while_it_waits_leaves_no_process_behind(agent: Agent) -> None:
    parameters = agent()
    calls: list[dict[str, Any]] = [
        {"method": "initialize", "id": 1, "params": {"protocolVersion": "2025-11-25", "capabilities": {}}},
        {"method": "notifications/initialized"},
        {"method": "tools/call", "id": 2, "params": {"name": "observe", "arguments": {"what": "status"}}},
        {"method": "tools/call", "id": 3, "params": {"name": "observe", "arguments": WAIT}},
    ]
    calls[0]["params"]["clientInfo"] = {"name": "test", "version": "1"}
    async with await anyio.open_process([parameters.command, *parameters.args], stderr=None) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for call in calls:
            await process.stdin.send(json.dumps({"jsonrpc": "2.0", **call}).encode() + b"\n")
        answered = b""
        with anyio.fail_after(ARRIVAL_S):
            while b'"id":2' not in answered:
                answered += await process.stdout.receive()
        await process.stdin.aclose()
        with anyio.fail_after(GONE_S):
            assert await process.wait() == 0
    assert b'"id":1' in answered
