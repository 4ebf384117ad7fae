"""The collector's life: start, run until told or idle, drain, end. The one owner of signals.

Start is sink first: the store is open before the first port accepts. The end is source first: ports close,
what was taken is committed and answered, then the store closes.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from collector.component import Exporter, Receiver
from collector.default_ports import other_ports_note
from collector.idle import wait_until_idle
from collector.left_queues import left_queues
from collector.probes import Probes
from collector.query_port import QueryPort
from collector.rendezvous import RunningCollector, publish, reader_activity, withdraw
from collector.store.api import Reader, Writer
from collector.telemetry.metrics import Counters

if TYPE_CHECKING:
    from starlette.routing import Route

    from collector.query.status import LiveStatus

SHUTDOWN_DEADLINE_S = 10.0
REFUSAL_SHOWN_S = 30.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)

_logger = logging.getLogger("gasoline")


class ListeningReceiver(Receiver, Protocol):
    """A receiver that knows where it listens."""

    @property
    def endpoint(self) -> str:
        """`host:port`; after `start` with the port that was bound."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a collector is made of (components.py). `receivers` by the name that the ready line gives them.

    `refusing_part` tells what does not take what is sent, "" if everything does; `queue_folders` are where queues of
    exporters are, or were by a configuration before this one.
    """

    writer: Writer
    reader: Reader
    receivers: Mapping[str, ListeningReceiver]
    exporters: Sequence[Exporter]
    query_port: QueryPort | None
    counters: Counters
    refusing_part: Callable[[], str]
    queue_folders: Sequence[Path]


class Collector:
    """One collector on one data folder; runs in one event loop, once."""

    def __init__(self, parts: Parts, data_dir: Path) -> None:
        self._parts = parts
        self._data_dir = data_dir.absolute()
        self._stop = asyncio.Event()
        self._closed = False
        self._started: RunningCollector | None = None
        self._probes = Probes(self.problem, parts.counters)

    async def start(self) -> RunningCollector:
        """Open all ports, receivers first, and say so in `endpoints.json`; return where they are.

        Raises ConfigError if a port cannot be bound; everything is closed again then.
        """
        try:
            if self._parts.query_port is not None:
                self._parts.query_port.bind()
            for exporter in self._parts.exporters:
                await exporter.start()
            for queue in left_queues(self._parts.queue_folders):
                _logger.warning("nobody sends what waits in %s: exporter %s does not run", queue.folder, queue.exporter)
            for name, receiver in self._parts.receivers.items():
                await receiver.start()
                _logger.info("accepting %s=%s", name, receiver.endpoint)
            if self._parts.query_port is not None:
                await self._parts.query_port.start(self._probes, self.live_status, self._first_note, self._admin_routes)
            running = self._running()
            publish(running)
            if running.page_url:
                _logger.info("the timeline page is at %s/", running.page_url)
        except BaseException:
            await self.shutdown(SHUTDOWN_DEADLINE_S)
            raise
        self._started = running
        return running

    def stop(self) -> None:
        """Let `run` drain and return. Called again it changes nothing: some starters pass each signal on twice."""
        self._stop.set()

    async def run(self, *, idle_s: float = 0.0, on_ready: Callable[[RunningCollector], None]) -> bool:
        """Start, call `on_ready`, and serve until SIGINT, SIGTERM, `stop`, or `idle_s` without use (0: never).

        Returns whether everything was drained within SHUTDOWN_DEADLINE_S; the process ignores both signals from
        then on. Raises what `start` raises.
        """
        with self._signals_stop_it():
            on_ready(await self.start())
            waits: set[asyncio.Future[Any]] = {asyncio.create_task(self._stop.wait())}
            if idle_s > 0:
                waits.add(asyncio.create_task(wait_until_idle(idle_s, self._activity, self._is_used)))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            _logger.info("stopping: %s", "asked to" if self._stop.is_set() else f"unused for {idle_s:g} s")
            drain = asyncio.create_task(self.shutdown(SHUTDOWN_DEADLINE_S))
            done, _ = await asyncio.wait({drain}, timeout=SHUTDOWN_DEADLINE_S + 1)
            if drain in done:
                drain.result()
            return drain in done

    async def shutdown(self, deadline_s: float) -> None:
        """Stop accepting, answer what is under way within the deadline, commit, close. May be called twice."""
        if self._closed:
            return
        self._closed = True
        withdraw_from = self._data_dir if self._started else None
        closing = [asyncio.create_task(each.shutdown(deadline_s)) for each in self._parts.receivers.values()]
        if self._parts.query_port is not None:
            # While receivers drain, probes go on being answered: that this one is leaving.
            self._parts.query_port.release_clients()
            if closing:
                await asyncio.wait(closing, timeout=deadline_s / 2)
            closing.append(asyncio.create_task(self._parts.query_port.shutdown(deadline_s / 2)))
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, BaseException):
                _logger.error("a port did not close cleanly: %s", result)
        self._probes.close()
        await asyncio.gather(*(exporter.shutdown() for exporter in self._parts.exporters))
        if withdraw_from is not None:
            withdraw(withdraw_from)
        self._parts.reader.close()
        await self._parts.writer.shutdown()

    def live_status(self) -> "LiveStatus":
        """Return what only this process knows: its ports, and what was refused and dropped since its start."""
        from collector.query.status import LiveStatus

        counters = self._parts.counters
        return LiveStatus(
            endpoints=self._running().endpoints,
            refused=counters.refused,
            dropped=counters.dropped,
            session_ids_too_long=counters.session_ids_too_long,
            failing_exporters=counters.failing_exporters,
            exporter_troubles=counters.exporter_troubles,
            queue_folders=list(map(str, self._parts.queue_folders)),
            refused_last_unix_nano=counters.refused_last_unix_nano,
            dropped_last_unix_nano=counters.dropped_last_unix_nano,
        )

    def problem(self) -> str:
        """Say why nothing should be sent here just now; "" if all is well. See `/healthz`."""
        if self._stop.is_set() or self._closed:
            return "stopping"
        if self._started is None:
            return "starting"
        return self._parts.refusing_part()

    def _running(self) -> RunningCollector:
        endpoints = {name: receiver.endpoint for name, receiver in self._parts.receivers.items()}
        query = self._parts.query_port.endpoint if self._parts.query_port else ""
        return RunningCollector(
            grpc=endpoints.get("grpc", ""),
            http=endpoints.get("http", ""),
            query=query,
            data=str(self._data_dir),
            pid=os.getpid(),
        )

    def _first_note(self) -> str:
        return other_ports_note(self._running().endpoints)

    def _admin_routes(self) -> "Sequence[Route]":
        from collector.admin import admin_routes

        return admin_routes(self._running, self._parts.counters, self._parts.writer, self._parts.queue_folders)

    def _activity(self) -> tuple[int, int, int]:
        counters, query_port = self._parts.counters, self._parts.query_port
        _, readers_seen_unix_nano = reader_activity(self._data_dir)
        exports = counters.accepted_total + sum(counters.refused.values())
        return exports, query_port.requests if query_port else 0, readers_seen_unix_nano

    def _is_used(self) -> bool:
        query_port = self._parts.query_port
        return reader_activity(self._data_dir)[0] or bool(query_port and query_port.requests_open)

    @contextlib.contextmanager
    def _signals_stop_it(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            # The process is about to end, drained: a signal that comes now must not turn that into a failure.
            for number in SIGNALS:
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)
