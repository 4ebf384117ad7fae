"""What the documents say of the code is so."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

from collector.query import event
from collector.query.params import ObserveParams

_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"^(make [a-z-]+)", re.MULTILINE)


def test_the_list_of_modules_is_fresh(root: Path) -> None:
    script = runpy.run_path(str(root / "scripts" / "rooms.py"))
    (listed,) = script["BETWEEN_MARKS"].findall((root / "ARCHITECTURE.md").read_text())
    if listed != script["rooms"](root):
        stale = set(listed.splitlines()) ^ set(script["rooms"](root).splitlines())
        pytest.fail("ARCHITECTURE.md is stale, run: make rooms\n" + "\n".join(sorted(stale)))


def test_every_link_to_a_file_leads_somewhere(root: Path, tracked: list[str]) -> None:
    broken = [
        f"{path}: {target}"
        for path in tracked
        if path.endswith(".md")
        for target in _LINK.findall((root / path).read_text())
        if not ((root / path).parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(root: Path, document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = {command.split()[1] for command in _COMMAND.findall((root / document).read_text())}
    assert named and named <= targets


def test_ci_runs_the_test_command_of_the_readme(root: Path) -> None:
    commands = [
        line for line in (root / ".ci" / "run").read_text().splitlines() if not line.startswith(("#", "set", "cd"))
    ]
    assert commands == ["sh .ci/chromium", "exec make test"]
    assert "\nmake test" in (root / "README.md").read_text()


def test_every_layer_is_under_contract(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    named = {name for layer in layers for name in re.findall(r"[\w.]+", layer)}
    rooms = {
        f"collector.{path.stem}" for path in (root / "collector").iterdir() if path.suffix == ".py" or path.is_dir()
    }
    assert named == rooms - {"collector.__init__", "collector.__pycache__"} | {"exporters", "mcp_server"}


def test_each_decision_is_at_most_one_page_and_numbered_in_order(root: Path) -> None:
    decisions = sorted((root / "docs" / "adr").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    lengths = {path.name: len(path.read_text().splitlines()) for path in decisions}
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}


def test_every_argument_and_field_of_observe_is_described(root: Path) -> None:
    described = set(re.findall(r"`(\w+)`", (root / "docs" / "observe.md").read_text()))
    shapes = [
        event.Event,
        event.SessionRecord,
        event.RequestRecord,
        event.Cause,
        event.Spread,
        event.Worked,
        event.Undone,
    ]
    fields = {name for shape in shapes for name in shape.__annotations__}
    assert (fields | set(ObserveParams.model_fields)) - described == set()
