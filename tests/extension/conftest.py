"""What tests of the browser extension need beyond this machine's Chromium."""

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
RUN_TIMEOUT_S = 300

RunNodeTests = Callable[[str], tuple[int, str]]


@pytest.fixture(scope="session")
def run_node_tests(node: Path, extension_packages: Path, request: pytest.FixtureRequest) -> RunNodeTests:
    """`run_node_tests(file)`: exit code and TAP output of one file in this folder, run once whoever asks.

    Skips where the file is for Chromium and there is none.
    """
    assert extension_packages.is_dir()

    @functools.cache
    def run(file: str) -> tuple[int, str]:
        if file.endswith(".browser.test.mjs"):
            request.getfixturevalue("chromium")
        return _run(node, FOLDER / file)

    return run


def _run(node: Path, path: Path) -> tuple[int, str]:
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
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        pytest.fail(f"{path.name} took longer than {RUN_TIMEOUT_S} s\n{output[-20_000:]}")
    return process.returncode, output
