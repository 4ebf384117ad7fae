"""From files to a collector: the running one, else one of our own that holds the lock and listens nowhere."""

import asyncio
import fcntl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from collector.component import Consumer, Outcome, Telemetry
from collector.components import KNOWN_COMPONENTS, connect_to_collector, open_pipelines
from collector.config.loader import load_config, read_config
from collector.errors import BusyError, GasolineError, RefusedError
from collector.importing.reading import Request, Unreadable, UnreadableFileError, read_requests
from collector.pdata.envelope import Signal
from collector.remote import live_status
from collector.rendezvous import running_collector

REQUESTS_AT_ONCE_MAX = 8
PATIENCE_S = 60.0
LEFT_OUT_SHOWN_MAX = 20


class GaveUpError(GasolineError):
    """The collector did not take a request for so long that the import ended; the text says where it stood."""


class _Consumer(Consumer, Protocol):
    async def shutdown(self) -> None: ...


class Target(NamedTuple):
    """Who takes what is imported, and what tells how many records it has taken and lost, by reason."""

    consumer: _Consumer
    dropped: Callable[[], Mapping[str, int]]


@dataclass(slots=True)
class Imported:
    """What came of an import: records by signal, records that were rejected, and what was no request, with its place.

    `dropped` holds the records of a signal that no pipeline takes; they are none of `records`. `left_out_shown` holds
    the first LEFT_OUT_SHOWN_MAX lines about `left_out` of them.
    """

    records: Counter[Signal] = field(default_factory=Counter[Signal])
    dropped: Counter[Signal] = field(default_factory=Counter[Signal])
    rejected: int = 0
    left_out: int = 0
    left_out_shown: list[str] = field(default_factory=list[str])

    def leave_out(self, path: Path, place: int, reason: str) -> None:
        """Note that what stands at `place` was not imported."""
        self.left_out += 1
        if len(self.left_out_shown) < LEFT_OUT_SHOWN_MAX:
            self.left_out_shown.append(f"{path}:{place}: {reason}")

    def take_back_dropped(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Count as dropped what the collector accepted for no pipeline: all records of such a signal, or none."""
        for signal, count in list(self.records.items()):
            reason = f"{signal}_without_exporter"
            if count and after.get(reason, 0) - before.get(reason, 0) >= count:
                self.dropped[signal] = self.records.pop(signal)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the flags of `gasoline import` say."""

    paths: Sequence[Path]
    signal: Signal | None
    config_file: Path | None
    data_dir: Path
    token: str | None


def import_files(options: ImportOptions, environ: Mapping[str, str], on_progress: Callable[[int], None]) -> Imported:
    """Import all files in turn; `on_progress` is told how many bytes more were read.

    Raises UnreadableFileError, GaveUpError, ConfigError, StoreError.
    """
    return asyncio.run(_import_files(options, environ, on_progress))


async def _import_files(
    options: ImportOptions, environ: Mapping[str, str], on_progress: Callable[[int], None]
) -> Imported:
    target = await _open_target(options, environ)
    imported = Imported()
    try:
        for path in options.paths:
            _refuse_written(path)
        before = dict(await asyncio.to_thread(target.dropped))
        for path in options.paths:
            await _import_file(path, options.signal, target.consumer, imported, on_progress)
        imported.take_back_dropped(before, await asyncio.to_thread(target.dropped))
    finally:
        await target.consumer.shutdown()
    return imported


async def _open_target(options: ImportOptions, environ: Mapping[str, str]) -> Target:
    running = running_collector(options.data_dir)
    if running is not None:
        if not running.grpc and not running.http:
            raise GaveUpError("the running collector takes no OTLP; stop it with: gasoline stop, and import again")
        return Target(
            connect_to_collector(running, options.token), lambda: _dropped_by_running(options.data_dir, options.token)
        )
    text, source = read_config(options.config_file)
    config = load_config(text, KNOWN_COMPONENTS, source=source, environ=environ)
    pipelines = await open_pipelines(config, options.data_dir)
    return Target(pipelines, lambda: pipelines.dropped)


def _dropped_by_running(data_dir: Path, token: str | None) -> Mapping[str, int]:
    """Return what the running collector says; nothing if it has no query port to say it on."""
    live = live_status(data_dir, token)
    return live.dropped if live else {}


def _refuse_written(path: Path) -> None:
    """Raise UnreadableFileError for a file that an exporter writes, ours or a running collector's: it holds its lock.

    Each request would come back into the file that it was read from.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UnreadableFileError(
            f"{path} is written by the exporter `file` of a collector, and what is imported would be written there "
            "again; import a copy of it"
        ) from error
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from error


async def _import_file(
    path: Path, signal: Signal | None, target: Consumer, imported: Imported, on_progress: Callable[[int], None]
) -> None:
    requests = read_requests(path, signal)
    under_way: set[asyncio.Task[None]] = set()
    position = 0
    try:
        while (item := await asyncio.to_thread(next, requests, None)) is not None:
            on_progress(item.position - position)
            position = item.position
            if isinstance(item, Unreadable):
                imported.leave_out(path, item.place, item.reason)
                continue
            under_way.add(asyncio.create_task(_import_request(path, item, target, imported)))
            if len(under_way) >= REQUESTS_AT_ONCE_MAX:
                under_way = await _some_done(under_way)
        while under_way:
            under_way = await _some_done(under_way)
    finally:
        for task in under_way:
            task.cancel()


async def _some_done(under_way: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait for one at least; return the others. Raises what one of them raised."""
    done, others = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return others


async def _import_request(path: Path, request: Request, target: Consumer, imported: Imported) -> None:
    telemetry = Telemetry(request.signal, request.body)
    try:
        outcome = await _consumed(telemetry, target)
    except BusyError as error:
        raise GaveUpError(
            f"{path}:{request.place}: the collector did not take this for {PATIENCE_S:g} s: {error}; import again when "
            "it does, what is stored already is recognised for ten minutes"
        ) from error
    except RefusedError as error:
        imported.leave_out(path, request.place, str(error))
        return
    imported.records[request.signal] += outcome.accepted
    imported.rejected += outcome.rejected
    if outcome.rejected and len(imported.left_out_shown) < LEFT_OUT_SHOWN_MAX:
        imported.left_out_shown.append(f"{path}:{request.place}: {outcome.message}")


async def _consumed(telemetry: Telemetry, target: Consumer) -> Outcome:
    """Return the outcome; a collector that is busy is asked again until PATIENCE_S are over."""
    deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            return await target.consume(telemetry)
        except BusyError as error:
            pause_s = error.retry_after_s or 1.0
            if asyncio.get_running_loop().time() + pause_s > deadline_s:
                raise
            await asyncio.sleep(pause_s)


def sizes_of(paths: Sequence[Path]) -> int:
    """Return the bytes of all files. Raises UnreadableFileError for the first that is none."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError as error:
            raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from error
    return total
