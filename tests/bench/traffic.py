"""Realistic requests: 8-span traces over 6 services, one service a request, sessions interleaved.

The session is named on the entry span only, and no two requests have the same bytes.
"""

import random
from collections.abc import Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

START_UNIX_NANO = 1_795_000_000_000_000_000
SESSIONS = 10_000
# So many traces further on in the sessions each seed begins.
TRACES_APART = 12_800
# (service, kind, name): the spans of one trace from the entry down; each is the parent of the next.
HOPS = (
    ("frontend", Span.SPAN_KIND_SERVER, "POST /api/checkout"),
    ("frontend", Span.SPAN_KIND_CLIENT, "POST"),
    ("orders", Span.SPAN_KIND_SERVER, "POST /orders"),
    ("orders", Span.SPAN_KIND_CLIENT, "POST"),
    ("payments", Span.SPAN_KIND_SERVER, "POST /charge"),
    ("pricing", Span.SPAN_KIND_SERVER, "GET /price/{sku}"),
    ("inventory", Span.SPAN_KIND_INTERNAL, "reserve"),
    ("database", Span.SPAN_KIND_CLIENT, "SELECT stock"),
)


def requests(spans_per_request: int, count: int, seed: int = 1, sessions: int = SESSIONS) -> Iterator[bytes]:
    """Yield `count` bodies of ExportTraceServiceRequest with exactly `spans_per_request` spans each."""
    rng = random.Random(seed)
    waiting: dict[str, list[Span]] = {service: [] for service, _, _ in HOPS}
    trace = 0
    while count > 0:
        for span, service in _trace(rng, trace, (trace + seed * TRACES_APART) % sessions):
            spans = waiting[service]
            spans.append(span)
            if len(spans) == spans_per_request and count > 0:
                yield _request(service, spans)
                waiting[service] = []
                count -= 1
        trace += 1


def log_requests(records_per_request: int, count: int, seed: int = 1, sessions: int = SESSIONS) -> Iterator[bytes]:
    """Yield `count` bodies of ExportLogsServiceRequest: one record for each of the spans that this seed makes."""
    rng, own_rng = random.Random(seed), random.Random(-seed)
    waiting: dict[str, list[LogRecord]] = {service: [] for service, _, _ in HOPS}
    trace = 0
    while count > 0:
        for span, service in _trace(rng, trace, (trace + seed * TRACES_APART) % sessions):
            records = waiting[service]
            records.append(_log(own_rng, span, (trace + seed * TRACES_APART) % sessions))
            if len(records) == records_per_request and count > 0:
                request = ExportLogsServiceRequest()
                outer = request.resource_logs.add(resource=_resource(service))
                outer.scope_logs.add(log_records=records).scope.name = f"shop.{service}"
                yield request.SerializeToString()
                waiting[service] = []
                count -= 1
        trace += 1


def _log(rng: random.Random, span: Span, session: int) -> LogRecord:
    failed = span.status.code == Status.STATUS_CODE_ERROR
    record = LogRecord(
        time_unix_nano=span.start_time_unix_nano + rng.randrange(1_000_000),
        observed_time_unix_nano=span.end_time_unix_nano,
        trace_id=span.trace_id,
        span_id=span.span_id,
        flags=1,
        severity_number=SeverityNumber.SEVERITY_NUMBER_ERROR if failed else SeverityNumber.SEVERITY_NUMBER_INFO,
        severity_text="ERROR" if failed else "INFO",
    )
    record.body.string_value = f"{span.name} for cart {rng.randrange(10_000)} took {rng.randrange(400)} ms"
    record.attributes.extend(span.attributes[5:9])
    if not span.parent_span_id:
        record.attributes.append(_text("session.id", f"session-{session:032x}"))
    return record


def _trace(rng: random.Random, number: int, session: int) -> Iterator[tuple[Span, str]]:
    trace_id = rng.randbytes(16)
    parent = b""
    start = START_UNIX_NANO + number * 1_000_000
    for depth, (service, kind, name) in enumerate(HOPS):
        span = Span(
            trace_id=trace_id,
            span_id=rng.randbytes(8),
            parent_span_id=parent,
            name=name,
            kind=kind,
            start_time_unix_nano=start + depth * 150_000 + rng.randrange(100_000),
            end_time_unix_nano=start + 40_000_000 - depth * 2_000_000 + rng.randrange(900_000),
            flags=0x101,
        )
        span.attributes.extend(_attributes(rng, service, kind))
        if depth == 0:
            span.attributes.append(_text("session.id", f"session-{session:032x}"))
        if rng.random() < 0.01:
            span.status.code = Status.STATUS_CODE_ERROR
            span.status.message = "card declined: insufficient funds"
        parent = span.span_id
        yield span, service


def _attributes(rng: random.Random, service: str, kind: int) -> list[KeyValue]:
    """Ten attributes, of which some hardly change and some never repeat, as in recorded traffic."""
    if kind == Span.SPAN_KIND_INTERNAL or service == "database":
        return [
            _text("db.system.name", "postgresql"),
            _text("db.namespace", "shop"),
            _text("db.operation.name", "SELECT"),
            _text("db.query.text", "SELECT left FROM stock WHERE sku = $1 FOR UPDATE"),
            _text("server.address", "db-1.shop.internal"),
            _number("server.port", 5432),
            _number("db.response.returned_rows", rng.randrange(50)),
            _text("app.sku", f"sku-{rng.randrange(5_000)}"),
            _text("thread.name", f"pool-1-thread-{rng.randrange(16)}"),
            _number("thread.id", rng.randrange(16, 64)),
        ]
    return [
        _text("http.request.method", "POST"),
        _text("url.scheme", "http"),
        _text("url.path", f"/api/cart/{rng.randrange(10_000)}"),
        _text("server.address", f"{service}.shop.internal"),
        _number("server.port", 8080),
        _number("http.response.status_code", rng.choice((200, 200, 200, 201, 404))),
        _text("network.protocol.version", "1.1"),
        _text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0"),
        _text("client.address", f"10.1.{rng.randrange(256)}.{rng.randrange(256)}"),
        _number("network.peer.port", rng.randrange(32_768, 61_000)),
    ]


def _request(service: str, spans: list[Span]) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(resource=_resource(service))
    scope_spans = resource_spans.scope_spans.add(spans=spans)
    scope_spans.scope.name = f"opentelemetry.instrumentation.{service}"
    return request.SerializeToString()


def _resource(service: str) -> Resource:
    return Resource(
        attributes=[
            _text("service.name", service),
            _text("service.instance.id", f"{service}-1"),
            _text("host.name", f"{service}-host"),
            _text("telemetry.sdk.language", "python"),
            _text("telemetry.sdk.version", "1.45.1"),
        ]
    )


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _number(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=value))
