"""docs/limits.md is the one table of all named limits; it and the code say the same."""

import ast
import re
from importlib import import_module
from pathlib import Path

_LIMIT_NAME = re.compile(r"^(?!_).*(_MAX(_|$)|_(S|MS|NANO)$|TIMEOUT|DEADLINE)")
_ROW = re.compile(r"^\| `([\w.]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def shown(name: str, value: object) -> str:
    """Return a limit as the table shows it: bytes in the unit they were meant in, else a number with commas."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if "BYTES" in name or "SIZE" in name:
        for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
            if value >= size and value % size == 0:
                return f"{value // size:,} {unit}"
        return f"{value:,} bytes"
    return f"{value:,}"


def test_every_limit_stands_in_the_table_and_every_row_in_the_code(root: Path, sources: dict[str, ast.Module]) -> None:
    in_code: dict[str, str] = {}
    for path, tree in sources.items():
        if path.startswith("collector/demo/"):
            continue
        module = path.removesuffix(".py").replace("/", ".")
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(target, ast.Name) and target.id.isupper() and _LIMIT_NAME.search(target.id):
                in_code[f"{module}.{target.id}"] = shown(target.id, getattr(import_module(module), target.id))
    table = {name: value for name, value, _ in _ROW.findall((root / "docs" / "limits.md").read_text())}
    assert table == in_code


def test_the_table_is_in_order(root: Path) -> None:
    names = [name for name, _, _ in _ROW.findall((root / "docs" / "limits.md").read_text())]
    assert names == sorted(names)


def test_limits_are_shown_in_the_unit_they_were_meant_in() -> None:
    assert [
        shown("BODY_BYTES_MAX", 64 << 20),
        shown("ID_BYTES_MAX", 256),
        shown("PAGE_EVENTS_MAX", 1_000),
        shown("WAIT_FOR_S_MAX", 45.0),
    ] == ["64 MiB", "256 bytes", "1,000", "45.0"]
