"""The exporter `file`: what it was given is in the file, whole, in the formats of the Collector's."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.component import Telemetry
from collector.encoding.framing import framed
from collector.encoding.to_json import request_to_json
from collector.errors import BusyError, ConfigError
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import Counters, ExporterCounters
from exporters.file import ENCODE_ON_LOOP_BYTES_MAX, FILE_RETRY_AFTER_S, FileExporter, FileSettings

pytestmark = pytest.mark.anyio
MIB = 1024 * 1024
SOME_TIME = datetime(2026, 11, 22, 10, 0, 0, 123_000, UTC)


def logs(text: str) -> Telemetry:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = text
    return Telemetry(Signal.LOGS, request.SerializeToString())


def ticking() -> Callable[[], datetime]:
    """A clock that is a second later each time."""
    moments = iter(SOME_TIME + timedelta(seconds=second) for second in range(1000))
    return lambda: next(moments)


def counted(counters: Counters) -> dict[str, float]:
    return {name: value for name, value in counters.by_metric_name().items() if value}


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def started(path: Path, counters: ExporterCounters, **settings: Any) -> FileExporter:
    exporter = FileExporter(FileSettings(path=str(path), **settings), counters, now=ticking())
    await exporter.start()
    return exporter


async def test_json_is_a_document_a_line_and_what_is_there_is_kept(
    tmp_path: Path, exporter_counters: ExporterCounters, counters: Counters
) -> None:
    path, sent = tmp_path / "new" / "logs.jsonl", [logs("a"), logs("x" * ENCODE_ON_LOOP_BYTES_MAX), logs("c")]
    for telemetry in sent:
        exporter = await started(path, exporter_counters)
        await exporter.export(telemetry)
        await exporter.shutdown()
        await exporter.shutdown()
    assert path.read_bytes() == b"".join(request_to_json(Signal.LOGS, each.body) + b"\n" for each in sent)
    assert counted(counters) == {'otelcol_exporter_sent_log_records{exporter="otlp"}': 3}


async def test_proto_is_the_bytes_behind_their_length(tmp_path: Path, exporter_counters: ExporterCounters) -> None:
    path, sent = tmp_path / "logs.bin", [logs("a"), logs("b")]
    exporter = await started(path, exporter_counters, format="proto")
    for telemetry in sent:
        await exporter.export(telemetry)
    await exporter.shutdown()
    assert path.read_bytes() == b"".join(framed(each.body) for each in sent)


async def test_a_full_file_is_renamed_and_only_so_many_are_kept(
    tmp_path: Path, exporter_counters: ExporterCounters
) -> None:
    path = tmp_path / "logs.jsonl"
    (tmp_path / "logs-of-mine.jsonl").write_text("not a backup")
    exporter = await started(path, exporter_counters, rotation={"max_megabytes": 1, "max_backups": 2})
    for number in range(5):
        await exporter.export(logs(str(number) * (MIB // 2)))
    await exporter.shutdown()
    assert {file.name: file.read_text()[-60:].count("4") > 0 for file in files(tmp_path)} == {
        "logs.jsonl": True,
        "logs-2026-11-22T10-00-02.123.jsonl": False,
        "logs-2026-11-22T10-00-03.123.jsonl": False,
        "logs-of-mine.jsonl": False,
    }


async def test_a_file_is_full_at_its_limit_not_before(tmp_path: Path, exporter_counters: ExporterCounters) -> None:
    path = tmp_path / "logs.bin"
    exporter = await started(path, exporter_counters, format="proto", rotation={"max_megabytes": 1})
    half = logs("x" * (MIB // 2 - 4 - 20))
    size = len(framed(half.body))
    assert size == MIB // 2
    await exporter.export(half)
    await exporter.export(half)
    assert [file.name for file in files(tmp_path)] == ["logs.bin"]
    await exporter.export(logs(""))
    await exporter.shutdown()
    assert len(files(tmp_path)) == 2


async def test_a_line_that_a_crash_cut_off_does_not_spoil_the_next(
    tmp_path: Path, exporter_counters: ExporterCounters
) -> None:
    path = tmp_path / "logs.jsonl"
    path.write_bytes(b'{"resourceLogs":[{')
    exporter = await started(path, exporter_counters)
    await exporter.export(logs("a"))
    await exporter.shutdown()
    cut, whole = path.read_text().splitlines()
    assert cut == '{"resourceLogs":[{'
    assert json.loads(whole)["resourceLogs"]


@pytest.mark.parametrize("rest", [framed(b"\x0a\x00")[:-1], b"\x00\x00"])
async def test_a_message_that_a_crash_cut_off_stays_in_a_file_of_its_own(
    tmp_path: Path, exporter_counters: ExporterCounters, rest: bytes
) -> None:
    path, whole = tmp_path / "logs.bin", framed(b"\x0a\x00")
    path.write_bytes(whole + rest)
    exporter = await started(path, exporter_counters, format="proto")
    await exporter.export(logs("a"))
    await exporter.shutdown()
    assert path.read_bytes() == framed(logs("a").body)
    assert (tmp_path / "logs-2026-11-22T10-00-00.123.bin").read_bytes() == whole + rest


async def test_a_disk_that_is_full_tells_the_sender_to_come_back_and_leaves_no_half_record(
    tmp_path: Path, exporter_counters: ExporterCounters, counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "logs.jsonl"
    exporter = await started(path, exporter_counters)
    await exporter.export(logs("a"))
    before = path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        with pytest.raises(BusyError, match=r"logs\.jsonl cannot be written: No space") as refused:
            await exporter.export(logs("b"))
    assert (refused.value.retry_after_s, refused.value.reason) == (FILE_RETRY_AFTER_S, "busy_file")
    assert path.read_bytes() == before
    await exporter.export(logs("c"))
    await exporter.shutdown()
    assert path.read_bytes() == before + request_to_json(Signal.LOGS, logs("c").body) + b"\n"
    assert counted(counters) == {
        'otelcol_exporter_sent_log_records{exporter="otlp"}': 2,
        'otelcol_exporter_send_failed_log_records{exporter="otlp"}': 1,
    }


async def test_two_exporters_cannot_write_one_file(tmp_path: Path, exporter_counters: ExporterCounters) -> None:
    exporter = await started(tmp_path / "logs.jsonl", exporter_counters)
    with pytest.raises(ConfigError, match="another exporter or process writes"):
        await started(tmp_path / "logs.jsonl", exporter_counters)
    await exporter.shutdown()


async def test_a_file_that_cannot_be_written_keeps_the_collector_from_starting(
    tmp_path: Path, exporter_counters: ExporterCounters
) -> None:
    with pytest.raises(ConfigError, match="cannot be written: Is a directory"):
        await started(tmp_path, exporter_counters)
