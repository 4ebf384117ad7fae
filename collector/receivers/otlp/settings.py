"""What a user can set on the OTLP receivers, each limit with its default.

Names are those of the OpenTelemetry Collector's receiver where it has one.
https://github.com/open-telemetry/opentelemetry-collector/tree/main/receiver/otlpreceiver
"""

from typing import Annotated, Self, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from collector.config.endpoint import split_endpoint
from collector.config.model import Settings
from collector.encoding.otlp_json import JSON_ELEMENTS_MAX
from collector.encoding.response import RESPONSE_BYTES_MAX

REQUEST_MIB_MAX = 64
CONNECTIONS_MAX = 1_000
STREAMS_PER_CONNECTION_MAX = 100
HEADER_BYTES_MAX = 64 * 1024
HEADER_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 60.0
KEEP_ALIVE_TIMEOUT_S = 75.0
TIMEOUT_S_MAX = 86_400.0
PREFLIGHT_MAX_AGE_S = 7_200

_MIB = 1024 * 1024


def _check_endpoint(value: str) -> str:
    split_endpoint(value)
    return value


def _check_origin(value: str) -> str:
    parts = urlsplit(value)
    if "*" in value or not parts.scheme or not parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError(f"{value!r} must be one exact origin such as https://shop.example or chrome-extension://<id>")
    return value.lower()


Endpoint = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_check_endpoint)]
"""`host:port`; port 0 takes a free one."""

Origin = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_check_origin)]
"""`scheme://host[:port]`, exact."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OtlpGrpcSettings(_Settings):
    """OTLP over gRPC."""

    endpoint: Endpoint = "127.0.0.1:4317"
    max_recv_msg_size_mib: int = Field(default=REQUEST_MIB_MAX, ge=1, le=1024)
    """Size of one request, before and after decompression."""
    max_concurrent_streams: int = Field(default=STREAMS_PER_CONNECTION_MAX, ge=1)
    """Requests at a time on one connection."""
    connections_max: int = Field(default=CONNECTIONS_MAX, ge=1)
    response_bytes_max: int = Field(default=RESPONSE_BYTES_MAX, ge=1)

    @property
    def request_bytes_max(self) -> int:
        """Size of one request in bytes."""
        return self.max_recv_msg_size_mib * _MIB


class CorsSettings(_Settings):
    """Which web pages may send, besides those served from loopback."""

    allowed_origins: tuple[Origin, ...] = ()
    max_age: int = Field(default=PREFLIGHT_MAX_AGE_S, ge=0)
    """Seconds for which a browser may keep the answer to a preflight."""


class OtlpHttpSettings(_Settings):
    """OTLP over HTTP."""

    endpoint: Endpoint = "127.0.0.1:4318"
    max_request_body_size: int = Field(default=REQUEST_MIB_MAX * _MIB, ge=1)
    """Bytes of one request body, before and after decompression."""
    cors: CorsSettings = CorsSettings()
    allowed_hosts: tuple[str, ...] = ()
    """Host names, besides those of loopback, for which requests are taken when the endpoint is on loopback."""
    connections_max: int = Field(default=CONNECTIONS_MAX, ge=1)
    response_bytes_max: int = Field(default=RESPONSE_BYTES_MAX, ge=1)
    json_elements_max: int = Field(default=JSON_ELEMENTS_MAX, ge=1)
    header_bytes_max: int = Field(default=HEADER_BYTES_MAX, ge=1024)
    header_timeout_s: float = Field(default=HEADER_TIMEOUT_S, gt=0, le=TIMEOUT_S_MAX)
    body_timeout_s: float = Field(default=BODY_TIMEOUT_S, gt=0, le=TIMEOUT_S_MAX)
    keep_alive_timeout_s: float = Field(default=KEEP_ALIVE_TIMEOUT_S, gt=0, le=TIMEOUT_S_MAX)
    """Seconds an idle connection is kept; longer than the exporters' interval, which would meet a closing socket."""


class OtlpProtocols(Settings):
    """`receivers.otlp.protocols`: what is named listens; `grpc:` with nothing behind it takes the defaults."""

    grpc: OtlpGrpcSettings | None = None
    http: OtlpHttpSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_is_on(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        protocols = cast("dict[object, object]", value)
        named: dict[object, object] = {
            name: dict[str, object]() if settings is None else settings for name, settings in protocols.items()
        }
        return named

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.grpc is None and self.http is None:
            raise ValueError("name at least one of grpc, http")
        return self


class OtlpSettings(Settings):
    """`receivers.otlp`."""

    protocols: OtlpProtocols
