"""A backend for exporters: our own receivers, with a consumer that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from collector.bounded_queue import InFlight
from collector.component import Outcome, Receiver, Telemetry
from collector.pdata.envelope import Signal
from collector.receivers.otlp.factory import OtlpGrpcSettings, OtlpHttpSettings, create_grpc, create_http
from collector.telemetry.metrics import Counters, ExporterCounters

LOOPBACK = "127.0.0.1:0"


class Backend:
    """Keeps what it took. `answers` are given first, one each: an outcome, or an error to raise."""

    def __init__(self) -> None:
        self.taken: list[tuple[Signal, bytes]] = []
        self.attempts = 0
        self.answers: list[Outcome | Exception] = []
        self.grpc = ""
        self.http = ""
        self._changed = asyncio.Condition()

    async def consume(self, telemetry: Telemetry) -> Outcome:
        async with self._changed:
            self.attempts += 1
            answer = self.answers.pop(0) if self.answers else Outcome(1)
            if isinstance(answer, Outcome):
                self.taken.append((telemetry.signal, telemetry.body))
            self._changed.notify_all()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def has_taken(self, count: int) -> None:
        """Return when so many requests were taken."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= count)

    async def has_met(self, attempts: int) -> None:
        """Return when so many requests have come, taken or not."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: self.attempts >= attempts)


StartBackend = Callable[[], Awaitable[Backend]]


@pytest.fixture
async def start_backend() -> AsyncIterator[StartBackend]:
    receivers: list[Receiver] = []

    async def start() -> Backend:
        backend = Backend()
        grpc = create_grpc(OtlpGrpcSettings(endpoint=LOOPBACK), backend, InFlight())
        http = create_http(OtlpHttpSettings(endpoint=LOOPBACK), backend, InFlight())
        for receiver in (grpc, http):
            await receiver.start()
            receivers.append(receiver)
        backend.grpc, backend.http = grpc.endpoint, http.endpoint
        return backend

    yield start
    for receiver in receivers:
        await receiver.shutdown(0)


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def exporter_counters(counters: Counters) -> ExporterCounters:
    return ExporterCounters(counters, "otlp")
