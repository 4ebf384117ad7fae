"""In CI a skipped test fails, unless the list of allowed skips says why it may be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest

def test_that_runs(): ...

@pytest.mark.skip(reason="no such tool")
def test_that_is_skipped(): ...
"""


def run_suite(root: Path, folder: Path, *, ci: bool, allowed: str = "", suite: str = SUITE) -> tuple[int, str]:
    """Run `suite` under this project's conftest; return the exit code and the closing line."""
    shutil.copy(root / "tests" / "conftest.py", folder)
    (folder / "allowed_skips.txt").write_text(allowed)
    (folder / "test_suite.py").write_text(suite)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": "true"} if ci else {}),
    )
    return finished.returncode, finished.stdout.splitlines()[-1].rpartition(" in ")[0]


def test_a_skip_is_fine_outside_ci(root: Path, tmp_path: Path) -> None:
    assert run_suite(root, tmp_path, ci=False) == (0, "1 passed, 1 skipped")


def test_a_skip_fails_in_ci(root: Path, tmp_path: Path) -> None:
    assert run_suite(root, tmp_path, ci=True) == (1, "1 passed, 1 error")


@pytest.mark.parametrize("node_id", ["test_suite.py", "test_suite.py::test_that_is_skipped"])
def test_a_listed_skip_is_fine_in_ci(root: Path, tmp_path: Path, node_id: str) -> None:
    allowed = f"# a comment\n{node_id}  # the tool exists on some machines only\n"
    assert run_suite(root, tmp_path, ci=True, allowed=allowed) == (0, "1 passed, 1 skipped")


def test_a_listed_skip_covers_no_longer_name(root: Path, tmp_path: Path) -> None:
    allowed = "test_suite.py::test_that_is  # another test\n"
    assert run_suite(root, tmp_path, ci=True, allowed=allowed) == (1, "1 passed, 1 error")


def test_a_listed_skip_without_a_reason_is_refused(root: Path, tmp_path: Path) -> None:
    code, _ = run_suite(root, tmp_path, ci=True, allowed="test_suite.py\n")
    assert code != 0


def test_a_module_that_skips_itself_fails_in_ci(root: Path, tmp_path: Path) -> None:
    suite = 'import pytest\npytest.importorskip("no_such_module")\n'
    assert run_suite(root, tmp_path, ci=True, suite=suite) == (2, "1 error")
