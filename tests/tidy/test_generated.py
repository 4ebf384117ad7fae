"""The classes generated from .proto files are those that `make proto` would make."""

import subprocess
from pathlib import Path


def test_generated_classes_are_fresh(root: Path, tmp_path: Path, tracked: list[str]) -> None:
    subprocess.run(["sh", "scripts/proto.sh", str(tmp_path)], check=True, cwd=root, timeout=60)
    fresh = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*_pb2.py*")}
    in_tree = {path: (root / path).read_text() for path in tracked if path.endswith(("_pb2.py", "_pb2.pyi"))}
    assert fresh == in_tree
