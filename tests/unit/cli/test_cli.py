"""The command line as text: what help teaches, what is loaded when, what an agent's configuration is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from inline_snapshot import snapshot

from collector.cli import cli
from collector.client_config import client_config
from collector.errors import QueryError
from collector.flags import default_data_dir, token
from collector.terminal import paint

COMMANDS = sorted(cli.commands)


def test_these_commands_exist() -> None:
    assert COMMANDS == snapshot(
        [
            "clear",
            "demo",
            "doctor",
            "extension",
            "import",
            "logs",
            "mcp",
            "report",
            "request",
            "requests",
            "serve",
            "session",
            "sessions",
            "status",
            "stop",
            "validate",
        ]
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_data_folder_if_it_needs_one_and_every_option_says_what_it_does(name: str) -> None:
    command = cli.commands[name]
    assert command.help
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert ("--data-dir" in [flag for option in options for flag in option.opts]) is (
        name not in {"extension", "validate"}
    )
    assert [option.name for option in options if not option.help] == []
    assert CliRunner().invoke(cli, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_flag_is_also_an_environment_variable(name: str) -> None:
    for parameter in cli.commands[name].params:
        if isinstance(parameter, click.Option) and (name, parameter.opts[0]) != ("demo", "--data-dir"):
            flag = parameter.opts[0]
            assert parameter.envvar == "GASOLINE_" + flag.removeprefix("--").upper().replace("-", "_")


@pytest.mark.parametrize(
    "name",
    [
        "sessions",
        "requests",
        "logs",
        "session",
        "request",
        "serve",
        "mcp",
        "clear",
        "extension",
        "doctor",
        "validate",
        "report",
    ],
)
def test_help_teaches_with_examples(name: str) -> None:
    assert f"gasoline {name}" in CliRunner().invoke(cli, [name, "--help"]).output


def test_the_data_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_data_dir() == Path("/state/gasoline")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_data_dir() == Path("/home/me/.local/state/gasoline")


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--help"], {"grpc", "mcp", "pydantic", "google.protobuf", "uvicorn", "yaml", "sqlite3"}),
        (["stop", "--data-dir", "none"], {"grpc", "mcp", "pydantic", "google.protobuf", "uvicorn", "yaml"}),
        (["sessions", "--data-dir", "none"], {"grpc", "mcp", "uvicorn", "starlette"}),
    ],
)
def test_a_command_loads_only_what_it_needs(arguments: list[str], forbidden: set[str], tmp_path: Path) -> None:
    script = (
        "import sys\nfrom collector.cli import cli\ncli.main(sys.argv[1:], standalone_mode=False)\n"
        if arguments == ["--help"]
        else "import sys\nfrom collector.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script + "print('loaded', *sys.modules)", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded & forbidden == set()
    assert "collector.cli" in loaded


def test_a_collector_loads_what_no_export_needs_when_it_accepts_them(tmp_path: Path) -> None:
    # In the event loop's thread: what answers questions is loaded beside it, from the moment that the ports accept.
    script = """
import asyncio, sys
from pathlib import Path
from collector.components import KNOWN_COMPONENTS, build_collector
from collector.config.loader import load_config, read_config
from collector.query_port import QueryPort

async def main():
    text, source = read_config(None)
    config = load_config(text, KNOWN_COMPONENTS, source=source, environ={}, overrides={
        ("receivers", "otlp", "protocols", "grpc", "endpoint"): "127.0.0.1:0",
        ("receivers", "otlp", "protocols", "http", "endpoint"): "127.0.0.1:0",
        ("extensions", "query", "endpoint"): "127.0.0.1:0",
    })
    async def accepting(*_):
        print("loaded", *sys.modules)
    QueryPort.start = accepting
    collector = await build_collector(config, Path(sys.argv[1]))
    await collector.start()
    await collector.shutdown(5)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert loaded & {"mcp", "mcp_server", "starlette", "collector.query", "cryptography"} == set()
    assert loaded & {"exporters.forwarding", "exporters.delivery.forwarder", "exporters.otlp_grpc", "httpx2"} == set()
    assert {"grpc", "uvicorn.server", "collector.store.sqlite.writer"} <= loaded


@pytest.mark.parametrize("name", ["serve", "mcp", "status", "sessions"])
def test_a_data_folder_that_is_a_file_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.touch()
    run = CliRunner().invoke(cli, [name, "--data-dir", str(file)])
    assert (run.exit_code, run.output) == (
        1,
        f"Error: the data folder {file} is a file; choose another one with --data-dir\n",
    )


@pytest.mark.parametrize(
    ("data_dir", "problem"),
    [
        ("{}/notes.txt/below", "the data folder {}/notes.txt/below lies below a file"),
        ("{}/" + 300 * "x", "the data folder cannot be used: [Errno 36] File name too long: '{}/" + 300 * "x" + "'"),
        ("~no-such-user/x", "the data folder cannot be used: Could not determine home directory."),
    ],
)
@pytest.mark.parametrize("name", ["serve", "mcp", "stop", "status", "clear"])
def test_a_data_folder_that_cannot_be_is_told_in_one_line(
    name: str, data_dir: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    run = CliRunner().invoke(cli, [name, "--data-dir", data_dir.format(tmp_path)])
    assert (run.exit_code, run.output) == (
        1,
        f"Error: {problem.format(tmp_path)}; choose another one with --data-dir\n",
    )


def test_a_data_folder_of_somebody_else_is_told_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0)
    own = os.geteuid()
    try:
        if own == 0:
            os.seteuid(65534)
        run = CliRunner().invoke(cli, ["status", "--data-dir", str(folder)])
    finally:
        os.seteuid(own)
    assert (run.exit_code, run.output) == (
        1,
        f"Error: the data folder cannot be used: [Errno 13] Permission denied: '{folder}'; choose another one with"
        " --data-dir\n",
    )


def test_without_a_home_an_agent_is_configured_for_the_folder_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("GASOLINE_DATA_DIR", str(tmp_path))
    run = CliRunner().invoke(cli, ["mcp", "--print-config", "claude"])
    assert (run.exit_code, run.output.endswith(f" mcp --data-dir {tmp_path}\n")) == (0, True), run.output


@pytest.mark.parametrize("data_dir", [None, Path("/data/my shop")])
def test_an_agents_configuration_starts_this_installation(data_dir: Path | None) -> None:
    claude = client_config("claude", data_dir)
    assert claude.startswith("claude mcp add gasoline -- ")
    assert claude.endswith(" mcp" if data_dir is None else " mcp --data-dir '/data/my shop'")
    vscode = json.loads(client_config("vscode", data_dir))["servers"]["gasoline"]
    cursor = json.loads(client_config("cursor", data_dir))["mcpServers"]["gasoline"]
    assert vscode == {"type": "stdio", **cursor}
    run = subprocess.run(
        [cursor["command"], *cursor["args"], "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Serve an agent over stdio" in run.stdout


@pytest.mark.parametrize("blank", ["", " ", "\t \n"])
def test_a_blank_token_is_no_token(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GASOLINE_TOKEN", blank)
    assert token() is None
    monkeypatch.setenv("GASOLINE_TOKEN", f"secret{blank}")
    assert token() == f"secret{blank}"


@pytest.mark.parametrize("name", ["grpc", "http", "query"])
def test_a_wrong_endpoint_is_told_by_its_flag(name: str) -> None:
    with pytest.raises(click.BadParameter) as raised:
        cli.commands["serve"].make_context("serve", [f"--{name}-endpoint", "bad"])
    assert raised.value.format_message() == (
        f"Invalid value for '--{name}-endpoint' (env var: 'GASOLINE_{name.upper()}_ENDPOINT'): "
        "'bad' must be host:port, such as 127.0.0.1:4317 or [::1]:4317"
    )


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e400", "31622401", "-1"])
def test_the_time_without_use_is_a_finite_number(seconds: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not") as raised:
        cli.commands["serve"].make_context("serve", ["--idle-shutdown", seconds])
    assert raised.value.format_message().startswith("Invalid value for '--idle-shutdown'")


def test_an_error_shows_control_characters_of_stored_ids_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    def clear_store(*_: object) -> int:
        raise QueryError("session_id: could be shop-1\x1b[2J, shop-1\nError: none")

    monkeypatch.setattr("collector.clearing.clear_store", clear_store)
    done = CliRunner().invoke(cli, ["clear"])
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: session_id: could be shop-1\\x1b[2J, shop-1\\x0aError: none\n",
    )


def test_colours_add_nothing_but_escape_sequences_and_can_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "cause: payments: card declined\n +1.204 payments POST /charge ERROR declined"
    monkeypatch.delenv("NO_COLOR", raising=False)
    painted = paint(text)
    assert painted != text
    assert click.unstyle(painted) == text
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint(text) == text
