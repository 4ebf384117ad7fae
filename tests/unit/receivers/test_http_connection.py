"""HTTP connections by raw sockets: slow, large, many, and at the end of the server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from collector.bounded_queue import InFlight
from collector.config.endpoint import split_endpoint
from collector.receivers.otlp.http import OtlpHttpReceiver
from collector.receivers.otlp.settings import OtlpHttpSettings

pytestmark = pytest.mark.anyio

StartHttp = Callable[..., Awaitable[OtlpHttpReceiver]]

LOOPBACK = "127.0.0.1:0"
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
EMPTY = HEAD + b"Content-Length: 0\r\n\r\n"


async def connect(receiver: OtlpHttpReceiver) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*split_endpoint(receiver.endpoint))


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return everything until the server closes; fails if it does not."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Return the status line and headers of the next answer without a body."""
    async with asyncio.timeout(5):
        return await reader.readuntil(b"\r\n\r\n")


async def test_a_connection_is_kept_for_the_next_request(start_http: StartHttp, consumer: Any) -> None:
    receiver = await start_http()
    reader, writer = await connect(receiver)
    for _ in range(2):
        writer.write(EMPTY)
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert len(consumer.received) == 2


@pytest.mark.parametrize("sent", [b"", b"POST /v1/tr", HEAD])
async def test_a_header_that_does_not_come_closes_the_connection(start_http: StartHttp, sent: bytes) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, header_timeout_s=0.05))
    reader, writer = await connect(receiver)
    writer.write(sent)
    assert await until_closed(reader) == b""
    writer.close()


@pytest.mark.parametrize("filler", [b"x: y\r\n" * 20_000, b"x: " + b"y" * 120_000])
async def test_a_header_without_end_is_refused(start_http: StartHttp, filler: bytes) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, header_bytes_max=1024))
    reader, writer = await connect(receiver)
    writer.write(HEAD + filler)
    assert (await until_closed(reader)).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_a_body_that_does_not_come_is_temporary(start_http: StartHttp, consumer: Any) -> None:
    in_flight = InFlight()
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, body_timeout_s=0.05), in_flight=in_flight)
    reader, writer = await connect(receiver)
    writer.write(HEAD + b"Content-Length: 10\r\n\r\nabc")
    head = await answer(reader)
    writer.close()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in head
    assert (consumer.received, in_flight.bytes, in_flight.requests) == ([], 0, 0)


async def test_a_body_announced_too_large_is_refused_before_it_comes(start_http: StartHttp) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, max_request_body_size=100))
    reader, writer = await connect(receiver)
    writer.write(HEAD + b"Content-Length: 101\r\nExpect: 100-continue\r\n\r\n")
    assert (await answer(reader)).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_refused_body_is_read_no_longer_than_its_limit(start_http: StartHttp) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, max_request_body_size=1000))
    reader, writer = await connect(receiver)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"3E9\r\n" + b"x" * 1001 + b"\r\n")
    assert (await answer(reader)).startswith(b"HTTP/1.1 413 ")
    writer.write(b"3E9\r\n" + b"x" * 1001 + b"\r\n")
    await until_closed(reader)
    writer.close()


async def test_connections_beyond_the_limit_are_closed_and_room_is_given_back(start_http: StartHttp) -> None:
    receiver = await start_http(OtlpHttpSettings(endpoint=LOOPBACK, connections_max=1))
    first_reader, first = await connect(receiver)
    first.write(EMPTY)
    await answer(first_reader)
    second_reader, second = await connect(receiver)
    assert await until_closed(second_reader) == b""
    second.close()
    first.write(EMPTY)
    assert (await answer(first_reader)).startswith(b"HTTP/1.1 200 ")
    first.write(EMPTY.replace(b"Host:", b"Connection: close\r\nHost:"))
    await until_closed(first_reader)
    first.close()
    third_reader, third = await connect(receiver)
    third.write(EMPTY)
    assert (await answer(third_reader)).startswith(b"HTTP/1.1 200 ")
    third.close()


async def test_a_client_that_leaves_gives_its_room_back(start_http: StartHttp, consumer: Any) -> None:
    in_flight = InFlight()
    receiver = await start_http(in_flight=in_flight)
    _, writer = await connect(receiver)
    writer.write(HEAD + b"Content-Length: 10\r\n\r\nabc")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await receiver.shutdown(5)
    assert (consumer.received, in_flight.bytes, in_flight.requests) == ([], 0, 0)


async def test_shutdown_answers_what_is_under_way_and_takes_nothing_more(start_http: StartHttp, consumer: Any) -> None:
    receiver = await start_http()
    gate = consumer.hold()
    busy_reader, busy = await connect(receiver)
    idle_reader, idle = await connect(receiver)
    busy.write(EMPTY)
    async with asyncio.timeout(5):
        await consumer.arrived.wait()
    closing = asyncio.ensure_future(receiver.shutdown(30))
    assert await until_closed(idle_reader) == b""
    with pytest.raises(OSError):
        await connect(receiver)
    assert not closing.done()
    gate.set()
    assert (await until_closed(busy_reader)).startswith(b"HTTP/1.1 200 ")
    async with asyncio.timeout(5):
        await closing
    busy.close()
    idle.close()


async def test_shutdown_keeps_its_deadline(start_http: StartHttp, consumer: Any) -> None:
    in_flight = InFlight()
    receiver = await start_http(in_flight=in_flight)
    consumer.hold()
    reader, writer = await connect(receiver)
    writer.write(EMPTY)
    async with asyncio.timeout(5):
        await consumer.arrived.wait()
        await receiver.shutdown(0.05)
    assert await until_closed(reader) == b""
    assert (in_flight.bytes, in_flight.requests) == (0, 0)
    writer.close()


async def test_a_promised_body_takes_no_room_from_others(start_http: StartHttp, consumer: Any) -> None:
    receiver = await start_http(in_flight=InFlight(bytes_max=1000))
    _, slow = await connect(receiver)
    slow.write(HEAD + b"Content-Length: 1000\r\n\r\n")
    await slow.drain()
    reader, writer = await connect(receiver)
    writer.write(HEAD + b"Content-Length: 4\r\n\r\n\x0a\x02\x1a\x00")
    assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
    slow.close()
    writer.close()
    assert len(consumer.received) == 1
