"""The exporters made whole, against a backend that is slow, busy or broken for a while: all arrives, in good time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.component import Outcome, Telemetry
from collector.errors import BusyError
from collector.left_queues import QUEUE_FOLDER_NAME
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import Counters, ExporterCounters, ExporterTrouble
from exporters.forwarding import create_forwarder
from exporters.otlp_settings import OtlpExporterSettings, OtlpHttpExporterSettings

pytestmark = pytest.mark.anyio
REQUESTS = 20
ASKED_S = 0.25
RETRY = {"initial_interval": "100ms", "max_interval": "100ms"}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def spans(number: int) -> Telemetry:
    request = ExportTraceServiceRequest()
    ids = {"trace_id": number.to_bytes(16), "span_id": number.to_bytes(8)}
    request.resource_spans.add().scope_spans.add().spans.add(**ids)
    return Telemetry(Signal.TRACES, request.SerializeToString())


def settings_for(transport: str, backend: Any, **further: Any) -> OtlpExporterSettings | OtlpHttpExporterSettings:
    settings: dict[str, Any] = {"retry_on_failure": RETRY, **further}
    if transport == "grpc":
        return OtlpExporterSettings.model_validate({"endpoint": backend.grpc, **settings})
    return OtlpHttpExporterSettings.model_validate({"endpoint": f"http://{backend.http}", **settings})


@pytest.mark.parametrize("transport", ["grpc", "http"])
async def test_what_a_troubled_backend_did_not_take_arrives_later(
    start_backend: Callable[[], Awaitable[Any]],
    counters: Counters,
    exporter_counters: ExporterCounters,
    tmp_path: Path,
    transport: str,
) -> None:
    backend = await start_backend()
    backend.answers = [BusyError("busy", retry_after_s=0.01), RuntimeError("broken"), Outcome(0, 1, "late")] * 5
    forwarder = create_forwarder("otlp/one", settings_for(transport, backend), tmp_path, exporter_counters)
    await forwarder.start()
    sent = [spans(number) for number in range(1, REQUESTS + 1)]
    await asyncio.gather(*(forwarder.export(telemetry) for telemetry in sent))
    await backend.has_taken(REQUESTS)
    await forwarder.shutdown()
    assert sorted(body for _, body in backend.taken) == sorted(telemetry.body for telemetry in sent)
    assert backend.attempts == REQUESTS + 10
    assert counters.dropped == {"rejected_by_backend": 5}
    assert counters.exporter_troubles == {"otlp": ExporterTrouble({"rejected_by_backend": 5}, 0, "late")}
    named = counters.by_metric_name()
    assert named['otelcol_exporter_sent_spans{exporter="otlp"}'] == REQUESTS - 5
    assert named['otelcol_exporter_send_failed_spans{exporter="otlp"}'] == 10
    assert (tmp_path / QUEUE_FOLDER_NAME / "otlp%2Fone").is_dir()


@pytest.mark.parametrize("transport", ["grpc", "http"])
async def test_a_backend_that_asks_for_a_pause_gets_it(
    start_backend: Callable[[], Awaitable[Any]],
    counters: Counters,
    exporter_counters: ExporterCounters,
    tmp_path: Path,
    transport: str,
) -> None:
    backend = await start_backend()
    # HTTP asks in whole seconds.
    asked_s = ASKED_S if transport == "grpc" else 1.0
    backend.answers = [BusyError("busy", retry_after_s=asked_s)]
    forwarder = create_forwarder("otlp", settings_for(transport, backend), tmp_path, exporter_counters)
    await forwarder.start()
    await forwarder.export(spans(1))
    await backend.has_met(1)
    asked_at_s = time.monotonic()
    await backend.has_taken(1)
    assert time.monotonic() - asked_at_s >= asked_s * 0.9
    await forwarder.shutdown()


async def test_the_queue_can_be_elsewhere(
    start_backend: Callable[[], Awaitable[Any]],
    counters: Counters,
    exporter_counters: ExporterCounters,
    tmp_path: Path,
) -> None:
    backend = await start_backend()
    settings = settings_for("grpc", backend, sending_queue={"storage": str(tmp_path / "elsewhere")})
    forwarder = create_forwarder("otlp", settings, tmp_path / "data", exporter_counters)
    await forwarder.shutdown()
    assert names_in(tmp_path) == ["elsewhere"]
