"""Files of recorded OTLP, whatever way they were written, and whatever is wrong with them."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from collector.encoding.framing import framed
from collector.encoding.to_json import request_to_json
from collector.errors import InvalidDataError
from collector.importing import reading
from collector.importing.reading import Request, Unreadable, UnreadableFileError, read_requests
from collector.importing.signals import guess_signal
from collector.pdata.envelope import Signal

Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]


def log_body(text: str) -> bytes:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = text
    return request.SerializeToString()


def metric_body() -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="requests", unit="1")
    metric.sum.data_points.add(as_int=1, time_unix_nano=1)
    return request.SerializeToString()


def line(text: str) -> bytes:
    return request_to_json(Signal.LOGS, log_body(text)) + b"\n"


def read(path: Path, content: bytes, signal: Signal | None = None) -> list[Request | Unreadable]:
    path.write_bytes(content)
    return list(read_requests(path, signal))


def places(items: Sequence[Request | Unreadable]) -> list[tuple[int, str]]:
    """Each item as its place and what it is: the text of its log record, or why it is none."""
    return [
        (item.place, item.reason if isinstance(item, Unreadable) else text_of(item.signal, item.body)) for item in items
    ]


def text_of(signal: Signal, body: bytes) -> str:
    assert signal is Signal.LOGS
    return ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records[0].body.string_value


@pytest.mark.parametrize("one", [line("a"), framed(log_body("a"))], ids=["json", "proto"])
def test_what_is_appended_while_a_file_is_read_is_left_unread(tmp_path: Path, one: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(one * 3)
    items: list[Request | Unreadable] = []
    for item in read_requests(path, Signal.LOGS):
        items.append(item)
        assert len(items) < 10
        with path.open("ab") as file:
            file.write(one)
    assert places(items) == [(1, "a"), (2, "a"), (3, "a")]


def test_lines_are_read_in_order_and_the_position_is_how_far_that_is(tmp_path: Path) -> None:
    content = line("a") + b"\n  \n" + line("b")
    items = read(tmp_path / "file", content)
    assert places(items) == [(1, "a"), (4, "b")]
    assert [item.position for item in items] == [len(line("a")), len(content)]


def test_what_is_no_request_is_said_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = [line("a"), b"not json\n", b'{"resourceProfiles":[]}\n', b'{"resourceLogs":7}\n', b"[]\n", line("b")]
    found = places(read(tmp_path / "file", b"".join(lines)))
    assert [place for place, _ in found] == [1, 2, 3, 4, 5, 6]
    assert found[1][1].startswith("Expecting value")
    assert found[2] == (3, "it has none of resourceSpans, resourceLogs, resourceMetrics")
    assert found[3] == (4, "body.resourceLogs must be a list, not a number")
    assert found[4] == (5, "it has none of resourceSpans, resourceLogs, resourceMetrics")
    assert found[5] == (6, "b")


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    found = places(read(tmp_path / "file", line("a") + line("b")[:-10]))
    assert found[0] == (1, "a")
    assert found[1][0] == 2
    assert len(found) == 2


@pytest.mark.parametrize("begins", [b"\n" * 40, b" \r\n\t\n" * 10])
def test_empty_lines_may_stand_first(tmp_path: Path, begins: bytes) -> None:
    place = begins.count(b"\n") + 1
    assert places(read(tmp_path / "file", begins + line("a") + line("b"))) == [(place, "a"), (place + 1, "b")]


@pytest.mark.parametrize("cut", [1, 10, 40])
@pytest.mark.parametrize("begins", [b"", b"\n", b"\xff\xfe", bytes(9)])
def test_a_first_line_that_has_lost_its_beginning_is_left_out(tmp_path: Path, begins: bytes, cut: int) -> None:
    found = places(read(tmp_path / "file", begins + line("x")[cut:] + line("a") + line("b")))
    place = 1 + begins.count(b"\n")
    assert [number for number, _ in found] == [place, place + 1, place + 2]
    assert found[1:] == [(place + 1, "a"), (place + 2, "b")]


def behind_varint(body: bytes) -> bytes:
    return bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body


@pytest.mark.parametrize("frame", [framed, behind_varint])
def test_a_message_that_quotes_a_line_is_a_message(tmp_path: Path, frame: Callable[[bytes], bytes]) -> None:
    text = "got\n" + line("x").decode() + "y" * 90
    assert places(read(tmp_path / "file", frame(log_body(text)) * 2)) == [(1, text), (2, text)]


def test_a_line_over_the_limit_is_left_out_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = len(line("x" * 50))
    monkeypatch.setattr(reading, "REQUEST_BYTES_MAX", limit)
    monkeypatch.setattr(reading, "DISCARD_BYTES_MAX", 7)
    content = line("x" * 51) + line("y" * 50) + line("b")
    reason = f"the line is longer than {limit} bytes"
    assert places(read(tmp_path / "file", content)) == [(1, reason), (2, "y" * 50), (3, "b")]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_one_document_over_several_lines_is_one_request(tmp_path: Path, mark: bytes) -> None:
    document = json.dumps(json.loads(line("a")), indent=2).encode()
    assert places(read(tmp_path / "file", mark + document)) == [(1, "a")]


def test_a_document_of_two_signals_is_two_requests(tmp_path: Path) -> None:
    document = {
        **json.loads(request_to_json(Signal.METRICS, metric_body())),
        **json.loads(request_to_json(Signal.LOGS, log_body("a"))),
    }
    items = read(tmp_path / "file", json.dumps(document).encode())
    assert [(item.signal, item.body) for item in items if isinstance(item, Request)] == [
        (Signal.LOGS, log_body("a")),
        (Signal.METRICS, metric_body()),
    ]


@pytest.mark.parametrize(
    ("content", "name"), [(gzip.compress(line("a")), "gzip"), (zstandard.compress(framed(log_body("a"))), "zstd")]
)
def test_a_compressed_file_is_said_to_be_one(tmp_path: Path, content: bytes, name: str) -> None:
    with pytest.raises(UnreadableFileError) as refused:
        read(tmp_path / "file", content)
    assert str(refused.value) == (
        f"{tmp_path / 'file'} is compressed with {name}; decompress it and import what comes of it"
    )


def test_messages_behind_lengths_of_four_bytes_are_read(tmp_path: Path) -> None:
    content = framed(log_body("a")) + framed(b"\xff\xff") + framed(log_body("b"))
    items = read(tmp_path / "file", content)
    assert places(items) == [
        (1, "a"),
        (2, "it is no export request of traces, logs or metrics in protobuf"),
        (3, "b"),
    ]
    assert items[-1].position == len(content)


def test_messages_behind_varints_are_read(tmp_path: Path, root: Path, recordings: Recordings) -> None:
    folder = root / "tests" / "data" / "captures" / "tracestate"
    for signal in (Signal.TRACES, Signal.LOGS):
        items = list(read_requests(folder / f"{signal}.bin", None))
        recorded = [body for kind, body, _ in recordings("tracestate") if kind is signal]
        assert [(item.signal, item.body) for item in items if isinstance(item, Request)] == [
            (signal, body) for body in recorded
        ]


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (framed(log_body("cut"))[:-1], "the file ends inside it"),
        (b"\x00\x00\x01", "the file ends inside a length"),
        (b"\x7f\xff\xff\xff", "what stands here is no length"),
    ],
)
def test_a_message_that_a_crash_cut_off_is_left_out(tmp_path: Path, rest: bytes, reason: str) -> None:
    content = framed(log_body("a")) + rest
    items = read(tmp_path / "file", content)
    assert places(items) == [(1, "a"), (2, reason)]
    assert items[-1].position == len(content)


def test_a_message_over_the_limit_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = len(log_body("x" * 50))
    monkeypatch.setattr(reading, "REQUEST_BYTES_MAX", limit)
    content = b"".join(framed(log_body(text)) for text in ("x" * 51, "y" * 50))
    reason = f"the message is longer than {limit} bytes"
    assert places(read(tmp_path / "file", content)) == [(1, reason), (2, "y" * 50)]


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "file", b"") == []


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="none cannot be read: No such file"):
        list(read_requests(tmp_path / "none", None))


@pytest.mark.parametrize("name", ["tracestate", "baggage-mixed", "edge-grpc", "forward-http", "browser", "emit"])
def test_the_signal_of_every_recorded_message_is_guessed(recordings: Recordings, name: str) -> None:
    wrong = [signal for signal, body, _ in recordings(name) if guess_signal(body) is not signal]
    assert wrong == []


def test_the_signal_of_metrics_is_guessed_and_of_nothing_is_not() -> None:
    assert guess_signal(metric_body()) is Signal.METRICS
    with pytest.raises(InvalidDataError):
        guess_signal(b"\xff")
