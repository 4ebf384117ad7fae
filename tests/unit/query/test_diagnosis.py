"""What `gasoline doctor` sees in what was sent, on recorded traffic and on one hop that loses its context."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import external_file
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.doctor import examination_of
from collector.pdata.envelope import Signal
from collector.query.diagnosis import TRACES_DIAGNOSED_MAX, diagnose
from collector.query.findings import Port, findings_of
from collector.query.status import LiveStatus
from collector.rendezvous import RunningCollector
from mcp_server.render.doctor import doctor_text

Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]
MINUTE = 60 * 10**9
QUARTER = 15 * MINUTE
RUNNING = RunningCollector("127.0.0.1:4317", "127.0.0.1:4318", "127.0.0.1:4319", "/data", 42)
PORTS = [Port(name, endpoint) for name, endpoint in RUNNING.endpoints.items()]
CAPTURES = ["edge-grpc", "tracestate", "forward-http", "baggage-mixed", "browser", "emit", "emit-rust", "telemetrygen"]


def without_context(body: bytes, service: str) -> bytes:
    """The same request, had `service` not read the context of its callers: its traces are its own then."""
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        names = {item.key: item.value.string_value for item in resource.resource.attributes}
        if names.get("service.name") != service:
            continue
        spans = [span for scope in resource.scope_spans for span in scope.spans]
        own = {span.span_id for span in spans}
        for span in spans:
            span.trace_id = hashlib.blake2b(span.trace_id + service.encode(), digest_size=16).digest()
            span.trace_state = ""
            if span.kind == span.SPAN_KIND_SERVER or span.parent_span_id not in own:
                span.parent_span_id = b""
    return request.SerializeToString()


@pytest.fixture
def lost(recordings: Recordings, new_world: Callable[[], Any]) -> Any:
    """The recording `edge-grpc`, in which payments has lost the context of orders."""
    world = new_world()
    for signal, body, _ in recordings("edge-grpc"):
        world.store_request(signal, without_context(body, "payments") if signal is Signal.TRACES else body)
    return world


def told(world: Any, live: LiveStatus | None = None) -> dict[str, Any]:
    live = live or LiveStatus(RUNNING.endpoints)
    return examination_of(Path("/data"), RUNNING, live, PORTS, diagnose(world.store, QUARTER, None)).as_json()


@pytest.mark.parametrize("name", CAPTURES)
def test_recorded_traffic_is_told_as_it_was(capture: Callable[[str], Any], name: str) -> None:
    assert doctor_text(told(capture(name))) + "\n" == external_file(f"golden/doctor-{name}.txt")


def test_a_hop_that_loses_the_context_is_named_with_the_line_to_change(lost: Any) -> None:
    answer = told(lost)
    assert doctor_text(answer) + "\n" == external_file("golden/doctor-lost.txt")
    finding = answer["findings"][0]
    assert (answer["healthy"], finding["code"], finding["service"]) == (False, "lost_propagation", "payments")
    assert [(item["service"], item["called_from"]) for item in answer["lost_propagation"]] == [("payments", "orders")]
    assert finding["change"] == [
        "OTEL_PROPAGATORS=tracecontext,baggage in orders (python) and payments (java); "
        "let a proxy between them pass traceparent and tracestate"
    ]


def test_a_hop_that_was_mended_is_not_named_once_the_window_is_past_the_loss(lost: Any, recordings: Recordings) -> None:
    lost.now += QUARTER
    for signal, body, _ in recordings("telemetrygen"):
        lost.store_request(signal, body)
    whole, window = (diagnose(lost.store, nano, None) for nano in (3 * QUARTER, QUARTER))
    assert [each.service for each in whole.lost] == ["payments"]
    assert window.services
    assert window.lost == []
    assert told(lost)["lost_propagation"] == []


def test_every_record_of_a_window_is_counted_once_under_its_evidence(capture: Callable[[str], Any]) -> None:
    for name in CAPTURES:
        world = capture(name)
        status = {item["name"]: (item["spans"], item["logs"]) for item in world.observe(what="status")["services"]}
        diagnosis = diagnose(world.store, QUARTER, None)
        assert {each.service: (each.spans, each.logs) for each in diagnosis.services} == status
        for each in diagnosis.services:
            assert sum(each.evidence.values()) == each.spans + each.logs


def test_what_was_sent_before_the_window_is_silent_and_not_judged(world: Any) -> None:
    world.span("t1", "a", kind="server", service="old", attributes={"http.request.method": "GET"})
    world.commit()
    world.now += 10 * MINUTE
    world.log("x", service="new", session="s")
    world.commit()
    diagnosis = diagnose(world.store, MINUTE, world.now + 1)
    assert [each.service for each in diagnosis.services] == ["new"]
    assert [activity.service for activity in diagnosis.silent] == ["old"]
    assert (diagnosis.sessions, diagnosis.requests) == (1, 0)
    later = diagnose(world.store, MINUTE, world.now + 2 * MINUTE)
    assert (later.services, [activity.service for activity in later.silent]) == ([], ["new", "old"])
    assert [finding.code for finding in findings_of(later, LiveStatus(), [], "")] == ["nothing_arrived"]
    whole = diagnose(world.store, QUARTER, None)
    assert [each.service for each in whole.services] == ["new", "old"]


def test_an_empty_store_has_nothing_to_tell(world: Any) -> None:
    diagnosis = diagnose(world.store, QUARTER, None)
    assert (diagnosis.services, diagnosis.silent, diagnosis.lost) == ([], [], [])


def test_only_so_many_traces_are_looked_at_and_that_is_said(world: Any) -> None:
    for number in range(TRACES_DIAGNOSED_MAX):
        world.span(f"trace {number}", "a", at=number)
    world.commit()
    assert diagnose(world.store, QUARTER, None).notes == []
    world.span("one more", "a", at=TRACES_DIAGNOSED_MAX)
    world.commit()
    diagnosis = diagnose(world.store, QUARTER, None)
    assert diagnosis.notes == [
        f"partial: the newest {TRACES_DIAGNOSED_MAX} of {TRACES_DIAGNOSED_MAX + 1} traces were looked at"
    ]
    assert diagnosis.requests == TRACES_DIAGNOSED_MAX
