"""The tables of the store's file, how they come to be, and how a connection to them is opened.

Migrations only go forward: each entry of MIGRATIONS brings a file from its index to the next version, in one
transaction. A file of a newer version is refused, never guessed at.
"""

import sqlite3
from pathlib import Path

from collector.errors import StoreNewerError, StoreUnavailableError

STORE_FILE_NAME = "store.sqlite3"
EVICTED_COUNTER = "evicted_records"
APPLICATION_ID = 0x6761736F  # "gaso"
BUSY_TIMEOUT_S = 5.0

# trace.kind: 0 a trace, 1 a session's records without trace, 2 a service's records without both.
# Chunks are numbered in order of their commits; `body` goes by the same numbers, so every large table grows at
# its end, and headers lie close together. commits.last_chunk is the last number given when the commit was made.
# chunk.named tells whether a record of the chunk names a session.
_VERSION_1 = """
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE dictionary (n INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB NOT NULL);
CREATE TABLE commits (c INTEGER PRIMARY KEY, time_unix_nano INTEGER NOT NULL, last_chunk INTEGER NOT NULL);
CREATE TABLE trace (n INTEGER PRIMARY KEY, kind INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE (kind, value));
CREATE TABLE session (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lost_c INTEGER NOT NULL DEFAULT 0);
CREATE TABLE context (n INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL,
    service TEXT NOT NULL, host TEXT NOT NULL, last_c INTEGER NOT NULL);
CREATE TABLE chunk (n INTEGER PRIMARY KEY, t INTEGER NOT NULL, c INTEGER NOT NULL, named INTEGER NOT NULL,
    header BLOB NOT NULL);
CREATE INDEX chunk_by_trace ON chunk (t, c);
CREATE TABLE body (n INTEGER PRIMARY KEY, dictionary INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE session_chunk (s INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (s, n)) WITHOUT ROWID;
CREATE TABLE service (service TEXT PRIMARY KEY, bytes INTEGER NOT NULL, spans INTEGER NOT NULL,
    logs INTEGER NOT NULL, last_commit_unix_nano INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE received (hash BLOB PRIMARY KEY, time_unix_nano INTEGER NOT NULL, c INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX received_by_commit ON received (c);
"""

# From here on bodies are abridged, facts are packed (stored.proto) and frames have no magic number; what was written
# before stays as it is. dictionary.purpose: 0 bodies, 1 facts; dictionary.trained: so many trainings there have been
# for that purpose.
_VERSION_2 = """
ALTER TABLE dictionary ADD COLUMN purpose INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dictionary ADD COLUMN trained INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS = (_VERSION_1, _VERSION_2)


def open_for_writing(data_dir: Path) -> sqlite3.Connection:
    """Open or create the store's file, bring it to the current version, and return a durable connection.

    Raises StoreNewerError if a newer version wrote it, StoreUnavailableError if it cannot be used.
    """
    path = data_dir / STORE_FILE_NAME
    try:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            # Before anything that writes: what is not ours stays as it is.
            version = _check_version(connection, path)
            # Has an effect on an empty file only.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -32768")
            _migrate(connection, version)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreUnavailableError(
            f"cannot open the store {path}: {error}; choose another folder with --data-dir, or move the file away"
        ) from error
    return connection


def open_for_reading(data_dir: Path) -> sqlite3.Connection:
    """Open an existing store's file read-only, beside its writer or without one.

    Raises StoreUnavailableError if there is none, StoreNewerError if a newer version wrote it.
    """
    connection, version = _opened(data_dir)
    if connection is None or not version:
        if connection is not None:
            connection.close()
        raise StoreUnavailableError(
            f"there is no store in {data_dir}; start a collector with: gasoline serve --data-dir {data_dir}"
        )
    return connection


def has_store(data_dir: Path) -> bool:
    """Tell whether there is a store to read: its file is there before its first tables are.

    Raises StoreUnavailableError if the file cannot be read, StoreNewerError if a newer version wrote it.
    """
    connection, version = _opened(data_dir)
    if connection is not None:
        connection.close()
    return version > 0


def _opened(data_dir: Path) -> tuple[sqlite3.Connection | None, int]:
    """Return a read-only connection and the version of the file; None and 0 if there is no file."""
    path = data_dir / STORE_FILE_NAME
    if not path.exists():
        return None, 0
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            return connection, _check_version(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreUnavailableError(f"cannot read the store {path}: {error}") from error


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != APPLICATION_ID and (application_id or version or tables):
        raise StoreUnavailableError(f"{path} is a database of another program; choose another folder with --data-dir")
    if version > len(MIGRATIONS):
        raise StoreNewerError(
            f"{path} was written by a newer Gasoline (format {version}, this one knows {len(MIGRATIONS)}); "
            "upgrade, or choose another folder with --data-dir"
        )
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} "
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}; COMMIT;"
        )
