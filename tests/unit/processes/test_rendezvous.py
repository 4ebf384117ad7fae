"""How processes of one data folder find one another."""

import json
import os
from pathlib import Path

import pytest

from collector.errors import StoreUnavailableError
from collector.rendezvous import (
    ReaderPresence,
    RunningCollector,
    publish,
    reader_activity,
    running_collector,
    touch_readers,
    withdraw,
)
from collector.store.sqlite.lock import DataFolderLock


def running_on(data_dir: Path) -> RunningCollector:
    return RunningCollector("127.0.0.1:1", "127.0.0.1:2", "", str(data_dir), 42)


def test_endpoints_count_only_while_the_lock_is_held(tmp_path: Path) -> None:
    running = running_on(tmp_path)
    lock = DataFolderLock(tmp_path)
    assert running_collector(tmp_path) is None
    publish(running)
    assert running_collector(tmp_path) == running
    lock.release()
    assert running_collector(tmp_path) is None
    with_lock_again = DataFolderLock(tmp_path)
    withdraw(tmp_path)
    withdraw(tmp_path)
    assert running_collector(tmp_path) is None
    with_lock_again.release()
    assert {path.name for path in tmp_path.iterdir()} == {"lock"}


def test_the_ready_line_and_the_ports_that_are_open(tmp_path: Path) -> None:
    running = running_on(tmp_path)
    assert running.ready_line() == f"ready grpc=127.0.0.1:1 http=127.0.0.1:2 query= data={tmp_path} pid=42"
    assert running.endpoints == {"grpc": "127.0.0.1:1", "http": "127.0.0.1:2"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "42"}', "\ufffd"])
def test_a_file_that_is_no_such_record_counts_as_none(tmp_path: Path, text: str) -> None:
    lock = DataFolderLock(tmp_path)
    (tmp_path / "endpoints.json").write_text(text)
    assert running_collector(tmp_path) is None
    lock.release()


def test_further_keys_of_a_newer_collector_are_ignored(tmp_path: Path) -> None:
    lock = DataFolderLock(tmp_path)
    publish(running_on(tmp_path))
    told = json.loads((tmp_path / "endpoints.json").read_text())
    (tmp_path / "endpoints.json").write_text(json.dumps({**told, "profiles": "127.0.0.1:3"}))
    assert running_collector(tmp_path) == running_on(tmp_path)
    lock.release()


def test_publishing_into_no_folder_says_which(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"endpoints\.json: No such file or directory"):
        publish(running_on(tmp_path / "none"))


def test_a_reader_is_seen_while_it_lives_and_remembered_afterwards(tmp_path: Path) -> None:
    assert reader_activity(tmp_path) == (False, 0)
    first, second = ReaderPresence(tmp_path), ReaderPresence(tmp_path)
    assert reader_activity(tmp_path)[0] is True
    first.close()
    first.close()
    assert reader_activity(tmp_path)[0] is True
    second.close()
    present, seen_unix_nano = reader_activity(tmp_path)
    assert (present, seen_unix_nano > 0) == (False, True)
    os.utime(tmp_path / "readers", ns=(1, 1))
    assert reader_activity(tmp_path) == (False, 1)
    touch_readers(tmp_path)
    assert reader_activity(tmp_path)[1] > 1


def test_who_reads_a_folder_that_cannot_be_written_is_told_or_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailableError, match="choose another one with --data-dir"):
        ReaderPresence(tmp_path / "file" / "folder")
    touch_readers(tmp_path / "none")
