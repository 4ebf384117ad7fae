"""R, what every ingest figure is divided by: grpc.aio with raw bytes, the official class, one loop, empty answer.

Prints its port; runs until it is terminated.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import grpc.aio
import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
MESSAGE_BYTES_MAX = 64 * 1024 * 1024


async def export(body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    """Decode, read three fields of every span, forget."""
    del context
    request = ExportTraceServiceRequest.FromString(body)
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                _ = (span.trace_id, span.span_id, span.start_time_unix_nano)
    return b""


async def serve() -> None:
    """Listen on a free port until SIGTERM."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)])
    handler: Callable[[bytes, grpc.aio.ServicerContext[bytes, bytes]], Awaitable[bytes]] = export
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {"Export": grpc.unary_unary_rpc_method_handler(handler)}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"port={port}", flush=True)  # noqa: T201 the harness reads it
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(1)


if __name__ == "__main__":
    uvloop.run(serve())
