"""Both OTLP exporters over TLS: to the backend whose certificate was meant, and to no other."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from collector.errors import ConfigError
from collector.pdata.envelope import Signal
from exporters.delivery.forwarder import Delivered
from exporters.delivery.retry import NotDeliveredError
from exporters.otlp_grpc import METHODS, OtlpGrpcSender
from exporters.otlp_http import OtlpHttpSender
from exporters.otlp_settings import OtlpExporterSettings, OtlpHttpExporterSettings

pytestmark = pytest.mark.anyio
BODY = b"\x0a\x00"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that vouches for itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "backend")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "certificate.pem", folder / "key.pem"


@asynccontextmanager
async def grpc_backend(certificate: tuple[Path, Path]) -> AsyncGenerator[str]:
    """A gRPC server that takes traces, as `host:port`."""

    async def export(message: bytes, _: Any) -> bytes:
        assert message == BODY
        return b""

    server = grpc.aio.server()
    service = METHODS[Signal.TRACES].split("/")[1]
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {"Export": handler})])
    pem, key = certificate
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), pem.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@asynccontextmanager
async def https_backend(certificate: tuple[Path, Path]) -> AsyncGenerator[str]:
    """An HTTPS server that takes everything, as `host:port`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"POST /v1/traces HTTP/1.1\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def grpc_sender(endpoint: str, **tls: Any) -> OtlpGrpcSender:
    settings = {"endpoint": endpoint, "tls": {"insecure": False, **tls}, "compression": "none"}
    return OtlpGrpcSender(OtlpExporterSettings.model_validate(settings))


def http_sender(endpoint: str, **tls: Any) -> OtlpHttpSender:
    settings = {"endpoint": f"https://{endpoint}", "tls": tls, "compression": "none"}
    return OtlpHttpSender(OtlpHttpExporterSettings.model_validate(settings))


BOTH = pytest.mark.parametrize(
    ("backend", "sender_to"), [(grpc_backend, grpc_sender), (https_backend, http_sender)], ids=["grpc", "http"]
)


@BOTH
async def test_a_backend_whose_certificate_is_known_is_sent_to(
    certificate: tuple[Path, Path], backend: Any, sender_to: Any
) -> None:
    async with backend(certificate) as endpoint:
        sender = sender_to(endpoint, ca_file=str(certificate[0]))
        assert await sender.send(Signal.TRACES, BODY) == Delivered()
        await sender.close()


@BOTH
async def test_a_backend_whose_certificate_is_not_known_gets_nothing(
    certificate: tuple[Path, Path], backend: Any, sender_to: Any
) -> None:
    async with backend(certificate) as endpoint:
        sender = sender_to(endpoint)
        with pytest.raises(NotDeliveredError, match=r"(?i)certificate") as failed:
            await sender.send(Signal.TRACES, BODY)
        assert failed.value.retryable
        await sender.close()


@pytest.mark.parametrize("sender_to", [grpc_sender, http_sender])
async def test_a_file_that_is_not_there_keeps_the_collector_from_starting(sender_to: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tls: .*No such file"):
        sender_to("127.0.0.1:1", ca_file=str(tmp_path / "none.pem"))
