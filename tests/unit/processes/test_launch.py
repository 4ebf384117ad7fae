"""Starting and stopping the collector of a data folder; the real processes are in tests/e2e."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector import launch
from collector.launch import LOG_BYTES_MAX, NotStoppedError, ensure_collector, stop_collector
from collector.store.sqlite.lock import DataFolderLock


class Started:
    """Stands for the process that would be started; keeps how."""

    calls: list[tuple[list[str], dict[str, Any]]]

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, command: list[str], **settings: Any) -> None:
        self.calls.append((command, settings))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Nothing is started; the calls are kept."""
    kept = Started()
    monkeypatch.setattr(subprocess, "Popen", kept)
    return kept


def test_a_folder_that_has_a_collector_gets_no_second_one(tmp_path: Path, started: Started) -> None:
    lock = DataFolderLock(tmp_path)
    ensure_collector(tmp_path)
    assert started.calls == []
    lock.release()
    ensure_collector(tmp_path)
    ((command, settings),) = started.calls
    assert command[1:] == [
        *("-P", "-m", "collector", "serve", "--data-dir", str(tmp_path)),
        *("--free-ports", "--idle-shutdown", "1800"),
    ]
    assert (settings["start_new_session"], settings["cwd"], settings["stdin"]) == (True, tmp_path, subprocess.DEVNULL)
    assert Path(settings["stderr"].name) == tmp_path / "collector.log"


@pytest.mark.parametrize(("size", "kept"), [(LOG_BYTES_MAX, LOG_BYTES_MAX), (LOG_BYTES_MAX + 1, 0)])
@pytest.mark.usefixtures("started")
def test_a_log_over_its_limit_begins_anew(tmp_path: Path, size: int, kept: int) -> None:
    (tmp_path / "collector.log").write_bytes(b"x" * size)
    ensure_collector(tmp_path)
    assert (tmp_path / "collector.log").stat().st_size == kept


def test_without_a_collector_there_is_nothing_to_stop(tmp_path: Path) -> None:
    assert stop_collector(tmp_path) is None


def test_a_holder_of_the_lock_that_never_says_who_it_is_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "STOP_DEADLINE_S", 0.01)
    lock = DataFolderLock(tmp_path)
    with pytest.raises(NotStoppedError, match="does not say which; end it by hand"):
        stop_collector(tmp_path)
    lock.release()
