"""OTLP/HTTP on the wire: what goes in, what comes back, and where the limits are."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from collector.bounded_queue import InFlight
from collector.component import Outcome
from collector.errors import BusyError, InvalidDataError
from collector.pdata.envelope import Signal
from collector.receivers.otlp.http import OtlpHttpReceiver
from collector.receivers.otlp.settings import OtlpHttpSettings
from collector.receivers.otlp.telemetry import ReceiverCounts, Transport

pytestmark = pytest.mark.anyio

StartHttp = Callable[..., Awaitable[OtlpHttpReceiver]]


class Consumer(Protocol):
    received: list[tuple[Signal, bytes]]
    arrived: asyncio.Event

    def answer(self, outcome: Outcome) -> None: ...

    def fail(self, error: Exception) -> None: ...

    def hold(self) -> asyncio.Event: ...


LOOPBACK = "127.0.0.1:0"
MIB = 1024 * 1024
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
REQUEST = ExportTraceServiceRequest(resource_spans=[ResourceSpans(schema_url="x" * 2000)])
BODY = REQUEST.SerializeToString()
BODIES = {PROTOBUF: BODY, JSON: json.dumps(MessageToDict(REQUEST)).encode()}


async def post(receiver: OtlpHttpReceiver, body: bytes, path: str = "/v1/traces", **headers: str) -> httpx.Response:
    """Send `body`; underscores in the names of headers stand for hyphens, the content type is protobuf if not given."""
    named = {"content-type": PROTOBUF} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}", timeout=10) as client:
        return await client.post(path, content=body, headers=named)


def status_in(response: httpx.Response) -> Status:
    """Return the google.rpc.Status that a protobuf answer holds."""
    assert response.headers["content-type"] == PROTOBUF
    return Status.FromString(response.content)


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize(("content_type", "empty"), [(PROTOBUF, b""), (JSON, b"{}")])
async def test_each_signal_reaches_the_consumer_as_protobuf_and_is_answered_in_its_own_encoding(
    start_http: StartHttp, consumer: Consumer, counts: ReceiverCounts, signal: Signal, content_type: str, empty: bytes
) -> None:
    receiver = await start_http()
    body = b'{"resourceLogs": [], "resourceSpans": [], "resourceMetrics": []}' if content_type == JSON else b""
    response = await post(receiver, body, f"/v1/{signal}", content_type=content_type)
    assert (response.status_code, response.headers["content-type"], response.content) == (200, content_type, empty)
    assert consumer.received == [(signal, b"")]
    assert counts.accepted == {(Transport.HTTP, signal): 1}


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON, f"{JSON}; charset=utf-8", "Application/X-Protobuf ; v=1"])
async def test_the_content_type_may_have_parameters_and_any_case(
    start_http: StartHttp, consumer: Consumer, content_type: str
) -> None:
    receiver = await start_http()
    bare = content_type.partition(";")[0].strip().lower()
    response = await post(receiver, BODIES[bare], content_type=content_type)
    assert (response.status_code, response.headers["content-type"]) == (200, bare)
    assert consumer.received == [(Signal.TRACES, BODY)]


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("identity", bytes), ("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)],
)
async def test_compressed_and_uncompressed_bodies_are_taken(
    start_http: StartHttp, consumer: Consumer, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    receiver = await start_http()
    response = await post(receiver, compress(BODY), content_encoding=encoding)
    assert (response.status_code, consumer.received) == (200, [(Signal.TRACES, BODY)])


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
async def test_chunked_bodies_are_taken(
    start_http: StartHttp, consumer: Consumer, compress: Callable[[bytes], bytes]
) -> None:
    receiver = await start_http()
    body = compress(BODY)

    async def chunks() -> AsyncGenerator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    encoding = "identity" if compress is bytes else "gzip"
    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}") as client:
        headers = {"content-type": PROTOBUF, "content-encoding": encoding}
        response = await client.post("/v1/traces", content=chunks(), headers=headers)
    assert response.request.headers["transfer-encoding"] == "chunked"
    assert (response.status_code, consumer.received) == (200, [(Signal.TRACES, BODY)])


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_partial_success_is_200_with_the_count_and_the_reason(
    start_http: StartHttp, consumer: Consumer, content_type: str
) -> None:
    receiver = await start_http()
    consumer.answer(Outcome(accepted=3, rejected=2, message="two old"))
    response = await post(receiver, BODIES[content_type], content_type=content_type)
    assert response.status_code == 200
    if content_type == JSON:
        assert response.json() == {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "two old"}}
    else:
        partial = ExportTracePartialSuccess(rejected_spans=2, error_message="two old")
        assert ExportTraceServiceResponse.FromString(response.content).partial_success == partial


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_the_response_stays_within_its_limit(
    start_http: StartHttp, consumer: Consumer, content_type: str
) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, response_bytes_max=100))
    consumer.answer(Outcome(accepted=0, rejected=1, message="x" * 1000))
    response = await post(receiver, BODIES[content_type], content_type=content_type)
    assert (response.status_code, 50 < len(response.content) <= 100) == (200, True)
    consumer.fail(InvalidDataError("x" * 1000))
    response = await post(receiver, BODIES[content_type], content_type=content_type)
    assert (response.status_code, len(response.content) <= 100) == (400, True)


async def test_a_response_that_cannot_fit_is_500(start_http: StartHttp, consumer: Consumer) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, response_bytes_max=1))
    consumer.answer(Outcome(accepted=0, rejected=1))
    response = await post(receiver, BODY)
    assert (response.status_code, response.content) == (500, b"")


async def test_invalid_data_are_400_with_a_bad_request_in_protobuf(start_http: StartHttp, consumer: Consumer) -> None:
    receiver = await start_http()
    consumer.fail(InvalidDataError("not a trace request"))
    response = await post(receiver, BODY)
    status, detail = status_in(response), BadRequest()
    assert status.details[0].Unpack(detail)
    violation = BadRequest.FieldViolation(field="body", description="not a trace request")
    assert (response.status_code, status.code, status.message) == (400, 3, "not a trace request")
    assert detail == BadRequest(field_violations=[violation])


async def test_invalid_data_are_400_with_a_bad_request_in_json(start_http: StartHttp, consumer: Consumer) -> None:
    receiver = await start_http()
    response = await post(receiver, b'{"resourceSpans": 1}', content_type=JSON)
    text = "body.resourceSpans must be a list, not a number"
    assert (response.status_code, response.headers["content-type"]) == (400, JSON)
    assert response.json() == {
        "code": 3,
        "message": text,
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": "body", "description": text}],
            }
        ],
    }
    assert consumer.received == []


@pytest.mark.parametrize(("retry_after_s", "header"), [(1.0, "1"), (1.5, "2"), (0.2, "1")])
async def test_busy_is_503_with_retry_after_and_retry_info(
    start_http: StartHttp, consumer: Consumer, retry_after_s: float, header: str
) -> None:
    receiver = await start_http()
    consumer.fail(BusyError("come back", retry_after_s))
    response = await post(receiver, BODY)
    status, detail = status_in(response), RetryInfo()
    assert status.details[0].Unpack(detail)
    assert (response.status_code, response.headers["retry-after"], status.code) == (503, header, 14)
    assert detail.retry_delay.ToMilliseconds() == retry_after_s * 1000


async def test_an_unforeseen_error_is_temporary_for_the_sender_and_counted(
    start_http: StartHttp, consumer: Consumer, counts: ReceiverCounts, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = await start_http()
    consumer.fail(RuntimeError("disk on fire"))
    response = await post(receiver, BODY)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert b"disk on fire" not in response.content
    assert "disk on fire" in caplog.text
    assert counts.failed == {(Transport.HTTP, Signal.TRACES): 1}


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_full_house_refuses_and_lets_in_again(start_http: StartHttp, consumer: Consumer, encoding: str) -> None:
    in_flight = InFlight(bytes_max=len(BODY) * 2 - 1)
    receiver = await start_http(in_flight=in_flight)
    body = gzip.compress(BODY) if encoding == "gzip" else BODY
    gate = consumer.hold()
    first = asyncio.ensure_future(post(receiver, BODY))
    async with asyncio.timeout(5):
        await consumer.arrived.wait()
    refused = await post(receiver, body, content_encoding=encoding)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    gate.set()
    assert (await first).status_code == 200
    assert (await post(receiver, body, content_encoding=encoding)).status_code == 200
    assert (in_flight.bytes, in_flight.requests) == (0, 0)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_the_size_limit_holds_before_and_after_decompression(
    start_http: StartHttp, consumer: Consumer, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    in_flight = InFlight()
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, max_request_body_size=MIB), in_flight=in_flight)
    fits = await post(receiver, compress(bytes([0x0A]) * MIB), content_encoding=encoding)
    over = await post(receiver, compress(bytes([0x0A]) * (MIB + 1)), content_encoding=encoding)
    assert (fits.status_code, over.status_code, status_in(over).code) == (200, 413, 8)
    assert "retry-after" not in over.headers
    assert ([len(body) for _, body in consumer.received], in_flight.bytes) == ([MIB], 0)


async def test_the_size_limit_holds_for_a_chunked_body(start_http: StartHttp, consumer: Consumer) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, max_request_body_size=100))

    async def chunks() -> AsyncGenerator[bytes]:
        for _ in range(3):
            yield b"x" * 50

    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}") as client:
        response = await client.post("/v1/traces", content=chunks(), headers={"content-type": PROTOBUF})
    assert (response.status_code, consumer.received) == (413, [])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(PROTOBUF, b"\x0a\x00" * MIB), (JSON, b'{"resourceSpans":[' + b"{}," * 200 + b"{}]}")],
)
async def test_a_bomb_of_empty_messages_is_too_large(
    start_http: StartHttp, consumer: Consumer, content_type: str, body: bytes
) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, json_elements_max=400))
    response = await post(receiver, body, content_type=content_type)
    assert (response.status_code, consumer.received) == (413, [])


@pytest.mark.parametrize(
    ("sent", "status", "named"),
    [
        ({"content_encoding": "br"}, 415, ("accept-encoding", "gzip, deflate, identity")),
        ({"content_encoding": "gzip, gzip"}, 415, ("accept-encoding", "gzip, deflate, identity")),
        ({"content_encoding": "gzip"}, 400, ("content-type", PROTOBUF)),
        ({"content_type": "text/plain"}, 415, ("accept", f"{PROTOBUF}, {JSON}")),
        ({"content_type": "text/plain"}, 415, ("content-type", JSON)),
        ({"content_type": ""}, 415, ("content-type", JSON)),
        ({"path": "/v1/profiles"}, 404, ("content-type", PROTOBUF)),
        ({"path": "/v1/traces/"}, 404, ("content-type", PROTOBUF)),
    ],
)
async def test_what_is_no_otlp_is_refused_with_a_status(
    start_http: StartHttp, consumer: Consumer, sent: dict[str, str], status: int, named: tuple[str, str]
) -> None:
    receiver = await start_http()
    response = await post(receiver, BODY, **sent)
    message = status_in(response).message if named[1] == PROTOBUF else response.content.decode()
    assert (response.status_code, response.headers[named[0]], consumer.received) == (status, named[1], [])
    assert message


async def test_other_methods_are_told_which_one_to_use(start_http: StartHttp) -> None:
    receiver = await start_http()
    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}") as client:
        response = await client.get("/v1/traces")
    assert (response.status_code, response.headers["allow"]) == (405, "POST, OPTIONS")
    assert response.json() == {"code": 12, "message": "/v1/traces takes POST, not GET"}


async def test_a_token_is_asked_for_when_one_is_configured(
    start_http: StartHttp, consumer: Consumer, counts: ReceiverCounts
) -> None:
    receiver = await start_http(token="s3cret")
    for wrong in ("", "Bearer", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret"):
        response = await post(receiver, BODY, authorization=wrong)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert counts.refused == {(Transport.HTTP, Signal.TRACES, "UnauthenticatedError"): 5}
    for right in ("Bearer s3cret", "bearer s3cret"):
        assert (await post(receiver, BODY, authorization=right)).status_code == 200
    assert len(consumer.received) == 2


async def test_who_only_asks_what_an_export_would_meet_is_answered_and_not_counted(
    start_http: StartHttp, consumer: Consumer, counts: ReceiverCounts
) -> None:
    receiver = await start_http(token="s3cret")
    consumer.fail(BusyError("no room"))
    bearer = "Bearer s3cret"
    assert [
        (await post(receiver, b"")).status_code,
        (await post(receiver, b"", authorization=bearer)).status_code,
        (await post(receiver, b"", "/v1/else")).status_code,
        (await post(receiver, BODY, "/")).status_code,
        (await post(receiver, BODY, authorization=bearer)).status_code,
    ] == [401, 503, 404, 404, 503]
    async with httpx.AsyncClient(trust_env=False) as client:
        looked = [
            (await client.request(method, f"http://{receiver.endpoint}{path}")).status_code
            for method in ("GET", "HEAD", "PUT")
            for path in ("/", "/v1/traces")
        ]
    assert looked == [404, 405] * 3
    assert counts.refused == {
        (Transport.HTTP, None, "NotFoundError"): 1,
        (Transport.HTTP, None, "NoPathError"): 2,
        (Transport.HTTP, Signal.TRACES, "MethodNotAllowedError"): 1,
        (Transport.HTTP, Signal.TRACES, "BusyError"): 1,
    }


async def test_a_body_over_a_mebibyte_in_json_is_converted_too(start_http: StartHttp, consumer: Consumer) -> None:
    receiver = await start_http()
    spans = [Span(name="n" * 1000, start_time_unix_nano=index) for index in range(1200)]
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])
    body = json.dumps(MessageToDict(request)).encode()
    assert len(body) > MIB
    assert (await post(receiver, body, content_type=JSON)).status_code == 200
    assert ExportTraceServiceRequest.FromString(consumer.received[0][1]) == request
