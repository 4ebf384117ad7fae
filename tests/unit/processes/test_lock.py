"""The lock of a data folder, and those who only ask whether it is held."""

import os
from pathlib import Path

import pytest

from collector.errors import StoreLockedError
from collector.store.sqlite import lock
from collector.store.sqlite.lock import LOCK_ATTEMPTS_MAX, DataFolderLock, is_locked


def test_asking_does_not_keep_a_starting_collector_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = DataFolderLock(tmp_path)
    waits: list[float] = []

    def ends_asking(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == LOCK_ATTEMPTS_MAX - 1:
            asking.release()

    monkeypatch.setattr(lock.time, "sleep", ends_asking)
    starting = DataFolderLock(tmp_path)
    assert is_locked(tmp_path)
    starting.release()
    assert not is_locked(tmp_path)
    assert len(waits) == LOCK_ATTEMPTS_MAX - 1


def test_a_lock_that_stays_held_is_an_error_that_names_its_holder(tmp_path: Path) -> None:
    held = DataFolderLock(tmp_path)
    with pytest.raises(StoreLockedError, match=f"another collector \\(process {os.getpid()}\\) writes {tmp_path}"):
        DataFolderLock(tmp_path)
    held.release()
    held.release()
    DataFolderLock(tmp_path).release()
