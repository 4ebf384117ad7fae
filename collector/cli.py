"""`gasoline`: the command line, and the only place that ends the process.

Each command loads what it needs when it runs: `serve` never loads the MCP package before its ports accept.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, get_args

import click

from collector.client_config import CLIENTS, client_config
from collector.errors import GasolineError
from collector.flags import data_dir_flag, endpoint_flag, finite, flag, is_given, token
from collector.loading import without_garbage_collection
from collector.questions import QUESTIONS
from collector.telemetry.logging import LogEncoding, LogLevel

EXIT_FINDINGS = 1
EXIT_NOT_DRAINED = 3
IDLE_SHUTDOWN_S_MAX = 366 * 86_400.0

GROUP_HELP = """Answer what happened in a session or to a request, from what OpenTelemetry SDKs send.

\b
Point your services here, then look:
  gasoline serve                             take OTLP on 4317 (gRPC) and 4318 (HTTP)
  export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317
  gasoline sessions                          who did what, newest first
  gasoline request --pick last_error         why the last request failed

\b
Connect an agent (it starts the collector by itself):
  gasoline mcp --print-config claude

Flags are also environment variables (shown beside them); the bearer token is GASOLINE_TOKEN.
"""


class _Group(click.Group):
    """Turns every error that is raised on purpose into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GasolineError as error:
            from mcp_server.render.escape import escape_unseen

            raise click.ClickException(escape_unseen(str(error))) from error


@click.group(
    cls=_Group, commands=list(QUESTIONS), help=GROUP_HELP, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="gasoline-otel", prog_name="gasoline")
def cli() -> None:
    """See GROUP_HELP."""


@cli.command()
@flag("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML in the Collector's shape.")
@data_dir_flag
@endpoint_flag("--grpc-endpoint", "OTLP over gRPC.  [default: 127.0.0.1:4317]")
@endpoint_flag("--http-endpoint", "OTLP over HTTP.  [default: 127.0.0.1:4318]")
@endpoint_flag("--query-endpoint", "MCP and JSON answers.  [default: 127.0.0.1:4319]")
@flag("--free-ports", is_flag=True, help="Take a free port where another program holds the wanted one.")
@flag(
    "--idle-shutdown",
    type=click.FloatRange(min=0, max=IDLE_SHUTDOWN_S_MAX),
    callback=finite,
    default=0.0,
    metavar="SECONDS",
    help="End after that long without exports and readers; 0 is never.",
)
@flag("--until-stdin-closes", is_flag=True, help="End with the process that holds the other end of stdin.")
@flag("--log-level", type=click.Choice(get_args(LogLevel)), help="Log lines at or above it.  [default: info]")
@flag("--log-encoding", type=click.Choice(get_args(LogEncoding)), help="Text or JSON lines.  [default: console]")
def serve(
    config: Path | None,
    data_dir: Path,
    grpc_endpoint: str | None,
    http_endpoint: str | None,
    query_endpoint: str | None,
    free_ports: bool,
    idle_shutdown: float,
    until_stdin_closes: bool,
    log_level: str | None,
    log_encoding: str | None,
) -> None:
    """Run the collector until Ctrl-C.

    \b
    Prints one line on stderr when all ports accept:
      ready grpc=127.0.0.1:4317 http=127.0.0.1:4318 query=127.0.0.1:4319 data=... pid=...

    \b
    Examples:
      gasoline serve
      gasoline serve --grpc-endpoint 127.0.0.1:0 --data-dir /tmp/try
      GASOLINE_TOKEN=secret gasoline serve --grpc-endpoint 0.0.0.0:4317
    """
    with without_garbage_collection():
        from collector.components import GRPC_ENDPOINT_PATH, HTTP_ENDPOINT_PATH, QUERY_ENDPOINT_PATH
        from collector.config.model import LOG_ENCODING_PATH, LOG_LEVEL_PATH
        from collector.foreground import ServeOptions
        from collector.foreground import serve as run

    given = {
        GRPC_ENDPOINT_PATH: grpc_endpoint,
        HTTP_ENDPOINT_PATH: http_endpoint,
        QUERY_ENDPOINT_PATH: query_endpoint,
        LOG_LEVEL_PATH: log_level,
        LOG_ENCODING_PATH: log_encoding,
    }
    overrides = {path: value for path, value in given.items() if value}
    options = ServeOptions(config, data_dir, overrides, token(), free_ports, idle_shutdown, until_stdin_closes)
    if not run(options, os.environ):
        click.echo("Error: stopped before everything under way was finished", err=True)
        sys.stderr.flush()
        os._exit(EXIT_NOT_DRAINED)  # a thread that hangs in a write would keep the process for ever


@cli.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path), required=False)
@flag("--json", "as_json", is_flag=True, help="As JSON.")
def validate(config: Path | None, as_json: bool) -> None:
    """Check a configuration as serve would read it; open no port and no store.

    Prints what would run, or everything that is wrong, each with its line. Exit code: 0 valid, 1 not. Without CONFIG
    it checks the built-in default.

    \b
    Examples:
      gasoline validate collector.yaml
    """
    from collector.validation import check_file

    checked = check_file(config, os.environ, token())
    click.echo(json.dumps(checked.as_json(), indent=2, ensure_ascii=False) if as_json else checked.text())
    if checked.config is None:
        raise click.exceptions.Exit(EXIT_FINDINGS)


@cli.command()
@data_dir_flag
@flag("--print-config", type=click.Choice(CLIENTS), help="Print what connects this agent, and end.")
def mcp(data_dir: Path, print_config: str | None) -> None:
    """Serve an agent over stdio; start the collector if none runs.

    The collector lives on when the agent ends, for the others, and ends after 30 minutes without use.

    \b
    Examples:
      gasoline mcp --print-config claude       the command for Claude Code
      gasoline mcp --print-config vscode       .vscode/mcp.json
      gasoline mcp --print-config cursor       .cursor/mcp.json
    """
    if print_config:
        click.echo(client_config(print_config, data_dir if is_given("data_dir") else None))
        return
    from collector.agent import serve_agent

    serve_agent(data_dir, token())


@cli.command()
@data_dir_flag
def stop(data_dir: Path) -> None:
    """Let the running collector finish what is under way, and end."""
    from collector.launch import stop_collector

    stopped = stop_collector(data_dir)
    if stopped is None:
        click.echo(f"no collector runs on {data_dir}")
    else:
        click.echo(f"stopped the collector (process {stopped.pid}) on {data_dir}")


@cli.command()
@data_dir_flag
@flag("--since", default="-15m", show_default=True, metavar="TIME", help="What was sent since: RFC 3339, or an age.")
@flag("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(data_dir: Path, since: str, as_json: bool) -> None:
    """Say what is reachable, who sends what, what is lost on the way, and which line to change.

    Tries each port as an SDK would. Without a running collector it looks at what is stored, as of the last record.
    Exit code: 0 healthy (hints may be there), 1 if there is a problem.

    \b
    Examples:
      gasoline doctor
      gasoline doctor --since -2h --json
    """
    from collector.doctor import examine
    from mcp_server.render.doctor import doctor_text

    answer = examine(data_dir, token(), since).as_json()
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else doctor_text(answer))
    if not answer["healthy"]:
        raise click.exceptions.Exit(EXIT_FINDINGS)


@cli.command()
@flag("--keep", is_flag=True, help="Leave it up to explore.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the store.  [default: a temporary one]",
)
def demo(keep: bool, data_dir: Path | None) -> None:
    """Run three small services, fail some requests, and show what an agent is told about them."""
    from collector.demo.run import run_demo

    sys.exit(run_demo(keep, data_dir))


@cli.command()
@data_dir_flag
@flag("--session", metavar="ID", help="Only this session; 6 characters of the id will do.")
def clear(data_dir: Path, session: str | None) -> None:
    """Delete what is stored: everything, or one session.

    \b
    Examples:
      gasoline clear
      gasoline clear --session 9f2c41
    """
    from collector.clearing import clear_store

    deleted = clear_store(data_dir, session, token())
    click.echo(f"deleted {deleted} spans and log records")


@cli.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@data_dir_flag
@flag(
    "--signal",
    type=click.Choice(["traces", "logs", "metrics"]),
    help="What protobuf messages are.  [default: guessed from each]",
)
@flag("--config", type=click.Path(dir_okay=False, path_type=Path), help="Pipelines to use if no collector runs.")
def import_command(files: tuple[Path, ...], data_dir: Path, signal: str | None, config: Path | None) -> None:
    """Take in recorded telemetry: OTLP/JSON lines, or protobuf messages behind their lengths.

    Goes through the running collector, else into the store. These are the files that the exporter `file` writes,
    ours or the OpenTelemetry Collector's. Lines that cannot be read are named and left out.

    \b
    Examples:
      gasoline import traces.jsonl logs.jsonl
      gasoline import --signal logs recorded.bin
    """
    from collector.importing.run import ImportOptions
    from collector.importing.terminal import import_and_tell
    from collector.pdata.envelope import Signal

    given = Signal(signal) if signal else None
    click.echo(import_and_tell(ImportOptions(files, given, config, data_dir, token())))


@cli.command()
@click.argument("subject", metavar="SESSION|REQUEST")
@flag(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.html",
    help="The file to write.",
)
@data_dir_flag
def report(subject: str, output: Path, data_dir: Path) -> None:
    """Write one session or request to a file that shows it in any browser.

    The file is whole: it needs no network and no Gasoline, and holds what is stored, so what was redacted stays so.
    Attach it to a bug. A unique beginning of the id, of 6 characters or more, will do.

    \b
    Examples:
      gasoline report 9f2c41 -o checkout-fails.html
    """
    from time import time_ns

    from collector.report import write_report
    from mcp_server.render.escape import escape_unseen

    click.echo(escape_unseen(write_report(data_dir, subject, output, time_ns())))


@cli.command()
@flag(
    "--zip", "zip_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Pack it into this file."
)
def extension(zip_file: Path | None) -> None:
    """Print the folder of the browser extension, or pack it.

    \b
    To load it in Chrome, Chromium or Edge:
      1. open chrome://extensions and switch on "Developer mode"
      2. click "Load unpacked" and choose the folder
      3. open your app, click the drop in the toolbar, and switch it on

    \b
    Examples:
      gasoline extension
      gasoline extension --zip gasoline-extension.zip
    """
    from collector.extension import extension_folder, pack_extension

    folder = extension_folder()
    if zip_file is None:
        click.echo(folder)
        click.echo('Load it: chrome://extensions, "Developer mode", "Load unpacked", this folder.', err=True)
    else:
        pack_extension(folder, zip_file)
        click.echo(zip_file)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        cli.main(prog_name="gasoline")
    finally:
        _let_go_of_stderr()


def _let_go_of_stderr() -> None:
    """Turn stderr away from a pipe that nobody reads: what is left in its buffer would make the exit code 120."""
    try:
        sys.stderr.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)
