"""`gasoline mcp` as agents run it: one command that also brings the collector, which outlives them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.rendezvous import RunningCollector, running_collector

TIMEOUT_S = 40
ALONE = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
FREE_PORTS = {f"GASOLINE_{port}_ENDPOINT": "127.0.0.1:0" for port in ("GRPC", "HTTP", "QUERY")}


@pytest.fixture
def data_dir(tmp_path: Path) -> Generator[Path]:
    """A data folder whose collector, whoever started it, is stopped afterwards."""
    folder = tmp_path / "data"
    yield folder
    stop(folder)


def stop(folder: Path) -> str:
    command = [sys.executable, "-m", "collector", "stop", "--data-dir", str(folder)]
    done = subprocess.run(command, env=ALONE, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    return done.stdout


def agent_of(data_dir: Path, *, cwd: Path | None = None, **environment: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "collector", "mcp", "--data-dir", str(data_dir)],
        env={**ALONE, **FREE_PORTS, **environment},
        cwd=cwd,
    )


async def collector_of(data_dir: Path) -> RunningCollector:
    """The collector once its ports accept."""
    with anyio.fail_after(TIMEOUT_S):
        while (running := running_collector(data_dir)) is None:  # noqa: ASYNC110 -- another process makes the file
            await anyio.sleep(0.02)
        return running


def send_session(endpoint: str, session_id: str) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"http://{endpoint}", insecure=True)))
    with provider.get_tracer("test").start_as_current_span("checkout", attributes={"session.id": session_id}):
        pass
    provider.shutdown()


async def observe(client: Client, **arguments: object) -> str:
    result = await client.call_tool("observe", arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert not result.is_error, content.text
    return content.text


def ports_notes(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("note: the collector does not listen")]


@pytest.mark.anyio
async def test_two_agents_share_the_collector_that_the_first_has_started(data_dir: Path) -> None:
    async with AsyncExitStack() as agents:
        first = await agents.enter_async_context(Client(agent_of(data_dir)))
        running = await collector_of(data_dir)
        async with Client(agent_of(data_dir)) as second:
            send_session(running.grpc, "session-one")
            assert "session-one" in await observe(second, what="sessions")
        # The second agent has closed: the first and the collector live on.
        send_session(running.grpc, "session-two")
        listed = await observe(first, what="sessions")
        assert "session-one" in listed
        assert "session-two" in listed
        assert running_collector(data_dir) == running
        assert os.getsid(running.pid) == running.pid
        collector = psutil.Process(running.pid)
    assert running_collector(data_dir) == running
    assert collector.is_running()
    assert stop(data_dir) == f"stopped the collector (process {running.pid}) on {data_dir}\n"
    assert running_collector(data_dir) is None


@pytest.mark.anyio
async def test_an_agent_that_comes_first_sees_what_arrives_later(data_dir: Path) -> None:
    async with Client(agent_of(data_dir)) as client:
        before = json.loads(await observe(client, what="sessions", format="json"))
        assert (before["sessions"], before["total"]) == ([], 0)
        running = await collector_of(data_dir)
        send_session(running.grpc, "session-one")
        after = json.loads(await observe(client, what="sessions", format="json", wait_for=10))
        assert [session["session_id"] for session in after["sessions"]] == ["session-one"]


@pytest.mark.anyio
async def test_a_taken_default_port_is_replaced_and_told(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        async with Client(agent_of(data_dir, GASOLINE_GRPC_ENDPOINT=endpoint)) as client:
            running = await collector_of(data_dir)
            assert running.grpc != endpoint
            assert ports_notes(await observe(client, what="sessions")) == [
                f"note: the collector does not listen on the default ports but on grpc {running.grpc}, "
                f"http {running.http}, query {running.query}; set OTEL_EXPORTER_OTLP_ENDPOINT in your services"
            ]
            status = await observe(client, what="status")
            assert running.grpc in status
            assert ports_notes(status) == []
        async with Client(f"http://{running.query}/mcp") as client:
            assert len(ports_notes(await observe(client, what="sessions"))) == 1


@pytest.mark.anyio
async def test_the_first_status_names_the_ports_of_the_collector_that_it_has_started(data_dir: Path) -> None:
    async with Client(agent_of(data_dir)) as client:
        status = json.loads(await observe(client, what="status", format="json"))
        running = await collector_of(data_dir)
        assert status["endpoints"] == running.endpoints
        assert [note for note in status["notes"] if not note.startswith("the collector does not listen")] == []


@pytest.mark.anyio
async def test_without_a_collector_every_answer_says_so_and_nobody_starts_another(data_dir: Path) -> None:
    gone = (
        "note: no collector runs on this data folder, nothing new arrives; "
        f"start one with `gasoline serve --data-dir {data_dir}`"
    )
    async with Client(agent_of(data_dir)) as client:
        await observe(client, what="status")
        running = await collector_of(data_dir)
        send_session(running.grpc, "session-one")
        assert gone not in await observe(client, what="sessions")
        stop(data_dir)
        for what in ("sessions", "requests", "logs", "status"):
            assert gone in (await observe(client, what=what)).splitlines()
        assert gone in (await observe(client, what="session-trace", pick="last")).splitlines()
        assert running_collector(data_dir) is None


@pytest.mark.anyio
async def test_a_folder_named_collector_in_the_working_folder_is_not_taken_for_ours(
    data_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "collector").mkdir()
    (tmp_path / "collector" / "__init__.py").write_text("raise SystemExit('the wrong collector')")
    async with Client(agent_of(data_dir, cwd=tmp_path)):
        running = await collector_of(data_dir)
    assert running.data == str(data_dir)


AGENT_WHOSE_COLLECTOR_WAITS = r"""
import os, sys
from pathlib import Path
from collector import agent, agent_collector

def start(data_dir):
    # Loaded by now is what says who answers, and nothing of what does; the client says so when it has read the answer.
    names = ("mcp.server", "collector.query", "collector.store.sqlite.reader", "mcp_server.answers")
    loaded = " ".join(name for name in names if name in sys.modules)
    from mcp.types import CallToolRequest
    built = "built" if CallToolRequest.__pydantic_complete__ else "not built"
    os.write(2, f"started with {loaded}, calls {built}\n".encode())
    os.read(int(sys.argv[2]), 1)
    os.write(2, b"went on\n")

agent_collector.ensure_collector = start
agent.serve_agent(Path(sys.argv[1]), None)
"""
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def test_initialize_is_answered_before_a_collector_is_started(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    command = [sys.executable, "-P", "-c", AGENT_WHOSE_COLLECTOR_WAITS, str(tmp_path), str(read_end)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=ALONE, stdin=pipe, stdout=pipe, stderr=pipe, pass_fds=[read_end], text=True)
    os.close(read_end)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        os.write(write_end, b".")
        _, errors = process.communicate(timeout=TIMEOUT_S)
    finally:
        os.close(write_end)
        process.kill()
        process.wait(TIMEOUT_S)
    assert answer["result"]["serverInfo"]["name"] == "gasoline"
    assert errors.splitlines() == ["started with mcp.server, calls not built", "went on"]
    assert process.returncode == 0


AGENT_WITHOUT_COLLECTOR = """
import sys
from pathlib import Path
from collector import agent, agent_collector
from mcp_server import server, stdio

agent_collector.ensure_collector = lambda data_dir: None
stdio.LAST_ANSWERS_S_MAX = float(sys.argv[2])
if sys.argv[3] == "held":
    server.McpServer.release_clients = lambda self: None
agent.serve_agent(Path(sys.argv[1]), None)
"""
FOR_EVER_S = 3600.0
WAITING = {"name": "observe", "arguments": {"what": "sessions", "wait_for": 45}}


def agent_process(
    tmp_path: Path, last_answers_s_max: float = FOR_EVER_S, waits: str = "released"
) -> subprocess.Popen[str]:
    """An agent's process whose collector is never there."""
    command = [sys.executable, "-P", "-c", AGENT_WITHOUT_COLLECTOR, str(tmp_path), str(last_answers_s_max), waits]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ALONE, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def answers_of(process: subprocess.Popen[str], *asked: dict[str, object]) -> dict[object, dict[str, Any]]:
    """Ask all at once, close stdin, and return the answers by id; the process has ended well."""
    told = [INITIALIZE, {"jsonrpc": "2.0", "method": "notifications/initialized"}, *asked]
    try:
        output, errors = process.communicate("".join(json.dumps(each) + "\n" for each in told), timeout=TIMEOUT_S)
    finally:
        process.kill()
        process.wait(TIMEOUT_S)
    assert (process.returncode, errors) == (0, "")
    return {answer["id"]: answer for answer in map(json.loads, output.splitlines())}


def test_what_was_asked_before_stdin_closed_is_answered(tmp_path: Path) -> None:
    answers = answers_of(
        agent_process(tmp_path),
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": "three", "method": "resources/list"},
        {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": WAITING},
        {"jsonrpc": "2.0", "id": 5, "method": "no/such"},
    )
    assert set(answers) == {1, 2, "three", 4, 5}
    assert "of 45 s, until the waiting was ended" in answers[4]["result"]["content"][0]["text"]


def test_a_question_that_was_taken_back_holds_up_no_end(tmp_path: Path) -> None:
    answers = answers_of(
        agent_process(tmp_path, waits="held"),
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": WAITING},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}},
    )
    assert "result" not in answers.get(2, {})


def test_a_question_that_is_not_answered_in_time_holds_up_no_end(tmp_path: Path) -> None:
    answers = answers_of(
        agent_process(tmp_path, 0.1, waits="held"),
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": WAITING},
    )
    assert "result" not in answers.get(2, {})


def test_an_interrupt_ends_an_agent_that_is_spoken_to_no_more(tmp_path: Path) -> None:
    process = agent_process(tmp_path)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == -signal.SIGINT
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)
