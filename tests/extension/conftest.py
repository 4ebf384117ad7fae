"""What tests of the browser extension need beyond this machine's Chromium."""

import subprocess
from pathlib import Path

import pytest

INSTALL_TIMEOUT_S = 300


@pytest.fixture(scope="session")
def extension_packages(root: Path) -> Path:
    """`extension/node_modules`, as the lock file beside it says."""
    subprocess.run(["sh", "scripts/npm.sh"], cwd=root, check=True, timeout=INSTALL_TIMEOUT_S)
    return root / "extension" / "node_modules"
