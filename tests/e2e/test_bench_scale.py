"""`make bench-scale`, as small as it can be: every part runs and finds what it sent."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCALE = Path(__file__).parents[1] / "bench" / "scale.py"
RUN_S_MAX = 280


@pytest.mark.timeout(300)
def test_every_part_of_the_scale_benchmark_gives_its_figures(tmp_path: Path) -> None:
    sizes = {
        "mixed-sessions": 50,
        "spans": 8_192,
        "sessions": 500,
        "window-spans": 4_096,
        "soak-spans": 16_384,
        # The smallest size that retention takes would need many more: here it is age that they go by.
        "soak-age-s": 1,
    }
    figures_file = tmp_path / "figures.json"
    command = [sys.executable, str(SCALE), "--json", str(figures_file)]
    for name, size in sizes.items():
        command += [f"--{name}", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX)
    assert done.returncode == 0, done.stderr
    figures = {figure["what"]: figure for figure in json.loads(figures_file.read_text())["figures"]}
    assert list(figures) == [
        "50 sessions, spans and logs: not found",
        "50 sessions, spans and logs: CPU per record",
        "50 sessions, spans and logs: resident memory",
        "50 sessions, spans and logs: list, cold",
        "growth: spans a second, first part by last",
        "growth: CPU per span, last part by first",
        "growth: request query, last part by first",
        "growth: resident memory at the end",
        "growth: bytes per span",
        "soak: resident memory, last quarter by third",
        "soak: file at the end, of what it may be",
        "soak: longest answer, beyond that without retention",
    ]
    assert figures["50 sessions, spans and logs: not found"]["value"] == 0
    assert figures["growth: bytes per span"]["value"] > 0
    assert re.search(
        "16,384 spans into 64 MiB, [1-9][0-9,]* evicted",
        figures["soak: resident memory, last quarter by third"]["context"],
    )
