"""`gasoline report`: the file holds what `observe` says, in the same order, whatever telemetry says."""

import base64
import json
import random
import re
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import report as module
from collector.cli import cli
from collector.encoding.to_json import request_to_json
from collector.pdata.envelope import Signal
from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.report import REPORT_BYTES_MAX, REPORT_EVENTS_MAX
from collector.store.sqlite.reader import SqliteReader

CAPTURES = ["baggage-mixed", "browser", "edge-grpc", "emit", "emit-rust", "forward-http", "telemetrygen", "tracestate"]
Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]


class ReadPages(Protocol):
    def __call__(self, observe: Any, question: dict[str, Any], field: str, page_size: int = ...) -> list[Any]: ...


class DataSlot(HTMLParser):
    """The JSON in a report, and every element around it."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self._inside = False
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = dict(attrs).get("id") == "gasoline-data"

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        self.text += data if self._inside else ""


def gasoline(data_dir: Path, *arguments: str | Path, code: int = 0) -> str:
    """Run a command in this process; what it printed, or its error."""
    done = CliRunner().invoke(cli, [*(str(part) for part in arguments), "--data-dir", str(data_dir)])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def imported(data_dir: Path, recordings: Sequence[tuple[Signal, bytes, bytes | None]]) -> Path:
    """A data folder that holds these requests, one after the other."""
    data_dir.mkdir(parents=True)
    file = data_dir / "recorded.jsonl"
    file.write_bytes(b"".join(request_to_json(signal, body) + b"\n" for signal, body, _ in recordings))
    gasoline(data_dir, "import", file)
    return data_dir


def read_report(path: Path) -> dict[str, Any]:
    text = DataSlot(path.read_text(encoding="utf-8")).text
    return json.loads(zlib.decompress(base64.b64decode(text, validate=True)))


@pytest.fixture
def observing() -> Generator[Callable[[Path], Callable[[dict[str, Any]], dict[str, Any]]]]:
    """`observing(data_dir)`: ask what is stored there."""
    readers: list[SqliteReader] = []

    def open_(data_dir: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
        readers.append(SqliteReader(data_dir))
        query = QueryService(readers[-1])
        return lambda question: query.observe(parse_params(question))

    yield open_
    for reader in readers:
        reader.close()


@pytest.mark.parametrize("name", CAPTURES)
def test_the_report_of_a_capture_holds_the_events_of_observe_in_their_order(
    recordings: Recordings, observing: Callable[[Path], Any], pages: ReadPages, tmp_path: Path, name: str
) -> None:
    data_dir = imported(tmp_path / "data", recordings(name))
    observe = observing(data_dir)
    sessions = observe({"what": "sessions", "limit": 1_000})["sessions"]
    requests = observe({"what": "requests", "limit": 1_000})["requests"]
    for kind, field, record in [("session", "events", each) for each in sessions[:3]] + [
        ("request", "timeline", each) for each in requests[:3]
    ]:
        whole_id = record[f"{kind}_id"]
        file = tmp_path / "report.html"
        told = gasoline(data_dir, "report", whole_id, "-o", file)
        report = read_report(file)
        question = {"what": f"{kind}-trace", f"{kind}_id": whole_id}
        answer = observe(question)
        assert report["answer"][field] == pages(observe, question, field)
        assert {key: value for key, value in report["answer"].items() if key in (kind, "total", "notes")} == {
            key: value for key, value in answer.items() if key in (kind, "total", "notes")
        }
        assert (report["kind"], report.get("cut")) == (kind, None)
        assert told == f"{file}: {kind} {whole_id}, {answer['total']} events, {file.stat().st_size / 1000:.0f} kB\n"


def test_a_session_brings_what_is_known_of_its_requests(
    recordings: Recordings, observing: Callable[[Path], Any], tmp_path: Path
) -> None:
    data_dir = imported(tmp_path / "data", recordings("edge-grpc"))
    observe = observing(data_dir)
    session_id = observe({"what": "sessions", "status": "error"})["sessions"][0]["session_id"]
    gasoline(data_dir, "report", session_id, "-o", tmp_path / "report.html")
    requests = read_report(tmp_path / "report.html")["requests"]
    listed = observe({"what": "requests", "session_id": session_id})["requests"]
    assert sorted(requests) == sorted(record["request_id"] for record in listed)
    failed = [record for record in listed if "cause" in record]
    assert failed
    for record in failed:
        answer = observe({"what": "request-trace", "request_id": record["request_id"]})
        wanted = ("request", "spread", "worked", "undone", "notes")
        assert requests[record["request_id"]] == {name: answer[name] for name in wanted if name in answer}


def request_of(count: int, text: str = "work", failed: Callable[[int], bool] = lambda number: False) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = text
    scope_spans = resource_spans.scope_spans.add()
    for number in range(count):
        span = scope_spans.spans.add(
            trace_id=bytes(range(1, 17)),
            span_id=(number + 1).to_bytes(8),
            name=text,
            start_time_unix_nano=1_700_000_000_000_000_000 + number,
            end_time_unix_nano=1_700_000_000_000_000_000 + number + 1_000,
        )
        for index in range(8):
            span.attributes.add(key=f"app.attribute.{index}").value.string_value = f"a value of usual length {number}"
        span.status.code = span.status.STATUS_CODE_ERROR if failed(number) else span.status.STATUS_CODE_UNSET
        if not number:
            span.attributes.add(key="session.id").value.string_value = text
    return request.SerializeToString()


@pytest.mark.parametrize(
    "text", ["</script><img src=x onerror=alert(1)>", "<!--<script>", "\u202egnp.exe\u2028 & \x07"]
)
def test_telemetry_never_becomes_markup(tmp_path: Path, text: str) -> None:
    harmless = imported(tmp_path / "harmless", [(Signal.TRACES, request_of(2), None)])
    hostile = imported(tmp_path / "hostile", [(Signal.TRACES, request_of(2, text), None)])
    for data_dir in (harmless, hostile):
        gasoline(data_dir, "report", bytes(range(1, 17)).hex()[:8], "-o", data_dir / "report.html")
    document = (hostile / "report.html").read_text(encoding="utf-8")
    assert DataSlot(document).tags == DataSlot((harmless / "report.html").read_text(encoding="utf-8")).tags
    assert read_report(hostile / "report.html")["answer"]["timeline"][0]["name"] == text
    assert text not in document


@pytest.mark.parametrize(("events", "cut"), [(1_000, None), (REPORT_EVENTS_MAX, None), (REPORT_EVENTS_MAX + 1, True)])
def test_the_number_of_events_is_bounded_and_a_cut_is_said(tmp_path: Path, events: int, cut: bool | None) -> None:
    data_dir = imported(tmp_path / "data", [(Signal.TRACES, request_of(events), None)])
    file = tmp_path / "report.html"
    told = gasoline(data_dir, "report", "work", "-o", file)
    report = read_report(file)
    assert len(report["answer"]["events"]) == min(events, REPORT_EVENTS_MAX)
    assert report.get("cut") == ({"shown": REPORT_EVENTS_MAX, "total": events, "errors": 0} if cut else None)
    assert ("the first 10000 of 10001 events" in told) is bool(cut)
    assert "next_cursor" not in report["answer"]
    if events == 1_000:
        assert file.stat().st_size < REPORT_BYTES_MAX


@pytest.mark.parametrize("subject", ["work", bytes(range(1, 17)).hex()], ids=["session", "request"])
@pytest.mark.parametrize(("failures", "kept"), [(3, 3), (8, 8), (9, 8)])
def test_what_failed_beyond_the_events_of_a_report_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: str, failures: int, kept: int
) -> None:
    monkeypatch.setattr(module, "REPORT_EVENTS_MAX", 20)
    monkeypatch.setattr(module, "REPORT_ERRORS_MAX", 8)
    body = request_of(70, failed=lambda number: number == 1 or number >= 70 - failures)
    data_dir = imported(tmp_path / "data", [(Signal.TRACES, body, None)])
    file = tmp_path / "report.html"
    told = gasoline(data_dir, "report", subject, "-o", file)
    report = read_report(file)
    held = report["answer"]["events" if subject == "work" else "timeline"]
    assert report["cut"] == {"shown": 20, "total": 70, "errors": kept}
    assert [event["span_id"] for event in held] == [
        f"{number + 1:016x}" for number in (*range(20), *range(70 - failures, 70 - failures + kept))
    ]
    assert f"the first 20 of 70 events and {kept} that failed of the others" in told


def long_unlike_spans(count: int, value_of: Callable[[random.Random], str]) -> bytes:
    """Spans of many services and requests, each with a dozen attributes that no other has."""
    numbers = random.Random(7)
    request = ExportTraceServiceRequest()
    for number in range(count):
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = f"service-{number % 9}"
        span = resource_spans.scope_spans.add().spans.add(
            trace_id=numbers.randbytes(16),
            span_id=numbers.randbytes(8),
            name=f"GET /{value_of(numbers)[:40]}",
            start_time_unix_nano=1_700_000_000_000_000_000 + numbers.getrandbits(40),
            end_time_unix_nano=1_700_001_200_000_000_000 + numbers.getrandbits(40),
        )
        span.attributes.add(key="session.id").value.string_value = "work"
        for index in range(12):
            span.attributes.add(key=f"app.attribute.{index}.{number % 50}").value.string_value = value_of(numbers)
    return request.SerializeToString()


def words(numbers: random.Random) -> str:
    """A value as services send long ones: a statement, an address or an id, with numbers of its own."""
    return (
        f"item {numbers.randrange(400)} of the order {numbers.randrange(90)}, which was not found where id = "
        f"{numbers.getrandbits(48)} and key = '{numbers.randbytes(10).hex()}' /* handler_{numbers.randrange(999)} */"
    )


def noise(numbers: random.Random) -> str:
    """A value of the longest that is shown, which does not compress."""
    return base64.b64encode(numbers.randbytes(3_072)).decode()


@pytest.mark.parametrize(("value_of", "cut"), [(words, None), (noise, 20)])
def test_a_report_of_1000_events_is_smaller_than_1_mb_whatever_they_say(
    tmp_path: Path, value_of: Callable[[random.Random], str], cut: int | None
) -> None:
    data_dir = imported(tmp_path / "data", [(Signal.TRACES, long_unlike_spans(1_000, value_of), None)])
    file = tmp_path / "report.html"
    told = gasoline(data_dir, "report", "work", "-o", file)
    report = read_report(file)
    assert file.stat().st_size <= REPORT_BYTES_MAX
    assert (len(report["answer"]["events"]), report.get("cut"), report.get("values_cut")) == (1_000, None, cut)
    assert told.endswith(
        f"1000 events{', texts cut to 20 characters' if cut else ''}, {file.stat().st_size / 1000:.0f} kB\n"
    )


def test_a_report_is_made_beside_a_running_collector_and_loads_nothing(
    start_collector: Callable[..., AbstractContextManager[Any]], tmp_path: Path
) -> None:
    data_dir = imported(tmp_path / "data", [(Signal.TRACES, request_of(3), None)])
    with start_collector(data_dir) as collector:
        gasoline(data_dir, "report", "work", "-o", tmp_path / "report.html")
        question = {"what": "session-trace", "session_id": "work"}
        assert read_report(tmp_path / "report.html")["answer"]["events"] == collector.observe(question)["events"]
    document = (tmp_path / "report.html").read_text(encoding="utf-8")
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', document)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert " src=" not in document.partition("<body>")[2].partition("gasoline-data")[0]


def test_what_is_not_there_and_what_could_be_two_things_is_said(tmp_path: Path) -> None:
    twin = bytes(range(1, 17)).hex()
    data_dir = imported(tmp_path / "data", [(Signal.TRACES, request_of(1, f"{twin[:10]}-session"), None)])
    file = tmp_path / "report.html"
    assert gasoline(data_dir, "report", "nothing-like-it", "-o", file, code=1) == (
        f"Error: no session with the id 'nothing-like-it' is stored; the nearest: {twin[:10]}-session; no request with"
        f" the id 'nothing-like-it' is stored; the nearest: {twin} (a request id is a trace id: 32 hex digits)\n"
    )
    assert gasoline(data_dir, "report", twin[:8], "-o", file, code=1) == (
        f"Error: '{twin[:8]}' begins the session {twin[:10]}-session and the request {twin}; give more of the id\n"
    )
    assert not file.exists()
    for text, kind in ((twin, "request"), (f"{twin[:10]}-session", "session")):
        gasoline(data_dir, "report", text, "-o", file)
        assert read_report(file)["kind"] == kind
    assert gasoline(data_dir, "report", twin, "-o", tmp_path / "no" / "report.html", code=1) == (
        f"Error: --output {tmp_path / 'no' / 'report.html'}: cannot be written: No such file or directory\n"
    )
