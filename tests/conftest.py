"""What every test can ask for, and the rule that in CI a skipped test is a failed one."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ALLOWED_SKIPS = "allowed_skips.txt"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers of this suite."""
    config.addinivalue_line("markers", "requirement(*ids): entries of tests/requirements.toml that the test holds")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio alone: grpc.aio knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


def read_allowed_skips(text: str) -> dict[str, str]:
    """Read lines of `<node id>  # <reason>`; an id stands for itself and for everything inside it.

    Raises ValueError for a line without a reason.
    """
    reasons: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        node_id, _, reason = line.partition("  # ")
        if not reason.strip():
            raise ValueError(f"tests/{ALLOWED_SKIPS}: no reason beside {line!r}")
        reasons[node_id.strip()] = reason.strip()
    return reasons


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, unless tests/allowed_skips.txt says why it may be; in CI only."""
    if not report.skipped or os.environ.get("CI") != "true":
        return
    allowed = read_allowed_skips(Path(__file__).with_name(ALLOWED_SKIPS).read_text())
    if any(
        report.nodeid == node_id or report.nodeid.startswith((f"{node_id}[", f"{node_id}::")) for node_id in allowed
    ):
        return
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = (
        f"{report.nodeid} did not run, which fails in CI ({why}); tests/{ALLOWED_SKIPS} lists what may not"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """See `_refuse_skip`."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """See `_refuse_skip`; a module that skips itself is reported here."""
    report = yield
    _refuse_skip(report)
    return report
