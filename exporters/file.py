"""The exporter `file`: requests appended to a file, as the OpenTelemetry Collector's writes them.

One JSON document a line, or protobuf behind its length in four bytes.
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from collector.component import Telemetry
from collector.config.model import Settings
from collector.encoding.framing import Framing, framed, read_length
from collector.encoding.to_json import request_to_json
from collector.errors import BusyError, ConfigError
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import ExporterCounters
from exporters.delivery.durable import sync_folder, write_whole
from exporters.delivery.group_commit import GroupCommit

ROTATION_MIB_MAX = 100
BACKUPS_MAX = 10
ENCODE_ON_LOOP_BYTES_MAX = 64 * 1024
FILE_RETRY_AFTER_S = 5.0
_BACKUP_TIME = "%Y-%m-%dT%H-%M-%S.%f"


class RotationSettings(Settings):
    """`rotation`: at `max_megabytes` (MiB) the file is renamed; of those, `max_backups` are kept."""

    max_megabytes: Annotated[int, Field(ge=1)] = ROTATION_MIB_MAX
    max_backups: Annotated[int, Field(ge=1)] = BACKUPS_MAX


class FileSettings(Settings):
    """`exporters.file`: where to, and in which of two formats."""

    path: Annotated[str, Field(min_length=1)]
    format: Literal["json", "proto"] = "json"
    rotation: RotationSettings = RotationSettings()


class FileExporter:
    """An Exporter: `export` returns when the request is on disk. A file that is there is appended to."""

    def __init__(
        self,
        settings: FileSettings,
        counters: ExporterCounters,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._is_json = settings.format == "json"
        self._counters = counters
        file = RotatedFile(Path(settings.path), settings.rotation, now, is_json=self._is_json)
        self._file = file
        self._commits: GroupCommit[bytes, None] = GroupCommit(file.append)

    async def start(self) -> None:
        """See Exporter. Raises ConfigError if the file cannot be written."""
        self._file.open()

    async def export(self, telemetry: Telemetry) -> None:
        """See Exporter."""
        if len(telemetry.body) > ENCODE_ON_LOOP_BYTES_MAX:
            record = await asyncio.to_thread(self._encode, telemetry.signal, telemetry.body)
        else:
            record = self._encode(telemetry.signal, telemetry.body)
        try:
            await self._commits.put(record)
        except OSError as error:
            self._counters.send_failed(telemetry.signal, telemetry.count_records())
            raise BusyError(
                f"{self._file.path} cannot be written: {error.strerror}", FILE_RETRY_AFTER_S, limit="file"
            ) from error
        self._counters.sent(telemetry.signal, telemetry.count_records())

    async def shutdown(self) -> None:
        """See Exporter."""
        await self._commits.close()
        self._file.close()

    def _encode(self, signal: Signal, body: bytes) -> bytes:
        return request_to_json(signal, body) + b"\n" if self._is_json else framed(body)


class RotatedFile:
    """A file that only whole records are appended to, and that is renamed when it is full. One thread owns it."""

    def __init__(self, path: Path, rotation: RotationSettings, now: Callable[[], datetime], *, is_json: bool) -> None:
        self.path = path
        self._bytes_max = rotation.max_megabytes * 1024 * 1024
        self._backups_max = rotation.max_backups
        self._now = now
        self._is_json = is_json
        self._descriptor = -1
        self._size = 0

    def open(self) -> None:
        """Open the file, made if need be, and put a record that a crash cut off out of the way.

        Raises ConfigError if it cannot be written, or if something else writes it.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
            if self._size and self._ends_in_a_cut():
                if self._is_json:
                    self.append([b"\n"])
                else:
                    self._rotate()
        except OSError as error:
            raise ConfigError(f"exporters.file: {self.path} cannot be written: {error.strerror}") from error

    def append(self, records: Sequence[bytes]) -> None:
        """Write all records and return when they are on disk; after OSError the file is as it was before."""
        if self._descriptor < 0:
            self._open()
        before = self._size
        try:
            for record in records:
                if self._size and self._size + len(record) > self._bytes_max:
                    os.fdatasync(self._descriptor)
                    self._rotate()
                    before = 0
                write_whole(self._descriptor, record)
                self._size += len(record)
            os.fdatasync(self._descriptor)
        except OSError:
            if self._descriptor >= 0:
                os.ftruncate(self._descriptor, before)
                self._size = before
            raise

    def close(self) -> None:
        """Append no more. May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise ConfigError(
                f"exporters.file: another exporter or process writes {self.path}; give each its own path"
            ) from error
        self._size = os.fstat(self._descriptor).st_size
        if not self._size:
            sync_folder(self.path.parent)

    def _ends_in_a_cut(self) -> bool:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            if self._is_json:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
            file.seek(0)
            try:
                while (length := read_length(file, Framing.BIG_ENDIAN)) is not None:
                    if file.seek(length, os.SEEK_CUR) > self._size:
                        return True
            except ValueError:
                return True
            return False

    def _rotate(self) -> None:
        backup = self._backup_path()
        os.rename(self.path, backup)
        self.close()
        for old in self._backups()[: -self._backups_max]:
            old.unlink(missing_ok=True)
        self._open()

    def _backup_path(self) -> Path:
        """Return a name that no file has: the time stands before the last suffix, as the Collector puts it."""
        while True:
            moment = self._now().strftime(_BACKUP_TIME)[:-3]
            path = self.path.with_name(f"{self.path.stem}-{moment}{self.path.suffix}")
            if not path.exists():
                return path

    def _backups(self) -> list[Path]:
        """Return the files that were renamed, oldest first."""
        found: list[Path] = []
        for path in self.path.parent.iterdir():
            moment = path.name.removeprefix(f"{self.path.stem}-").removesuffix(self.path.suffix)
            if path.name == f"{self.path.stem}-{moment}{self.path.suffix}" and _is_backup_time(moment):
                found.append(path)
        return sorted(found)


def _is_backup_time(text: str) -> bool:
    try:
        datetime.strptime(text, _BACKUP_TIME).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
