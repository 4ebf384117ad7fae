"""Recorded OTLP in, one answer per session out: exactly what each capture's truth states.

Every way of delivery takes all captures into one store, so that each session is read among all the others.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import httpx
import pytest

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.store.api import Batch
from collector.store.memory import MemoryStore

if TYPE_CHECKING:
    from conftest import CaptureKit, Message

FOLDERS = (
    "baggage-mixed",
    "browser",
    "edge-grpc",
    "emit",
    "emit-rust",
    "forward-http",
    "telemetrygen",
    "tracestate",
)
ORDERS = ("recorded", "shuffled")
WAYS = ("in-process", "grpc", "http-protobuf", "http-json")
GRPC_METHODS = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
RPC_TIMEOUT_S = 20
LARGE_PAGE_SIZE = 300

Observe = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ReadPages(Protocol):
    """What the fixture `pages` does."""

    def __call__(
        self, observe: Observe, question: Mapping[str, Any], field: str, page_size: int = ...
    ) -> list[Any]: ...


class RunningCollector(Protocol):
    """What the fixture `start_collector` starts."""

    grpc: str
    http: str

    def observe(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask over HTTP."""
        ...


StartCollector = Callable[[Path], AbstractContextManager[RunningCollector]]


class InProcess:
    """The pure path: cut, correlate, a store in memory, query."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self._query = QueryService(self._store)

    def deliver(self, messages: Sequence[Message]) -> None:
        """Store every message."""
        for message in messages:
            correlated = correlate(message.signal, cut_request(message.signal, message.body), SessionKeys())
            assert correlated.rejected == 0
            batch = Batch(message.signal, hashlib.blake2b(message.body).digest(), correlated.records)
            assert not asyncio.run(self._store.write(batch)).resent

    def observe(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask."""
        return self._query.observe(parse_params(question))


def deliver_over_grpc(endpoint: str, messages: Sequence[Message]) -> None:
    """Send every message as protobuf, over gRPC."""
    with grpc.insecure_channel(endpoint) as channel:
        exports: dict[Signal, Callable[..., bytes]] = {
            signal: channel.unary_unary(method) for signal, method in GRPC_METHODS.items()
        }
        for message in messages:
            # An answer without a byte has no partial success: everything was taken.
            assert exports[message.signal](message.body, timeout=RPC_TIMEOUT_S) == b""


def deliver_over_http(endpoint: str, messages: Sequence[Message], *, json_copies: bool) -> None:
    """Send every message over HTTP: as protobuf, or as the JSON that it came as."""
    with httpx.Client(base_url=f"http://{endpoint}", timeout=RPC_TIMEOUT_S, trust_env=False) as client:
        for message in messages:
            as_json = json_copies and message.json_body is not None
            content_type = "application/json" if as_json else "application/x-protobuf"
            answer = client.post(
                f"/v1/{message.signal}",
                content=message.json_body if as_json else message.body,
                headers={"content-type": content_type},
            )
            assert (answer.status_code, answer.content) == (200, b"{}" if as_json else b"")
            assert answer.headers["content-type"] == content_type


@pytest.fixture(scope="module", params=[f"{way}-{order}" for way in WAYS for order in ORDERS])
def observe(
    request: pytest.FixtureRequest,
    kit: CaptureKit,
    start_collector: StartCollector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Observe]:
    """Ask a store that took all captures in one way and one order."""
    way, _, order = str(request.param).rpartition("-")
    messages = kit.in_order([message for capture in kit.captures for message in capture.messages], order)
    if way == "in-process":
        path = InProcess()
        path.deliver(messages)
        yield path.observe
        return
    with start_collector(tmp_path_factory.mktemp(way) / "data") as collector:
        if way == "grpc":
            deliver_over_grpc(collector.grpc, messages)
        else:
            deliver_over_http(collector.http, messages, json_copies=way == "http-json")
        yield collector.observe


def test_every_folder_is_read(kit: CaptureKit) -> None:
    assert tuple(capture.name for capture in kit.captures) == FOLDERS
    assert all(capture.stated() for capture in kit.captures)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_truth_agrees_with_an_independent_count(kit: CaptureKit, folder: str) -> None:
    capture = kit.named(folder)
    counted = {session_id: kit.figures(held) for session_id, held in capture.counted.sessions.items()}
    for session_id, stated in capture.stated().items():
        comparable = {name: value for name, value in stated.items() if name != "statuses"}
        assert {name: counted[session_id][name] for name in comparable} == comparable
    assert counted.keys() == capture.stated().keys()


@pytest.mark.requirement(
    "flow:one-timeline",
    "flow:ids-indexed",
    "session-index:links-events",
    "testing:several-requests",
    "testing:several-sessions",
    "testing:cross-service",
    "backend:session-id-in-logs",
    "backend:propagation",
    "compatibility:gradual",
)
@pytest.mark.parametrize("folder", FOLDERS)
def test_each_session_holds_exactly_what_was_sent(
    kit: CaptureKit, observe: Observe, pages: ReadPages, folder: str
) -> None:
    capture = kit.named(folder)
    for session_id, stated in capture.stated().items():
        question = {"what": "session-trace", "session_id": session_id}
        events = pages(observe, question, "events")
        requests = pages(observe, {"what": "requests", "session_id": session_id}, "requests")
        held = kit.told(events, requests)
        figures = kit.figures(held)

        assert {name: figures[name] for name in stated} == stated
        counted = capture.counted.sessions[session_id]
        assert (held.spans, held.logs, held.error_spans) == (counted.spans, counted.logs, counted.error_spans)
        assert {event["session_id"] for event in events} == {session_id}
        assert max(Counter(event["id"] for event in events).values()) == 1
        assert sorted(request["request_id"] for request in requests) == figures["trace_ids"]

        session = observe(question)["session"]
        assert session["session_id"] == session_id
        assert session["event_count"] == len(events)
        assert sorted(session["request_ids"]) == figures["trace_ids"]
        assert session["services"] == sorted({event["service"] for event in events})
        assert session["has_errors"] == any(event["error"] for event in events)


def test_the_order_of_arrival_changes_no_answer(kit: CaptureKit, pages: ReadPages) -> None:
    messages = [message for capture in kit.captures for message in capture.messages]
    paths = [InProcess(), InProcess()]
    for order, path in zip(ORDERS, paths, strict=True):
        path.deliver(kit.in_order(messages, order))
    for capture in kit.captures:
        for session_id in capture.stated():
            question = {"what": "session-trace", "session_id": session_id}
            recorded, shuffled = (pages(path.observe, question, "events", LARGE_PAGE_SIZE) for path in paths)
            assert recorded == shuffled


def test_the_list_names_every_session_and_no_other(kit: CaptureKit, observe: Observe, pages: ReadPages) -> None:
    sessions = pages(observe, {"what": "sessions"}, "sessions")
    expected = sorted(session_id for capture in kit.captures for session_id in capture.stated())
    assert sorted(session["session_id"] for session in sessions) == expected


@pytest.mark.requirement("compatibility:opt-in")
def test_records_without_a_session_stay_out_and_stay_readable(
    kit: CaptureKit, observe: Observe, pages: ReadPages
) -> None:
    outside = pages(observe, {"what": "requests", "without_session": True}, "requests")
    expected = {trace_id for capture in kit.captures for trace_id in capture.counted.without_session.traces()}
    assert sorted(request["request_id"] for request in outside) == sorted(expected)
    assert all("session_id" not in request and "session_ids" not in request for request in outside)

    logs = pages(observe, {"what": "logs"}, "events", LARGE_PAGE_SIZE)
    told = Counter(event["service"] for event in logs if "session_id" not in event)
    counted: Counter[str] = Counter()
    for capture in kit.captures:
        for (_, service), count in capture.counted.without_session.logs.items():
            counted[service] += count
    # Three sessions share the one trace of telemetrygen's logs, but each of these records names its own.
    assert told == counted


def test_every_record_is_there_once(kit: CaptureKit, observe: Observe, pages: ReadPages) -> None:
    requests = pages(observe, {"what": "requests"}, "requests", LARGE_PAGE_SIZE)
    expected = {trace_id for capture in kit.captures for trace_id in capture.counted.trace_ids()}
    assert sorted(request["request_id"] for request in requests) == sorted(expected)

    spans = logs = 0
    for capture in kit.captures:
        for held in (*capture.counted.sessions.values(), capture.counted.without_session):
            spans += held.spans.total()
            logs += held.logs.total()
    assert len(pages(observe, {"what": "logs"}, "events", LARGE_PAGE_SIZE)) == logs
    told = 0
    for request in requests:
        question = {"what": "request-trace", "request_id": request["request_id"]}
        timeline = pages(observe, question, "timeline")
        told += sum(event["signal"] == "span" for event in timeline)
    assert told == spans


def test_no_effect_stands_before_its_cause(kit: CaptureKit, observe: Observe, pages: ReadPages) -> None:
    for capture in kit.captures:
        for session_id in capture.stated():
            events = pages(observe, {"what": "session-trace", "session_id": session_id}, "events")
            spans = {(event["request_id"], event["span_id"]) for event in events if event["signal"] == "span"}
            seen: set[tuple[str, str]] = set()
            for event in events:
                trace_id = event.get("request_id", "")
                cause = event.get("parent_span_id") if event["signal"] == "span" else event.get("span_id")
                if cause is not None and (trace_id, cause) in spans:
                    assert (trace_id, cause) in seen
                if event["signal"] == "span":
                    seen.add((trace_id, event["span_id"]))


def test_a_log_without_time_takes_its_observed_time(kit: CaptureKit, observe: Observe, pages: ReadPages) -> None:
    for session_id in kit.named("emit-rust").stated():
        events = pages(observe, {"what": "session-trace", "session_id": session_id}, "events")
        times = [int(event["time_unix_nano"]) for event in events]
        assert min(times) > 1_795_362_000_000_000_000
        assert max(times) < 1_795_363_000_000_000_000


def test_integers_beyond_double_precision_survive(kit: CaptureKit, observe: Observe, pages: ReadPages) -> None:
    quantities: Counter[Any] = Counter()
    for capture in kit.captures:
        for session_id in capture.stated():
            events = pages(observe, {"what": "session-trace", "session_id": session_id}, "events")
            quantities.update(str(e["attributes"]["app.qty"]) for e in events if "app.qty" in e["attributes"])
    assert quantities["9007199254740993"] > 0
    assert "9007199254740992" not in quantities
