"""`OTEL_PROPAGATORS=tracecontext,baggage,gasoline` is the whole change of a Python service that has our package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Gasoline, NewTrace, Records, Service, Shop, StartService

pytestmark = pytest.mark.timeout(600)

INSTALL_TIMEOUT_S = 120
SERVICES = ("orders", "payments", "inventory")


@pytest.fixture(scope="module")
def package(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip installs it, entry points and all."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [*pip, "--target", str(folder), str(root / "otel-config" / "python")], check=True, timeout=INSTALL_TIMEOUT_S
    )
    return folder


@pytest.fixture(scope="module")
def orders(
    package: Path,
    shop: Shop,
    start_service: StartService,
    sdk_settings: Callable[[str, Gasoline], Mapping[str, str]],
) -> Iterator[Service]:
    """The Python service once more, with the package and the one variable."""
    changed = {
        "PYTHONPATH": str(package),
        "OTEL_PROPAGATORS": "tracecontext,baggage,gasoline",
        "PAYMENTS_URL": shop.services["java"].url,
    }
    with start_service("python", {**sdk_settings("python", shop.collector), **changed}) as running:
        yield running


@pytest.mark.requirement("backend:session-in-own-telemetry")
@pytest.mark.parametrize("has_trace", [True, False], ids=["within-a-trace", "trace-begins-here"])
@pytest.mark.parametrize("way", ["X-Session-ID", "baggage"])
def test_every_record_names_the_session_and_the_next_services_get_it(
    shop: Shop, orders: Service, new_trace: NewTrace, records: Records, way: str, has_trace: bool
) -> None:
    session_id = f"session-{way}-{has_trace}"
    _, trace = new_trace() if has_trace else ("", {})
    value = session_id if way == "X-Session-ID" else f"session.id={session_id}"
    answer = shop.client.post(f"{orders.url}/orders?outcome=bug", headers={**trace, way: value})
    assert answer.status_code == 500
    expected = {name: records.outcomes["bug"][name] for name in SERVICES}
    question = {"what": "session-trace", "session_id": session_id}
    events = shop.events(question, "events", sum(map(sum, expected.values())))
    assert records.count(events) == expected
    own = [event for event in events if event["service"] == "orders" and event["signal"] != "span_event"]
    assert [event["attributes"].get("session.id") for event in own] == [session_id] * len(own)
    spans = {(event["service"], event["evidence"]) for event in events if event["signal"] == "span"}
    # Java copies baggage, which stands above tracestate.
    java = "attribute" if way == "baggage" else "tracestate"
    assert spans == {("orders", "attribute"), ("payments", java), ("inventory", "tracestate")}
