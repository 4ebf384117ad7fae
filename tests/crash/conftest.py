"""Reads a store back after a crash, and counts anew what it sums up."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.correlation.join import Part, TraceKey, parts_of
from collector.correlation.keys import SessionKeys, correlate
from collector.correlation.record import Record
from collector.pdata.envelope import Signal, cut_request
from collector.store.api import Batch, Body, Reader

ROWS_MAX = 1_000_000


@dataclass
class Audit:
    """What has been read so far; each call of `read` takes what was committed since."""

    commit: int = 0
    records: Counter[tuple[str, bytes, bytes]] = field(default_factory=Counter[tuple[str, bytes, bytes]])
    by_service: Counter[tuple[str, bool]] = field(default_factory=Counter[tuple[str, bool]])

    def read(self, reader: Reader) -> None:
        """Read the new commits; their parts and the services' sums must be what their records add up to."""
        upto = reader.position().commit
        committed: dict[tuple[int, TraceKey], list[Part]] = {}
        for part in reader.parts(upto, after=self.commit):
            committed.setdefault((part.commit, part.trace_key), []).append(part)
        recounted: dict[tuple[int, TraceKey], list[Part]] = {}
        for trace_key in {trace_key for _, trace_key in committed}:
            by_commit: dict[int, list[Record]] = {}
            rows = [row for row in reader.rows(trace_key, upto, ROWS_MAX) if row.event_index < 0]
            keys = [row.key for row in rows if row.key.commit > self.commit]
            bodies = reader.bodies(keys)
            for row in rows:
                if row.key.commit <= self.commit:
                    continue
                body = bodies[row.key]
                of_commit = by_commit.setdefault(row.key.commit, [])
                assert row.key.position == len(of_commit)
                of_commit.append(record_of(row.signal, body))
                self.records[(row.signal, body.context, body.raw)] += 1
                self.by_service[(row.service, row.signal == "span")] += 1
            for commit, records in by_commit.items():
                recounted[(commit, trace_key)] = parts_of(commit, trace_key, records)
        assert committed == recounted
        assert {one.service: (one.spans, one.logs) for one in reader.status().services} == {
            service: (self.by_service[(service, True)], self.by_service[(service, False)])
            for service, _ in self.by_service
        }
        self.commit = upto


def record_of(signal: str, body: Body) -> Record:
    """Make of what is kept a request again, and correlate that."""
    if signal == "span":
        spans = ExportTraceServiceRequest()
        spans.resource_spans.add().MergeFromString(body.context)
        spans.resource_spans[0].scope_spans[0].spans.add().MergeFromString(body.raw)
        groups = cut_request(Signal.TRACES, spans.SerializeToString())
        return correlate(Signal.TRACES, groups, SessionKeys()).records[0]
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().MergeFromString(body.context)
    logs.resource_logs[0].scope_logs[0].log_records.add().MergeFromString(body.raw)
    return correlate(Signal.LOGS, cut_request(Signal.LOGS, logs.SerializeToString()), SessionKeys()).records[0]


@dataclass
class Sent:
    """One request as it went out."""

    signal: Signal
    body: bytes

    def batch(self) -> Batch:
        """Make the batch that the pipeline makes of it."""
        records = correlate(self.signal, cut_request(self.signal, self.body), SessionKeys()).records
        return Batch(self.signal, hashlib.blake2b(self.body, digest_size=16).digest(), records)

    def contents(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield what the store must hold of it."""
        for record in self.batch().records:
            yield ("span" if record.is_span else "log", record.context.envelope, record.raw)


@pytest.fixture
def new_audit() -> Callable[[], Audit]:
    """Make an audit that has read nothing yet."""
    return Audit


@pytest.fixture
def new_sent() -> Callable[[Signal, bytes], Sent]:
    """Make a request as it went out."""
    return Sent
