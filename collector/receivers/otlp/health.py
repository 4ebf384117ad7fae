"""grpc.health.v1 beside the export services, by the official messages.

The official asyncio servicer's Watch never ends by itself and would hold up a shutdown for its whole grace.
https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from collector.encoding.compression import decompress_message
from collector.errors import InvalidDataError

SERVICE = "grpc.health.v1.Health"
REQUEST_BYTES_MAX = 64 * 1024


class Health:
    """Says SERVING, for the server and for each of its services, until it is told to stop."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(("", *services))
        self._stopping = asyncio.Event()

    def handlers(self) -> "dict[str, grpc.RpcMethodHandler[bytes, bytes]]":
        """Return the handlers of the service's methods, on raw bytes."""
        return {
            "Check": grpc.unary_unary_rpc_method_handler(self._check),
            "Watch": grpc.unary_stream_rpc_method_handler(self._watch),
        }

    def stop(self) -> None:
        """Say NOT_SERVING from now on, and end what watches."""
        self._stopping.set()

    async def _check(self, message: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        service = await _service_named(message, context)
        if service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {service[:100]!r} here")
        return self._status()

    async def _watch(self, message: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> AsyncIterator[bytes]:
        service = await _service_named(message, context)
        if service not in self._services:
            yield HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN).SerializeToString()
        else:
            yield self._status()
        await self._stopping.wait()
        if service in self._services:
            yield self._status()

    def _status(self) -> bytes:
        stopping = self._stopping.is_set()
        status = HealthCheckResponse.NOT_SERVING if stopping else HealthCheckResponse.SERVING
        return HealthCheckResponse(status=status).SerializeToString()


async def _service_named(message: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> str:
    try:
        return HealthCheckRequest.FromString(decompress_message(message, REQUEST_BYTES_MAX)).service
    except (DecodeError, InvalidDataError):
        return await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not a HealthCheckRequest")
