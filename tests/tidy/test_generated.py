"""The classes generated from the envelope's definition are those that `make proto` would make."""

import subprocess
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["envelope_pb2.py", "envelope_pb2.pyi"])
def test_the_generated_envelope_is_fresh(root: Path, tmp_path: Path, name: str) -> None:
    subprocess.run(["sh", "scripts/proto.sh", str(tmp_path)], check=True, cwd=root, timeout=60)
    package = Path("collector", "pdata")
    assert (tmp_path / package / name).read_text() == (root / package / name).read_text()
