"""What may stand in a tracked file: nothing of one machine, no registry host, no large binaries."""

import re
from pathlib import Path

import pytest

TRACKED_FILE_BYTES_MAX = 1024 * 1024
_DATA = "tests/data/"
_TEXT_ENDINGS = (
    ".py",
    ".pyi",
    ".md",
    ".toml",
    ".txt",
    ".sh",
    ".yaml",
    ".yml",
    ".json",
    ".proto",
    ".in",
    "Makefile",
    "run",
)
# In halves, so that this file does not find itself.
_MACHINE_PATH = re.compile("/" + r"(?!home/me\b)(?:root|home|Users|work)/\w")  # "/home/me" is nobody's
_REGISTRY = re.compile(
    "(?:"
    + "|".join(("py" + "pi", "python" + "hosted", "npm" + "js", "crates" + r"\.io", "proxy" + r"\.golang"))
    + r")\b|index-url[= ]\W*http"
)
_FIRST_HEADING = re.compile(r"^# ", re.MULTILINE)
_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PROMISE = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|type: " + r"ignore|pragma: no " + "cover")


@pytest.fixture(scope="module")
def texts(root: Path, tracked: list[str]) -> dict[str, str]:
    """Path -> text of each tracked text file but recorded telemetry."""
    return {
        path: (root / path).read_text()
        for path in tracked
        if path.endswith(_TEXT_ENDINGS) and not path.startswith(_DATA)
    }


def lines_with(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_path_of_one_machine(texts: dict[str, str]) -> None:
    assert lines_with(_MACHINE_PATH, texts) == []


def test_no_registry_host(texts: dict[str, str]) -> None:
    assert lines_with(_REGISTRY, texts) == []


def test_no_promise_that_is_not_kept(texts: dict[str, str]) -> None:
    sources = {path: text for path, text in texts.items() if path.endswith((".py", ".sh", ".proto"))}
    assert lines_with(_PROMISE, sources) == []


def test_each_noqa_names_its_rule_and_reason(texts: dict[str, str]) -> None:
    sources = {path: text for path, text in texts.items() if path.endswith(".py")}
    bare = re.compile("# no" + r"qa(?!: [A-Z]+\d+(?:, ?[A-Z]+\d+)*[ #–-]+\w)")
    assert lines_with(bare, sources) == []


def test_each_document_has_one_title(texts: dict[str, str]) -> None:
    titles = {
        path: len(_FIRST_HEADING.findall(_CODE_BLOCK.sub("", text)))
        for path, text in texts.items()
        if path.endswith(".md") and path != "mcp_server/instructions.md"
    }
    assert {path: count for path, count in titles.items() if count != 1} == {}


def test_no_file_is_too_large(root: Path, tracked: list[str]) -> None:
    sizes = {path: (root / path).stat().st_size for path in tracked}
    assert {path: size for path, size in sizes.items() if size > TRACKED_FILE_BYTES_MAX} == {}


def test_the_patterns_find_what_they_are_for() -> None:
    faults = {
        "a.md": "see /" + "home/someone/notes",
        "b.txt": "--index" + "-url=http://x",
        "c.py": "pass  # TO" + "DO later",
    }
    found = [lines_with(pattern, faults) for pattern in (_MACHINE_PATH, _REGISTRY, _PROMISE)]
    assert found == [
        ["a.md:1: see /" + "home/someone/notes"],
        ["b.txt:1: --index" + "-url=http://x"],
        ["c.py:1: pass  # TO" + "DO later"],
    ]
