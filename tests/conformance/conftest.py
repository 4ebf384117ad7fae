"""The official Node programs, installed from the lock file beside this one, and a real collector to point them at."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import httpx
import pytest

LOCK_FILES = ("package.json", "package-lock.json")
INSTALL_TIMEOUT_S = 300
RUN_TIMEOUT_S = 100
STOP_TIMEOUT_S = 20
SESSION_ID = "session-0123456789abcdef0123456789abcdef"
REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736"

RunNode = Callable[[str, Sequence[str]], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_node(root: Path, node: Path, npm: Sequence[str]) -> RunNode:
    """Run a program of the locked packages: `run_node(name, arguments)`."""
    here = Path(__file__).parent
    lock = hashlib.sha256(b"".join((here / name).read_bytes() for name in LOCK_FILES)).hexdigest()
    installed = root / ".cache" / "conformance" / lock[:16]
    if not (installed / "complete").exists():
        shutil.rmtree(installed, ignore_errors=True)
        installed.mkdir(parents=True)
        for name in LOCK_FILES:
            shutil.copy(here / name, installed)
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=installed, check=True, timeout=INSTALL_TIMEOUT_S, env=_environment(node))
        (installed / "complete").touch()

    def run(name: str, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(node), str(installed / "node_modules" / ".bin" / name), *arguments],
            cwd=installed,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            env=_environment(node),
        )

    return run


@pytest.fixture(scope="session")
def query_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The query port of a collector on free ports that holds one failed request of one session."""
    data_dir = tmp_path_factory.mktemp("conformance")
    ports = [part for port in ("grpc", "http", "query") for part in (f"--{port}-endpoint", "127.0.0.1:0")]
    log = data_dir / "stderr"
    with log.open("w") as stderr, log.open() as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "collector", "serve", "--data-dir", str(data_dir / "data"), *ports],
            stderr=stderr,
            env={name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))},
        )
        try:
            otlp, query = _wait_until_ready(process, lambda: lines.read())
            httpx.post(f"http://{otlp}/v1/traces", json=_declined_checkout()).raise_for_status()
            yield f"http://{query}"
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)


def _environment(node: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}


def _wait_until_ready(process: "subprocess.Popen[bytes]", read: Callable[[], str]) -> tuple[str, str]:
    text = ""
    while process.poll() is None:
        text += read()
        ready = re.search(r"^ready grpc=\S+ http=(\S+) query=(\S+) .*$", text, re.MULTILINE)
        if ready:
            return ready[1], ready[2]
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"the collector ended before it was ready: {text}{read()}")


def _declined_checkout() -> dict[str, object]:
    attributes = {"session.id": SESSION_ID, "http.request.method": "POST", "url.full": "http://shop.test/checkout"}
    span = {
        "traceId": REQUEST_ID,
        "spanId": "00f067aa0ba902b7",
        "name": "POST /checkout",
        "kind": 2,
        "startTimeUnixNano": "1795000000000000000",
        "endTimeUnixNano": "1795000000400000000",
        "status": {"code": 2, "message": "card declined"},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "frontend"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


@pytest.fixture
def session_id() -> str:
    """The session that the collector holds."""
    return SESSION_ID
