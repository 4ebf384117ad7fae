"""Gasoline beside the backend that is there, by `beside.yaml` in four languages: nothing is lost on either side."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Gasoline, NewTrace, Records, Shop, StartService, StartShop

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


TOKEN = "a-token-of-ours"
OF_THE_BACKEND = "a-token-of-the-backend"
# What the service of a language is asked, and what it calls for that.
ASKED = {
    "node": ("/checkout", "python"),
    "python": ("/orders", "java"),
    "java": ("/charge", "go"),
    "go": ("/reserve", None),
}


@contextmanager
def other_backend() -> Generator[tuple[str, list[str | None]]]:
    """A backend that takes everything: its address, and the value of `authorization` of each request."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers["authorization"])
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def guarded(
    start_collector: Callable[..., AbstractContextManager[Gasoline]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gasoline]:
    """A collector that takes nothing without its token."""
    with start_collector(tmp_path_factory.mktemp("guarded") / "data", token=TOKEN) as running:
        yield running


@pytest.mark.requirement("backend:beside")
@pytest.mark.parametrize("language", ASKED)
def test_where_gasoline_asks_for_its_token_it_alone_gets_it(
    root: Path,
    guarded: Gasoline,
    start_service: StartService,
    shop: Shop,
    new_trace: NewTrace,
    records: Records,
    tmp_path: Path,
    language: str,
) -> None:
    sdk = root / "otel-config" / "sdk"
    # As the file says to do then.
    config = tmp_path / "beside.yaml"
    config.write_text(re.sub(r"(?m)^( +)# ", r"\1", (sdk / "beside.yaml").read_text()))
    path, callee = ASKED[language]
    # Python's SDK sends what stands in the variable.
    blank = " " if language == "python" else "%20"
    called = {f"{shop.services[callee].name.upper()}_URL": shop.services[callee].url} if callee else {}
    with other_backend() as (address, seen):
        environment = {
            **{name: value.format(sdk=sdk) for name, value in STARTED_BY[language].items()},
            **called,
            "OTEL_CONFIG_FILE": str(config),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer{blank}{OF_THE_BACKEND}",
            "GASOLINE_ENDPOINT": f"http://{guarded.http}",
            "GASOLINE_TOKEN": TOKEN,
        }
        with start_service(language, environment) as service:
            trace_id, headers = new_trace()
            assert shop.client.post(f"{service.url}{path}?outcome=ok", headers=headers).status_code == 200
            own = {service.name: records.outcomes["ok"][service.name]}
            question = {"what": "request-trace", "request_id": trace_id}
            events = shop.events(question, "timeline", sum(map(sum, own.values())), guarded)
        # Its end has sent everything to the backend, too.
    assert records.count(events) == own
    assert set(seen) == {f"Bearer {OF_THE_BACKEND}"}


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
