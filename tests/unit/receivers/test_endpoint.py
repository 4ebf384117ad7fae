"""Endpoints, and what keeps a receiver from starting on one."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from collector.bounded_queue import InFlight
from collector.config.endpoint import http_url, is_loopback, join_endpoint, split_endpoint
from collector.errors import ConfigError
from collector.receivers.otlp.factory import create_grpc, create_http
from collector.receivers.otlp.grpc import OtlpGrpcReceiver
from collector.receivers.otlp.http import OtlpHttpReceiver
from collector.receivers.otlp.settings import OtlpGrpcSettings, OtlpHttpSettings

EVERY_INTERFACE = str(ipaddress.IPv4Address(0))

Create = Callable[..., OtlpGrpcReceiver | OtlpHttpReceiver]


def grpc_on(endpoint: str, consumer: Any, token: str | None = None) -> OtlpGrpcReceiver:
    return create_grpc(OtlpGrpcSettings(endpoint=endpoint), consumer, InFlight(), token=token)


def http_on(endpoint: str, consumer: Any, token: str | None = None) -> OtlpHttpReceiver:
    return create_http(OtlpHttpSettings(endpoint=endpoint), consumer, InFlight(), token=token)


BOTH = pytest.mark.parametrize("create", [grpc_on, http_on])


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("127.0.0.1:4317", ("127.0.0.1", 4317)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
        (":4317", ("", 4317)),
    ],
)
def test_an_endpoint_is_host_and_port(endpoint: str, expected: tuple[str, int]) -> None:
    assert split_endpoint(endpoint) == expected
    assert join_endpoint(*expected) == endpoint


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("127.0.0.1:4319", "http://127.0.0.1:4319"),
        ("[::1]:1", "http://[::1]:1"),
        ("gasoline.test:80", "http://gasoline.test:80"),
        ("0.0.0.0:4319", "http://127.0.0.1:4319"),
        (":4319", "http://127.0.0.1:4319"),
        ("[::]:4319", "http://[::1]:4319"),
    ],
)
def test_what_listens_everywhere_is_reached_on_loopback(endpoint: str, url: str) -> None:
    assert http_url(endpoint) == url


@pytest.mark.parametrize(
    "endpoint", ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:4317", "a:-1"]
)
def test_what_is_no_endpoint_is_refused_by_the_settings(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="must be host:port"):
        OtlpGrpcSettings(endpoint=endpoint)
    with pytest.raises(ValidationError, match="must be host:port"):
        OtlpHttpSettings(endpoint=endpoint)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("localhost", True),
        ("LocalHost.", True),
        ("a.localhost", True),
        ("", False),
        (EVERY_INTERFACE, False),
        ("::", False),
        ("192.168.0.1", False),
        ("localhost.example", False),
        ("shop", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@BOTH
@pytest.mark.parametrize("endpoint", [f"{EVERY_INTERFACE}:0", ":0", "[::]:0", "shop.example:4317"])
def test_beyond_loopback_a_token_must_be_set(create: Create, consumer: Any, endpoint: str) -> None:
    with pytest.raises(ConfigError, match="set a bearer token in GASOLINE_TOKEN"):
        create(endpoint, consumer)
    with pytest.raises(ConfigError, match="set a bearer token in GASOLINE_TOKEN"):
        create(endpoint, consumer, "")
    create(endpoint, consumer, "s3cret")


@pytest.mark.anyio
@BOTH
async def test_port_0_takes_a_free_port_that_can_be_read(create: Create, consumer: Any) -> None:
    receiver = create("127.0.0.1:0", consumer)
    assert receiver.endpoint == "127.0.0.1:0"
    await receiver.start()
    host, port = split_endpoint(receiver.endpoint)
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await receiver.shutdown(1)
    assert (host, port > 0) == ("127.0.0.1", True)


@pytest.mark.anyio
@BOTH
async def test_with_a_token_every_interface_is_served(create: Create, consumer: Any) -> None:
    receiver = create(f"{EVERY_INTERFACE}:0", consumer, "s3cret")
    await receiver.start()
    host, port = split_endpoint(receiver.endpoint)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await receiver.shutdown(1)
    assert host == EVERY_INTERFACE


@pytest.mark.anyio
@BOTH
@pytest.mark.parametrize("rival", ["socket", "grpc", "http"])
async def test_a_taken_port_is_one_clear_line(
    create: Create, consumer: Any, rival: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if rival == "socket":
        with socket.create_server(("127.0.0.1", 0)) as taken:
            await assert_taken(create, consumer, join_endpoint("127.0.0.1", taken.getsockname()[1]))
    else:
        other = {"grpc": grpc_on, "http": http_on}[rival]("127.0.0.1:0", consumer)
        await other.start()
        await assert_taken(create, consumer, other.endpoint)
        await other.shutdown(1)
    assert capfd.readouterr().err == ""


async def assert_taken(create: Create, consumer: Any, endpoint: str) -> None:
    receiver = create(endpoint, consumer)
    with pytest.raises(ConfigError) as caught:
        await receiver.start()
    text = str(caught.value)
    assert f"endpoint {endpoint} is taken by another program" in text
    assert "\n" not in text
    await receiver.shutdown(1)


@pytest.mark.anyio
@BOTH
async def test_a_host_that_is_not_this_machine_cannot_be_bound(create: Create, consumer: Any) -> None:
    receiver = create("192.0.2.1:4317", consumer, "s3cret")
    with pytest.raises(ConfigError, match=r"endpoint 192\.0\.2\.1:4317 cannot be bound"):
        await receiver.start()


@pytest.mark.anyio
@BOTH
async def test_shutdown_works_without_start_and_twice(create: Create, consumer: Any) -> None:
    receiver = create("127.0.0.1:0", consumer)
    await receiver.shutdown(1)
    await receiver.start()
    await receiver.shutdown(1)
    await receiver.shutdown(1)
    host, port = split_endpoint(receiver.endpoint)
    with pytest.raises(OSError):
        await asyncio.open_connection(host, port)


def test_each_limit_has_its_default() -> None:
    grpc_settings, http_settings = OtlpGrpcSettings(), OtlpHttpSettings()
    assert grpc_settings.model_dump() == {
        "endpoint": "127.0.0.1:4317",
        "max_recv_msg_size_mib": 64,
        "max_concurrent_streams": 100,
        "connections_max": 1000,
        "response_bytes_max": 4 * 1024 * 1024,
    }
    assert http_settings.model_dump() == {
        "endpoint": "127.0.0.1:4318",
        "max_request_body_size": 64 * 1024 * 1024,
        "cors": {"allowed_origins": (), "max_age": 7200},
        "allowed_hosts": (),
        "connections_max": 1000,
        "response_bytes_max": 4 * 1024 * 1024,
        "json_elements_max": 2_000_000,
        "header_bytes_max": 64 * 1024,
        "header_timeout_s": 10.0,
        "body_timeout_s": 60.0,
        "keep_alive_timeout_s": 75.0,
    }
