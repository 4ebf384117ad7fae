"""How processes that share a data folder find one another: through files, which need no port to be known.

`endpoints.json` says where the collector listens; it counts only while the lock of the store is held.
`readers` is locked, shared, by every long-lived reader for as long as it lives, and touched by every
short-lived one; the operating system drops the locks of those that were killed.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from collector.config.endpoint import http_url
from collector.errors import StoreUnavailableError
from collector.store.sqlite.lock import is_locked

ENDPOINTS_FILE_NAME = "endpoints.json"
READERS_FILE_NAME = "readers"
ENDPOINTS_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class RunningCollector:
    """Where a collector listens (`host:port` each, "" for none), what it writes, and its process."""

    grpc: str
    http: str
    query: str
    data: str
    pid: int

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The ports that are open, by name."""
        named = {"grpc": self.grpc, "http": self.http, "query": self.query}
        return {name: endpoint for name, endpoint in named.items() if endpoint}

    @property
    def page_url(self) -> str:
        """Where a browser on this machine finds the timeline page, "" if nowhere."""
        return http_url(self.query) if self.query else ""

    def ready_line(self) -> str:
        """Return the line that tells a starting process that all ports accept."""
        return f"ready grpc={self.grpc} http={self.http} query={self.query} data={self.data} pid={self.pid}"


def publish(running: RunningCollector) -> None:
    """Write `endpoints.json` as a whole or not at all. Raises StoreUnavailableError."""
    data_dir = Path(running.data)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=data_dir, prefix=f"{ENDPOINTS_FILE_NAME}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(running), file)
        os.replace(temporary, data_dir / ENDPOINTS_FILE_NAME)
    except OSError as error:
        raise StoreUnavailableError(f"cannot write {data_dir / ENDPOINTS_FILE_NAME}: {error.strerror}") from error


def withdraw(data_dir: Path) -> None:
    """Remove `endpoints.json`, if it is there."""
    (data_dir / ENDPOINTS_FILE_NAME).unlink(missing_ok=True)


def running_collector(data_dir: Path) -> RunningCollector | None:
    """Return the collector that writes `data_dir`; None if none does, or if its ports are not open yet."""
    try:
        with (data_dir / ENDPOINTS_FILE_NAME).open("rb") as file:
            found: object = json.loads(file.read(ENDPOINTS_BYTES_MAX))
    except (OSError, ValueError):
        return None
    if not is_locked(data_dir) or not isinstance(found, dict):
        return None
    fields = cast("dict[str, object]", found)
    texts = [fields.get(name) for name in ("grpc", "http", "query", "data")]
    pid = fields.get("pid")
    if not isinstance(pid, int):
        return None
    grpc, http, query, data = (text if isinstance(text, str) else "" for text in texts)
    return RunningCollector(grpc, http, query, data, pid)


class ReaderPresence:
    """Says, while it lives, that somebody reads this data folder, so that its collector does not end for idleness."""

    def __init__(self, data_dir: Path) -> None:
        """Create the folder if need be. Raises StoreUnavailableError if it is no use."""
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(data_dir / READERS_FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.utime(self._descriptor)
        except OSError as error:
            raise StoreUnavailableError(
                f"cannot write the data folder {data_dir}: {error.strerror}; choose another one with --data-dir"
            ) from error
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def close(self) -> None:
        """Leave. May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def touch_readers(data_dir: Path) -> None:
    """Say that somebody has read just now; where the folder cannot be written nobody needs to know."""
    try:
        os.utime(data_dir / READERS_FILE_NAME)
    except OSError:
        return


def reader_activity(data_dir: Path) -> tuple[bool, int]:
    """Return whether a long-lived reader is there, and when one was last seen, in unix nanoseconds (0: never)."""
    try:
        descriptor = os.open(data_dir / READERS_FILE_NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False, 0
    seen_unix_nano = os.fstat(descriptor).st_mtime_ns
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True, seen_unix_nano
    finally:
        os.close(descriptor)
    return False, seen_unix_nano
