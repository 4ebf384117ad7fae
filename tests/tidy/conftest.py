"""The checkout as the tidy tests see it: what git tracks or would track, and the sources parsed."""

import ast
import subprocess
from pathlib import Path

import pytest

PACKAGES = ("collector", "exporters", "mcp_server")


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[str]:
    """Paths of the files that git tracks, or would track if they were added."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    return sorted({path for path in listing.stdout.split("\0") if path and (root / path).is_file()})


@pytest.fixture(scope="session")
def python_files(root: Path, tracked: list[str]) -> dict[str, str]:
    """Path -> text of each Python file that people write."""
    return {
        path: (root / path).read_text() for path in tracked if path.endswith(".py") and not path.endswith("_pb2.py")
    }


@pytest.fixture(scope="session")
def sources(python_files: dict[str, str]) -> dict[str, ast.Module]:
    """Path -> syntax tree of each module of the three packages, without generated ones."""
    return {path: ast.parse(text) for path, text in python_files.items() if path.split("/")[0] in PACKAGES}
