"""Starting a collector that outlives its starter, and stopping the one that runs."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from collector.errors import GasolineError, StoreUnavailableError
from collector.rendezvous import RunningCollector, running_collector
from collector.store.sqlite.lock import is_locked

IDLE_SHUTDOWN_S = 1800.0
LOG_FILE_NAME = "collector.log"
LOG_BYTES_MAX = 4 * 1024 * 1024
LOCK_DEADLINE_S = 10.0
STOP_DEADLINE_S = 20.0
POLL_INTERVAL_S = 0.02


class NotStoppedError(GasolineError):
    """The collector was asked to stop and still runs."""


def ensure_collector(data_dir: Path) -> None:
    """Start a collector on `data_dir` unless one runs; return when it holds the lock, without waiting for its ports.

    From then on `stop_collector` finds it. If it cannot take the lock it ends; its log says why.

    It is in a session of its own, because an MCP client kills its server's process group on close; it takes
    free ports where others are taken, writes `collector.log`, and ends after IDLE_SHUTDOWN_S without use. Of two
    that start at the same time the store's lock lets one live. Raises StoreUnavailableError.
    """
    if is_locked(data_dir):
        return
    # -P: a folder `collector` in the agent's working folder must not be taken for ours.
    command = [sys.executable, "-P", "-m", "collector", "serve", "--data-dir", str(data_dir)]
    command += ["--free-ports", "--idle-shutdown", f"{IDLE_SHUTDOWN_S:g}"]
    with _open_log(data_dir) as log:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter and arguments
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=data_dir
        )
    deadline_s = time.monotonic() + LOCK_DEADLINE_S
    # Another process takes the lock, and a lock that is taken wakes nobody.
    while process.poll() is None and not is_locked(data_dir) and time.monotonic() < deadline_s:
        time.sleep(POLL_INTERVAL_S)


@contextlib.contextmanager
def _open_log(data_dir: Path) -> Generator[BinaryIO]:
    path = data_dir / LOG_FILE_NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        too_long = path.exists() and path.stat().st_size > LOG_BYTES_MAX
        file = path.open("wb" if too_long else "ab")
    except OSError as error:
        raise StoreUnavailableError(
            f"cannot write the data folder {data_dir}: {error.strerror}; choose another one with --data-dir"
        ) from error
    with file:
        yield file


def stop_collector(data_dir: Path) -> RunningCollector | None:
    """Tell the collector of `data_dir` to drain and end, and wait until it has; None if none ran.

    Raises NotStoppedError after STOP_DEADLINE_S.
    """
    deadline_s = time.monotonic() + STOP_DEADLINE_S
    running = _wait_for_endpoints(data_dir, deadline_s)
    if running is None:
        return None
    try:
        os.kill(running.pid, signal.SIGTERM)
    except ProcessLookupError:
        return None
    except PermissionError as error:
        raise NotStoppedError(f"the collector is process {running.pid} of another user; ask that user") from error
    # It need not be a child of this process, which then cannot wait for its end, only for its lock to be free.
    while is_locked(data_dir):
        if time.monotonic() > deadline_s:
            raise NotStoppedError(
                f"the collector (process {running.pid}) has not ended within {STOP_DEADLINE_S:g} s; "
                f"see {data_dir / LOG_FILE_NAME}"
            )
        time.sleep(POLL_INTERVAL_S)
    return running


def _wait_for_endpoints(data_dir: Path, deadline_s: float) -> RunningCollector | None:
    """Return the running collector; one that is just starting is waited for."""
    while is_locked(data_dir):
        running = running_collector(data_dir)
        if running is not None:
            return running
        if time.monotonic() > deadline_s:
            raise NotStoppedError(f"a process holds the lock of {data_dir} and does not say which; end it by hand")
        # Another process writes the file that says where it listens.
        time.sleep(POLL_INTERVAL_S)
    return None
