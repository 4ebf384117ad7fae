"""docs/extension.md has every named limit of the browser extension with its value, and no other."""

import re
from pathlib import Path

import pytest

_CONSTANT = re.compile(r"^export const ([A-Z_]+) = ([\d_ *.]+);", re.MULTILINE)
_LIMIT_NAME = re.compile(r"_MAX(_|$)|_MIN$|_(S|MS|NANO)$|TIMEOUT|DEADLINE")
_ROW = re.compile(r"^\| `([\w./-]+:[A-Z_]+)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
_UNITS = ((1 << 20, "MiB"), (1 << 10, "KiB"))


def product(text: str) -> int:
    """Return the value of `4 * 1024 * 1024`."""
    value = 1
    for factor in text.split("*"):
        value *= int(factor.strip())
    return value


def shown(name: str, value: int) -> str:
    """Return a limit as the table shows it: bytes in the largest unit that divides them."""
    if "BYTES" not in name:
        return f"{value:,}"
    return next((f"{value // size:,} {unit}" for size, unit in _UNITS if value % size == 0), f"{value:,} bytes")


@pytest.fixture(scope="module")
def in_code(root: Path, tracked: list[str]) -> dict[str, str]:
    return {
        f"{path.removeprefix('extension/')}:{name}": shown(name, product(text))
        for path in tracked
        if path.startswith("extension/") and path.endswith(".js") and not path.startswith("extension/built/")
        for name, text in _CONSTANT.findall((root / path).read_text())
        if _LIMIT_NAME.search(name)
    }


def test_every_limit_stands_in_the_table_and_every_row_in_the_code(root: Path, in_code: dict[str, str]) -> None:
    rows = _ROW.findall((root / "docs" / "extension.md").read_text())
    assert len(in_code) > 30
    assert dict(rows) == in_code
    assert [name for name, _ in rows] == sorted(name for name, _ in rows)


def test_every_limit_is_tested(root: Path, in_code: dict[str, str]) -> None:
    """The name of each limit stands in a test: the tests are at its edge by what they say of it."""
    texts = " ".join(path.read_text() for path in (root / "tests" / "extension").rglob("*.mjs"))
    assert [name for name in in_code if name.rpartition(":")[2] not in texts] == []
