"""From requests to a collector: so many at a time, patient with one that is busy, and not for ever."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.component import Outcome, Telemetry
from collector.encoding.to_json import request_to_json
from collector.errors import BusyError, InvalidDataError
from collector.importing import run
from collector.importing.reading import UnreadableFileError
from collector.importing.run import LEFT_OUT_SHOWN_MAX, REQUESTS_AT_ONCE_MAX, GaveUpError, ImportOptions, import_files
from collector.pdata.envelope import Signal
from exporters.file import RotatedFile, RotationSettings


class Target:
    """A collector that answers in turn what it was given, then takes everything."""

    def __init__(self, *answers: Outcome | Exception) -> None:
        self.answers = list(answers)
        self.taken = 0
        self.at_once = 0
        self.at_once_most = 0
        self.closed = False

    async def consume(self, telemetry: Telemetry) -> Outcome:
        self.at_once += 1
        self.at_once_most = max(self.at_once, self.at_once_most)
        for _ in range(3):
            await asyncio.sleep(0)
        self.at_once -= 1
        answer = self.answers.pop(0) if self.answers else Outcome(telemetry.count_records())
        if isinstance(answer, Exception):
            raise answer
        self.taken += 1
        return answer

    async def shutdown(self) -> None:
        self.closed = True


@pytest.fixture
def importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., run.Imported]:
    """`importing(target, lines)`: import so many lines of one log record into `target`."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "a"
    line = request_to_json(Signal.LOGS, request.SerializeToString()) + b"\n"

    def start(target: Target, lines: int) -> run.Imported:
        async def opened(*_: Any) -> run.Target:
            return run.Target(target, dict[str, int])

        monkeypatch.setattr(run, "_open_target", opened)
        path = tmp_path / "logs.jsonl"
        path.write_bytes(line * lines)
        positions: list[int] = []
        imported = import_files(ImportOptions([path], None, None, tmp_path, None), {}, positions.append)
        assert sum(positions) == len(line) * lines
        return imported

    return start


def test_only_so_many_requests_are_under_way(importing: Callable[..., run.Imported]) -> None:
    target = Target()
    assert importing(target, 100).records == {Signal.LOGS: 100}
    assert 1 < target.at_once_most <= REQUESTS_AT_ONCE_MAX
    assert target.closed


def test_a_collector_that_is_busy_is_asked_again(importing: Callable[..., run.Imported]) -> None:
    target = Target(*[BusyError("one moment", 0.001)] * 5)
    assert importing(target, 3).records == {Signal.LOGS: 3}


def test_a_collector_that_stays_busy_ends_the_import(
    importing: Callable[..., run.Imported], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PATIENCE_S", 0.01)
    target = Target(*[BusyError("full", 0.02)] * 100)
    with pytest.raises(GaveUpError, match=r"logs\.jsonl:1: the collector did not take this for 0\.01 s: full"):
        importing(target, 1)
    assert target.closed


def test_what_is_refused_is_named_up_to_a_limit(importing: Callable[..., run.Imported]) -> None:
    refused = LEFT_OUT_SHOWN_MAX + 1
    imported = importing(Target(*[InvalidDataError("no ids")] * refused), refused + 2)
    assert (imported.left_out, len(imported.left_out_shown)) == (refused, LEFT_OUT_SHOWN_MAX)
    assert imported.records == {Signal.LOGS: 2}
    assert imported.left_out_shown[0].endswith("logs.jsonl:1: no ids")


def test_what_is_rejected_of_a_request_is_counted(importing: Callable[..., run.Imported]) -> None:
    imported = importing(Target(Outcome(0, 1, "1 spans have no id")), 1)
    assert (imported.records, imported.rejected, imported.left_out) == ({Signal.LOGS: 0}, 1, 0)
    assert imported.left_out_shown[0].endswith("logs.jsonl:1: 1 spans have no id")


def test_a_file_that_an_exporter_writes_is_refused_before_anything_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target()

    async def opened(*_: Any) -> run.Target:
        return run.Target(target, dict[str, int])

    monkeypatch.setattr(run, "_open_target", opened)
    others, written = tmp_path / "others.jsonl", tmp_path / "out.jsonl"
    others.write_bytes(b"{}\n")
    exported = RotatedFile(written, RotationSettings(), lambda: datetime.now(UTC), is_json=True)
    exported.open()
    options = ImportOptions([others, written], None, None, tmp_path, None)
    try:
        with pytest.raises(UnreadableFileError, match=r"out\.jsonl is written by the exporter `file` of a collector"):
            import_files(options, {}, lambda _: None)
    finally:
        exported.close()
    assert (target.taken, target.closed) == (0, True)
    assert import_files(options, {}, lambda _: None).left_out == 1
