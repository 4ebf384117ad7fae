"""What the exporters make of a request."""

import logging

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.component import Telemetry
from collector.correlation.keys import SessionKeys, correlate
from collector.errors import BusyError, StoreUnavailableError
from collector.pdata.envelope import Signal, cut_request
from collector.store.api import Batch, WriteResult
from collector.store.memory import MemoryStore
from collector.telemetry.metrics import Counters, ExporterCounters
from exporters.debug import DETAILED_RECORDS_MAX, DebugExporter, DebugSettings
from exporters.index import BODY_HASH_BYTES, STORE_RETRY_AFTER_S, IndexExporter, body_hash_of


def counters_of(exporter: str) -> ExporterCounters:
    return ExporterCounters(Counters(), exporter, lambda: 0.0)


def log_telemetry(*bodies: str) -> Telemetry:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for body in bodies:
        scope.log_records.add(time_unix_nano=1).body.string_value = body
    raw = request.SerializeToString()
    groups = cut_request(Signal.LOGS, raw)
    return Telemetry(Signal.LOGS, raw, correlate(Signal.LOGS, groups, SessionKeys()))


@pytest.mark.anyio
async def test_the_index_writes_records_under_the_hash_of_their_request() -> None:
    store = MemoryStore()
    written: list[Batch] = []

    class Recorder(MemoryStore):
        async def write(self, batch: Batch) -> WriteResult:
            written.append(batch)
            return await store.write(batch)

    telemetry = log_telemetry("a", "b")
    await IndexExporter(Recorder(), counters_of("index")).export(telemetry)
    (batch,) = written
    assert telemetry.correlated is not None
    assert batch == Batch(Signal.LOGS, body_hash_of(Signal.LOGS, telemetry.body), telemetry.correlated.records)
    assert store.position().commit == 1


@pytest.mark.anyio
async def test_the_index_makes_no_commit_of_a_request_without_records() -> None:
    store = MemoryStore()
    await IndexExporter(store, counters_of("index")).export(log_telemetry())
    assert store.position().commit == 0


@pytest.mark.anyio
async def test_a_store_that_cannot_write_tells_the_sender_to_come_back() -> None:
    class Broken(MemoryStore):
        async def write(self, batch: Batch) -> WriteResult:
            raise StoreUnavailableError("the disk is full")

    counters = Counters()
    with pytest.raises(BusyError, match="the disk is full") as raised:
        await IndexExporter(Broken(), ExporterCounters(counters, "index", lambda: 0.0)).export(log_telemetry("a"))
    assert raised.value.retry_after_s == STORE_RETRY_AFTER_S
    assert counters.by_metric_name()['otelcol_exporter_send_failed_log_records{exporter="index"}'] == 1


def test_the_body_hash_tells_bodies_and_signals_apart() -> None:
    hashes = {body_hash_of(signal, body) for signal in ("traces", "logs") for body in (b"", b"a")}
    assert len(hashes) == 4
    assert {len(each) for each in hashes} == {BODY_HASH_BYTES}


@pytest.mark.anyio
async def test_debug_logs_one_line_a_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gasoline.debug")
    telemetry = log_telemetry("a", "b")
    await DebugExporter(DebugSettings(), counters_of("debug")).export(telemetry)
    assert caplog.messages == [f"logs: 2 records, {len(telemetry.body)} bytes"]


@pytest.mark.anyio
async def test_debug_logs_each_record_when_asked_to_and_stops_at_its_limit(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gasoline.debug")
    exporter = DebugExporter(DebugSettings(verbosity="detailed"), counters_of("debug"))
    await exporter.export(log_telemetry(*(str(number) for number in range(DETAILED_RECORDS_MAX))))
    assert len(caplog.messages) == 1 + DETAILED_RECORDS_MAX
    assert caplog.messages[1] == '{"timeUnixNano": "1", "body": {"stringValue": "0"}}'
    caplog.clear()
    await exporter.export(log_telemetry(*(str(number) for number in range(DETAILED_RECORDS_MAX + 1))))
    assert len(caplog.messages) == 2 + DETAILED_RECORDS_MAX
    assert caplog.messages[-1] == "1 more records not shown"
