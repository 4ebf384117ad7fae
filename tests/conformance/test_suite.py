"""The official conformance suite, against a real collector over HTTP.

What cannot pass stands in expected-failures-*.yml, check by check, with its reason; anything else that fails,
and any entry that passes, fails this test.
"""

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

RunNode = Callable[[str, Sequence[str]], "subprocess.CompletedProcess[str]"]

OFFERED = {
    "2026-07-28": [
        "tools-list",
        "server-sse-multiple-streams",
        "resources-list",
        "sep-2164-resource-not-found",
        "prompts-list",
        "dns-rebinding-protection",
        "caching",
        "http-header-validation",
    ],
    "2025-11-25": [
        "server-initialize",
        "server-session-lifecycle",
        "server-sse-multiple-streams",
        "server-sse-polling",
        "ping",
        "tools-list",
        "resources-list",
        "resources-subscribe",
        "resources-unsubscribe",
        "prompts-list",
        "dns-rebinding-protection",
    ],
}


@pytest.mark.parametrize("revision", list(OFFERED))
def test_everything_that_is_offered_conforms(run_node: RunNode, query_url: str, revision: str) -> None:
    baseline = Path(__file__).with_name(f"expected-failures-{revision}.yml")
    suite = run_node(
        "conformance",
        ["server", "--url", f"{query_url}/mcp", "--requirements", revision, "--expected-failures", str(baseline)],
    )
    assert suite.returncode == 0, suite.stdout[-6_000:] + suite.stderr[-2_000:]
    assert "Baseline check passed: all failures are expected." in suite.stdout
    passed = set(re.findall(r"^✓ (\S+): [0-9]+ passed, 0 failed$", suite.stdout, re.MULTILINE))
    assert set(OFFERED[revision]) - passed == set()


@pytest.mark.parametrize("revision", list(OFFERED))
def test_every_expected_failure_has_a_reason_and_is_no_feature_on_offer(revision: str) -> None:
    lines = Path(__file__).with_name(f"expected-failures-{revision}.yml").read_text().splitlines()
    entries = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    assert entries
    assert [entry for entry in entries if not entry.partition(" # ")[2]] == []
    assert {entry.partition(":")[0] for entry in entries} & set(OFFERED[revision]) == set()
