"""Requests at an even pace, whether or not the earlier ones are answered: in this process, or in one of its own.

usage: steady.py PORT REQUESTS_PER_S SECONDS, which prints a line when it begins.
"""

import asyncio
import sys
from collections.abc import Iterable

import grpc.aio
from traffic import requests

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SPANS_PER_REQUEST = 8
CONNECTIONS = 2


async def send_evenly(port: int, bodies: Iterable[bytes], interval_s: float) -> list[float]:
    """Return the milliseconds from the moment that each request was due until it was answered.

    Beyond the streams that the server allows on a connection requests wait their turn, which counts. Raises
    grpc.RpcError.
    """
    channels = [
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.channel_id", number)])
        for number in range(CONNECTIONS)
    ]
    exports: list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = [
        channel.unary_unary(METHOD) for channel in channels
    ]
    loop = asyncio.get_running_loop()
    begin_s = loop.time()

    async def send(number: int, body: bytes, due_s: float) -> float:
        await exports[number % CONNECTIONS](body)
        return (loop.time() - due_s) * 1e3

    sent: list[asyncio.Task[float]] = []
    try:
        for number, body in enumerate(bodies):
            due_s = begin_s + number * interval_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            sent.append(asyncio.create_task(send(number, body, due_s)))
        return await asyncio.gather(*sent)
    finally:
        for channel in channels:
            await channel.close()


def main() -> None:
    """See the module's text."""
    port, per_s, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    bodies = requests(SPANS_PER_REQUEST, int(per_s * seconds), seed=13_000)
    print("ready", flush=True)  # noqa: T201 the harness reads it
    asyncio.run(send_evenly(port, bodies, 1 / per_s))


if __name__ == "__main__":
    main()
