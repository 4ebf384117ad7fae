"""OTLP over gRPC: raw bytes in, one consume, an empty answer out.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import grpc

from collector.bounded_queue import InFlight
from collector.component import Consumer, Outcome
from collector.config.endpoint import join_endpoint, split_endpoint
from collector.encoding.compression import decompress_message
from collector.encoding.response import encode_response
from collector.encoding.status import grpc_trailers, status_message
from collector.errors import ConfigError, RefusedError
from collector.pdata.envelope import Signal
from collector.receivers.otlp import health
from collector.receivers.otlp.endpoint import bind, check_exposure
from collector.receivers.otlp.intake import Intake
from collector.receivers.otlp.settings import OtlpGrpcSettings
from collector.receivers.otlp.telemetry import ReceiverCounts, ReceiverTelemetry, Transport

COMPONENT = "receivers.otlp.grpc"
SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": Signal.TRACES,
    "opentelemetry.proto.collector.logs.v1.LogsService": Signal.LOGS,
    "opentelemetry.proto.collector.metrics.v1.MetricsService": Signal.METRICS,
}
_COMPRESSED_FIRST_BYTES = b"\x1f\x78"
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}

Context = grpc.aio.ServicerContext[bytes, bytes]


class OtlpGrpcReceiver:
    """Serves the three export services and grpc.health.v1 on one port.

    Raises ConfigError if the endpoint is open to other machines and no token is given.
    """

    def __init__(
        self,
        settings: OtlpGrpcSettings,
        consumer: Consumer,
        in_flight: InFlight,
        *,
        token: str | None = None,
        telemetry: ReceiverTelemetry | None = None,
    ) -> None:
        check_exposure(COMPONENT, settings.endpoint, token)
        self._settings = settings
        self._in_flight = in_flight
        self._intake = Intake(Transport.GRPC, consumer, telemetry or ReceiverCounts(), token)
        self._endpoint = settings.endpoint
        self._server: grpc.aio.Server | None = None
        self._health: health.Health | None = None

    @property
    def endpoint(self) -> str:
        """`host:port`, once started with the port that was bound."""
        return self._endpoint

    async def start(self) -> None:
        """Bind and accept. Raises ConfigError if the endpoint cannot be bound."""
        host, port = split_endpoint(self._settings.endpoint)
        # gRPC writes several lines to stderr when a port is taken; a bare bind finds out without
        bind(COMPONENT, self._settings.endpoint).close()
        server = grpc.aio.server(options=self._options())
        try:
            port = server.add_insecure_port(join_endpoint(host or "::", port))
        except RuntimeError as error:
            raise ConfigError(f"{COMPONENT}: endpoint {self._settings.endpoint} cannot be bound: {error}") from error
        self._health = health.Health(SERVICES)
        server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(service, {"Export": _unary(partial(self._export, signal))})
                for service, signal in SERVICES.items()
            ]
        )
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(health.SERVICE, self._health.handlers())])
        await server.start()
        self._server = server
        self._endpoint = join_endpoint(host or "::", port)

    async def shutdown(self, deadline_s: float) -> None:
        """Accept nothing more, answer what is under way within the deadline, close. May be called twice."""
        server, self._server = self._server, None
        if server is None or self._health is None:
            return
        self._health.stop()
        await server.stop(deadline_s)

    def _options(self) -> list[tuple[str, int]]:
        return [
            ("grpc.max_receive_message_length", self._settings.request_bytes_max),
            # core would decompress without a limit; the handler does it with one
            ("grpc.per_message_decompression", 0),
            ("grpc.max_concurrent_streams", self._settings.max_concurrent_streams),
            ("grpc.max_allowed_incoming_connections", self._settings.connections_max),
            # else a stream counts until its call is freed, and clients that keep to the number are refused under load
            ("grpc.http.overload_protection", 0),
            # else a second server on this port takes half of the connections
            ("grpc.so_reuseport", 0),
        ]

    async def _export(self, signal: Signal, message: bytes, context: Context) -> bytes:
        try:
            if self._intake.guarded:
                self._intake.authorize(_authorization(context))
            self._in_flight.reserve(len(message))
            # A client that gives up cancels this handler; what it sent waits for its commit all the same, and counts.
            outcome = await asyncio.shield(asyncio.ensure_future(self._take(signal, message)))
            if not outcome.rejected and not outcome.message:
                return b""
            return encode_response(
                signal,
                rejected=outcome.rejected,
                message=outcome.message,
                as_json=False,
                size_max=self._settings.response_bytes_max,
            )
        except RefusedError as error:
            refusal = error
        self._intake.refuse(signal, refusal)
        return await context.abort(_STATUS_CODES[refusal.grpc_code], status_message(refusal), grpc_trailers(refusal))

    async def _take(self, signal: Signal, message: bytes) -> Outcome:
        """Hand on a message for which room is held, and give the room back when it is stored or refused."""
        held = len(message)
        try:
            body = message
            if message[:1] and message[0] in _COMPRESSED_FIRST_BYTES:
                body = decompress_message(message, self._settings.request_bytes_max)
                self._in_flight.grow(len(body))
                held += len(body)
            return await self._intake.take(signal, body)
        finally:
            self._in_flight.release(held)


def _unary(export: Callable[[bytes, Context], Awaitable[bytes]]) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """Return the handler of one Export method; without a serializer it takes and gives raw bytes."""
    return grpc.unary_unary_rpc_method_handler(export)


def _authorization(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return value if isinstance(value, str) else value.decode(errors="replace")
    return None
