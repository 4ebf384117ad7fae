"""The OTLP/HTTP application: one request to one answer.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.utils import formatdate
from typing import Any, NamedTuple

from collector.bounded_queue import InFlight
from collector.config.endpoint import split_endpoint
from collector.encoding.compression import ACCEPTED_ENCODINGS
from collector.encoding.otlp_json import request_to_protobuf
from collector.encoding.protobuf import UNGUARDED_BYTES_MAX
from collector.encoding.response import encode_response
from collector.encoding.status import http_body, retry_after_header
from collector.errors import (
    BusyError,
    MethodNotAllowedError,
    NoPathError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UnsupportedMediaError,
)
from collector.pdata.envelope import Signal
from collector.receivers.otlp.body import DisconnectedError, HttpBody
from collector.receivers.otlp.intake import Intake
from collector.receivers.otlp.origins import HostPolicy, OriginPolicy
from collector.receivers.otlp.settings import OtlpHttpSettings

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
PATHS = {"/v1/traces": Signal.TRACES, "/v1/logs": Signal.LOGS, "/v1/metrics": Signal.METRICS}
ALLOWED_METHODS = "POST, OPTIONS"
CORS_ALLOWED_HEADERS = "content-type, content-encoding, traceparent, tracestate, x-session-id, authorization"

Scope = Mapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Mapping[str, str]


class Answer(NamedTuple):
    """What goes back: status, headers and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class OtlpHttpApp:
    """An ASGI application; it reads no more of a body than its limits allow and holds room for what it has read."""

    def __init__(self, settings: OtlpHttpSettings, intake: Intake, in_flight: InFlight) -> None:
        self._settings = settings
        self._intake = intake
        self._in_flight = in_flight
        self._origins = OriginPolicy(settings.cors.allowed_origins)
        self._hosts = HostPolicy(split_endpoint(settings.endpoint)[0], settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing is sent to a client that has gone."""
        headers = _combined(scope["headers"])
        try:
            answer = await self._answer(scope, headers, receive)
        except DisconnectedError:
            return
        raw_headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in (*answer.headers, ("date", formatdate(usegmt=True)), ("vary", "Origin"))
        ]
        if answer.status != 204:
            raw_headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": raw_headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        origin = headers.get("origin")
        signal = PATHS.get(scope["path"])
        cors: list[tuple[str, str]] = []
        try:
            self._hosts.check(headers.get("host"))
            self._origins.check(origin)
            if origin is not None:
                cors = [("access-control-allow-origin", origin), ("access-control-expose-headers", "retry-after")]
            if signal is None:
                not_found = NoPathError if scope["path"] in ("", "/") else NotFoundError
                raise not_found(f"there is no {scope['path'][:100]} here; send to one of {', '.join(PATHS)}")
            if scope["method"] == "OPTIONS":
                return Answer(204, cors + self._preflight(), b"")
            if scope["method"] != "POST":
                raise MethodNotAllowedError(f"{scope['path']} takes POST, not {scope['method'][:20]}")
            self._intake.authorize(headers.get("authorization"))
            answer = await self._export(signal, headers, receive)
        except RefusedError as error:
            if not _is_probe(scope["method"], headers, error):
                self._intake.refuse(signal, error)
            answer = self._refusal(error, headers)
        return answer._replace(headers=answer.headers + cors)

    async def _export(self, signal: Signal, headers: Headers, receive: Receive) -> Answer:
        media_type = _media_type(headers)
        as_json = media_type == JSON
        if not as_json and media_type != PROTOBUF:
            raise UnsupportedMediaError(f"content type {media_type[:100]!r} is none of {PROTOBUF} and {JSON}")
        async with HttpBody(headers, self._in_flight, self._settings) as content:
            body = await content.read(receive)
            if as_json:
                body = await self._to_protobuf(signal, body)
            outcome = await self._intake.take(signal, body)
        response = encode_response(
            signal,
            rejected=outcome.rejected,
            message=outcome.message,
            as_json=as_json,
            size_max=self._settings.response_bytes_max,
        )
        return Answer(200, [("content-type", media_type)], response)

    async def _to_protobuf(self, signal: Signal, body: bytes) -> bytes:
        elements_max = self._settings.json_elements_max
        if len(body) <= UNGUARDED_BYTES_MAX:
            return request_to_protobuf(signal, body, elements_max=elements_max)
        return await asyncio.to_thread(request_to_protobuf, signal, body, elements_max=elements_max)

    def _preflight(self) -> list[tuple[str, str]]:
        return [
            ("allow", ALLOWED_METHODS),
            ("access-control-allow-methods", ALLOWED_METHODS),
            ("access-control-allow-headers", CORS_ALLOWED_HEADERS),
            ("access-control-max-age", str(self._settings.cors.max_age)),
        ]

    def _refusal(self, error: RefusedError, headers: Headers) -> Answer:
        """Tell `error` in the request's encoding; in JSON, which people can read, if that is none of OTLP's."""
        media_type = PROTOBUF if _media_type(headers) == PROTOBUF else JSON
        answer_headers = [("content-type", media_type)]
        retry_after = retry_after_header(error)
        if retry_after is not None:
            answer_headers.append(("retry-after", retry_after))
        match error:
            case MethodNotAllowedError():
                answer_headers.append(("allow", ALLOWED_METHODS))
            case UnsupportedMediaError():
                answer_headers += [("accept", f"{PROTOBUF}, {JSON}"), ("accept-encoding", ACCEPTED_ENCODINGS)]
            case UnauthenticatedError():
                answer_headers.append(("www-authenticate", "Bearer"))
            case _:
                pass
        body = http_body(error, as_json=media_type == JSON, size_max=self._settings.response_bytes_max)
        return Answer(error.http_status, answer_headers, body)


def _combined(raw_headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers by name; one that is there twice is one list, so no policy sees only half of it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _is_probe(method: str, headers: Headers, error: RefusedError) -> bool:
    """Tell whether somebody only looked, or asked what an export would meet: nobody has lost anything."""
    if method in ("GET", "HEAD"):
        return True
    return headers.get("content-length") == "0" and isinstance(error, BusyError | UnauthenticatedError)


def _media_type(headers: Headers) -> str:
    """Return the content type without its parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
