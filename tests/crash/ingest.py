"""The process that is killed: writes batches into a store and says which were acknowledged.

Called with a folder, the number of the first batch and a seed. Each line on stdout is whole or missing:
`sent <number> <signal> <hex of the body>` before a batch is handed over, `acknowledged <number>` after.
"""

import asyncio
import hashlib
import random
import sys
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.store.api import Batch
from collector.store.sqlite.writer import SqliteWriter

WRITERS = 6
TRACES = 40
BASE = 1_795_000_000_000_000_000


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def trace_body(number: int, chance: random.Random) -> bytes:
    """Make a request of spans whose ids are used once; its traces go on over many requests."""
    request = ExportTraceServiceRequest()
    outer = request.resource_spans.add()
    outer.resource.attributes.append(text("service.name", chance.choice(["shop", "orders", "payments"])))
    inner = outer.scope_spans.add()
    for index in range(chance.randint(1, 30)):
        span = Span(
            trace_id=chance.randint(1, TRACES).to_bytes(16, "big"),
            span_id=(number << 16 | index + 1).to_bytes(8, "big"),
            name=f"span {number} {index}",
            kind=chance.choice([Span.SPAN_KIND_SERVER, Span.SPAN_KIND_INTERNAL]),
            start_time_unix_nano=BASE + chance.randrange(10**9),
            end_time_unix_nano=BASE + 2 * 10**9,
            attributes=[text("http.request.method", "GET"), text("filler", chance.randbytes(20).hex())],
        )
        if index and chance.random() < 0.5:
            span.parent_span_id = (number << 16 | index).to_bytes(8, "big")
        if chance.random() < 0.3:
            span.attributes.append(text("session.id", f"session-{chance.randint(1, 10)}"))
        if chance.random() < 0.1:
            span.status.code = Status.STATUS_CODE_ERROR
            span.events.add(name="exception", time_unix_nano=BASE + 5)
        inner.spans.append(span)
    return request.SerializeToString()


def log_body(number: int, chance: random.Random) -> bytes:
    """Make a request of log records, each line unlike any other."""
    request = ExportLogsServiceRequest()
    outer = request.resource_logs.add()
    outer.resource.attributes.append(text("service.name", "audit"))
    inner = outer.scope_logs.add()
    for index in range(chance.randint(1, 10)):
        log = LogRecord(
            body=AnyValue(string_value=f"line {number} {index}"),
            time_unix_nano=BASE + chance.randrange(10**9),
            severity_number=chance.choice([SeverityNumber.SEVERITY_NUMBER_INFO, SeverityNumber.SEVERITY_NUMBER_ERROR]),
        )
        if chance.random() < 0.5:
            log.trace_id = chance.randint(1, TRACES).to_bytes(16, "big")
        if chance.random() < 0.3:
            log.attributes.append(text("session.id", f"session-{chance.randint(1, 10)}"))
        inner.log_records.append(log)
    return request.SerializeToString()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def ingest(data_dir: Path, first: int, seed: int) -> None:
    chance = random.Random(seed)
    writer = SqliteWriter.open(data_dir)
    numbers = iter(range(first, 1 << 40))

    async def write_on() -> None:
        for number in numbers:
            signal = Signal.TRACES if chance.random() < 0.7 else Signal.LOGS
            body = trace_body(number, chance) if signal is Signal.TRACES else log_body(number, chance)
            records = correlate(signal, cut_request(signal, body), SessionKeys()).records
            say(f"sent {number} {signal} {body.hex()}")
            await writer.write(Batch(signal, hashlib.blake2b(body, digest_size=16).digest(), records))
            say(f"acknowledged {number}")

    await asyncio.gather(*(write_on() for _ in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(ingest(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
