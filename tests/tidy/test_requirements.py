"""The manifest of requirements and the tests that carry them, held against each other in both directions."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

STATES = {"held", "differs", "deferred"}


def requirement_ids_in(source: str) -> Iterator[str]:
    """Yield each id that a test carries: `@pytest.mark.requirement("id", ...)`, also in a `pytestmark`.

    Only decorators of tests and the variable `pytestmark` count, so an id in a helper proves nothing.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            marks: list[ast.expr] = node.decorator_list
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            marks = node.decorator_list
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        ):
            marks = node.value.elts if isinstance(node.value, ast.List) else [node.value]
        else:
            continue
        for mark in marks:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
                yield from (ast.literal_eval(argument) for argument in mark.args)


@pytest.fixture(scope="module")
def manifest(root: Path) -> dict[str, dict[str, object]]:
    return tomllib.loads((root / "tests" / "requirements.toml").read_text())


@pytest.fixture(scope="module")
def carried(root: Path) -> dict[str, list[str]]:
    """Requirement id -> the test files that carry it."""
    files: dict[str, list[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        for requirement_id in requirement_ids_in(path.read_text()):
            files.setdefault(requirement_id, []).append(path.relative_to(root).as_posix())
    return files


def test_each_entry_is_whole(manifest: dict[str, dict[str, object]]) -> None:
    faults = {
        requirement_id: entry
        for requirement_id, entry in manifest.items()
        if entry.get("state") not in STATES
        or set(entry) != {"seed", "text", "state"} | ({"reason"} if entry["state"] != "held" else set())
        or not all(entry.values())
    }
    assert faults == {}


def test_each_id_that_a_test_carries_is_in_the_manifest(
    manifest: dict[str, dict[str, object]], carried: dict[str, list[str]]
) -> None:
    assert {name: files for name, files in carried.items() if name not in manifest} == {}


def test_each_requirement_that_is_built_has_a_test(
    manifest: dict[str, dict[str, object]], carried: dict[str, list[str]]
) -> None:
    built = {name for name, entry in manifest.items() if entry["state"] != "deferred"}
    assert sorted(built - carried.keys()) == []


def test_no_deferred_requirement_has_a_test(
    manifest: dict[str, dict[str, object]], carried: dict[str, list[str]]
) -> None:
    deferred = {name for name, entry in manifest.items() if entry["state"] == "deferred"}
    assert {name: files for name, files in carried.items() if name in deferred} == {}


def test_ids_are_read_from_decorators_and_pytestmark_only() -> None:
    source = """
import pytest
pytestmark = [pytest.mark.anyio, pytest.mark.requirement("a:module")]

@pytest.mark.requirement("a:function", "a:second")
async def test_one() -> None: ...

@pytest.mark.requirement("a:class")
class TestAll: ...

@pytest.mark.requirement("a:helper")
def helper() -> str:
    return "pytest.mark.requirement('a:text')"
"""
    assert sorted(requirement_ids_in(source)) == ["a:class", "a:function", "a:module", "a:second"]
