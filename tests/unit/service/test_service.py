"""A collector in this process, on a store in memory: its ports, its routes for other processes, its end."""

import json
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.admin import CLEAR_BODY_BYTES_MAX
from collector.components import KNOWN_COMPONENTS, build_collector
from collector.config.loader import load_config, read_config
from collector.config.model import CollectorConfig
from collector.errors import ConfigError
from collector.rendezvous import RunningCollector
from collector.service import Collector
from collector.store.memory import MemoryStore

FREE_PORTS: dict[tuple[str, ...], object] = {
    ("receivers", "otlp", "protocols", "grpc", "endpoint"): "127.0.0.1:0",
    ("receivers", "otlp", "protocols", "http", "endpoint"): "127.0.0.1:0",
    ("extensions", "query", "endpoint"): "127.0.0.1:0",
}
DEADLINE_S = 5.0


class Store(MemoryStore):
    """A store in memory that tells when it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    async def shutdown(self) -> None:
        self.closed = True


def configured(**endpoints: str) -> CollectorConfig:
    text, source = read_config(None)
    overrides = {path: endpoints.get(path[-2], endpoint) for path, endpoint in FREE_PORTS.items()}
    return load_config(text, KNOWN_COMPONENTS, source=source, environ={}, overrides=overrides)


async def built(data_dir: Path, store: Store, token: str | None = None, **endpoints: str) -> Collector:
    return await build_collector(
        configured(**endpoints),
        data_dir,
        token=token,
        open_writer=lambda folder, retention: store,
        open_reader=lambda folder: store,
    )


@asynccontextmanager
async def started(data_dir: Path, store: Store, token: str | None = None) -> AsyncGenerator[RunningCollector]:
    collector = await built(data_dir, store, token)
    running = await collector.start()
    try:
        yield running
    finally:
        await collector.shutdown(DEADLINE_S)
        await collector.shutdown(DEADLINE_S)


def client_of(running: RunningCollector, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{running.query}", headers=headers, trust_env=False, timeout=30)


async def send_span(running: RunningCollector, session_id: str, *, span_id: bytes = b"12345678") -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes(range(16)), span_id=span_id)
    span.attributes.add(key="session.id").value.string_value = session_id
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(
            f"http://{running.http}/v1/traces",
            content=request.SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
        )
    assert answer.status_code == 200


@pytest.mark.anyio
async def test_a_queue_that_nobody_sends_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "sending_queue" / "otlp%2Fold"
    folder.mkdir(parents=True)
    (folder / "1.segment").write_bytes(b"12345")
    async with started(tmp_path, Store()):
        warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warned == [f"nobody sends what waits in {folder}: exporter otlp/old does not run"]


@pytest.mark.anyio
async def test_what_is_sent_is_answered_counted_and_cleared(tmp_path: Path) -> None:
    store, began_at = Store(), time.time_ns()
    async with started(tmp_path, store) as running, client_of(running) as client:
        await send_span(running, "session-one")
        await send_span(running, "session-two", span_id=b"")
        answer = (await client.get("/api/observe", params={"what": "sessions"})).json()
        assert [session["session_id"] for session in answer["sessions"]] == ["session-one"]
        told = (await client.get("/api/status")).json()
        metrics = told.pop("metrics")
        ((reason, dropped_at),) = told.pop("dropped_last_unix_nano").items()
        assert (reason, began_at <= dropped_at <= time.time_ns()) == ("invalid_ids", True)
        assert told == {
            "grpc": running.grpc,
            "http": running.http,
            "query": running.query,
            "data": str(tmp_path),
            "pid": running.pid,
            "accepted": {"traces": 1},
            "refused": {},
            "refused_last_unix_nano": {},
            "dropped": {"invalid_ids": 1},
            "session_ids_too_long": 0,
            "failing_exporters": [],
            "exporter_troubles": {},
            "queue_folders": [str(tmp_path / "sending_queue")],
        }
        assert metrics['otelcol_receiver_accepted_spans{receiver="otlp",transport="http"}'] == 1
        assert metrics['otelcol_exporter_sent_spans{exporter="index"}'] == 1
        status = (await client.get("/api/observe", params={"what": "status"})).json()
        assert (status["endpoints"], status["dropped"]) == (running.endpoints, {"invalid_ids": 1})
        cleared = await client.post("/api/clear", json={"session_id": "session-one"})
        assert (cleared.status_code, cleared.json()) == (200, {"deleted": 1})
    assert store.closed


@pytest.mark.anyio
async def test_a_refused_request_is_counted_by_reason(tmp_path: Path) -> None:
    async with started(tmp_path, Store()) as running, httpx.AsyncClient(trust_env=False, timeout=30) as sender:
        for content_type, status in (("application/x-protobuf", 400), ("text/plain", 415)):
            answer = await sender.post(
                f"http://{running.http}/v1/traces", content=b"\xff", headers={"content-type": content_type}
            )
            assert answer.status_code == status
        async with client_of(running) as client:
            told = (await client.get("/api/status")).json()
    assert told["refused"] == {"invalid_data": 1, "unsupported_media": 1}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403), ({"authorization": "Bearer no"}, 401)],
)
async def test_the_routes_for_other_processes_are_guarded(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    async with started(tmp_path, Store(), token="secret") as running:
        async with client_of(running, **{"authorization": "Bearer secret", **headers}) as client:
            assert (await client.get("/api/status")).status_code == status
            assert (await client.post("/api/clear", json={})).status_code == status
        async with client_of(running, authorization="Bearer secret") as client:
            assert (await client.get("/api/status")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"{}"),
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'{"session": "one"}'),
        ("application/json", b'{"session_id": ""}'),
        ("application/json", b'{"session_id": 1}'),
        ("application/json", b"{" + b" " * CLEAR_BODY_BYTES_MAX + b"}"),
    ],
)
async def test_clear_takes_nothing_for_everything_but_an_empty_object(
    tmp_path: Path, content_type: str, body: bytes
) -> None:
    async with started(tmp_path, Store()) as running, client_of(running) as client:
        await send_span(running, "session-one")
        answer = await client.post("/api/clear", content=body, headers={"content-type": content_type})
        assert answer.status_code == 400
        assert (
            'send application/json: {} clears everything, {"session_id": "..."} one session' in answer.json()["error"]
        )
        padded = b"{" + b" " * (CLEAR_BODY_BYTES_MAX - 2) + b"}"
        answer = await client.post("/api/clear", content=padded, headers={"content-type": "application/json"})
        assert answer.json() == {"deleted": 1}


@pytest.mark.anyio
@pytest.mark.parametrize("port", ["grpc", "http", "query"])
async def test_a_port_that_cannot_be_bound_leaves_nothing_open(tmp_path: Path, port: str) -> None:
    store = Store()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        collector = await built(tmp_path, store, **{port: endpoint})
        with pytest.raises(ConfigError, match=f"{endpoint} is taken by another program"):
            await collector.start()
    assert store.closed
    assert not (tmp_path / "endpoints.json").exists()


@pytest.mark.anyio
async def test_a_collector_that_cannot_be_built_closes_its_store(tmp_path: Path) -> None:
    store = Store()
    with pytest.raises(ConfigError, match="is open to other machines"):
        await built(tmp_path, store, query="0.0.0.0:0")
    assert store.closed


@pytest.mark.anyio
async def test_endpoints_are_published_while_it_runs(tmp_path: Path) -> None:
    async with started(tmp_path, Store()) as running:
        assert json.loads((tmp_path / "endpoints.json").read_text())["query"] == running.query
    assert not (tmp_path / "endpoints.json").exists()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("pipelines", "message"),
    [
        (
            "{metrics: {receivers: [otlp], exporters: [index]}}",
            "service.pipelines.metrics.exporters: index takes traces and logs, no metrics; leave it out here",
        ),
        (
            "{traces: {receivers: [otlp], exporters: [index]}}",
            "service.pipelines.traces.processors: index needs the processor session before it; add it",
        ),
    ],
)
async def test_a_pipeline_that_could_not_work_is_refused(tmp_path: Path, pipelines: str, message: str) -> None:
    parts = "receivers: {otlp: {protocols: {grpc: }}}, exporters: {index: }"
    text = f"{{{parts}, service: {{pipelines: {pipelines}}}}}"
    config = load_config(text, KNOWN_COMPONENTS, source="file", environ={})
    with pytest.raises(ConfigError) as raised:
        await build_collector(config, tmp_path)
    assert str(raised.value) == message
    assert not (tmp_path / "lock").exists()
