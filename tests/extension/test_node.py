"""The tests that are written in JavaScript, each file run by Node's own runner; `*.browser.test.mjs` need Chromium."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CHROMIUM_COMMANDS = ("chromium", "chromium-browser")
RUN_TIMEOUT_S = 300
_COUNT = re.compile(r"^# (tests|pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)


@pytest.mark.timeout(RUN_TIMEOUT_S + 30)
@pytest.mark.parametrize("file", sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.test.mjs")))
def test_every_test_of_the_file_passes(file: str, node: Path, extension_packages: Path) -> None:
    assert extension_packages.is_dir()
    if file.endswith(".browser.test.mjs") and not any(shutil.which(command) for command in CHROMIUM_COMMANDS):
        pytest.skip("needs Chromium: install it (command chromium or chromium-browser)")
    code, output = run_tests(node, FOLDER / file)
    counts = {name: int(number) for name, number in _COUNT.findall(output)}
    assert code == 0, output[-20_000:]
    assert counts["tests"] > 0
    assert counts == dict.fromkeys(counts, 0) | {"tests": counts["tests"], "pass": counts["tests"]}


def run_tests(node: Path, path: Path) -> tuple[int, str]:
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
