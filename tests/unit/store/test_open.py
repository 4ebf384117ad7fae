"""What opening a data folder refuses, and that a refusal leaves it as it was."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.errors import StoreLockedError, StoreNewerError, StoreUnavailableError
from collector.store.sqlite import schema
from collector.store.sqlite.lock import DataFolderLock, is_locked
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import MIGRATIONS, STORE_FILE_NAME, has_store, open_for_writing
from collector.store.sqlite.writer import SqliteWriter

OpenStore = Callable[..., Any]
HOLD = """
import sys
from pathlib import Path
from collector.store.sqlite.lock import DataFolderLock
lock = DataFolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_told_which_process_holds_the_folder(open_store: OpenStore, tmp_path: Path) -> None:
    opened = open_store()
    with pytest.raises(StoreLockedError) as refused:
        SqliteWriter.open(tmp_path)
    assert str(refused.value) == (
        f"another collector (process {os.getpid()}) writes {tmp_path}; "
        f"stop it with: gasoline stop --data-dir {tmp_path}, or choose another folder"
    )
    opened.writer.stop()
    opened.writer.stop()
    assert not is_locked(tmp_path)
    open_store()
    assert is_locked(tmp_path)


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        assert is_locked(tmp_path)
        with pytest.raises(StoreLockedError, match=f"process {process.pid}"):
            DataFolderLock(tmp_path)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not is_locked(tmp_path)
    DataFolderLock(tmp_path).release()


def test_a_folder_that_is_not_there_is_not_locked(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for data_dir in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(StoreUnavailableError, match=r"cannot write the data folder .*choose another one with"):
            SqliteWriter.open(data_dir)


def test_a_store_that_is_a_folder_is_refused_and_unlocked(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE_NAME).mkdir()
    with pytest.raises(StoreUnavailableError, match=f"cannot open the store {tmp_path}"):
        SqliteWriter.open(tmp_path)
    assert not is_locked(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE_NAME).write_text("plain text, and long enough to be looked at " * 50)
    for opener in (SqliteWriter.open, SqliteReader):
        with pytest.raises(StoreUnavailableError, match="file is not a database"):
            opener(tmp_path)
    assert not is_locked(tmp_path)


@pytest.mark.parametrize("application_id", [0, 7])
@pytest.mark.parametrize("version", [0, 1])
def test_a_database_of_another_program_is_refused_untouched(tmp_path: Path, application_id: int, version: int) -> None:
    path = tmp_path / STORE_FILE_NAME
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("CREATE TABLE invoice (total INTEGER)")
    connection.close()
    before = path.read_bytes()
    for opener in (SqliteWriter.open, SqliteReader):
        with pytest.raises(StoreUnavailableError, match="is a database of another program"):
            opener(tmp_path)
    assert path.read_bytes() == before
    assert not is_locked(tmp_path)


def test_a_newer_format_is_refused_untouched(open_store: OpenStore, tmp_path: Path) -> None:
    open_store().writer.stop()
    path = tmp_path / STORE_FILE_NAME
    newer = len(MIGRATIONS) + 1
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    for opener in (SqliteWriter.open, SqliteReader):
        with pytest.raises(StoreNewerError) as refused:
            opener(tmp_path)
        assert str(refused.value) == (
            f"{path} was written by a newer Gasoline (format {newer}, this one knows {len(MIGRATIONS)}); "
            "upgrade, or choose another folder with --data-dir"
        )
    assert not is_locked(tmp_path)


def test_a_reader_of_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=f"there is no store in {tmp_path}; start a collector with"):
        SqliteReader(tmp_path)


def test_a_migration_is_made_whole_or_not_at_all(
    open_store: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store().writer.stop()
    half = "CREATE TABLE extra (n INTEGER); INSERT INTO no_such_table VALUES (1);"
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, half))
    with pytest.raises(StoreUnavailableError, match="no_such_table"):
        SqliteWriter.open(tmp_path)
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, half.replace("no_such_table", "extra")))
    connection = open_for_writing(tmp_path)
    assert connection.execute("SELECT n FROM extra").fetchall() == [(1,)]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    connection.close()


def test_a_new_store_is_durable_and_gives_space_back(tmp_path: Path) -> None:
    connection = open_for_writing(tmp_path)
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "auto_vacuum", "user_version", "application_id")
    }
    connection.close()
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "auto_vacuum": 2,
        "user_version": len(MIGRATIONS),
        "application_id": schema.APPLICATION_ID,
    }


def test_an_empty_file_is_no_store_yet_and_becomes_one(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE_NAME).touch()
    assert not has_store(tmp_path)
    with pytest.raises(StoreUnavailableError, match=r"there is no store in .*; start a collector with: gasoline serve"):
        SqliteReader(tmp_path)
    SqliteWriter.open(tmp_path).stop()
    assert has_store(tmp_path)
    SqliteReader(tmp_path).close()


def test_a_folder_without_a_file_has_no_store(tmp_path: Path) -> None:
    assert not has_store(tmp_path)
    assert list(tmp_path.iterdir()) == []
