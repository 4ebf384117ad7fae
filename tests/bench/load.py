"""The client side of the ingest benchmark: 2 connections with 8 requests in flight each.

Reads a line `PORT` on standard input when its requests are made, sends them all, prints the seconds it took.
usage: load.py SPANS_PER_REQUEST REQUESTS SEED
"""

import asyncio
import sys
import time
from collections.abc import Iterator

import grpc.aio
from traffic import requests

CONNECTIONS = 2
IN_FLIGHT_PER_CONNECTION = 8
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


async def send(port: int, bodies: list[bytes]) -> float:
    """Send every body once; return the seconds from first send to last answer. Raises grpc.RpcError."""
    left = iter(bodies)
    start = time.perf_counter()
    channels = [
        # Without an option of its own each channel would share one connection.
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.channel_id", number)])
        for number in range(CONNECTIONS)
    ]
    try:
        await asyncio.gather(
            *(_send_some(channel, left) for channel in channels for _ in range(IN_FLIGHT_PER_CONNECTION))
        )
        return time.perf_counter() - start
    finally:
        for channel in channels:
            await channel.close()


async def _send_some(channel: grpc.aio.Channel, left: Iterator[bytes]) -> None:
    export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)
    for body in left:
        await export(body)


def main() -> None:
    """See the module's text."""
    spans_per_request, count, seed = map(int, sys.argv[1:])
    bodies = list(requests(spans_per_request, count, seed))
    print("ready", flush=True)  # noqa: T201 the harness reads it
    port = int(sys.stdin.readline())
    print(asyncio.run(send(port, bodies)), flush=True)  # noqa: T201 the harness reads it


if __name__ == "__main__":
    main()
