"""The stage of the demo: one collector and three services on free ports, each a process of its own."""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from collector.demo.interruption import Interruption
from collector.demo.processes import StartedProcess

BATCH_DELAY_MS = 100
_FREE_PORT = "127.0.0.1:0"
_LOCAL_HOSTS = "127.0.0.1,localhost"
_INSTRUMENT = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything listens, and the processes that do; `environment` is what they were started in."""

    data_dir: Path
    grpc_url: str
    http_url: str
    query_url: str
    shop_url: str
    environment: Mapping[str, str]
    processes: Sequence[StartedProcess]

    def check(self) -> None:
        """Raise DemoError if a process has ended by itself."""
        for process in self.processes:
            process.check()


def set_up(stack: ExitStack, interruption: Interruption, data_dir: Path | None) -> Stage:
    """Start everything; `stack` ends it. Without `data_dir` a temporary folder is used, and removed.

    Raises DemoError if a process does not become ready.
    """
    if data_dir is None:
        with interruption.deferred():
            data_dir = Path(tempfile.mkdtemp(prefix="gasoline-demo-"))
            stack.callback(shutil.rmtree, data_dir, ignore_errors=True)
    environment = _environment()
    with interruption.deferred():
        collector = StartedProcess("collector", _serve_arguments(data_dir), environment)
        stack.callback(collector.stop)
    ready = collector.wait_for_line(r"ready grpc=(\S+) http=(\S+) query=(\S+) ")
    grpc_url, http_url, query_url = (f"http://{endpoint}" for endpoint in ready.groups())

    processes = [collector]

    def start_service(name: str, settings: Mapping[str, str]) -> str:
        with interruption.deferred():
            service = StartedProcess(
                name,
                ["-c", _INSTRUMENT, sys.executable, "-m", f"collector.demo.{name}"],
                {**environment, **sdk_settings(name, grpc_url), **settings},
                ends_with_stdin=True,
            )
            stack.callback(service.stop)
        processes.append(service)
        return f"http://127.0.0.1:{service.wait_for_line(r'listening port=([0-9]+)').group(1)}"

    payments_url = start_service("payments", {})
    orders_url = start_service("orders", {"PAYMENTS_URL": payments_url})
    shop_url = start_service("shop", {"ORDERS_URL": orders_url})
    return Stage(data_dir, grpc_url, http_url, query_url, shop_url, environment, processes)


def sdk_settings(service: str, grpc_url: str) -> dict[str, str]:
    """Return all that a service is told of telemetry; the short delays are for the demo's sake only.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    return {
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_ENDPOINT": grpc_url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        "OTEL_BSP_SCHEDULE_DELAY": str(BATCH_DELAY_MS),
        "OTEL_BLRP_SCHEDULE_DELAY": str(BATCH_DELAY_MS),
    }


def _environment() -> dict[str, str]:
    # What the caller's shell says of telemetry or of a collector is about other services; a proxy is for other hosts.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), _LOCAL_HOSTS)))
    return kept


def _serve_arguments(data_dir: Path) -> list[str]:
    # Should the demo be killed before it can end its collector, that one ends by itself, as the services do.
    arguments = ["-m", "collector", "serve", "--data-dir", str(data_dir), "--until-stdin-closes"]
    for port in ("grpc", "http", "query"):
        arguments += [f"--{port}-endpoint", _FREE_PORT]
    return arguments
