"""`gasoline doctor` on a real collector: as it starts, with a service that sends, with a port gone, after its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.rendezvous import RunningCollector, running_collector

TIMEOUT_S = 60
ALONE = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
FREE_PORTS = {f"GASOLINE_{port}_ENDPOINT": "127.0.0.1:0" for port in ("GRPC", "HTTP", "QUERY")}
TOKEN = {"GASOLINE_TOKEN": "s3cret"}


BUSY_CONFIG = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}
processors: {memory_limiter: {limit_mib: 2, spike_limit_mib: 1}, session: }
exporters: {index: }
extensions: {query: {endpoint: "127.0.0.1:0"}}
service:
  extensions: [query]
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, session], exporters: [index]}
"""


FORWARDING_CONFIG = """\
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {session: }
exporters:
  index:
  otlphttp/away: {endpoint: "http://127.0.0.1:1", sending_queue: {storage: "${env:QUEUES}"}}
  otlphttp/refusing: {endpoint: "${env:REFUSING}"}
extensions: {query: {endpoint: "127.0.0.1:0"}}
service:
  extensions: [query]
  pipelines:
    logs: {receivers: [otlp], processors: [session], exporters: [index, otlphttp/away, otlphttp/refusing]}
"""


class Refusal(BaseHTTPRequestHandler):
    """What an OTLP path that a backend does not have is answered with."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def refusing() -> Generator[str]:
    """The URL of a backend that refuses everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def collector(
    tmp_path: Path, request: pytest.FixtureRequest, refusing: str
) -> Generator[tuple[subprocess.Popen[str], RunningCollector]]:
    """A collector behind a token, and where it listens; a parameter is its configuration."""
    command = [sys.executable, "-P", "-m", "collector", "serve", "--data-dir", str(tmp_path)]
    if config := getattr(request, "param", ""):
        (tmp_path / "collector.yaml").write_text(config)
        command += ["--config", str(tmp_path / "collector.yaml")]
    of_config = {"QUEUES": str(tmp_path / "elsewhere"), "REFUSING": refusing}
    process = subprocess.Popen(command, env=ALONE | FREE_PORTS | TOKEN | of_config, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert any(line.startswith("ready ") for line in process.stderr)
        running = running_collector(tmp_path)
        assert running is not None
        yield process, running
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)


def doctor(data_dir: Path, *arguments: str, token: dict[str, str] = TOKEN) -> tuple[int, str]:
    command = [sys.executable, "-P", "-m", "collector", "doctor", "--data-dir", str(data_dir), *arguments]
    done = subprocess.run(command, env=ALONE | token, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.stderr == ""
    return done.returncode, done.stdout


def as_json(data_dir: Path, token: dict[str, str] = TOKEN) -> tuple[int, dict[str, Any]]:
    code, output = doctor(data_dir, "--json", token=token)
    return code, json.loads(output)


def send_log(running: RunningCollector) -> None:
    request = ExportLogsServiceRequest()
    outer = request.resource_logs.add()
    outer.resource.attributes.add(key="service.name").value.string_value = "shop\x1b[31m"
    record = outer.scope_logs.add().log_records.add(time_unix_nano=1)
    record.attributes.add(key="session.id").value.string_value = "session-one"
    answer = httpx.post(
        f"http://{running.http}/v1/logs",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf", "authorization": "Bearer s3cret"},
        trust_env=False,
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 200


def test_a_collector_is_examined_over_its_life(
    collector: tuple[subprocess.Popen[str], RunningCollector], tmp_path: Path
) -> None:
    process, running = collector
    code, answer = as_json(tmp_path)
    ports = [
        {"name": name, "endpoint": endpoint, "problem": "", "told": ""} for name, endpoint in running.endpoints.items()
    ]
    assert (code, answer["healthy"], answer["pid"], answer["ports"]) == (1, False, process.pid, ports)
    assert [finding["code"] for finding in answer["findings"]] == ["nothing_arrived"]
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{running.http}" in answer["findings"][0]["change"]

    send_log(running)
    code, answer = as_json(tmp_path)
    assert (code, answer["healthy"], answer["sessions"]) == (0, True, 1)
    assert [(finding["level"], finding["code"]) for finding in answer["findings"]] == [("hint", "no_spans")]
    code, text = doctor(tmp_path)
    assert (code, text.splitlines()[-1]) == (0, "healthy, 1 hint")
    assert "\x1b" not in text

    process.send_signal(signal.SIGTERM)
    process.wait(TIMEOUT_S)
    code, answer = as_json(tmp_path)
    assert (code, answer["pid"], answer["ports"], len(answer["services"])) == (1, None, [], 1)
    assert [finding["code"] for finding in answer["findings"]] == ["not_running", "no_spans"]


def test_ports_that_nothing_answers_on_are_problems(
    collector: tuple[subprocess.Popen[str], RunningCollector], tmp_path: Path
) -> None:
    _, running = collector
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    wrong = replace(running, grpc=nobody, http=nobody)
    (tmp_path / "endpoints.json").write_text(json.dumps(asdict(wrong)))
    code, answer = as_json(tmp_path)
    assert code == 1
    assert [(port["name"], port["problem"], bool(port["told"])) for port in answer["ports"]] == [
        ("grpc", "unreachable", True),
        ("http", "unreachable", True),
        ("query", "", False),
    ]
    assert [finding["code"] for finding in answer["findings"]] == ["unreachable", "unreachable", "nothing_arrived"]


@pytest.mark.usefixtures("collector")
def test_a_shell_without_the_token_is_told_so_and_not_counted_as_a_sender(tmp_path: Path) -> None:
    for _ in range(2):
        code, answer = as_json(tmp_path, token={})
        assert (code, [finding["code"] for finding in answer["findings"]]) == (1, ["token_refused", "nothing_arrived"])
        assert answer["findings"][0]["change"] == [
            "export GASOLINE_TOKEN=<the value that the collector was started with>"
        ]
    _, text = doctor(tmp_path, token={})
    assert " asks for the token\n" in text
    _, answer = as_json(tmp_path)
    assert [finding["code"] for finding in answer["findings"]] == ["nothing_arrived"]


@pytest.mark.parametrize("collector", [BUSY_CONFIG], indirect=True)
def test_a_busy_port_is_told_in_its_own_words_without_advice_to_restart(
    collector: tuple[subprocess.Popen[str], RunningCollector], tmp_path: Path
) -> None:
    _, running = collector
    for _ in range(2):
        code, answer = as_json(tmp_path)
        busy, nothing = answer["findings"]
        assert (code, busy["code"], nothing["code"]) == (1, "busy", "nothing_arrived")
        assert re.fullmatch(
            rf"the port http at {running.http} tells senders to come again: the collector holds \d+ MiB of memory, "
            r"over 1 MiB \(memory_limiter: limit_mib less spike_limit_mib\); send again later",
            busy["message"],
        )
        assert busy["change"] == ["nothing for now: they do so by themselves; if it stays so, what the answer names"]


@pytest.mark.parametrize("collector", [FORWARDING_CONFIG], indirect=True)
def test_a_backend_that_is_away_or_refuses_and_queues_that_nobody_sends_are_problems(
    collector: tuple[subprocess.Popen[str], RunningCollector], refusing: str, tmp_path: Path
) -> None:
    _, running = collector
    send_log(running)
    left = tmp_path / "sending_queue" / "otlp%2Fold"
    elsewhere = tmp_path / "elsewhere" / "otlp%2Folder"
    for folder in (left, elsewhere):
        folder.mkdir()
        (folder / "1.segment").write_bytes(b"12345")
    (tmp_path / "sending_queue" / "otlp%2Fempty").mkdir()
    deadline_s = time.monotonic() + TIMEOUT_S
    while len((found := as_json(tmp_path))[1]["findings"]) < 5 and time.monotonic() < deadline_s:
        pass
    code, answer = found
    # How the operating system words it is its own business.
    told = [
        re.sub(r"\(http\S+/v1/logs: ConnectError: [^;]+\);", "(<url>: <error>);", each["message"])
        for each in answer["findings"]
    ]
    assert (code, list(zip((each["code"] for each in answer["findings"]), told, strict=True))) == (
        1,
        [
            (
                "queue_without_exporter",
                f"5 bytes wait in {left} for the exporter otlp/old, which does not run",
            ),
            (
                "queue_without_exporter",
                f"5 bytes wait in {elsewhere} for the exporter otlp/older, which does not run",
            ),
            (
                "backend_away",
                "the exporter otlphttp/away does not deliver just now (<url>: <error>); what waits is kept, and sent "
                "when it does",
            ),
            (
                "dropped_refused_by_backend",
                "the exporter otlphttp/refusing dropped 1: its backend refuses them for good; last it was told: "
                f"{refusing}/v1/logs answered 404 Not Found",
            ),
            ("no_spans", "shop\x1b[31m sends logs and no spans"),
        ],
    )


def test_a_time_that_is_none_is_an_error_of_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "collector", "doctor", "--data-dir", str(tmp_path), "--since", "soon"]
    done = subprocess.run(command, env=ALONE, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: --since: 'soon' is no time; write RFC 3339 (2026-11-22T10:00:42Z) or an age (-15m, -2h, -1d)\n"
    )
