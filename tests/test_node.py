"""The tests that are written in JavaScript, each file run by Node's own runner; `*.browser.test.mjs` need Chromium."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
_COUNT = re.compile(r"^# (tests|pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)


@pytest.mark.timeout(330)
@pytest.mark.parametrize("file", sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.test.mjs")))
def test_every_test_of_the_file_passes(file: str, run_node_tests: Callable[[str], tuple[int, str]]) -> None:
    code, output = run_node_tests(file)
    counts = {name: int(number) for name, number in _COUNT.findall(output)}
    assert code == 0, output[-20_000:]
    assert counts["tests"] > 0
    assert counts == dict.fromkeys(counts, 0) | {"tests": counts["tests"], "pass": counts["tests"]}
