"""What watches a collector: `/healthz` in every state, `/metrics`, and who may ask."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.components import KNOWN_COMPONENTS, build_collector
from collector.config.loader import load_config, read_config
from collector.errors import StoreUnavailableError
from collector.probes import Probes
from collector.query_port import QueryPort, QuerySettings
from collector.rendezvous import RunningCollector
from collector.service import Collector, Parts
from collector.store.api import Batch, WriteResult
from collector.store.memory import MemoryStore
from collector.telemetry.metrics import ACCEPTED, Counters

pytestmark = pytest.mark.anyio

PORTS = {("receivers", "otlp", "protocols", name, "endpoint"): "127.0.0.1:0" for name in ("grpc", "http")}
DEADLINE_S = 5.0
FIT = (200, {"status": "ok"})


def unfit(reason: str) -> tuple[int, dict[str, str]]:
    return 503, {"status": "unavailable", "reason": reason}


async def asked(endpoint: str, path: str = "/healthz", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.get(f"http://{endpoint}{path}", headers=headers)


async def health(endpoint: str, **headers: str) -> tuple[int, dict[str, str]]:
    response = await asked(endpoint, **headers)
    return response.status_code, response.json()


async def waits_for(condition: Callable[[], bool]) -> None:
    """Let everything else run until it is so."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 -- a plain counter, which tells nobody
            await asyncio.sleep(0)


class Store(MemoryStore):
    """A store that cannot write as long as `is_full`."""

    is_full = False

    async def write(self, batch: Batch) -> WriteResult:
        if self.is_full:
            raise StoreUnavailableError("the disk is full")
        return await super().write(batch)


@asynccontextmanager
async def started(
    data_dir: Path, store: Store, token: str | None = None, config_path: Path | None = None
) -> AsyncGenerator[tuple[Collector, RunningCollector]]:
    text, source = read_config(config_path)
    overrides = {**PORTS, ("extensions", "query", "endpoint"): "127.0.0.1:0"}
    config = load_config(text, KNOWN_COMPONENTS, source=source, environ={}, overrides=overrides)
    collector = await build_collector(
        config, data_dir, token=token, open_writer=lambda _, __: store, open_reader=lambda _: store
    )
    try:
        yield collector, await collector.start()
    finally:
        await collector.shutdown(DEADLINE_S)


async def send_span(endpoint: str) -> int:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes(range(16)), span_id=b"12345678")
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(
            f"http://{endpoint}/v1/traces",
            content=request.SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
        )
    return answer.status_code


async def test_a_collector_is_fit_from_its_start_to_its_stop(tmp_path: Path) -> None:
    async with started(tmp_path, Store()) as (collector, running):
        assert await health(running.query) == FIT
        collector.stop()
        response = await asked(running.query)
        assert (response.status_code, response.json()) == unfit("stopping")
        assert response.headers["retry-after"] == "1"


async def test_a_store_that_fails_makes_it_unfit_until_it_takes_something_again(tmp_path: Path) -> None:
    store = Store()
    async with started(tmp_path, store) as (_, running):
        store.is_full = True
        assert await send_span(running.http) == 503
        assert await health(running.query) == unfit(f"the exporter index {NOT_TAKING}")
        store.is_full = False
        assert await send_span(running.http) == 200
        assert await health(running.query) == FIT


NOT_TAKING = "does not take what is sent; the log or `gasoline doctor` tells why"
BESIDE_STORE = """
receivers: {{otlp: {{protocols: {{grpc: , http: }}}}}}
processors: {{session: }}
exporters: {{index: , {name}: {settings}}}
extensions: {{query: }}
service:
  extensions: [query]
  pipelines: {{traces: {{receivers: [otlp], processors: [session], exporters: [index, {name}]}}}}
"""


@pytest.mark.parametrize(
    ("name", "settings"),
    [("file/copy", "{{path: {folder}/copy.jsonl}}"), ("otlp/backend", '{{endpoint: "127.0.0.1:1"}}')],
)
async def test_an_exporter_that_cannot_be_written_makes_it_unfit_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, settings: str
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    config = tmp_path / "config.yaml"
    config.write_text(BESIDE_STORE.format(name=name, settings=settings.format(folder=tmp_path)))
    (tmp_path / "data").mkdir()
    async with started(tmp_path / "data", Store(), config_path=config) as (_, running):
        assert await send_span(running.http) == 200
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", fail)
            assert await send_span(running.http) == 503
        assert await health(running.query) == unfit(f"the exporter {name} {NOT_TAKING}")
        assert await send_span(running.http) == 200
        assert await health(running.query) == FIT


async def test_probes_are_answered_while_the_rest_is_still_being_loaded() -> None:
    store, loading, loaded = MemoryStore(), threading.Event(), threading.Event()

    def slow_routes() -> Sequence[None]:
        loading.set()
        assert loaded.wait(DEADLINE_S)
        return []

    port = QueryPort(QuerySettings(endpoint="127.0.0.1:0"), store, None)
    port.bind()
    probes = Probes(lambda: "starting", Counters())
    start = asyncio.create_task(port.start(probes, lambda: None, lambda: "", slow_routes))  # pyright: ignore[reportArgumentType] -- an empty list has no type
    try:
        assert await asyncio.to_thread(loading.wait, DEADLINE_S)
        assert await health(port.endpoint) == unfit("starting")
        assert port.requests == 0
        question = asyncio.create_task(asked(port.endpoint, "/api/observe?what=status"))
        await waits_for(lambda: port.requests_open == 1)
        loaded.set()
        await start
        assert (await question).status_code == 200
        assert (port.requests, port.requests_open) == (1, 0)
    finally:
        loaded.set()
        await port.shutdown(DEADLINE_S)
        await asyncio.gather(start, return_exceptions=True)


class SlowReceiver:
    """A receiver that takes its time to drain."""

    endpoint = ""

    def __init__(self) -> None:
        self.draining, self.drained = asyncio.Event(), asyncio.Event()

    async def start(self) -> None: ...

    async def shutdown(self, deadline_s: float) -> None:
        self.draining.set()
        await self.drained.wait()


async def test_probes_are_answered_while_receivers_drain(tmp_path: Path) -> None:
    store, receiver = MemoryStore(), SlowReceiver()
    port = QueryPort(QuerySettings(endpoint="127.0.0.1:0"), store, None)
    collector = Collector(Parts(store, store, {"slow": receiver}, [], port, Counters(), lambda: "", []), tmp_path)
    running = await collector.start()
    assert await health(running.query) == FIT
    end = asyncio.create_task(collector.shutdown(DEADLINE_S))
    async with asyncio.timeout(DEADLINE_S):
        await receiver.draining.wait()
        assert await health(running.query) == unfit("stopping")
        receiver.drained.set()
        await end
    with pytest.raises(httpx.ConnectError):
        await asked(running.query)


async def test_metrics_are_told_in_the_format_of_prometheus(tmp_path: Path) -> None:
    async with started(tmp_path, Store()) as (_, running):
        await send_span(running.http)
        response = await asked(running.query, "/metrics")
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = response.text.splitlines()
        name = ACCEPTED["traces"].name
        assert f'{name}_total{{receiver="otlp",transport="http"}} 1.0' in lines
        assert f"# TYPE {name}_total counter" in lines
        assert 'otelcol_exporter_queue_capacity{exporter="index"} 10000.0' in lines


async def test_a_probe_names_the_machine_by_address_and_needs_no_token(tmp_path: Path) -> None:
    async with started(tmp_path, Store(), token="secret") as (_, running):
        for host in ("10.1.2.3:4319", "[fd00::1]", "127.0.0.1"):
            assert await health(running.query, host=host) == FIT
            assert (await asked(running.query, "/metrics", host=host)).status_code == 401
            token = {"authorization": "Bearer secret"}
            assert (await asked(running.query, "/metrics", host=host, **token)).status_code == 200
        for path in ("/healthz", "/metrics"):
            assert (await asked(running.query, path, host="evil.example")).status_code == 421
            assert (await asked(running.query, path, origin="http://evil.example")).status_code == 403
        assert (await asked(running.query, "/api/status", host="10.1.2.3")).status_code == 421


PROGRAM = """
import asyncio, json, pathlib, sys, urllib.request
from collector.components import KNOWN_COMPONENTS, build_collector
from collector.config.loader import load_config, read_config

LATE = ("opentelemetry.sdk", "opentelemetry.exporter.prometheus", "prometheus_client")

async def main():
    text, source = read_config(None)
    paths = [("receivers", "otlp", "protocols", name, "endpoint") for name in ("grpc", "http")]
    paths.append(("extensions", "query", "endpoint"))
    overrides = dict.fromkeys(paths, "127.0.0.1:0")
    config = load_config(text, KNOWN_COMPONENTS, source=source, environ={}, overrides=overrides)
    collector = await build_collector(config, pathlib.Path(sys.argv[1]))
    running = await collector.start()
    before = [name for name in LATE if name in sys.modules]
    url = f"http://{running.query}/metrics"
    open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    await asyncio.to_thread(lambda: open_url(url, timeout=30).read())
    after = [name for name in LATE if name in sys.modules]
    await collector.shutdown(5)
    print(json.dumps([before, after]))

asyncio.run(main())
"""


def test_the_sdk_is_loaded_when_metrics_are_first_asked_for_and_not_before(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    late = ["opentelemetry.sdk", "opentelemetry.exporter.prometheus", "prometheus_client"]
    assert json.loads(done.stdout.splitlines()[-1]) == [[], late]
