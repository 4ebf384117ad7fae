"""The captures, and what they hold: as their truth files state it, and by a count of our own."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.pdata.envelope import Signal

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
SHUFFLE_SEED = 20261122

Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]


@dataclass(frozen=True)
class Message:
    """One recorded export request; `json_body` is there if it came as OTLP/JSON."""

    signal: Signal
    body: bytes
    json_body: bytes | None


@dataclass
class Held:
    """What one session holds: told by a collector, counted off the data, or stated by a truth file.

    Spans and logs are counted by (trace id in hex, service), the trace id "" for a log without trace; error
    spans by trace id. `statuses` is the HTTP status of each request that has one.
    """

    spans: Counter[tuple[str, str]]
    logs: Counter[tuple[str, str]]
    error_spans: Counter[str]
    statuses: dict[str, int]

    @classmethod
    def nothing(cls) -> "Held":
        """Return an empty one."""
        return cls(Counter(), Counter(), Counter(), {})

    def traces(self) -> set[str]:
        """Return the trace ids that have a record here."""
        return {trace_id for trace_id, _ in (*self.spans, *self.logs)} - {""}


@dataclass(frozen=True)
class Counted:
    """All records of a capture, counted with the official classes: by session, and those without one."""

    sessions: Mapping[str, Held]
    without_session: Held

    def trace_ids(self) -> set[str]:
        """Return every trace id of the capture."""
        return set[str]().union(*(held.traces() for held in (*self.sessions.values(), self.without_session)))


@dataclass(frozen=True)
class Capture:
    """One folder: its messages in order of arrival, and what they hold by an independent count."""

    name: str
    folder: Path
    messages: Sequence[Message]
    counted: Counted

    def stated(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the truth of the folder: for each session some of the figures that `figures` yields."""
        manifest = self.folder / "manifest.json"
        if manifest.exists():
            return _stated_by_manifest(json.loads(manifest.read_text()))
        stated: dict[str, dict[str, Any]] = {}
        for path in sorted(self.folder.glob("truth-*.json")):
            for session_id, truth in json.loads(path.read_text()).items():
                stated[session_id] = {
                    "trace_ids": sorted(truth["trace_ids"]),
                    "span_total": truth["spans"],
                    "logs_in_traces": truth["logs_in_traces"],
                    "logs_without_trace": truth["logs_session_only"],
                    "error_span_total": truth["error_spans"],
                    "statuses": {},
                }
        if self.name == "telemetrygen":
            each: dict[str, Any] = {
                "trace_count": 11,
                "span_total": 50,
                "logs_in_traces": 20,
                "error_span_total": 0,
                "statuses": {},
            }
            stated.update({f"tg-session-{number}": each for number in (1, 2, 3)})
        return stated


def figures(held: Held) -> dict[str, Any]:
    """Return every figure that a truth file may state of a session."""
    return {
        "trace_ids": sorted(held.traces()),
        "trace_count": len(held.traces()),
        "spans": dict(held.spans),
        "logs": dict(held.logs),
        "error_spans": {trace_id: held.error_spans[trace_id] for trace_id in held.traces()},
        "span_total": held.spans.total(),
        "logs_in_traces": sum(count for (trace_id, _), count in held.logs.items() if trace_id),
        "logs_without_trace": sum(count for (trace_id, _), count in held.logs.items() if not trace_id),
        "error_span_total": held.error_spans.total(),
        "statuses": held.statuses,
    }


def _stated_by_manifest(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    stated: dict[str, dict[str, Any]] = {}
    for session_id, session in manifest["sessions"].items():
        traces = {trace["trace_id"]: trace for trace in session["traces"]}
        stated[session_id] = _services_of(traces) | {
            "error_spans": {trace_id: trace["error_spans"] for trace_id, trace in traces.items()},
            "statuses": {trace_id: trace["http_status"] for trace_id, trace in traces.items()},
            "span_total": session["span_total"],
            "logs_in_traces": session["log_total"],
            "logs_without_trace": 0,
        }
    for session_id, session in manifest.get("browser_sessions", {}).items():
        traces = {trace_id: manifest["other_traces"][trace_id] for trace_id in session["traces"]}
        page_logs = session["page_logs_without_trace"]
        services = _services_of(traces)
        stated[session_id] = {
            "trace_ids": services["trace_ids"],
            "spans": services["spans"],
            "logs": services["logs"] | {("", "browser"): page_logs},
            "span_total": session["span_total"],
            "logs_in_traces": session["log_total_in_traces"],
            "logs_without_trace": page_logs,
        }
    return stated


def _services_of(traces: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"trace_ids": sorted(traces)} | {
        kind: {(trace_id, service): n for trace_id, trace in traces.items() for service, n in trace[kind].items()}
        for kind in ("spans", "logs")
    }


@dataclass(frozen=True)
class _Flat:
    """One record as the count sees it."""

    message: Span | LogRecord
    service: str
    session_id: str


def _flat(messages: Sequence[Message]) -> Iterator[_Flat]:
    for message in messages:
        if message.signal is Signal.TRACES:
            for resource in ExportTraceServiceRequest.FromString(message.body).resource_spans:
                for scope in resource.scope_spans:
                    outer = [scope.scope.attributes, resource.resource.attributes]
                    for span in scope.spans:
                        places = [span.attributes, *(event.attributes for event in span.events), *outer]
                        yield _Flat(span, _service(resource.resource.attributes), _own_session(places, span))
        else:
            for resource in ExportLogsServiceRequest.FromString(message.body).resource_logs:
                for scope in resource.scope_logs:
                    outer = [scope.scope.attributes, resource.resource.attributes]
                    for record in scope.log_records:
                        session_id = _own_session([record.attributes, *outer], None)
                        yield _Flat(record, _service(resource.resource.attributes), session_id)


def _service(attributes: Sequence[KeyValue]) -> str:
    return next(item.value.string_value for item in attributes if item.key == "service.name")


def _own_session(places: Sequence[Sequence[KeyValue]], span: Span | None) -> str:
    """Read the session that a record of these captures names; knows only what the captures hold."""
    for key in ("session.id", "session_id"):
        for place in places:
            for item in place:
                if item.key == key and item.value.string_value:
                    return item.value.string_value
    for place in places:
        for item in place:
            if item.key.replace("_", "-") == "http.request.header.x-session-id":
                texts = [value.string_value for value in item.value.array_value.values]
                if texts and texts[0]:
                    return texts[0].split(",")[0].strip()
    if span is not None and span.trace_state.startswith("gasoline="):
        return span.trace_state.removeprefix("gasoline=").split(",")[0]
    return ""


def _count(messages: Sequence[Message]) -> Counted:
    records = list(_flat(messages))
    named: dict[bytes, set[str]] = {}
    for record in records:
        if record.session_id and record.message.trace_id:
            named.setdefault(record.message.trace_id, set()).add(record.session_id)
    sessions: dict[str, Held] = {}
    without_session = Held.nothing()
    for record in records:
        owners = {record.session_id} if record.session_id else named.get(record.message.trace_id, set[str]())
        holders = [sessions.setdefault(owner, Held.nothing()) for owner in owners] or [without_session]
        trace_id = record.message.trace_id.hex()
        for held in holders:
            if isinstance(record.message, Span):
                held.spans[trace_id, record.service] += 1
                held.error_spans[trace_id] += record.message.status.code == Status.STATUS_CODE_ERROR
            else:
                held.logs[trace_id, record.service] += 1
    return Counted(sessions, without_session)


def _capture(folder: Path, recordings: Recordings) -> Capture:
    messages = [Message(*recording) for recording in recordings(folder.name)]
    return Capture(folder.name, folder, messages, _count(messages))


def in_order(messages: Sequence[Message], order: str) -> list[Message]:
    """Return the messages as recorded, or shuffled by a fixed seed."""
    ordered = list(messages)
    if order == "shuffled":
        random.Random(SHUFFLE_SEED).shuffle(ordered)
    return ordered


def told(events: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]) -> Held:
    """Count what a collector told of a session."""
    held = Held.nothing()
    for event in events:
        trace_id = event.get("request_id", "")
        if event["signal"] == "span":
            held.spans[trace_id, event["service"]] += 1
            held.error_spans[trace_id] += event["error"]
        elif event["signal"] == "log":
            held.logs[trace_id, event["service"]] += 1
    held.statuses.update({item["request_id"]: item["status"] for item in requests if "status" in item})
    return held


@dataclass(frozen=True)
class CaptureKit:
    """The helpers above, for tests that cannot import this file."""

    captures: Sequence[Capture]
    in_order: Callable[[Sequence[Message], str], list[Message]] = in_order
    told: Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], Held] = told
    figures: Callable[[Held], dict[str, Any]] = figures

    def named(self, name: str) -> Capture:
        """Return the capture of this folder."""
        return next(capture for capture in self.captures if capture.name == name)


@pytest.fixture(scope="session")
def kit(recordings: Recordings) -> CaptureKit:
    """All captures, read once."""
    return CaptureKit([_capture(folder, recordings) for folder in sorted(CAPTURES.iterdir()) if folder.is_dir()])
