"""`gasoline demo`: a collector, three services, four visitors, and what an agent gets to see of them."""

import threading
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import click

from collector.demo.interruption import Interruption
from collector.errors import GasolineError

INTERRUPTED_STATUS = 130
_NEEDED_MODULES = ("fastapi", "flask", "httpx", "opentelemetry.instrumentation", "opentelemetry.distro")


def run_demo(keep: bool, data_dir: Path | None = None) -> int:
    """Run the demo and return the exit status; with `keep`, stay up until Ctrl-C.

    Without `data_dir` a temporary folder is used and removed. Whatever happens, every process that was
    started is ended, by its id, before this returns.
    """
    missing = [name for name in _NEEDED_MODULES if not _is_installed(name)]
    if missing:
        _say_failure(f"it needs {', '.join(missing)}; install what is missing with: pip install 'gasoline-otel[demo]'")
        return 1
    try:
        interruption = Interruption()
        with interruption.installed(), ExitStack() as stack:
            _play(stack, interruption, keep, data_dir)
    except KeyboardInterrupt:
        click.echo("\nStopped; nothing is left running.")
        return 0 if keep else INTERRUPTED_STATUS
    except GasolineError as error:
        _say_failure(str(error))
        return 1
    return 0


def _play(stack: ExitStack, interruption: Interruption, keep: bool, data_dir: Path | None) -> None:
    # What the extra `demo` brings is imported only now that it is known to be there.
    from collector.demo.answers import Question, ask, call_text
    from collector.demo.stage import set_up
    from collector.demo.visits import drive

    _say_heading("Starting a collector and three services: shop (FastAPI), orders and payments (Flask)")
    stage = set_up(stack, interruption, data_dir)
    click.echo(f"  OTLP/gRPC {stage.grpc_url}   OTLP/HTTP {stage.http_url}   shop {stage.shop_url}")

    _say_heading("Four people shop at once; a monitor calls without a session")
    visits = drive(stage)
    for visit in visits:
        click.echo(f"  {visit.visitor.scenario:9}  POST /api/checkout  {visit.status}  {visit.session_id}")

    def show(question: Question, text: str) -> None:
        click.secho(f"\n> {call_text(question)}", fg="cyan")
        click.echo(text)

    _say_heading("What an agent sees, over MCP")
    declined = next(visit for visit in visits if visit.visitor.scenario == "declined")
    questions: list[Question] = [
        {"what": "sessions"},
        {"what": "session-trace", "session_id": declined.session_id},
        {"what": "request-trace", "request_id": declined.checkout_trace_id},
    ]
    ask(stage.data_dir, stage.environment, [visit.checkout_trace_id for visit in visits], questions, show)
    stage.check()
    if keep:
        _say_heading("Still running; end it with Ctrl-C")
        _say_rows(
            ("shop", f"{stage.shop_url}/  (open it, or: curl -i {stage.shop_url}/api/products)"),
            ("send OTLP", f"OTEL_EXPORTER_OTLP_ENDPOINT={stage.grpc_url} OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
            ("", f"OTEL_EXPORTER_OTLP_ENDPOINT={stage.http_url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
            ("MCP", f"{stage.query_url}/mcp"),
            ("MCP, stdio", f"gasoline mcp --data-dir {stage.data_dir}"),
            ("ask", f"gasoline sessions --data-dir {stage.data_dir}"),
        )
        threading.Event().wait()
    _say_heading("What next")
    _say_rows(
        ("explore", "gasoline demo --keep"),
        ("collect", "gasoline serve"),
        ("your SDK", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
        ("", "OTEL_TRACES_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp"),
        ("your agent", "gasoline mcp --print-config claude   (or vscode, cursor)"),
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _say_heading(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _say_rows(*rows: tuple[str, str]) -> None:
    for label, text in rows:
        click.echo(f"  {label:11} {text}")


def _say_failure(text: str) -> None:
    click.secho(f"The demo failed: {text}", fg="red", err=True)
