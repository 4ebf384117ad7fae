"""What is in flight over gRPC counts from its receipt until it is stored or refused, whatever its client does."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeAlias

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from collector.bounded_queue import IN_FLIGHT_BYTES_MAX, InFlight
from collector.pdata.envelope import Signal
from collector.receivers.otlp.grpc import OtlpGrpcReceiver
from collector.receivers.otlp.telemetry import ReceiverCounts, Transport

pytestmark = pytest.mark.anyio

StartGrpc = Callable[..., Awaitable[OtlpGrpcReceiver]]
Unary: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


class Consumer(Protocol):
    received: list[tuple[Signal, bytes]]
    arrived: asyncio.Event

    def hold(self) -> asyncio.Event: ...


METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
BODY = ExportTraceServiceRequest(resource_spans=[ResourceSpans(schema_url="x" * 2000)]).SerializeToString()


class WatchedInFlight(InFlight):
    """Says when nothing is in flight any more."""

    def __init__(self, bytes_max: int = IN_FLIGHT_BYTES_MAX) -> None:
        super().__init__(bytes_max)
        self.emptied = asyncio.Event()

    def release(self, size: int) -> None:
        super().release(size)
        if not self.requests:
            self.emptied.set()


@asynccontextmanager
async def channel_to(endpoint: str) -> AsyncGenerator[grpc.aio.Channel]:
    channel = grpc.aio.insecure_channel(endpoint, options=[("grpc.use_local_subchannel_pool", 1)])
    try:
        yield channel
    finally:
        await channel.close()


async def export(endpoint: str, body: bytes, compression: grpc.Compression | None = None) -> bytes:
    async with channel_to(endpoint) as channel:
        call: Unary = channel.unary_unary(METHOD)
        return await call(body, timeout=10, compression=compression)


async def refusal_of(pending: Awaitable[bytes]) -> tuple[grpc.StatusCode, Status]:
    """Return the code and the details of a refused call; a Status without details if it carries none."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pending
    for key, value in caught.value.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            assert isinstance(value, bytes)
            return caught.value.code(), Status.FromString(value)
    return caught.value.code(), Status(message=caught.value.details() or "")


async def test_a_full_house_refuses_with_retry_info_and_lets_in_again(
    start_grpc: StartGrpc, consumer: Consumer
) -> None:
    in_flight = InFlight(bytes_max=len(BODY) * 2 - 1)
    receiver = await start_grpc(in_flight=in_flight)
    gate = consumer.hold()
    first = asyncio.ensure_future(export(receiver.endpoint, BODY))
    async with asyncio.timeout(5):
        await consumer.arrived.wait()
    code, status = await refusal_of(export(receiver.endpoint, BODY))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert [detail.TypeName() for detail in status.details] == ["google.rpc.RetryInfo"]
    gate.set()
    assert await first == b""
    assert await export(receiver.endpoint, BODY) == b""
    assert (in_flight.bytes, in_flight.requests) == (0, 0)


async def test_what_a_message_grows_to_counts_too(start_grpc: StartGrpc, consumer: Consumer) -> None:
    in_flight = InFlight(bytes_max=3 * len(BODY))
    receiver = await start_grpc(in_flight=in_flight)
    gate = consumer.hold()
    first = asyncio.ensure_future(export(receiver.endpoint, BODY))
    async with asyncio.timeout(5):
        await consumer.arrived.wait()
    grown = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(schema_url="x" * 3 * len(BODY))]
    ).SerializeToString()
    code, _ = await refusal_of(export(receiver.endpoint, grown, compression=grpc.Compression.Gzip))
    assert code is grpc.StatusCode.UNAVAILABLE
    gate.set()
    await first
    assert (in_flight.bytes, in_flight.requests) == (0, 0)


async def test_what_a_client_sent_before_it_gave_up_counts_until_it_is_stored(
    start_grpc: StartGrpc, consumer: Consumer, counts: ReceiverCounts
) -> None:
    in_flight = WatchedInFlight(bytes_max=len(BODY) * 2 - 1)
    receiver = await start_grpc(in_flight=in_flight)
    gate = consumer.hold()
    async with channel_to(receiver.endpoint) as channel:
        unary: Unary = channel.unary_unary(METHOD)
        call = asyncio.ensure_future(unary(BODY))
        async with asyncio.timeout(5):
            await consumer.arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await receiver.shutdown(0)
            receiver = await start_grpc(in_flight=in_flight)
            code, _ = await refusal_of(export(receiver.endpoint, BODY))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert (in_flight.bytes, in_flight.requests) == (len(BODY), 1)
    gate.set()
    async with asyncio.timeout(5):
        await in_flight.emptied.wait()
    assert in_flight.bytes == 0
    assert counts.accepted == {(Transport.GRPC, Signal.TRACES): 1}


async def test_shutdown_keeps_its_deadline(start_grpc: StartGrpc, consumer: Consumer) -> None:
    in_flight = WatchedInFlight()
    receiver = await start_grpc(in_flight=in_flight)
    gate = consumer.hold()
    under_way = asyncio.ensure_future(export(receiver.endpoint, BODY))
    async with asyncio.timeout(5):
        await consumer.arrived.wait()
        await receiver.shutdown(0.05)
    code, _ = await refusal_of(under_way)
    assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    # What was handed on is still waiting to be stored, and counts until it is.
    assert (in_flight.bytes, in_flight.requests) == (len(BODY), 1)
    gate.set()
    async with asyncio.timeout(5):
        await in_flight.emptied.wait()
    assert in_flight.bytes == 0
