"""Receivers on free ports, with a consumer that records what reaches it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest

from collector.bounded_queue import InFlight
from collector.component import Outcome, Telemetry
from collector.pdata.envelope import Signal
from collector.receivers.otlp.factory import create_grpc, create_http
from collector.receivers.otlp.grpc import OtlpGrpcReceiver
from collector.receivers.otlp.http import OtlpHttpReceiver
from collector.receivers.otlp.settings import OtlpGrpcSettings, OtlpHttpSettings
from collector.receivers.otlp.telemetry import ReceiverCounts

LOOPBACK = "127.0.0.1:0"


class RecordingConsumer:
    """Records what it is given, then answers as `behavior` does: by default everything is accepted, one record each."""

    def __init__(self) -> None:
        self.received: list[tuple[Signal, bytes]] = []
        self.arrived = asyncio.Event()
        self.behavior: Callable[[Telemetry], Awaitable[Outcome]] = self._accept

    async def consume(self, telemetry: Telemetry) -> Outcome:
        self.received.append((telemetry.signal, telemetry.body))
        self.arrived.set()
        return await self.behavior(telemetry)

    def answer(self, outcome: Outcome) -> None:
        """Answer `outcome` from now on."""

        async def answered(_: Telemetry) -> Outcome:
            return outcome

        self.behavior = answered

    def fail(self, error: Exception) -> None:
        """Raise `error` from now on."""

        async def failing(_: Telemetry) -> Outcome:
            raise error

        self.behavior = failing

    def hold(self) -> asyncio.Event:
        """Answer nothing until the returned event is set."""
        gate = asyncio.Event()

        async def held(_: Telemetry) -> Outcome:
            await gate.wait()
            return Outcome(accepted=1)

        self.behavior = held
        return gate

    async def _accept(self, _: Telemetry) -> Outcome:
        return Outcome(accepted=1)


class StartGrpc(Protocol):
    """Starts a gRPC receiver."""

    async def __call__(
        self, settings: OtlpGrpcSettings | None = None, *, in_flight: InFlight | None = None, token: str | None = None
    ) -> OtlpGrpcReceiver: ...


class StartHttp(Protocol):
    """Starts an HTTP receiver."""

    async def __call__(
        self, settings: OtlpHttpSettings | None = None, *, in_flight: InFlight | None = None, token: str | None = None
    ) -> OtlpHttpReceiver: ...


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def consumer() -> RecordingConsumer:
    return RecordingConsumer()


@pytest.fixture
def counts() -> ReceiverCounts:
    return ReceiverCounts()


@pytest.fixture
async def start_grpc(consumer: RecordingConsumer, counts: ReceiverCounts) -> AsyncIterator[StartGrpc]:
    started: list[OtlpGrpcReceiver] = []

    async def start(
        settings: OtlpGrpcSettings | None = None, *, in_flight: InFlight | None = None, token: str | None = None
    ) -> OtlpGrpcReceiver:
        receiver = create_grpc(
            settings or OtlpGrpcSettings(endpoint=LOOPBACK),
            consumer,
            in_flight or InFlight(),
            token=token,
            telemetry=counts,
        )
        await receiver.start()
        started.append(receiver)
        return receiver

    yield start
    for receiver in started:
        await receiver.shutdown(0)


@pytest.fixture
async def start_http(consumer: RecordingConsumer, counts: ReceiverCounts) -> AsyncIterator[StartHttp]:
    started: list[OtlpHttpReceiver] = []

    async def start(
        settings: OtlpHttpSettings | None = None, *, in_flight: InFlight | None = None, token: str | None = None
    ) -> OtlpHttpReceiver:
        receiver = create_http(
            settings or OtlpHttpSettings(endpoint=LOOPBACK),
            consumer,
            in_flight or InFlight(),
            token=token,
            telemetry=counts,
        )
        await receiver.start()
        started.append(receiver)
        return receiver

    yield start
    for receiver in started:
        await receiver.shutdown(0)
