"""What the page is made of, over the real collector: files, news of a write, activity, records, and links to it."""

import json
import re
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from mcp import Client, StdioServerParameters
from mcp.types import TextContent
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.cli import cli
from collector.encoding.otlp_json import request_to_protobuf
from collector.pdata.envelope import Signal

pytestmark = pytest.mark.anyio

SESSION_ID = "session-0123456789abcdef0123456789abcdef"
TRACE_ID = bytes(range(1, 17))
_LINK = re.compile(r" · see (http://\S+)$")


def request_of(span_id: int, *, failed: bool = False) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "shop"
    span = resource_spans.scope_spans.add().spans.add(
        trace_id=TRACE_ID,
        span_id=span_id.to_bytes(8),
        name="work",
        start_time_unix_nano=1_700_000_000_000_000_000 + span_id * 1_000_000,
        end_time_unix_nano=1_700_000_000_000_000_000 + span_id * 1_000_000 + 500,
    )
    span.status.code = span.status.STATUS_CODE_ERROR if failed else span.status.STATUS_CODE_UNSET
    span.attributes.add(key="session.id").value.string_value = SESSION_ID
    return request


def export(collector: Any, request: ExportTraceServiceRequest) -> None:
    answer = httpx.post(
        f"http://{collector.http}/v1/traces",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 200


def events_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


@pytest.fixture
def collector(start_collector: Callable[..., AbstractContextManager[Any]], tmp_path: Path) -> Generator[Any]:
    with start_collector(tmp_path / "data") as running:
        yield running


@pytest.fixture
def client(collector: Any) -> Generator[httpx.Client]:
    with httpx.Client(base_url=f"http://{collector.query}", timeout=30, trust_env=False) as opened:
        yield opened


def test_a_write_is_news_and_a_reader_that_comes_back_misses_nothing(collector: Any, client: httpx.Client) -> None:
    with client.stream("GET", "/api/news") as response:
        news = events_of(response.iter_lines())
        first = next(news)
        export(collector, request_of(1))
        event = next(news)
    assert (first["commit"], first["session_ids"]) == (0, [])
    assert (event["session_ids"], event["request_ids"], event["complete"]) == ([SESSION_ID], [TRACE_ID.hex()], True)
    export(collector, request_of(2))
    with client.stream("GET", "/api/news", headers={"Last-Event-ID": event["id"]}) as response:
        missed = next(events_of(response.iter_lines()))
    assert missed["commit"] > event["commit"]
    assert missed["session_ids"] == [SESSION_ID]
    client.post("/api/clear", json={})
    with client.stream("GET", f"/api/news?after={missed['id']}") as response:
        removed = next(events_of(response.iter_lines()))
    assert (removed["session_ids"], removed["evicted"]) == ([], True)


def test_a_stream_ends_when_the_collector_does(collector: Any, client: httpx.Client) -> None:
    with client.stream("GET", "/api/news") as response:
        news = events_of(response.iter_lines())
        next(news)
        assert collector.stop() == 0
        assert list(news) == []


def test_activity_and_records_of_what_was_sent(collector: Any, client: httpx.Client) -> None:
    sent = [request_of(number, failed=number == 3) for number in (1, 2, 3)]
    for request in sent:
        export(collector, request)
    (activity,) = client.get("/api/activity", params={"session_id": SESSION_ID}).json()["sessions"]
    assert (sum(activity["events"]), sum(activity["errors"]), activity["errors"][-1]) == (3, 1, 1)
    events = collector.observe({"what": "session-trace", "session_id": SESSION_ID})["events"]
    returned = [
        ExportTraceServiceRequest.FromString(
            request_to_protobuf(Signal.TRACES, client.get("/api/otlp", params={"id": event["id"]}).content)
        )
        for event in events
    ]
    assert returned == sent


def linked(text: str) -> str:
    found = _LINK.search(text.splitlines()[-1])
    assert found, text
    return found[1]


async def test_texts_link_to_the_page_over_http_on_stdio_and_on_the_command_line(
    collector: Any,
) -> None:
    export(collector, request_of(1, failed=True))
    asked: Sequence[tuple[dict[str, Any], list[str], str]] = (
        ({"what": "requests"}, ["requests"], "/requests"),
        ({"what": "session-trace", "pick": "last"}, ["session", "--pick", "last"], f"/sessions/{SESSION_ID[:21]}"),
        ({"what": "request-trace", "pick": "last"}, ["request", "--pick", "last"], f"/requests/{TRACE_ID.hex()[:13]}"),
        ({"what": "status"}, ["status"], "/"),
    )
    expected = [f"http://{collector.query}{path}" for *_, path in asked]
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "collector", "mcp", "--data-dir", str(collector.data_dir)]
    )
    for target in (f"http://{collector.query}/mcp", server):
        links: list[str] = []
        async with Client(target) as agent:
            for arguments, *_ in asked:
                (content,) = (await agent.call_tool("observe", arguments)).content
                assert isinstance(content, TextContent)
                links.append(linked(content.text))
            structured = (await agent.call_tool("observe", {"what": "sessions", "format": "json"})).structured_content
        assert links == expected
        assert "http://" not in json.dumps(structured)
    run = CliRunner()
    told = [run.invoke(cli, [*command, "--data-dir", str(collector.data_dir)]).stdout for _, command, _ in asked]
    assert [linked(text) for text in told] == expected
    async with httpx.AsyncClient(timeout=30, trust_env=False) as browser:
        pages = [await browser.get(link) for link in expected]
    kinds = [(page.status_code, page.headers["content-type"]) for page in pages]
    assert kinds == [(200, "text/html; charset=utf-8")] * len(expected)
    assert any(line.endswith(f"the timeline page is at http://{collector.query}/\n") for line in collector.lines)


def test_without_a_running_collector_there_is_no_link(collector: Any) -> None:
    export(collector, request_of(1))
    collector.stop()
    told = CliRunner().invoke(cli, ["sessions", "--data-dir", str(collector.data_dir)])
    assert (told.exit_code, "http://" in told.stdout) == (0, False)
