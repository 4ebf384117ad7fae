"""The exporter `otlphttp`: export requests to a backend over HTTP, as protobuf bytes.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
import gzip
import http
import logging
import ssl
from datetime import UTC, datetime
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx2

from collector.config.duration import seconds
from collector.config.endpoint import is_loopback
from collector.encoding.answers import read_partial_success, read_retry_after, read_status
from collector.encoding.response import RESPONSE_BYTES_MAX
from collector.errors import ConfigError
from collector.pdata.envelope import Signal
from exporters.delivery.forwarder import Delivered
from exporters.delivery.retry import NotDeliveredError
from exporters.otlp_settings import OtlpHttpExporterSettings, TlsSettings

COMPRESS_ON_LOOP_BYTES_MAX = 64 * 1024
GZIP_LEVEL = 6
PROTOBUF = "application/x-protobuf"
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
# What servers in trouble and those before them answer as well: 500, 408, 52x. These two are about the request.
NO_FAULTS = frozenset({501, 505})

_logger = logging.getLogger("gasoline.forward")


class OtlpHttpSender:
    """Connections to one backend. Raises ConfigError if a file of its TLS settings cannot be read."""

    def __init__(self, settings: OtlpHttpExporterSettings) -> None:
        self._endpoint = settings.endpoint
        self._gzip = settings.compression == "gzip"
        self._timeout_s = seconds(settings.timeout) or None
        headers = {
            "User-Agent": f"gasoline/{version('gasoline-otel')}",
            **settings.headers,
            "Content-Type": PROTOBUF,
            **({"Content-Encoding": "gzip"} if self._gzip else {}),
        }
        # A proxy of the environment is for other machines.
        trust_env = not is_loopback(urlsplit(settings.endpoint).hostname or "")
        self._client = httpx2.AsyncClient(
            headers=headers, timeout=None, verify=_tls_context(settings.tls), trust_env=trust_env
        )
        self._has_warned = False

    async def send(self, signal: Signal, body: bytes) -> Delivered:
        """See Sender."""
        url = f"{self._endpoint}/v1/{signal}"
        content = await self._compressed(body) if self._gzip else body
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", url, content=content) as response,
            ):
                answer = await self._read(url, response)
        except TimeoutError as error:
            raise NotDeliveredError(f"{url} did not answer within {self._timeout_s:g} s", retryable=True) from error
        except httpx2.TransportError as error:
            raise NotDeliveredError(f"{url}: {type(error).__name__}: {error}", retryable=True) from error
        if response.is_success and not _is_page(response, answer):
            return Delivered(*read_partial_success(signal, answer)) if _is_protobuf(response) else Delivered()
        raise _not_delivered(url, response, answer)

    async def close(self) -> None:
        """See Sender."""
        await self._client.aclose()

    async def _read(self, url: str, response: httpx2.Response) -> bytes:
        """Return the body, as far as it may reach; nothing if it cannot be read, for the status decides."""
        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > RESPONSE_BYTES_MAX:
                    break
                pieces.append(piece)
        except httpx2.RequestError as error:  # the connection broke, or it is not encoded as it says
            if not self._has_warned:
                self._has_warned = True
                _logger.warning("%s answered %d, with a body that cannot be read: %s", url, response.status_code, error)
            return b""
        return b"".join(pieces)

    async def _compressed(self, body: bytes) -> bytes:
        if len(body) > COMPRESS_ON_LOOP_BYTES_MAX:
            return await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL)
        return gzip.compress(body, GZIP_LEVEL)


def _is_protobuf(response: httpx2.Response) -> bool:
    return _content_type(response) == PROTOBUF


def _is_page(response: httpx2.Response, answer: bytes) -> bool:
    """Tell whether it is for people: what stands before a backend asks them to log in.

    Frameworks call their plainest answers HTML, too: those have no tag.
    """
    return _content_type(response) == "text/html" and answer.lstrip().startswith(b"<")


def _content_type(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _not_delivered(url: str, response: httpx2.Response, answer: bytes) -> NotDeliveredError:
    message, retry_info_s = read_status(answer) if _is_protobuf(response) else ("", None)
    retry_after_s = read_retry_after(response.headers.get("retry-after", ""), datetime.now(UTC))
    told = message or response.reason_phrase
    if response.has_redirect_location:
        told = f"{told}, and names {_without_query(response.headers.get('location', ''))} instead"
    elif response.is_success:
        told = f"{told} with a page (text/html), which is no answer of OTLP"
    return NotDeliveredError(
        f"{url} answered {response.status_code} {told}",
        retryable=response.status_code in RETRYABLE_STATUSES,
        is_fault=_is_fault(response.status_code),
        retry_after_s=retry_info_s if retry_after_s is None else retry_after_s,
    )


def _is_fault(status: int) -> bool:
    """Tell whether it is about what answers, not about the request: a page or another address is no refusal of it."""
    is_of_server = status < http.HTTPStatus.BAD_REQUEST or status >= http.HTTPStatus.INTERNAL_SERVER_ERROR
    return (is_of_server or status == http.HTTPStatus.REQUEST_TIMEOUT) and status not in RETRYABLE_STATUSES | NO_FAULTS


def _without_query(url: str) -> str:
    """Return a URL as it may stand in a log: where one is sent to log in, the query holds what is nobody's business."""
    return url.partition("?")[0].partition("#")[0]


def _tls_context(tls: TlsSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"exporters.otlphttp.tls: a file cannot be used: {error}") from error
    return context
