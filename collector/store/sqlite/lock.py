"""The lock that lets one collector write a data folder.

The operating system drops it when its holder dies, so a killed collector leaves nothing to clean up.
"""

import fcntl
import os
import shlex
import time
from pathlib import Path

from collector.errors import StoreLockedError, StoreUnavailableError

LOCK_FILE_NAME = "lock"
LOCK_ATTEMPTS_MAX = 5
LOCK_RETRY_S = 0.01


class DataFolderLock:
    """Holds the lock of one data folder until `release`."""

    def __init__(self, data_dir: Path) -> None:
        """Create the folder if need be and take its lock.

        Raises StoreLockedError if another process holds it, StoreUnavailableError if the folder is no use.
        """
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(data_dir / LOCK_FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailableError(
                f"cannot write the data folder {data_dir}: {error.strerror}; choose another one with --data-dir"
            ) from error
        if not _lock_soon(self._descriptor):
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise StoreLockedError(
                f"another collector{f' (process {holder})' if holder else ''} writes {data_dir}; "
                f"stop it with: gasoline stop --data-dir {shlex.quote(str(data_dir))}, or choose another folder"
            )
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the lock back. May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def is_locked(data_dir: Path) -> bool:
    """Tell whether a collector writes this folder just now."""
    try:
        descriptor = os.open(data_dir / LOCK_FILE_NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _lock_soon(descriptor: int) -> bool:
    """Try for a moment: a process that asks `is_locked` holds the lock for some microseconds."""
    for _ in range(LOCK_ATTEMPTS_MAX - 1):
        if _try_lock(descriptor):
            return True
        time.sleep(LOCK_RETRY_S)
    return _try_lock(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
