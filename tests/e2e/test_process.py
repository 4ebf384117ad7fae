"""The command line and its processes, as a person and an agent use them: real processes, real SDKs, real signals."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

COMMAND_TIMEOUT_S = 30


class Running(Protocol):
    """What the fixture `start_collector` gives."""

    grpc: str
    http: str
    query: str
    pid: int
    lines: list[str]

    def stop(self) -> int: ...


StartCollector = Callable[..., AbstractContextManager[Running]]


def gasoline(data_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
    return subprocess.run(
        [sys.executable, "-m", "collector", *arguments],
        env={**clean, "GASOLINE_DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )


def answer(data_dir: Path, *arguments: str) -> dict[str, Any]:
    done = gasoline(data_dir, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def export_on(channel: grpc.Channel) -> "grpc.UnaryUnaryMultiCallable[ExportTraceServiceRequest, bytes]":
    """The bare call, without the exporter's retries."""
    return channel.unary_unary(
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        request_serializer=ExportTraceServiceRequest.SerializeToString,
        response_deserializer=bytes,
    )


def send_session(endpoint: str, session_id: str) -> None:
    """One span of one session, by the official exporter; returns when it is acknowledged."""
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"http://{endpoint}", insecure=True)))
    with provider.get_tracer("test").start_as_current_span("checkout", attributes={"session.id": session_id}):
        pass
    provider.shutdown()


def session_ids(data_dir: Path) -> set[str]:
    return {session["session_id"] for session in answer(data_dir, "sessions")["sessions"]}


def failure_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that failed."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def test_what_an_sdk_sends_is_answered_with_the_collector_and_after_its_end(
    start_collector: StartCollector, tmp_path: Path
) -> None:
    with start_collector(tmp_path) as collector:
        assert json.loads((tmp_path / "endpoints.json").read_text()) == {
            "grpc": collector.grpc,
            "http": collector.http,
            "query": collector.query,
            "data": str(tmp_path),
            "pid": collector.pid,
        }
        send_session(collector.grpc, "session-one")
        assert session_ids(tmp_path) == {"session-one"}
        assert answer(tmp_path, "status")["endpoints"] == {
            "grpc": collector.grpc,
            "http": collector.http,
            "query": collector.query,
        }
        assert collector.stop() == 0
        assert "Traceback" not in "".join(collector.lines)
    assert not (tmp_path / "endpoints.json").exists()
    assert session_ids(tmp_path) == {"session-one"}
    assert answer(tmp_path, "status")["endpoints"] == {}


def test_text_is_that_of_mcp_without_colours_where_there_is_no_terminal(
    start_collector: StartCollector, tmp_path: Path
) -> None:
    with start_collector(tmp_path) as collector:
        send_session(collector.grpc, "session-one")
    done = gasoline(tmp_path, "session", "session-one")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("session session-one · ")
    assert "\x1b" not in done.stdout


def test_a_wrong_question_is_one_line(start_collector: StartCollector, tmp_path: Path) -> None:
    with start_collector(tmp_path):
        pass
    assert failure_of(gasoline(tmp_path, "session")).startswith("Error: session_id: it is missing")
    assert failure_of(gasoline(tmp_path, "sessions", "--limit", "0")).startswith("Error: limit: ")


def test_sigterm_keeps_everything_that_was_acknowledged(start_collector: StartCollector, tmp_path: Path) -> None:
    acknowledged: list[bytes] = []
    enough = threading.Event()

    def send(endpoint: str) -> None:
        with grpc.insecure_channel(endpoint) as channel:
            export = export_on(channel)
            for number in range(1, 100_000):
                trace_id = number.to_bytes(16, "big")
                request = ExportTraceServiceRequest()
                request.resource_spans.add().scope_spans.add().spans.add(trace_id=trace_id, span_id=b"12345678")
                try:
                    export(request, timeout=COMMAND_TIMEOUT_S)
                except grpc.RpcError:
                    return
                acknowledged.append(trace_id)
                if number == 50:
                    enough.set()

    with start_collector(tmp_path) as collector:
        sender = threading.Thread(target=send, args=(collector.grpc,))
        sender.start()
        assert enough.wait(COMMAND_TIMEOUT_S)
        os.kill(collector.pid, signal.SIGTERM)
        sender.join(COMMAND_TIMEOUT_S)
        assert collector.stop() == 0
    total = answer(tmp_path, "requests", "--limit", "1")["total"]
    # The last request may be stored without its answer having reached the sender; none may be missing.
    assert len(acknowledged) <= total <= len(acknowledged) + 1


def test_one_collector_writes_a_folder(start_collector: StartCollector, tmp_path: Path) -> None:
    with start_collector(tmp_path) as collector:
        line = failure_of(gasoline(tmp_path, "serve", "--grpc-endpoint", "127.0.0.1:0"))
        assert line == (
            f"Error: another collector (process {collector.pid}) writes {tmp_path}; "
            f"stop it with: gasoline stop --data-dir {tmp_path}, or choose another folder"
        )


@pytest.mark.parametrize("port", ["grpc", "http", "query"])
def test_a_taken_port_is_one_line(tmp_path: Path, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        free = {"GASOLINE_GRPC_ENDPOINT", "GASOLINE_HTTP_ENDPOINT", "GASOLINE_QUERY_ENDPOINT"}
        endpoints = {**dict.fromkeys(free, "127.0.0.1:0"), f"GASOLINE_{port.upper()}_ENDPOINT": endpoint}
        done = gasoline(tmp_path, "serve", **endpoints)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert f"{endpoint} is taken by another program" in last


def test_a_taken_port_is_replaced_where_that_is_asked_for(start_collector: StartCollector, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        with start_collector(tmp_path, "--free-ports", "--grpc-endpoint", endpoint) as collector:
            assert collector.grpc != endpoint
            assert f"{endpoint} is taken by another program; taking a free port for grpc instead" in collector.lines[0]
            send_session(collector.grpc, "session-one")
            assert session_ids(tmp_path) == {"session-one"}


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "store"
    expected = f"Error: the data folder {folder} lies below a file; choose another one with --data-dir"
    assert failure_of(gasoline(folder, "serve")) == expected
    assert failure_of(gasoline(folder, "mcp")) == expected


def test_a_newer_store_is_one_line(start_collector: StartCollector, tmp_path: Path) -> None:
    with start_collector(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "was written by a newer Gasoline" in failure_of(gasoline(tmp_path, "serve"))
    assert "was written by a newer Gasoline" in failure_of(gasoline(tmp_path, "sessions"))


def test_without_a_store_a_question_says_how_to_get_one(tmp_path: Path) -> None:
    assert failure_of(gasoline(tmp_path, "sessions")) == (
        f"Error: there is no store in {tmp_path}; start a collector with: gasoline serve --data-dir {tmp_path}"
    )
    assert failure_of(gasoline(tmp_path, "clear")) == (
        f"Error: there is no store in {tmp_path}, so there is nothing to clear"
    )


@pytest.mark.parametrize("port", ["grpc", "http", "query"])
def test_beyond_loopback_only_with_a_token(tmp_path: Path, port: str) -> None:
    free = {"GASOLINE_GRPC_ENDPOINT", "GASOLINE_HTTP_ENDPOINT", "GASOLINE_QUERY_ENDPOINT"}
    endpoints = {**dict.fromkeys(free, "127.0.0.1:0"), f"GASOLINE_{port.upper()}_ENDPOINT": "0.0.0.0:0"}
    line = failure_of(gasoline(tmp_path, "serve", **endpoints))
    assert "endpoint 0.0.0.0:0 is open to other machines; set a bearer token in GASOLINE_TOKEN" in line


def test_a_token_guards_every_port_and_the_command_line_sends_it(tmp_path: Path) -> None:
    open_to_all = [part for port in ("grpc", "http", "query") for part in (f"--{port}-endpoint", "0.0.0.0:0")]
    started = serve_process(tmp_path, *open_to_all, GASOLINE_TOKEN="secret")
    assert started.stderr is not None
    try:
        assert any(line.startswith("ready ") for line in started.stderr)
        grpc_port = json.loads((tmp_path / "endpoints.json").read_text())["grpc"].rpartition(":")[2]
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            with pytest.raises(grpc.RpcError) as raised:
                export_on(channel)(ExportTraceServiceRequest(), timeout=COMMAND_TIMEOUT_S)
            assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- grpc's errors are calls too
        refused = failure_of(gasoline(tmp_path, "clear", GASOLINE_TOKEN="wrong"))
        assert "answered 401" in refused
        assert gasoline(tmp_path, "clear", GASOLINE_TOKEN="secret").stdout == "deleted 0 spans and log records\n"
    finally:
        assert end_of(started) == 0


def test_clear_goes_through_the_collector_and_works_without_one(
    start_collector: StartCollector, tmp_path: Path
) -> None:
    with start_collector(tmp_path) as collector:
        for session_id in ("session-one", "session-two", "session-three"):
            send_session(collector.grpc, session_id)
        done = gasoline(tmp_path, "clear", "--session", "session-one")
        assert (done.returncode, done.stdout) == (0, "deleted 1 spans and log records\n")
        assert session_ids(tmp_path) == {"session-two", "session-three"}
        assert failure_of(gasoline(tmp_path, "clear", "--session", "session-one")) == (
            "Error: --session: no session with the id 'session-one' is stored; the nearest: session-three, session-two"
        )
    assert gasoline(tmp_path, "clear", "--session", "session-two").stdout == "deleted 1 spans and log records\n"
    assert session_ids(tmp_path) == {"session-three"}
    assert gasoline(tmp_path, "clear").stdout == "deleted 1 spans and log records\n"
    assert session_ids(tmp_path) == set()


def test_stop_ends_the_collector_and_says_when_there_is_none(start_collector: StartCollector, tmp_path: Path) -> None:
    with start_collector(tmp_path) as collector:
        done = gasoline(tmp_path, "stop")
        assert done.stdout == f"stopped the collector (process {collector.pid}) on {tmp_path}\n"
        assert collector.stop() == 0
    assert gasoline(tmp_path, "stop").stdout == f"no collector runs on {tmp_path}\n"


def serve_process(data_dir: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`gasoline serve` on free ports, for the tests that watch the process itself."""
    ports = [part for port in ("grpc", "http", "query") for part in (f"--{port}-endpoint", "127.0.0.1:0")]
    return subprocess.Popen(
        [sys.executable, "-m", "collector", "serve", "--data-dir", str(data_dir), *ports, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def end_of(process: subprocess.Popen[str]) -> int:
    """Ask a process to end and read what it still says, which could not be written if nobody did: its status."""
    process.terminate()
    process.communicate(timeout=COMMAND_TIMEOUT_S)
    return process.returncode


def test_a_collector_that_nobody_uses_ends_by_itself(tmp_path: Path) -> None:
    process = serve_process(tmp_path, "--idle-shutdown", "0.2")
    _, stderr = process.communicate(timeout=COMMAND_TIMEOUT_S)
    assert process.returncode == 0
    assert stderr.endswith("stopping: unused for 0.2 s\n")


def test_the_configuration_is_checked_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "gasoline.yaml").write_text("recievers: {}\n")
    line = failure_of(gasoline(tmp_path, "serve", "--config", str(tmp_path / "gasoline.yaml")))
    assert line.startswith(f"Error: {tmp_path}/gasoline.yaml: recievers is not a known key; did you mean receivers?")
    assert not (tmp_path / "store.sqlite3").exists()


def test_ports_accept_before_the_mcp_package_is_loaded(tmp_path: Path) -> None:
    process = serve_process(tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("ready "):
            break
    assert end_of(process) == 0
    accepting = [index for index, line in enumerate(lines) if " accepting " in line]
    imported = [index for index, line in enumerate(lines) if line.rpartition("|")[2].strip().startswith("mcp")]
    assert len(accepting) == 2
    assert imported
    assert max(accepting) < min(imported)
