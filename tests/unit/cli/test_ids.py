"""Ids on the command line: what is not there is told and ends with 1; unique beginnings will do, for `clear` too."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.cli import cli
from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.store.api import Batch
from collector.store.sqlite.writer import SqliteWriter

SESSIONS = ("session-9f2c41d07a3b4e5f9f2c41d07a3b4e5f", "session-9f2c4255555555555555555555555555")
REQUEST_IDS = ("4bf92f3577b34da6a3ce929d0e0e4736", "a3ce929d0e0e47364bf92f3577b34da6")
Run = Callable[..., Result]


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    """Run the command line on a store of two sessions with a log in a request each."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for session_id, request_id in zip(SESSIONS, REQUEST_IDS, strict=True):
        record = records.add(time_unix_nano=1, trace_id=bytes.fromhex(request_id))
        record.body.string_value = "hello"
        record.attributes.append(KeyValue(key="session.id", value=AnyValue(string_value=session_id)))
    body = request.SerializeToString()

    async def fill() -> None:
        writer = SqliteWriter.open(tmp_path)
        cut = cut_request(Signal.LOGS, body)
        await writer.write(
            Batch(Signal.LOGS, hashlib.sha256(body).digest(), correlate(Signal.LOGS, cut, SessionKeys()).records)
        )
        await writer.shutdown()

    asyncio.run(fill())

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, [*arguments, "--data-dir", str(tmp_path)])

    return run


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["session", "session-nobody"], "note: no session with the id 'session-nobody' is stored; the nearest: "),
        (["session", "--pick", "last_error"], "note: no session with an error is stored\n"),
        (["request", "ffffff"], "note: no request with the id 'ffffff' is stored; the nearest: "),
        (["request", "--pick", "last_error"], "note: none of the 2 requests that match has failed\n"),
    ],
)
def test_what_is_not_there_is_told_on_stderr_and_ends_with_1(run: Run, command: list[str], said: str) -> None:
    done = run(*command)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert "\n0 of 0 events shown · next: observe(" in done.stderr


@pytest.mark.parametrize(("command", "name"), [("session", "session"), ("request", "request")])
def test_programs_get_the_answer_as_ever(run: Run, command: str, name: str) -> None:
    done = run(command, "ffffff", "--json")
    assert (done.exit_code, done.stderr) == (1, "")
    answer = json.loads(done.stdout)
    assert (answer["total"], name in answer) == (0, False)


@pytest.mark.parametrize(
    "command",
    [["session", "9f2c41"], ["request", "4bf92f"], ["session", "9f2c41", "--query", "no such words"], ["sessions"]],
)
def test_what_is_there_ends_with_0_though_no_event_matches(run: Run, command: list[str]) -> None:
    done = run(*command)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["session", "request"])
def test_the_help_tells_of_it(name: str) -> None:
    assert "ends with 1" in CliRunner().invoke(cli, [name, "--help"]).output


@pytest.mark.parametrize("text", [SESSIONS[0], "session-9f2c41", "9f2c41", "9f2c41…"])
def test_clear_takes_a_unique_beginning(run: Run, text: str) -> None:
    done = run("clear", "--session", text)
    assert (done.exit_code, done.output) == (0, "deleted 1 spans and log records\n")
    (left,) = json.loads(run("sessions", "--json").stdout)["sessions"]
    assert left["session_id"] == SESSIONS[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "9f2c4",
            "Error: --session: no session with the id '9f2c4' is stored (a prefix needs 6 characters); the nearest: ",
        ),
        (
            "session-9f2c4",
            f"Error: --session: 'session-9f2c4' begins 2 ids: {SESSIONS[0]}, {SESSIONS[1]}. A valid call:"
            f" gasoline clear --session {SESSIONS[0]}\n",
        ),
        ("session-nobody", "Error: --session: no session with the id 'session-nobody' is stored; the nearest: "),
    ],
)
def test_clear_refuses_what_means_no_session_or_several(run: Run, text: str, said: str) -> None:
    done = run("clear", "--session", text)
    assert done.exit_code == 1
    assert done.stderr.startswith(said)
    assert json.loads(run("sessions", "--json").stdout)["total"] == 2
