"""What a user can set on the exporters `otlp` and `otlphttp`, in the names of the OpenTelemetry Collector.

https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlpexporter
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from collector.config.duration import Duration
from collector.config.endpoint import is_loopback, join_endpoint, split_endpoint
from collector.config.environment import text_of
from collector.config.model import Settings
from collector.left_queues import QUEUE_FOLDER_NAME
from exporters.delivery.retry import RetrySettings

GRPC_PORT = 4317
HTTP_SCHEMES = ("http", "https")
QUEUE_BYTES_MAX = 512 * 1024 * 1024
QUEUE_BYTES_MIN = 64 * 1024
CONSUMERS = 10
CONSUMERS_MAX = 100


class Target(NamedTuple):
    """Where a gRPC backend is: `host:port`, and whether its endpoint named a scheme."""

    endpoint: str
    host: str
    scheme: str


def read_target(endpoint: str) -> Target:
    """Read `host:port`, also behind `http://` or `https://`. Raises ValueError."""
    _refuse_password(endpoint)
    scheme, separator, rest = endpoint.rpartition("://")
    if separator and scheme not in HTTP_SCHEMES:
        raise ValueError(f"{endpoint!r}: write host:port, such as backend.example:{GRPC_PORT}")
    host, port = split_endpoint(rest.rstrip("/"))
    if not host or not port:
        raise ValueError(f"{endpoint!r} must name a host and a port, such as backend.example:{GRPC_PORT}")
    return Target(join_endpoint(host, port), host, scheme)


def _refuse_password(endpoint: str) -> None:
    # The text must not repeat it: it goes to terminals and logs.
    if "@" in endpoint:
        raise ValueError("it must not hold a user or password; send them in headers: {authorization: ${env:NAME}}")


def _check_target(endpoint: str) -> str:
    read_target(endpoint)
    return endpoint


def _check_url(url: str) -> str:
    _refuse_password(url)
    parts = urlsplit(url)
    if parts.scheme not in HTTP_SCHEMES or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            f"{url!r} must be a URL without query, such as https://backend.example:4318; /v1/traces and such are added"
        )
    return url.rstrip("/")


_Trimmed = StringConstraints(strip_whitespace=True)
_Target = Annotated[str, _Trimmed, AfterValidator(_check_target)]
_Url = Annotated[str, _Trimmed, AfterValidator(_check_url)]
_HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$")]
_HeaderValue = Annotated[str, BeforeValidator(text_of), Field(pattern=r"^[\t\x20-\x7e]{0,8192}$")]


def _check_queue_size(size: int) -> int:
    if size < QUEUE_BYTES_MIN:
        raise ValueError(
            f"{size} must be at least {QUEUE_BYTES_MIN}: it is in bytes here. The OpenTelemetry Collector counts "
            "requests; a file for it is none for gasoline"
        )
    return size


class SendingQueueSettings(Settings):
    """`sending_queue`: `queue_size` in bytes on disk, `num_consumers` requests sent at a time.

    `storage` is the folder that holds it, None is `sending_queue` in the data folder.
    """

    queue_size: Annotated[int, AfterValidator(_check_queue_size)] = QUEUE_BYTES_MAX
    num_consumers: Annotated[int, Field(ge=1, le=CONSUMERS_MAX)] = CONSUMERS
    storage: Annotated[str, Field(pattern="^/")] | None = None


class TlsSettings(Settings):
    """`tls`. `insecure` is no TLS; without it, only to a backend on this machine. Files are PEM."""

    insecure: bool | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    @model_validator(mode="after")
    def _key_and_certificate(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; set both or neither")
        return self


class _ForwardSettings(Settings):
    headers: Annotated[dict[_HeaderName, _HeaderValue], Field(default_factory=dict)]
    compression: Literal["gzip", "none"] = "gzip"
    tls: TlsSettings = TlsSettings()
    retry_on_failure: RetrySettings = RetrySettings()
    sending_queue: SendingQueueSettings = SendingQueueSettings()


class OtlpExporterSettings(_ForwardSettings):
    """`exporters.otlp`: OTLP over gRPC. `timeout` is for one attempt."""

    endpoint: _Target
    timeout: Duration = "5s"

    @property
    def target(self) -> str:
        """The backend as `host:port`."""
        return read_target(self.endpoint).endpoint

    @property
    def is_plaintext(self) -> bool:
        """Whether the connection has no TLS."""
        target = read_target(self.endpoint)
        if target.scheme == "https":
            return False
        return is_loopback(target.host) if self.tls.insecure is None else self.tls.insecure

    @model_validator(mode="after")
    def _plaintext_is_meant(self) -> Self:
        if read_target(self.endpoint).scheme == "http" and not self.is_plaintext:
            raise ValueError(_plaintext_refused(self.endpoint))
        return self


class OtlpHttpExporterSettings(_ForwardSettings):
    """`exporters.otlphttp`: OTLP over HTTP, in protobuf. `timeout` is for one attempt."""

    endpoint: _Url
    timeout: Duration = "30s"

    @property
    def target(self) -> str:
        """The backend as `host:port`."""
        parts = urlsplit(self.endpoint)
        return join_endpoint(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))

    @model_validator(mode="after")
    def _plaintext_is_meant(self) -> Self:
        parts = urlsplit(self.endpoint)
        if parts.scheme == "http" and not self.tls.insecure and not is_loopback(parts.hostname or ""):
            raise ValueError(_plaintext_refused(self.endpoint))
        return self


def _plaintext_refused(endpoint: str) -> str:
    return f"{endpoint} would send in plain text to another machine; use https://, or set tls.insecure: true"


def queue_folder(settings: OtlpExporterSettings | OtlpHttpExporterSettings, data_dir: Path) -> Path:
    """Return the folder in which an exporter's queue has one of its own."""
    storage = settings.sending_queue.storage
    return Path(storage) if storage else data_dir / QUEUE_FOLDER_NAME


def queue_folders(exporters: Iterable[BaseModel], data_dir: Path) -> list[Path]:
    """Return the folders of all configured queues, each once; the data folder's may hold old ones, so it is first."""
    forwarders = (one for one in exporters if isinstance(one, OtlpExporterSettings | OtlpHttpExporterSettings))
    return list(dict.fromkeys([data_dir / QUEUE_FOLDER_NAME, *(queue_folder(one, data_dir) for one in forwarders)]))
