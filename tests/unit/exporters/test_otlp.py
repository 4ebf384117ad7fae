"""Both OTLP exporters against real receivers: the bytes as they came, and what each answer of a backend means."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from pydantic import ValidationError

from collector.component import Outcome
from collector.errors import BusyError, InvalidDataError, TooLargeError
from collector.pdata.envelope import Signal
from exporters.delivery.forwarder import Delivered, Sender
from exporters.delivery.retry import NotDeliveredError
from exporters.otlp_grpc import OtlpGrpcSender
from exporters.otlp_http import COMPRESS_ON_LOOP_BYTES_MAX, OtlpHttpSender
from exporters.otlp_settings import OtlpExporterSettings, OtlpHttpExporterSettings

pytestmark = pytest.mark.anyio

StartBackend = Callable[[], Awaitable[Any]]
BOTH = pytest.mark.parametrize("transport", ["grpc", "http"])
# A resource with a field that no version of OTLP has: it has to arrive as well.
BODY = b"\x0a\x05\x0a\x03\xfa\x3e\x00"


def sender_to(transport: str, endpoint: str, **settings: Any) -> Sender:
    if transport == "grpc":
        return OtlpGrpcSender(OtlpExporterSettings(endpoint=endpoint, **settings))
    return OtlpHttpSender(OtlpHttpExporterSettings(endpoint=f"http://{endpoint}", **settings))


async def failure_of(sender: Sender) -> NotDeliveredError:
    try:
        with pytest.raises(NotDeliveredError) as failed:
            await sender.send(Signal.TRACES, BODY)
    finally:
        await sender.close()
    return failed.value


@BOTH
@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_bytes_arrive_as_they_were(start_backend: StartBackend, transport: str, compression: str) -> None:
    backend = await start_backend()
    sender = sender_to(transport, getattr(backend, transport), compression=compression)
    large = b"\x0a" + b"\x82\x80\x08" + bytes(2 + 2 * COMPRESS_ON_LOOP_BYTES_MAX)
    sent = [(signal, BODY) for signal in Signal] + [(Signal.METRICS, large)]
    assert [await sender.send(*each) for each in sent] == [Delivered()] * 4
    assert backend.taken == sent
    await sender.close()
    await sender.close()


@BOTH
@pytest.mark.parametrize("signal", list(Signal))
async def test_a_partial_success_is_read(start_backend: StartBackend, transport: str, signal: Signal) -> None:
    backend = await start_backend()
    backend.answers = [Outcome(1, 2, "no ids")]
    sender = sender_to(transport, getattr(backend, transport))
    assert await sender.send(signal, BODY) == Delivered(2, "no ids")
    await sender.close()


@BOTH
async def test_a_busy_backend_says_when_to_come_back(start_backend: StartBackend, transport: str) -> None:
    backend = await start_backend()
    backend.answers = [BusyError("one moment", retry_after_s=7)]
    failure = await failure_of(sender_to(transport, getattr(backend, transport)))
    assert (failure.retryable, failure.retry_after_s) == (True, 7)
    assert str(failure).endswith("one moment")


@BOTH
@pytest.mark.parametrize("error", [InvalidDataError("broken"), TooLargeError("too large")])
async def test_what_a_backend_refuses_is_not_sent_again(
    start_backend: StartBackend, transport: str, error: Exception
) -> None:
    backend = await start_backend()
    backend.answers = [error]
    failure = await failure_of(sender_to(transport, getattr(backend, transport)))
    assert (failure.retryable, failure.retry_after_s) == (False, None)


@asynccontextmanager
async def answering(head: str, page: bytes = b"") -> AsyncGenerator[Sender]:
    """A sender to a backend that always answers so."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        writer.write(f"{head}\r\nConnection: close\r\nContent-Length: {len(page)}\r\n\r\n".encode() + page)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield sender_to("http", f"127.0.0.1:{server.sockets[0].getsockname()[1]}", compression="none")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (
            "HTTP/1.1 302 Found\r\nLocation: https://login.example/?state=S",
            "302 Found, and names https://login.example/ instead",
        ),
        ("HTTP/1.1 308 x\r\nLocation: /otlp/v1/traces", "308 x, and names /otlp/v1/traces instead"),
        ("HTTP/1.1 304 Not Modified", "304 Not Modified"),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=utf-8",
            "200 OK with a page (text/html), which is no answer of OTLP",
        ),
    ],
)
async def test_a_redirect_and_a_page_are_no_delivery_and_no_refusal(head: str, told: str) -> None:
    async with answering(head, b"\n<!doctype html><title>Log in</title>") as sender:
        failure = await failure_of(sender)
    assert (failure.retryable, failure.is_fault, str(failure).partition(" answered ")[2]) == (False, True, told)


@pytest.mark.parametrize("body", [b"", b"OK"])
async def test_a_plain_answer_that_calls_itself_html_is_a_delivery(body: bytes) -> None:
    async with answering("HTTP/1.1 200 OK\r\nContent-Type: text/html", body) as sender:
        assert await sender.send(Signal.TRACES, BODY) == Delivered()
        await sender.close()


@pytest.mark.parametrize(
    ("status", "retryable", "is_fault"),
    [
        *((status, True, False) for status in (429, 502, 503, 504)),
        *((status, False, True) for status in (301, 307, 408, 500, 507, 530)),
        *((status, False, False) for status in (400, 404, 413, 501, 505)),
    ],
)
async def test_http_answers_that_may_change_and_those_that_tell_of_a_fault(
    status: int, retryable: bool, is_fault: bool
) -> None:
    async with answering(f"HTTP/1.1 {status} x") as sender:
        failure = await failure_of(sender)
    assert (failure.retryable, failure.is_fault) == (retryable, is_fault)


@pytest.mark.parametrize(
    ("code", "retryable", "is_fault"),
    [
        (grpc.StatusCode.UNAVAILABLE, True, False),
        (grpc.StatusCode.UNKNOWN, False, True),
        (grpc.StatusCode.INTERNAL, False, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, False, False),
        (grpc.StatusCode.UNIMPLEMENTED, False, False),
    ],
)
async def test_grpc_answers_that_may_change_and_those_that_tell_of_a_fault(
    code: grpc.StatusCode, retryable: bool, is_fault: bool
) -> None:
    async def answer(body: bytes, context: Any) -> bytes:
        await context.abort(code, "x")
        return body

    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(answer)  # pyright: ignore[reportUnknownVariableType] -- grpcio has no types for it

    server = grpc.aio.server(handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    failure = await failure_of(sender_to("grpc", f"127.0.0.1:{port}"))
    await server.stop(None)
    assert (failure.retryable, failure.is_fault) == (retryable, is_fault)


@BOTH
async def test_a_backend_that_is_away_may_come_back(transport: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failure = await failure_of(sender_to(transport, f"127.0.0.1:{taken.getsockname()[1]}"))
    assert (failure.retryable, failure.retry_after_s) == (True, None)


@BOTH
async def test_a_backend_that_does_not_answer_in_time_may_later(transport: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        failure = await failure_of(sender_to(transport, f"127.0.0.1:{silent.getsockname()[1]}", timeout="100ms"))
    assert failure.retryable


@pytest.mark.parametrize(
    "body", [b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain", b"Content-Length: 9\r\n\r\ncut"]
)
async def test_the_status_decides_where_the_body_cannot_be_read(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    statuses = [b"200 OK", b"202 Accepted", b"503 Busy", b"400 Bad"]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        writer.write(b"HTTP/1.1 " + statuses.pop(0) + b"\r\nConnection: close\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = sender_to("http", f"127.0.0.1:{port}", compression="none")
    with caplog.at_level(logging.WARNING):
        assert [await sender.send(Signal.TRACES, BODY) for _ in range(2)] == [Delivered(), Delivered()]
        failures: list[tuple[str, bool]] = []
        for _ in range(2):
            with pytest.raises(NotDeliveredError) as failed:
                await sender.send(Signal.TRACES, BODY)
            failures.append((str(failed.value), failed.value.retryable))
    url = f"http://127.0.0.1:{port}/v1/traces"
    assert failures == [(f"{url} answered 503 Busy", True), (f"{url} answered 400 Bad", False)]
    (warning,) = caplog.messages
    assert warning.startswith(f"{url} answered 200, with a body that cannot be read: ")
    await sender.close()
    server.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": "http://backend.example:4317"},
        {"endpoint": "backend.example"},
        {"endpoint": ":4317"},
        {"endpoint": "backend.example:0"},
        {"endpoint": "ftp://backend.example:4317"},
        {"endpoint": "backend.example:4317", "tls": {"cert_file": "/c"}},
        {"endpoint": "backend.example:4317", "timeout": "5"},
        {"endpoint": "backend.example:4317", "headers": {"a b": "c"}},
        {"endpoint": "backend.example:4317", "sending_queue": {"storage": "relative"}},
    ],
)
async def test_settings_of_grpc_that_cannot_be_meant_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OtlpExporterSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"endpoint": "127.0.0.1:4317"}, True),
        ({"endpoint": "localhost:4317"}, True),
        ({"endpoint": "127.0.0.1:4317", "tls": {"insecure": False}}, False),
        ({"endpoint": "https://127.0.0.1:4317"}, False),
        ({"endpoint": "backend.example:4317"}, False),
        ({"endpoint": "http://127.0.0.1:4317/"}, True),
        ({"endpoint": "http://backend.example:4317", "tls": {"insecure": True}}, True),
    ],
)
async def test_plain_text_goes_to_this_machine_only_unless_said(settings: dict[str, Any], expected: bool) -> None:
    assert OtlpExporterSettings.model_validate(settings).is_plaintext == expected


@pytest.mark.parametrize(
    ("settings", "is_valid"),
    [
        ({"endpoint": "http://127.0.0.1:4318"}, True),
        ({"endpoint": "https://backend.example/otlp"}, True),
        ({"endpoint": "http://backend.example:4318", "tls": {"insecure": True}}, True),
        ({"endpoint": "http://backend.example:4318"}, False),
        ({"endpoint": "backend.example:4318"}, False),
        ({"endpoint": "https://user:password@backend.example"}, False),
    ],
)
async def test_over_http_the_scheme_says_whether_it_is_plain_text(settings: dict[str, Any], is_valid: bool) -> None:
    if is_valid:
        OtlpHttpExporterSettings.model_validate(settings)
    else:
        with pytest.raises(ValidationError):
            OtlpHttpExporterSettings.model_validate(settings)
