"""Gasoline beside the backend that is there, by `beside.yaml` in four languages: nothing is lost on either side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Gasoline, NewTrace, Records, Shop, StartShop

pytestmark = pytest.mark.timeout(600)

SESSION_ID = "session-beside"
# The variables beside OTEL_CONFIG_FILE that start each SDK.
STARTED_BY = {
    "node": {"NODE_OPTIONS": "--require={sdk}/node.cjs"},
    "java": {"JAVA_TOOL_OPTIONS": "-javaagent:opentelemetry-javaagent.jar"},
    "python": {"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "X-Session-ID"},
    "go": {},
}


@pytest.fixture(scope="module")
def backend(
    start_collector: Callable[[Path], AbstractContextManager[Gasoline]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gasoline]:
    """The backend that the services have today; any that takes OTLP over HTTP would do."""
    with start_collector(tmp_path_factory.mktemp("backend") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    root: Path,
    start_collector: Callable[[Path], AbstractContextManager[Gasoline]],
    start_shop: StartShop,
    backend: Gasoline,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    sdk = root / "otel-config" / "sdk"
    with start_collector(tmp_path_factory.mktemp("beside") / "data") as collector:

        def environment(language: str) -> Mapping[str, str]:
            started_by = {name: value.format(sdk=sdk) for name, value in STARTED_BY[language].items()}
            return {
                **started_by,
                "OTEL_CONFIG_FILE": str(sdk / "beside.yaml"),
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{backend.http}",
                "GASOLINE_ENDPOINT": f"http://{collector.http}",
                "OTEL_METRIC_EXPORT_INTERVAL": "2000",
                "OTEL_METRIC_EXPORT_TIMEOUT": "2000",
            }

        with start_shop(collector, environment) as running:
            yield running


def ids(events: list[Mapping[str, Any]]) -> set[str]:
    return {event["id"] for event in events}


@pytest.mark.requirement("backend:beside")
@pytest.mark.parametrize("outcome", ["ok", "bug"])
def test_both_get_everything(
    shop: Shop, backend: Gasoline, new_trace: NewTrace, records: Records, outcome: str
) -> None:
    trace_id, headers = new_trace()
    shop.request("node", f"/checkout?outcome={outcome}", {**headers, "tracestate": f"gasoline={SESSION_ID}"})
    question = {"what": "request-trace", "request_id": trace_id}
    expected = records.outcomes[outcome]
    here = shop.events(question, "timeline", records.total(outcome))
    assert records.count(here) == expected
    there = shop.events(question, "timeline", records.total(outcome), backend)
    assert ids(list(there)) == ids(list(here))


@pytest.mark.requirement("header:x-session-id")
def test_node_captures_the_header(shop: Shop, new_trace: NewTrace, records: Records) -> None:
    _, headers = new_trace()
    shop.request("node", "/checkout?outcome=ok", {**headers, "X-Session-ID": "session-of-a-header"})
    question = {"what": "session-trace", "session_id": "session-of-a-header"}
    events = shop.events(question, "events", records.total("ok"))
    assert records.count(events) == records.outcomes["ok"]
    proofs = [(event["service"], event["evidence"]) for event in events if event["evidence"] != "trace"]
    assert proofs == [("storefront", "header")]


def dropped(collector: Gasoline) -> Mapping[str, int]:
    return collector.observe({"what": "status"})["dropped"]


@pytest.mark.requirement("backend:beside")
def test_metrics_go_on_to_the_backend_alone(shop: Shop, backend: Gasoline) -> None:
    shop.wait_until(lambda: bool(dropped(backend)))
    assert (dropped(backend).keys(), dropped(shop.collector)) == ({"metrics_without_exporter"}, {})
