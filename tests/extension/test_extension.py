"""What the specification asks of the extension, each id held by tests in JavaScript that carry it in their title.

tests/test_node.py runs the files and holds that every test in them passes.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_TITLE = re.compile(r"^test\('([^']*)'", re.MULTILINE)


@pytest.fixture
def assert_carried(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Hold that each requirement of this test is in the title of a test of these files."""
    marker = request.node.get_closest_marker("requirement")
    assert marker is not None

    def check(*files: str) -> None:
        titles = [title for file in files for title in _TITLE.findall((HERE / file).read_text())]
        carried = {word.removesuffix(":") for title in titles for word in title.split()}
        assert [requirement for requirement in marker.args if requirement not in carried] == []

    return check


@pytest.mark.requirement(
    "session-id:generated",
    "session-id:local-storage",
    "session-id:survives-reload",
    "session-id:time-to-live",
    "session-id:ends",
    "risk:fresh-id-after-logout",
)
def test_sessions_in_chromium(assert_carried: Callable[..., None]) -> None:
    assert_carried("e2e/sessions.browser.test.mjs")


@pytest.mark.requirement(
    "session-id:on-every-request",
    "request-id:generated",
    "request-id:sent-as-traceparent",
    "request-id:response-mapping",
    "request-id:forwarded",
    "risk:same-origin",
)
def test_requests_in_chromium(assert_carried: Callable[..., None]) -> None:
    assert_carried("e2e/behaviour.browser.test.mjs")


@pytest.mark.requirement("testing:real-browser", "flow:one-timeline", "testing:real-services")
def test_a_real_browser_through_real_services(assert_carried: Callable[..., None]) -> None:
    assert_carried("e2e/observe.browser.test.mjs")


@pytest.mark.requirement("session-id:form", "risk:request-id-collision")
def test_ids(assert_carried: Callable[..., None]) -> None:
    assert_carried("unit/shared.test.mjs", "unit/request-manager.test.mjs")


def test_the_built_scripts_are_fresh(
    root: Path, node: Path, node_packages: Callable[[str], Path], tmp_path: Path
) -> None:
    assert node_packages("extension").is_dir()
    subprocess.run([node, "build.mjs", tmp_path], cwd=root / "extension", check=True, timeout=60)
    fresh = {path.name: path.read_text() for path in tmp_path.iterdir()}
    built = {path.name: path.read_text() for path in (root / "extension" / "built").iterdir()}
    assert fresh == built, "run: make bundle"
