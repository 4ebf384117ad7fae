"""`gasoline import`: what is on disk is told as if it had come from the network, with a collector running or not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from collector.encoding.framing import framed
from collector.encoding.to_json import request_to_json
from collector.pdata.envelope import Signal

if TYPE_CHECKING:
    from conftest import CollectorProcess, ReadPages, StartCollector

COMMAND_TIMEOUT_S = 60
SESSIONS = {"what": "sessions"}

Recording = tuple[Signal, bytes, bytes | None]


def gasoline(data_dir: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "collector", *map(str, arguments), "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )


@contextmanager
def serving(config: Path, data_dir: Path) -> Generator[None]:
    """Run a collector of this configuration."""
    command = [sys.executable, "-m", "collector", "serve", "--config", str(config), "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert any(line.startswith("ready ") for line in process.stderr)
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def recorded(recordings: Callable[[str], Sequence[Recording]]) -> Sequence[Recording]:
    return recordings("tracestate")


@pytest.fixture(scope="module")
def files(recorded: Sequence[Recording], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The same recording as JSON lines of mixed signals, and as protobuf of one signal a file."""
    folder = tmp_path_factory.mktemp("recorded")
    lines = [request_to_json(signal, body) + b"\n" for signal, body, _ in recorded]
    (folder / "all.jsonl").write_bytes(b"".join(lines))
    for kind in (Signal.TRACES, Signal.LOGS):
        bodies = [body for signal, body, _ in recorded if signal is kind]
        (folder / f"{kind}.bin").write_bytes(b"".join(map(framed, bodies)))
    return {"json": [folder / "all.jsonl"], "proto": [folder / "traces.bin", folder / "logs.bin"]}


@pytest.fixture(scope="module")
def expected(
    start_collector: StartCollector,
    pages: ReadPages,
    recorded: Sequence[Recording],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Any]]:
    """The sessions of the recording as they are told when it comes from the network."""
    with start_collector(tmp_path_factory.mktemp("network") / "data") as collector:
        import httpx

        for signal, body, _ in recorded:
            headers = {"content-type": "application/x-protobuf"}
            url = f"http://{collector.http}/v1/{signal}"
            assert httpx.post(url, content=body, headers=headers, trust_env=False).status_code == 200
        yield told(pages, collector)


def told(pages: ReadPages, collector: CollectorProcess) -> list[Any]:
    """Sessions, and every event of the first of them; the id of a log is a hash of how its sender wrote its bytes."""
    sessions = pages(collector.observe, SESSIONS, "sessions")
    question = {"what": "session-trace", "session_id": sessions[0]["session_id"]}
    events = pages(collector.observe, question, "events", 500)
    return [*sessions, *({**event, "id": "log"} if event["signal"] == "log" else event for event in events)]


SUMMARIES = {
    "json": "imported 164 spans, 76 log records from 1 file\n",
    "proto": "imported 164 spans, 76 log records from 2 files\n",
}


@pytest.mark.parametrize("written", ["json", "proto"])
def test_with_the_lock_in_hand_it_is_told_as_from_the_network(
    start_collector: StartCollector,
    pages: ReadPages,
    files: dict[str, list[Path]],
    expected: list[Any],
    tmp_path: Path,
    written: str,
) -> None:
    done = gasoline(tmp_path, "import", *files[written])
    assert (done.returncode, done.stdout, done.stderr) == (0, SUMMARIES[written], "")
    with start_collector(tmp_path) as collector:
        assert told(pages, collector) == expected


@pytest.mark.parametrize("written", ["json", "proto"])
def test_through_the_running_collector_and_again_it_is_told_once(
    start_collector: StartCollector,
    pages: ReadPages,
    files: dict[str, list[Path]],
    expected: list[Any],
    tmp_path: Path,
    written: str,
) -> None:
    with start_collector(tmp_path) as collector:
        for _ in range(2):
            done = gasoline(tmp_path, "import", *files[written])
            assert (done.returncode, done.stdout, done.stderr) == (0, SUMMARIES[written], "")
            assert told(pages, collector) == expected


def test_through_a_collector_that_takes_http_alone(
    start_collector: StartCollector, pages: ReadPages, files: dict[str, list[Path]], expected: list[Any], tmp_path: Path
) -> None:
    pipeline = {"receivers": ["otlp"], "processors": ["session"], "exporters": ["index"]}
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "processors": {"session": None},
        "exporters": {"index": None},
        "extensions": {"query": {"endpoint": "127.0.0.1:0"}},
        "service": {"extensions": ["query"], "pipelines": {"traces": pipeline, "logs": pipeline}},
    }
    path = tmp_path / "http.yaml"
    path.write_text(yaml.safe_dump(config))
    with serving(path, tmp_path / "data"):
        done = gasoline(tmp_path / "data", "import", *files["json"])
        assert (done.returncode, done.stdout, done.stderr) == (0, SUMMARIES["json"], "")
    with start_collector(tmp_path / "data") as collector:
        assert told(pages, collector) == expected


def test_the_file_that_the_exporter_writes_is_no_file_to_import(files: dict[str, list[Path]], tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    pipeline = {"receivers": ["otlp"], "processors": ["session"], "exporters": ["index", "file"]}
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "processors": {"session": None},
        "exporters": {"index": None, "file": {"path": str(out)}},
        "service": {"pipelines": {"traces": pipeline, "logs": pipeline}},
    }
    path = tmp_path / "file.yaml"
    path.write_text(yaml.safe_dump(config))
    done = gasoline(tmp_path / "data", "import", *files["json"], "--config", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, SUMMARIES["json"], "")
    written = out.read_bytes()
    done = gasoline(tmp_path / "data", "import", out, "--config", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {out} is written by the exporter `file` of a collector")
    assert out.read_bytes() == written


@pytest.mark.parametrize("is_running", [False, True])
def test_a_signal_that_no_pipeline_takes_is_not_said_to_be_imported(
    files: dict[str, list[Path]], tmp_path: Path, is_running: bool
) -> None:
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "processors": {"session": None},
        "exporters": {"index": None},
        "extensions": {"query": {"endpoint": "127.0.0.1:0"}},
        "service": {
            "extensions": ["query"],
            "pipelines": {"logs": {"receivers": ["otlp"], "processors": ["session"], "exporters": ["index"]}},
        },
    }
    path = tmp_path / "logs.yaml"
    path.write_text(yaml.safe_dump(config))
    with serving(path, tmp_path / "data") if is_running else nullcontext():
        done = gasoline(tmp_path / "data", "import", *files["json"], "--config", path)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "imported 76 log records from 1 file; "
        "164 spans were dropped: no pipeline takes them (service.pipelines.traces)\n",
        "",
    )


def test_lines_that_are_no_requests_are_named_and_the_rest_is_imported(
    files: dict[str, list[Path]], tmp_path: Path
) -> None:
    lines = files["json"][0].read_bytes().splitlines(keepends=True)
    path = tmp_path / "some.jsonl"
    path.write_bytes(lines[0] + b"oops\n" + b"".join(lines[1:]))
    done = gasoline(tmp_path / "data", "import", path)
    summary = SUMMARIES["json"].strip() + "; 1 lines or messages were left out\n"
    assert (done.returncode, done.stdout) == (0, summary)
    assert done.stderr == f"{path}:2: Expecting value: line 1 column 1 (char 0)\n"


def test_a_file_of_which_nothing_can_be_imported_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text('{"a": 1}\n' * 25)
    done = gasoline(tmp_path / "data", "import", path)
    assert (done.returncode, done.stdout) == (1, "")
    shown = done.stderr.splitlines()
    assert shown[0] == f"{path}:1: it has none of resourceSpans, resourceLogs, resourceMetrics"
    assert shown[20:] == ["and 5 more", "Error: nothing was imported: 25 lines or messages are no OTLP requests"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = gasoline(tmp_path / "data", "import", tmp_path / "none.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: {tmp_path / 'none.jsonl'} cannot be read: No such file or directory\n"
    assert not (tmp_path / "data").exists()


def test_on_a_terminal_a_bar_shows_how_far_it_is(files: dict[str, list[Path]], tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "collector", "import", *files["json"], "--data-dir", tmp_path / "data"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
        except OSError:  # how a terminal says on Linux that nobody writes to it any more
            pass
        finally:
            os.close(ours)
        out, _ = process.communicate(timeout=COMMAND_TIMEOUT_S)
    assert (process.returncode, out) == (0, SUMMARIES["json"])
    text = shown.decode()
    assert "importing" in text
    assert "100%" in text
