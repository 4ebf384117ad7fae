"""Recorded five-service traffic, again and again with other ids and times: what it takes on disk of what was sent."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.correlator import Correlator
from collector.correlation.keys import SessionKeys
from collector.pdata.envelope import Signal
from collector.store.api import Batch
from collector.store.sqlite.writer import SqliteWriter

CAPTURES = Path(__file__).parent.parent / "data" / "captures"
FOLDERS = ("baggage-mixed", "edge-grpc", "forward-http", "tracestate")
SPANS = 100_000
REQUESTS_PER_COMMIT = 16
APART_NANO = 60_000_000_000

Request = ExportTraceServiceRequest | ExportLogsServiceRequest


class Recording(NamedTuple):
    """The requests of one folder in order of arrival, and every text that stands for a session or a trace in them."""

    requests: list[tuple[Signal, Request]]
    texts: list[bytes]


def share_on_disk(data_dir: Path) -> tuple[float, str]:
    """Store SPANS recorded spans and their logs; return bytes on disk of each byte sent, and what was sent."""
    sent, spans, logs = asyncio.run(_store(data_dir))
    stored = sum(path.stat().st_size for path in data_dir.glob("store.sqlite3*"))
    each = f"{stored / (spans + logs):.0f} of {sent / (spans + logs):.0f} B a record"
    return stored / sent, f"{spans:,} spans and {logs:,} logs, {each}"


async def _store(data_dir: Path) -> tuple[int, int, int]:
    """Return bytes, spans and logs that were stored."""
    writer = SqliteWriter.open(data_dir)
    correlator = Correlator(SessionKeys())
    sent = spans = logs = 0
    waiting: list[Batch] = []
    try:
        for signal, body in _repeated():
            records = correlator.correlate(signal, body).records
            sent += len(body)
            spans += len(records) if signal is Signal.TRACES else 0
            logs += len(records) if signal is Signal.LOGS else 0
            waiting.append(Batch(signal, hashlib.sha256(body).digest()[:16], records))
            if len(waiting) == REQUESTS_PER_COMMIT or spans >= SPANS:
                await asyncio.gather(*(writer.write(batch) for batch in waiting))
                waiting.clear()
            if spans >= SPANS:
                break
    finally:
        await writer.shutdown()
    return sent, spans, logs


def _repeated() -> Iterator[tuple[Signal, bytes]]:
    recordings = [_recording(CAPTURES / folder) for folder in FOLDERS]
    number = 0
    while True:
        for recording in recordings:
            number += 1
            texts = [(text, _other_text(text, number)) for text in recording.texts]
            for signal, request in recording.requests:
                body = _with_other_ids(request, number).SerializeToString()
                for text, other in texts:
                    body = body.replace(text, other)
                yield signal, body


def _recording(folder: Path) -> Recording:
    bodies = {signal: _messages((folder / f"{signal}.bin").read_bytes()) for signal in (Signal.TRACES, Signal.LOGS)}
    requests: list[tuple[Signal, Request]] = []
    for line in (folder / "index.jsonl").read_text().splitlines():
        signal = Signal(json.loads(line)["signal"])
        kind = ExportTraceServiceRequest if signal is Signal.TRACES else ExportLogsServiceRequest
        requests.append((signal, kind.FromString(next(bodies[signal]))))
    manifest = json.loads((folder / "manifest.json").read_text())
    texts = {session_id.encode() for session_id in manifest["sessions"]}
    texts |= {record.trace_id.hex().encode() for _, request in requests for record in _records(request)} - {b""}
    return Recording(requests, sorted(texts))


def _messages(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a file that writes the length of each, as a varint, before it."""
    at = 0
    while at < len(data):
        length = shift = 0
        while True:
            byte = data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield data[at : at + length]
        at += length


def _records(request: Request) -> Iterator[Span | LogRecord]:
    if isinstance(request, ExportTraceServiceRequest):
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                yield from scope.spans
        return
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            yield from scope.log_records


def _with_other_ids(request: Request, number: int) -> Request:
    other = type(request).FromString(request.SerializeToString())
    later = number * APART_NANO
    for record in _records(other):
        # Where a log names its trace in an attribute, the hex of the new id has to be that of the new text.
        record.trace_id = _other_trace_id(record.trace_id, number)
        record.span_id = _other_id(record.span_id, number)
        if isinstance(record, LogRecord):
            record.time_unix_nano += later if record.time_unix_nano else 0
            record.observed_time_unix_nano += later if record.observed_time_unix_nano else 0
            continue
        record.parent_span_id = _other_id(record.parent_span_id, number)
        record.start_time_unix_nano += later
        record.end_time_unix_nano += later
        for event in record.events:
            event.time_unix_nano += later
    return other


def _other_trace_id(trace_id: bytes, number: int) -> bytes:
    return bytes.fromhex(_other_text(trace_id.hex().encode(), number).decode()) if trace_id else b""


def _other_id(own: bytes, number: int) -> bytes:
    return hashlib.blake2b(own, digest_size=len(own), key=number.to_bytes(8)).digest() if own else b""


def _other_text(text: bytes, number: int) -> bytes:
    """Return a text as long that begins like it, so that what tells one from another is what is new."""
    kept = text[: text.rfind(b"-") + 1]
    digest = hashlib.blake2b(text, digest_size=32, key=number.to_bytes(8)).hexdigest()
    return kept + digest[: len(text) - len(kept)].encode()
