"""Records as OTLP/JSON: what the official classes read back is what was sent, resource and scope included."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.errors import QueryError
from collector.pdata.envelope import Signal
from collector.query.stored import FiledUnder

Request = ExportTraceServiceRequest | ExportLogsServiceRequest
IDS = ("traceId", "spanId", "parentSpanId")
CAPTURES = ["baggage-mixed", "browser", "edge-grpc", "emit", "emit-rust", "forward-http", "telemetrygen", "tracestate"]


def with_base64_ids(value: Any) -> Any:
    """OTLP writes ids in hex where protobuf's JSON has base64: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding"""
    if isinstance(value, list):
        return [with_base64_ids(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(bytes.fromhex(item)).decode() if name in IDS else with_base64_ids(item)
        for name, item in cast("dict[str, Any]", value).items()
    }


def read_officially(answer: bytes) -> Request:
    fields = with_base64_ids(json.loads(answer))
    return ParseDict(fields, ExportLogsServiceRequest() if "resourceLogs" in fields else ExportTraceServiceRequest())


def one_by_one(signal: Signal, body: bytes) -> Iterator[Request]:
    """Each record of a request in a request of its own; a scope that says nothing counts as none."""
    if signal is Signal.LOGS:
        logs = ExportLogsServiceRequest.FromString(body)
        for outer in logs.resource_logs:
            for inner in outer.scope_logs:
                for record in inner.log_records:
                    alone = ExportLogsServiceRequest()
                    kept = alone.resource_logs.add(resource=outer.resource, schema_url=outer.schema_url)
                    scope = inner.scope if inner.scope.ByteSize() else None
                    kept.scope_logs.add(scope=scope, schema_url=inner.schema_url, log_records=[record])
                    yield alone
        return
    traces = ExportTraceServiceRequest.FromString(body)
    for outer in traces.resource_spans:
        for inner in outer.scope_spans:
            for span in inner.spans:
                alone = ExportTraceServiceRequest()
                kept = alone.resource_spans.add(resource=outer.resource, schema_url=outer.schema_url)
                scope = inner.scope if inner.scope.ByteSize() else None
                kept.scope_spans.add(scope=scope, schema_url=inner.schema_url, spans=[span])
                yield alone


def filed_under(event: dict[str, Any]) -> FiledUnder:
    return FiledUnder(event.get("request_id", ""), event.get("session_id", ""), event["service"])


def every_event(world: Any) -> Iterator[dict[str, Any]]:
    for request in world.observe(what="requests", limit=1_000)["requests"]:
        yield from world.observe(what="request-trace", request_id=request["request_id"], limit=1_000)["timeline"]
    yield from (event for event in world.observe(what="logs", limit=1_000)["events"] if "request_id" not in event)


@pytest.mark.parametrize("name", CAPTURES)
def test_each_recorded_event_comes_back_as_it_was_sent(
    capture: Callable[[str], Any], recordings: Callable[[str], Sequence[tuple[Signal, bytes, Any]]], name: str
) -> None:
    sent = {
        alone.SerializeToString(deterministic=True)
        for signal, body, _ in recordings(name)
        for alone in one_by_one(signal, body)
    }
    world = capture(name)
    returned: set[bytes] = set()
    for event in every_event(world):
        request = read_officially(world.query.stored_otlp_json(event["id"], filed_under(event)))
        assert isinstance(request, ExportLogsServiceRequest) == (event["signal"] == "log")
        returned.add(request.SerializeToString(deterministic=True))
    assert returned == sent


def test_the_record_of_a_span_event_is_its_span(world: Any) -> None:
    world.span("one", "work", events=[("click", 1, {})])
    world.commit()
    span, click = world.observe(what="request-trace", pick="last")["timeline"]
    assert click["id"] == f"{span['id']}:0"
    assert world.query.stored_otlp_json(click["id"], FiledUnder()) == world.query.stored_otlp_json(
        span["id"], FiledUnder()
    )


def test_equal_logs_are_told_apart_and_logs_without_trace_are_found_by_session_and_service(world: Any) -> None:
    for at in (0, 0):
        world.log("equal", trace="one", at=at)
    world.log("of a session", at=1, session="alice")
    world.log("of nobody", at=2, service="cron")
    world.commit()
    events = world.observe(what="logs")["events"]
    bodies: dict[str, str] = {}
    for event in events:
        request = read_officially(world.query.stored_otlp_json(event["id"], filed_under(event)))
        assert isinstance(request, ExportLogsServiceRequest)
        bodies[event["id"]] = request.resource_logs[0].scope_logs[0].log_records[0].body.string_value
    assert sorted(bodies.values()) == ["equal", "equal", "of a session", "of nobody"]


@pytest.mark.parametrize("filed", [FiledUnder(), FiledUnder("x"), FiledUnder("", "nobody"), FiledUnder("", "", "cron")])
@pytest.mark.parametrize("whole_id", ["", "log:00", f"{1:032x}:{1:016x}", f"{0:032x}:{1:016x}", "x" * 1_000])
def test_what_is_not_stored_is_an_error_that_says_what_to_give(world: Any, whole_id: str, filed: FiledUnder) -> None:
    world.log("of nobody", service="cron")
    world.span("one", "a")
    world.commit()
    with pytest.raises(QueryError, match=r"id: no event .* is stored; give the id of an event"):
        world.query.stored_otlp_json(whole_id, filed)
