"""Starting and stopping the collector of a data folder; the real processes are in tests/e2e."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector import launch
from collector.launch import LOG_BYTES_MAX, NotStoppedError, ensure_collector, stop_collector
from collector.store.sqlite.lock import DataFolderLock


class Started:
    """Stands for the process that would be started; keeps how. It ends, or takes the lock when it is looked at."""

    calls: list[tuple[list[str], dict[str, Any]]]

    def __init__(self) -> None:
        self.calls = []
        self.looks = 0
        self.locks: Path | None = None
        self.lock: DataFolderLock | None = None

    def __call__(self, command: list[str], **settings: Any) -> "Started":
        self.calls.append((command, settings))
        return self

    def poll(self) -> int | None:
        self.looks += 1
        if self.locks is None:
            return 1
        if self.looks == 2:
            self.lock = DataFolderLock(self.locks)
        return None


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


def test_a_started_collector_is_waited_for_until_it_can_be_found(tmp_path: Path, started: Started) -> None:
    started.locks = tmp_path
    ensure_collector(tmp_path)
    assert started.lock is not None
    assert started.looks == 2
    started.lock.release()


def test_one_that_never_takes_the_lock_is_waited_for_within_bounds(
    tmp_path: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "LOCK_DEADLINE_S", 0.0)
    started.locks = tmp_path
    ensure_collector(tmp_path)
    assert (started.lock, started.looks) == (None, 1)


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
