"""Services in Node, Python, Java and Go under OpenTelemetry's own packages, and the collector that they send to.

Each service knows nothing of telemetry but for what its language asks for; it gets the files of otel-config/sdk, of
which only the endpoints are replaced, because ports are free ones here.
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

JAVA_AGENT = "io.opentelemetry.javaagent:opentelemetry-javaagent:2.33.1"
JAVA_AGENT_SHA256 = "e43a270df53c6f423e0ab157be9c27ccc01d5dc3232e162fe54777573db2f149"
JAVA_STARTS_QUICKLY = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
INSTALL_TIMEOUT_S = 900
STOP_TIMEOUT_S = 20
REQUEST_TIMEOUT_S = 60
ARRIVAL_TIMEOUT_S = 60
POLL_S = 0.05
LANGUAGES: Sequence[str] = ("node", "python", "java", "go")
SERVICES = {
    "node": "storefront",
    "node_module": "storefront",
    "python": "orders",
    "java": "payments",
    "go": "inventory",
    "rust": "pricing",
}
HERE = Path(__file__).parent
# Spans, span events and logs of each service; a call that is made is a span, and so is one that is answered.
_RECORDS: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "ok": {"storefront": (2, 0, 1), "orders": (2, 0, 1), "payments": (2, 0, 1), "inventory": (1, 0, 1)},
    "declined": {"storefront": (2, 0, 2), "orders": (2, 0, 2), "payments": (1, 0, 1)},
    "soldout": {"storefront": (2, 0, 2), "orders": (2, 0, 2), "payments": (2, 0, 1), "inventory": (1, 1, 1)},
    "bug": {"storefront": (2, 0, 2), "orders": (2, 1, 2), "payments": (2, 0, 1), "inventory": (1, 0, 1)},
}

NewTrace = Callable[[], tuple[str, dict[str, str]]]


class Gasoline(Protocol):
    """A running collector."""

    grpc: str
    http: str

    def observe(self, question: Mapping[str, Any]) -> Mapping[str, Any]: ...


class Service:
    """One service in a process of its own, listening on a free port."""

    def __init__(self, name: str, command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.lines: list[str] = []
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "GASOLINE_"))}
        env = {**inherited, "OTEL_SERVICE_NAME": name, **environment}
        self._process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            listening = re.match(r"listening (\S+)$", line)
            if listening:
                break
        else:
            self._process.communicate()
            raise AssertionError(f"{name} ended before it listened: {''.join(self.lines)}")
        self.url = f"http://{listening[1]}"
        self._drain = threading.Thread(target=self._read, daemon=True)
        self._drain.start()

    def check(self) -> None:
        """Give the service a moment to go on. Raises AssertionError if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(POLL_S)
            raise AssertionError(f"{self.name} ended with status {status}: {''.join(self.lines)}")

    def kill(self) -> None:
        """End it at once, whatever it is at."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and see to it that it does. Raises AssertionError if it had to be killed."""
        self._process.send_signal(signal.SIGTERM)
        is_killed = False
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            is_killed = True
            self._process.kill()
            self._process.wait()
        self._drain.join()
        assert not is_killed, f"{self.name} did not end within {STOP_TIMEOUT_S} s of SIGTERM: {''.join(self.lines)}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            self.lines.extend(stream)


@dataclass(frozen=True)
class Shop:
    """The four services in a row, each calling the next: Node, Python, Java, Go."""

    collector: Gasoline
    services: Mapping[str, Service]
    client: httpx.Client

    def request(self, entry: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
        """POST to the service of a language."""
        return self.client.post(f"{self.services[entry].url}{path}", headers=dict(headers))

    def events(
        self, question: Mapping[str, Any], field: str, count: int, collector: Gasoline | None = None
    ) -> list[Mapping[str, Any]]:
        """Return what `question` is answered with, as soon as it is `count` items and none is on its way."""
        answer: Mapping[str, Any] = {}

        def is_whole() -> bool:
            nonlocal answer
            # `wait_for` sees to it that nothing more was on its way when the answer was made.
            answer = (collector or self.collector).observe({**question, "limit": 1000, "wait_for": 5})
            return answer.get("total", 0) >= count

        self.wait_until(is_whole)
        return list(answer[field])

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as it holds, or after ARRIVAL_TIMEOUT_S. Raises AssertionError if a service ends meanwhile."""
        ends = time.monotonic() + ARRIVAL_TIMEOUT_S
        while not holds() and time.monotonic() < ends:
            for service in self.services.values():
                service.check()


@dataclass(frozen=True)
class Records:
    """What the services record for a request, from their own point of view: outcome -> service -> counts."""

    outcomes: Mapping[str, Mapping[str, tuple[int, ...]]]

    def total(self, outcome: str) -> int:
        """Return the number of all events of such a request."""
        return sum(map(sum, self.outcomes[outcome].values()))

    @staticmethod
    def count(events: Sequence[Mapping[str, Any]]) -> Mapping[str, tuple[int, ...]]:
        """Return what these events are, in the same form: spans, span events and logs of each service."""
        counts = Counter((event["service"], event["signal"]) for event in events)
        services = {event["service"] for event in events}
        return {name: tuple(counts[name, signal] for signal in ("span", "span_event", "log")) for name in services}

    @staticmethod
    def out_of_order(events: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what stands before what caused it: a span's parent, a log's or span event's span."""
        place = {event["span_id"]: index for index, event in enumerate(events) if event["signal"] == "span"}
        causes = [event.get("parent_span_id" if event["signal"] == "span" else "span_id", "") for event in events]
        return [event["id"] for index, event in enumerate(events) if place.get(causes[index], -1) > index]


@pytest.fixture(scope="session")
def records() -> Records:
    return Records(_RECORDS)


@pytest.fixture(scope="session")
def new_trace() -> NewTrace:
    """`new_trace()`: a trace id, and the header that starts it."""

    def make(trace_id: str) -> tuple[str, dict[str, str]]:
        return trace_id, {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}

    return lambda: make(secrets.token_hex(16))


@dataclass(frozen=True)
class Toolchain:
    """How each language's service is started: command, folder, and what it needs in its environment."""

    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]


def run(command: Sequence[str], cwd: Path, need: str, environment: Mapping[str, str] | None = None) -> None:
    """Run an installation. Skips with what is needed if it fails."""
    env = {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
    if done.returncode != 0:
        pytest.skip(f"needs {need}: {(done.stderr or done.stdout).strip()[-300:]}")


def installed(root: Path, name: str, inputs: Sequence[Path], extra: str = "") -> tuple[Path, bool]:
    """Return the folder of the cache for these inputs, and whether it is complete."""
    digest = hashlib.sha256(extra.encode() + b"".join(path.read_bytes() for path in inputs)).hexdigest()
    folder = root / ".cache" / "sdk" / f"{name}-{digest[:16]}"
    complete = (folder / "complete").exists()
    if not complete:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return folder, complete


@pytest.fixture(scope="session")
def node_toolchain(root: Path, node: Path, npm: Sequence[str]) -> Toolchain:
    source = HERE / "services" / "storefront"
    # Packages are for what stands in their folder: an ES module finds them nowhere else.
    inputs = [source / name for name in ("package.json", "package-lock.json", "storefront.mjs")]
    folder, complete = installed(root, "node", inputs)
    if not complete:
        for path in inputs:
            shutil.copy(path, folder)
        path = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, folder, "npm with access to a registry", {"PATH": path})
        (folder / "complete").touch()
    # The other source stands elsewhere than its packages, which are not for the checkout.
    environment = {"NODE_PATH": str(folder / "node_modules"), "OTEL_NODE_ENABLED_INSTRUMENTATIONS": "http,undici,pino"}
    return Toolchain([str(node), str(source / "storefront.cjs")], folder, environment)


@pytest.fixture(scope="session")
def node_module_toolchain(node_toolchain: Toolchain) -> Toolchain:
    """A service of one ES module, which calls nobody."""
    command = [node_toolchain.command[0], str(node_toolchain.cwd / "storefront.mjs")]
    return Toolchain(command, node_toolchain.cwd, node_toolchain.environment)


@pytest.fixture(scope="session")
def python_toolchain() -> Toolchain:
    program = shutil.which("opentelemetry-instrument", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("needs opentelemetry-instrument: install the requirements of dev")
    return Toolchain([program, sys.executable, str(HERE / "services" / "orders.py")], HERE, {})


@pytest.fixture(scope="session")
def java_toolchain(root: Path) -> Toolchain:
    for program in ("mvn", "javac", "java"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}, to run a service under OpenTelemetry's agent")
    source = HERE / "services" / "payments" / "Payments.java"
    agent, complete = installed(root, "javaagent", [], JAVA_AGENT)
    jar = agent / "opentelemetry-javaagent.jar"
    if not complete:
        arguments = [f"-Dartifact={JAVA_AGENT}", f"-DoutputDirectory={agent}", "-Dmdep.stripVersion=true"]
        run(["mvn", "-B", "-ntp", "-q", MAVEN_COPY, *arguments], agent, f"mvn with access to {JAVA_AGENT}")
        assert hashlib.sha256(jar.read_bytes()).hexdigest() == JAVA_AGENT_SHA256
        (agent / "complete").touch()
    classes, complete = installed(root, "java", [source])
    if not complete:
        run(["javac", "-d", str(classes), str(source)], classes, "a JDK, 17 or newer")
        (classes / "complete").touch()
    # The agent takes most of a start; it is shorter with the quick compiler alone.
    return Toolchain(["java", *JAVA_STARTS_QUICKLY, "-cp", str(classes), "Payments"], agent, {})


@pytest.fixture(scope="session")
def go_toolchain(root: Path) -> Toolchain:
    if shutil.which("go") is None:
        pytest.skip("needs go, to build a service")
    source = HERE / "services" / "inventory"
    folder, complete = installed(root, "go", [source / name for name in ("main.go", "go.mod", "go.sum")])
    program = folder / "inventory"
    if not complete:
        run(["go", "build", "-mod=readonly", "-o", str(program), "."], source, "go with access to its modules")
        (folder / "complete").touch()
    return Toolchain([str(program)], folder, {})


@pytest.fixture(scope="session")
def rust_toolchain(root: Path) -> Toolchain:
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("needs cargo, to build a service")
    source = HERE / "services" / "pricing"
    inputs = [source / name for name in ("src/main.rs", "Cargo.toml", "Cargo.lock")]
    folder, complete = installed(root, "rust", inputs)
    if not complete:
        # What it needs takes a minute to compile, and is there already where only the service has changed.
        target = folder.parent / "rust-target"
        environment = {"CARGO_TARGET_DIR": str(target), "CARGO_PROFILE_DEV_DEBUG": "0"}
        # rustup's cargo looks for the toolchains below HOME, which need not be the one that it was installed for.
        toolchains = Path(cargo).parents[2] / ".rustup"
        if toolchains.is_dir():
            environment["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", str(toolchains))
        run(["cargo", "build", "--locked", "--quiet"], source, "cargo with access to its crates", environment)
        shutil.copy(target / "debug" / "pricing", folder)
        (folder / "complete").touch()
    return Toolchain([str(folder / "pricing")], folder, {})


StartService = Callable[[str, Mapping[str, str]], AbstractContextManager[Service]]
StartShop = Callable[[Gasoline, Callable[[str], Mapping[str, str]]], AbstractContextManager[Shop]]


@pytest.fixture(scope="session")
def start_service(request: pytest.FixtureRequest) -> StartService:
    """Return a context: `with start_service(language, environment) as service`."""

    @contextlib.contextmanager
    def start(language: str, environment: Mapping[str, str]) -> Generator[Service]:
        tool: Toolchain = request.getfixturevalue(f"{language}_toolchain")
        service = Service(SERVICES[language], tool.command, tool.cwd, {**tool.environment, **environment})
        try:
            yield service
        finally:
            service.stop()

    return start


@pytest.fixture(scope="session")
def start_shop(start_service: StartService) -> StartShop:
    """Return a context: `with start_shop(collector, environment) as shop`; environment by language."""

    @contextlib.contextmanager
    def start(collector: Gasoline, environment: Callable[[str], Mapping[str, str]]) -> Generator[Shop]:
        with contextlib.ExitStack() as stack:
            services: dict[str, Service] = {}
            downstream: dict[str, str] = {}
            for language in reversed(LANGUAGES):
                service = stack.enter_context(start_service(language, {**environment(language), **downstream}))
                services[language] = service
                downstream = {f"{service.name.upper()}_URL": service.url}
            client = stack.enter_context(httpx.Client(timeout=REQUEST_TIMEOUT_S, trust_env=False))
            yield Shop(collector, services, client)

    return start


@pytest.fixture(scope="session")
def sdk_settings(root: Path) -> Callable[[str, Gasoline], Mapping[str, str]]:
    """`sdk_settings(language, collector)`: the file of otel-config/sdk for it, with the endpoint of this collector."""

    def read(language: str, collector: Gasoline) -> Mapping[str, str]:
        lines = (root / "otel-config" / "sdk" / f"{language}.env").read_text().splitlines()
        found = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        address = {"4317": collector.grpc, "4318": collector.http}[found["OTEL_EXPORTER_OTLP_ENDPOINT"][-4:]]
        return {**found, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}"}

    return read


@pytest.fixture(scope="session")
def shop(
    start_collector: Callable[[Path], AbstractContextManager[Gasoline]],
    start_shop: StartShop,
    sdk_settings: Callable[[str, Gasoline], Mapping[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Shop]:
    """The four services as the files of otel-config/sdk set them up, sending to one collector."""
    with start_collector(tmp_path_factory.mktemp("sdk") / "data") as collector:

        def environment(language: str) -> Mapping[str, str]:
            return sdk_settings(language, collector)

        with start_shop(collector, environment) as running:
            yield running


@pytest.fixture(scope="session")
def header_storefront(
    root: Path, shop: Shop, start_service: StartService, sdk_settings: Callable[[str, Gasoline], Mapping[str, str]]
) -> Generator[Service]:
    """The Node service of the shop once more, as node.cjs starts it: it reads X-Session-ID and sends Server-Timing."""
    changed = {
        "NODE_OPTIONS": f"--require={root / 'otel-config' / 'sdk' / 'node.cjs'}",
        "ORDERS_URL": shop.services["python"].url,
    }
    with start_service("node", {**sdk_settings("node", shop.collector), **changed}) as running:
        yield running
