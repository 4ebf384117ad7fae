"""The exporter `otlp`: export requests to a backend over gRPC, as bytes.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import grpc

from collector.config.duration import seconds
from collector.encoding.answers import read_partial_success, read_status
from collector.encoding.response import RESPONSE_BYTES_MAX
from collector.encoding.status import STATUS_DETAILS_KEY
from collector.errors import ConfigError
from collector.pdata.envelope import Signal
from exporters.delivery.forwarder import Delivered
from exporters.delivery.retry import NotDeliveredError
from exporters.otlp_settings import OtlpExporterSettings, TlsSettings

RECONNECT_MS_MAX = 5_000
METHODS: Mapping[Signal, str] = MappingProxyType(
    {
        Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    }
)
_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
# What a server answers when its own code fails, and what is made of an answer that is no gRPC: a proxy's page.
_FAULTS = frozenset({grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL})


class OtlpGrpcSender:
    """One channel to one backend. Raises ConfigError if a file of its TLS settings cannot be read."""

    def __init__(self, settings: OtlpExporterSettings) -> None:
        target = settings.target
        compression = grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression
        options = [
            ("grpc.primary_user_agent", f"gasoline/{version('gasoline-otel')}"),
            ("grpc.max_receive_message_length", RESPONSE_BYTES_MAX),
            # else the channel itself stays away from a backend that is back for up to two minutes
            ("grpc.max_reconnect_backoff_ms", RECONNECT_MS_MAX),
        ]
        if settings.is_plaintext:
            self._channel = grpc.aio.insecure_channel(target, options, compression)
        else:
            self._channel = grpc.aio.secure_channel(target, _credentials(settings.tls), options, compression)
        self._endpoint = target
        self._timeout_s = seconds(settings.timeout) or None
        self._metadata = tuple((name.lower(), value) for name, value in settings.headers.items())
        self._calls = {signal: self._call(method) for signal, method in METHODS.items()}

    async def send(self, signal: Signal, body: bytes) -> Delivered:
        """See Sender."""
        try:
            answer = await self._calls[signal](body, timeout=self._timeout_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise _not_delivered(self._endpoint, error) from error
        return Delivered(*read_partial_success(signal, answer))

    async def close(self) -> None:
        """See Sender."""
        await self._channel.close()

    def _call(self, method: str) -> "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]":
        """Return the call of one method; without a serializer it takes and gives raw bytes."""
        return self._channel.unary_unary(method)


def _not_delivered(endpoint: str, error: grpc.aio.AioRpcError) -> NotDeliveredError:
    code = error.code()
    retry_after_s = None
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            _, retry_after_s = read_status(value)
    asked_to_return = code is grpc.StatusCode.RESOURCE_EXHAUSTED and retry_after_s is not None
    return NotDeliveredError(
        f"{endpoint} answered {code.name}: {error.details()}",
        retryable=code in _RETRYABLE or asked_to_return,
        is_fault=code in _FAULTS,
        retry_after_s=retry_after_s,
    )


def _credentials(tls: TlsSettings) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(_file(tls.ca_file), _file(tls.key_file), _file(tls.cert_file))


def _file(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"exporters.otlp.tls: {path} cannot be read: {error.strerror}") from error
