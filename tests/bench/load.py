"""The client side of the ingest benchmark: 2 connections with 8 requests in flight each.

Reads a line `PORT` on standard input when its requests are made, sends them all, prints the seconds it took and the
longest wait for an answer in milliseconds. usage: load.py RECORDS_PER_REQUEST REQUESTS SEED [traces|logs [SESSIONS]]
"""

import asyncio
import sys
import time
from collections.abc import Iterator

import grpc.aio
from traffic import SESSIONS, log_requests, requests

CONNECTIONS = 2
IN_FLIGHT_PER_CONNECTION = 8
METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}


async def send(port: int, bodies: list[bytes], method: str) -> tuple[float, float]:
    """Send every body once; return the seconds from first send to last answer, and the longest wait for one in ms.

    Raises grpc.RpcError.
    """
    left = iter(bodies)
    start = time.perf_counter()
    channels = [
        # Without an option of its own each channel would share one connection.
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.channel_id", number)])
        for number in range(CONNECTIONS)
    ]
    try:
        longest_s = await asyncio.gather(
            *(_send_some(channel, left, method) for channel in channels for _ in range(IN_FLIGHT_PER_CONNECTION))
        )
        return time.perf_counter() - start, max(longest_s) * 1e3
    finally:
        for channel in channels:
            await channel.close()


async def _send_some(channel: grpc.aio.Channel, left: Iterator[bytes], method: str) -> float:
    export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    longest_s = 0.0
    for body in left:
        start = time.perf_counter()
        await export(body)
        longest_s = max(longest_s, time.perf_counter() - start)
    return longest_s


def main() -> None:
    """See the module's text."""
    records_per_request, count, seed = map(int, sys.argv[1:4])
    signal = sys.argv[4] if len(sys.argv) > 4 else "traces"
    sessions = int(sys.argv[5]) if len(sys.argv) > 5 else SESSIONS
    bodies = list((log_requests if signal == "logs" else requests)(records_per_request, count, seed, sessions))
    print("ready", flush=True)  # noqa: T201 the harness reads it
    port = int(sys.stdin.readline())
    print(*asyncio.run(send(port, bodies, METHODS[signal])), flush=True)  # noqa: T201 the harness reads it


if __name__ == "__main__":
    main()
