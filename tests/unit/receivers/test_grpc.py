"""OTLP/gRPC on the wire: what goes in, what comes back, and where the limits are."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeAlias

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from collector.component import Outcome
from collector.encoding.response import ExportResponse
from collector.errors import BusyError, InvalidDataError
from collector.pdata.envelope import Signal
from collector.receivers.otlp.grpc import SERVICES, OtlpGrpcReceiver
from collector.receivers.otlp.settings import OtlpGrpcSettings
from collector.receivers.otlp.telemetry import ReceiverCounts, Transport

pytestmark = pytest.mark.anyio

StartGrpc = Callable[..., Awaitable[OtlpGrpcReceiver]]
Unary: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


class Consumer(Protocol):
    received: list[tuple[Signal, bytes]]
    arrived: asyncio.Event

    def answer(self, outcome: Outcome) -> None: ...

    def fail(self, error: Exception) -> None: ...

    def hold(self) -> asyncio.Event: ...


LOOPBACK = "127.0.0.1:0"
MIB = 1024 * 1024
METHODS = {signal: f"/{service}/Export" for service, signal in SERVICES.items()}
BODY = ExportTraceServiceRequest(resource_spans=[ResourceSpans(schema_url="x" * 2000)]).SerializeToString()


@asynccontextmanager
async def channel_to(endpoint: str, *, own_connection: bool = True) -> AsyncGenerator[grpc.aio.Channel]:
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", int(own_connection))]
    channel = grpc.aio.insecure_channel(endpoint, options=options)
    try:
        yield channel
    finally:
        await channel.close()


async def export(
    endpoint: str,
    body: bytes,
    *,
    signal: Signal = Signal.TRACES,
    compression: grpc.Compression | None = None,
    token: str | None = None,
) -> bytes:
    async with channel_to(endpoint) as channel:
        call: Unary = channel.unary_unary(METHODS[signal])
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        return await call(body, timeout=10, compression=compression, metadata=metadata)


async def refusal_of(pending: Awaitable[bytes]) -> tuple[grpc.StatusCode, Status]:
    """Return the code and the details of a refused call; a Status without details if it carries none."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pending
    for key, value in caught.value.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            assert isinstance(value, bytes)
            return caught.value.code(), Status.FromString(value)
    return caught.value.code(), Status(message=caught.value.details() or "")


@pytest.mark.parametrize("signal", list(Signal))
async def test_each_signal_reaches_the_consumer_as_it_came_and_is_answered_empty(
    start_grpc: StartGrpc, consumer: Consumer, counts: ReceiverCounts, signal: Signal
) -> None:
    receiver = await start_grpc()
    assert await export(receiver.endpoint, BODY, signal=signal) == b""
    assert consumer.received == [(signal, BODY)]
    assert counts.accepted == {(Transport.GRPC, signal): 1}


@pytest.mark.parametrize(
    "compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate]
)
async def test_compressed_and_uncompressed_requests_are_taken(
    start_grpc: StartGrpc, consumer: Consumer, compression: grpc.Compression
) -> None:
    receiver = await start_grpc()
    assert await export(receiver.endpoint, BODY, compression=compression) == b""
    assert consumer.received == [(Signal.TRACES, BODY)]


async def test_an_empty_request_is_a_success(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc()
    assert await export(receiver.endpoint, b"") == b""
    assert consumer.received == [(Signal.TRACES, b"")]


async def test_a_body_that_only_looks_deflated_is_left_alone(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc()
    body = b"\x78\x01" + BODY
    assert await export(receiver.endpoint, body) == b""
    assert consumer.received == [(Signal.TRACES, body)]


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (
            Signal.TRACES,
            ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=2, error_message="two old")
            ),
        ),
        (
            Signal.LOGS,
            ExportLogsServiceResponse(
                partial_success=ExportLogsPartialSuccess(rejected_log_records=2, error_message="two old")
            ),
        ),
        (
            Signal.METRICS,
            ExportMetricsServiceResponse(
                partial_success=ExportMetricsPartialSuccess(rejected_data_points=2, error_message="two old")
            ),
        ),
    ],
)
async def test_partial_success_counts_what_was_rejected(
    start_grpc: StartGrpc, consumer: Consumer, counts: ReceiverCounts, signal: Signal, expected: ExportResponse
) -> None:
    receiver = await start_grpc()
    consumer.answer(Outcome(accepted=3, rejected=2, message="two old"))
    response = await export(receiver.endpoint, BODY, signal=signal)
    assert type(expected).FromString(response) == expected
    assert (counts.accepted, counts.rejected) == ({(Transport.GRPC, signal): 3}, {(Transport.GRPC, signal): 2})


async def test_a_rejection_without_reason_gets_one_and_a_warning_rejects_nothing(
    start_grpc: StartGrpc, consumer: Consumer
) -> None:
    receiver = await start_grpc()
    consumer.answer(Outcome(accepted=0, rejected=1))
    rejected = ExportTraceServiceResponse.FromString(await export(receiver.endpoint, BODY))
    assert rejected.partial_success.error_message == "1 spans were rejected"
    consumer.answer(Outcome(accepted=1, message="clock is off"))
    warned = ExportTraceServiceResponse.FromString(await export(receiver.endpoint, BODY))
    assert warned == ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(error_message="clock is off"))


async def test_the_response_stays_within_its_limit(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc(OtlpGrpcSettings(endpoint=LOOPBACK, response_bytes_max=100))
    consumer.answer(Outcome(accepted=0, rejected=1, message="ü" * 1000))
    response = await export(receiver.endpoint, BODY)
    partial = ExportTraceServiceResponse.FromString(response).partial_success
    assert len(response) <= 100
    assert (partial.rejected_spans, set(partial.error_message)) == (1, {"ü"})


async def test_a_response_that_cannot_fit_is_resource_exhausted(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc(OtlpGrpcSettings(endpoint=LOOPBACK, response_bytes_max=1))
    consumer.answer(Outcome(accepted=0, rejected=1))
    code, status = await refusal_of(export(receiver.endpoint, BODY))
    assert (code, len(status.details)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 0)


async def test_invalid_data_are_told_with_a_bad_request(
    start_grpc: StartGrpc, consumer: Consumer, counts: ReceiverCounts
) -> None:
    receiver = await start_grpc()
    consumer.fail(InvalidDataError("not a trace request"))
    code, status = await refusal_of(export(receiver.endpoint, BODY))
    detail = BadRequest()
    assert status.details[0].Unpack(detail)
    assert (code, status.code, status.message) == (grpc.StatusCode.INVALID_ARGUMENT, 3, "not a trace request")
    assert detail == BadRequest(
        field_violations=[BadRequest.FieldViolation(field="body", description="not a trace request")]
    )
    assert counts.refused == {(Transport.GRPC, Signal.TRACES, "InvalidDataError"): 1}


async def test_a_broken_gzip_message_is_invalid(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc()
    code, _ = await refusal_of(export(receiver.endpoint, gzip.compress(BODY)[:-4]))
    assert (code, consumer.received) == (grpc.StatusCode.INVALID_ARGUMENT, [])


async def test_busy_is_told_with_retry_info(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc()
    consumer.fail(BusyError("come back", retry_after_s=1.5))
    code, status = await refusal_of(export(receiver.endpoint, BODY))
    detail = RetryInfo()
    assert status.details[0].Unpack(detail)
    assert (code, len(status.details)) == (grpc.StatusCode.UNAVAILABLE, 1)
    assert detail.retry_delay.ToMilliseconds() == 1500


async def test_the_delay_stands_where_every_exporter_looks_for_it(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc()
    consumer.fail(BusyError("come back", retry_after_s=1.5))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await export(receiver.endpoint, BODY)
    trailers = dict(caught.value.trailing_metadata() or ())
    assert sorted(trailers) == ["google.rpc.retryinfo-bin", "grpc-status-details-bin"]
    in_status, alone = trailers["grpc-status-details-bin"], trailers["google.rpc.retryinfo-bin"]
    assert isinstance(in_status, bytes)
    assert isinstance(alone, bytes)
    detail = RetryInfo()
    assert Status.FromString(in_status).details[0].Unpack(detail)
    assert RetryInfo.FromString(alone) == detail
    consumer.fail(InvalidDataError("no"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await export(receiver.endpoint, BODY)
    assert list(dict(caught.value.trailing_metadata() or ())) == ["grpc-status-details-bin"]


async def test_an_unforeseen_error_is_temporary_for_the_sender_and_counted(
    start_grpc: StartGrpc, consumer: Consumer, counts: ReceiverCounts, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = await start_grpc()
    consumer.fail(RuntimeError("disk on fire"))
    code, status = await refusal_of(export(receiver.endpoint, BODY))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert [detail.TypeName() for detail in status.details] == ["google.rpc.RetryInfo"]
    assert "disk on fire" not in status.message
    assert counts.failed == {(Transport.GRPC, Signal.TRACES): 1}
    assert "disk on fire" in caplog.text


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zlib.compress])
async def test_the_size_limit_holds_before_and_after_decompression(
    start_grpc: StartGrpc, consumer: Consumer, compress: Callable[[bytes], bytes]
) -> None:
    receiver = await start_grpc(OtlpGrpcSettings(endpoint=LOOPBACK, max_recv_msg_size_mib=1))
    assert await export(receiver.endpoint, compress(bytes([0x0A]) * MIB)) == b""
    code, status = await refusal_of(export(receiver.endpoint, compress(bytes([0x0A]) * (MIB + 1))))
    assert (code, list(status.details)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, [])
    assert [len(body) for _, body in consumer.received] == [MIB]


async def test_a_bomb_of_empty_messages_is_too_large(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc()
    code, status = await refusal_of(export(receiver.endpoint, b"\x0a\x00" * MIB))
    assert (code, list(status.details), consumer.received) == (grpc.StatusCode.RESOURCE_EXHAUSTED, [], [])


async def test_a_token_is_asked_for_when_one_is_configured(
    start_grpc: StartGrpc, consumer: Consumer, counts: ReceiverCounts
) -> None:
    receiver = await start_grpc(token="s3cret")
    for wrong in (None, "s3cre", "s3cret2", "S3CRET"):
        code, _ = await refusal_of(export(receiver.endpoint, BODY, token=wrong))
        assert code is grpc.StatusCode.UNAUTHENTICATED
    assert consumer.received == []
    assert await export(receiver.endpoint, BODY, token="s3cret") == b""
    assert counts.refused == {(Transport.GRPC, Signal.TRACES, "UnauthenticatedError"): 4}


async def test_an_unknown_method_is_unimplemented(start_grpc: StartGrpc) -> None:
    receiver = await start_grpc()
    async with channel_to(receiver.endpoint) as channel:
        call: Unary = channel.unary_unary("/no.such.Service/Export")
        code, _ = await refusal_of(call(b"", timeout=5))
    assert code is grpc.StatusCode.UNIMPLEMENTED


async def test_connections_beyond_the_limit_are_told_to_come_back(start_grpc: StartGrpc) -> None:
    receiver = await start_grpc(OtlpGrpcSettings(endpoint=LOOPBACK, connections_max=1))
    async with channel_to(receiver.endpoint) as first:
        call: Unary = first.unary_unary(METHODS[Signal.TRACES])
        assert await call(BODY, timeout=5) == b""
        code, _ = await refusal_of(export(receiver.endpoint, BODY))
        assert code is grpc.StatusCode.UNAVAILABLE
        assert await call(BODY, timeout=5) == b""


async def test_streams_beyond_the_limit_wait_for_their_turn(start_grpc: StartGrpc, consumer: Consumer) -> None:
    receiver = await start_grpc(OtlpGrpcSettings(endpoint=LOOPBACK, max_concurrent_streams=2))
    async with channel_to(receiver.endpoint) as channel:
        call: Unary = channel.unary_unary(METHODS[Signal.TRACES])
        # the client knows the limit once it has had an answer
        assert await call(BODY, timeout=5) == b""
        gate = consumer.hold()
        calls = [asyncio.ensure_future(call(BODY, timeout=10)) for _ in range(2)]
        async with asyncio.timeout(5):
            while len(consumer.received) < 3:
                consumer.arrived.clear()
                await consumer.arrived.wait()
        code, _ = await refusal_of(call(BODY, timeout=0.3))
        assert (code, len(consumer.received)) == (grpc.StatusCode.DEADLINE_EXCEEDED, 3)
        gate.set()
        assert await asyncio.gather(*calls) == [b"", b""]
        assert await call(BODY, timeout=5) == b""


async def test_no_stream_is_refused_to_a_client_that_keeps_to_the_limit(start_grpc: StartGrpc) -> None:
    # An SDK may take a refused stream for the end of its batch.
    receiver = await start_grpc(OtlpGrpcSettings(endpoint=LOOPBACK, max_concurrent_streams=4))
    async with channel_to(receiver.endpoint) as channel:
        call: Unary = channel.unary_unary(METHODS[Signal.TRACES])
        assert await call(BODY, timeout=5) == b""
        assert await asyncio.gather(*(call(BODY, timeout=60) for _ in range(500))) == [b""] * 500


async def test_health_says_serving_for_the_server_and_each_service(start_grpc: StartGrpc) -> None:
    receiver = await start_grpc()
    serving = HealthCheckResponse(status=HealthCheckResponse.SERVING)
    async with channel_to(receiver.endpoint) as channel:
        check: Unary = channel.unary_unary("/grpc.health.v1.Health/Check")
        for service in ("", *SERVICES):
            message = HealthCheckRequest(service=service).SerializeToString()
            assert HealthCheckResponse.FromString(await check(message, timeout=5)) == serving
            assert HealthCheckResponse.FromString(await check(gzip.compress(message), timeout=5)) == serving
        code, _ = await refusal_of(check(HealthCheckRequest(service="no").SerializeToString(), timeout=5))
        assert code is grpc.StatusCode.NOT_FOUND
        code, _ = await refusal_of(check(b"\xff", timeout=5))
        assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_health_watch_ends_with_the_server_and_does_not_hold_it_open(start_grpc: StartGrpc) -> None:
    receiver = await start_grpc()
    async with channel_to(receiver.endpoint) as channel:
        call: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream("/grpc.health.v1.Health/Watch")
        watch = aiter(call(b""))
        first = await anext(watch)
        async with asyncio.timeout(5):
            await receiver.shutdown(60)
        answers = [first] + [message async for message in watch]
    assert [HealthCheckResponse.FromString(answer).status for answer in answers] == [
        HealthCheckResponse.SERVING,
        HealthCheckResponse.NOT_SERVING,
    ]


async def test_shutdown_answers_what_is_under_way_and_takes_nothing_more(
    start_grpc: StartGrpc, consumer: Consumer
) -> None:
    receiver = await start_grpc()
    gate = consumer.hold()
    under_way = asyncio.ensure_future(export(receiver.endpoint, BODY))
    async with asyncio.timeout(5):
        await consumer.arrived.wait()
    closing = asyncio.ensure_future(receiver.shutdown(30))
    code, _ = await refusal_of(export(receiver.endpoint, BODY))
    assert (code, closing.done()) == (grpc.StatusCode.UNAVAILABLE, False)
    gate.set()
    assert await under_way == b""
    async with asyncio.timeout(5):
        await closing
    await receiver.shutdown(0)
