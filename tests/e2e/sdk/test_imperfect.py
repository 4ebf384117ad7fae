"""Wrong clocks, spans that come late or never, a killed service: causal order, and what is amiss is said."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from conftest import Gasoline, NewTrace, Records, Service, Shop, StartService

pytestmark = pytest.mark.timeout(600)

CHAIN = ["storefront", "orders", "payments", "inventory"]
UPWARDS = ("java", "python", "node")
SKEW_S = 5
# Exported when the process ends, if it ends in order.
NEVER_BY_ITSELF = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_BLRP_SCHEDULE_DELAY": "600000"}

# Of a call that nobody took: that it began, and that it failed, by span event and by log.
NOBODY_TOOK_IT = {"storefront": (2, 1, 2)}

StartBranch = Callable[[str, Mapping[str, str]], AbstractContextManager[Mapping[str, "Service"]]]


@pytest.fixture(scope="module")
def start_branch(
    shop: Shop, start_service: StartService, sdk_settings: Callable[[str, Gasoline], Mapping[str, str]]
) -> StartBranch:
    """`with start_branch(language, changed) as services`: that service with changed settings, and all that lead to it.

    What it calls are the services of the shop.
    """

    @contextmanager
    def start(changed_language: str, changed: Mapping[str, str]) -> Generator[Mapping[str, Service]]:
        below = {"java": "go", "python": "java", "node": "python"}[changed_language]
        with ExitStack() as stack:
            services: dict[str, Service] = {}
            called = shop.services[below]
            for language in UPWARDS[UPWARDS.index(changed_language) :]:
                own: Mapping[str, str] = changed if language == changed_language else {}
                environment = {
                    **sdk_settings(language, shop.collector),
                    **own,
                    f"{called.name.upper()}_URL": called.url,
                }
                called = services[language] = stack.enter_context(start_service(language, environment))
            yield services

    return start


class CheckOut(Protocol):
    """See check_out."""

    def __call__(self, storefront: Service, session_id: str, outcome: str = "ok") -> str: ...


@pytest.fixture(scope="module")
def check_out(shop: Shop, new_trace: NewTrace) -> CheckOut:
    """`check_out(storefront, session_id)`: the trace id of one request that has been answered."""

    def send(storefront: Service, session_id: str, outcome: str = "ok") -> str:
        trace_id, headers = new_trace()
        named = {**headers, "tracestate": f"gasoline={session_id}"}
        answer = shop.client.post(f"{storefront.url}/checkout?outcome={outcome}", headers=named)
        assert answer.status_code in (200, 502)
        return trace_id

    return send


def told(shop: Shop, session_id: str, count: int) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
    """Return the events of a session, once there are so many, and what the answer says of its own corrections."""
    question = {"what": "session-trace", "session_id": session_id}
    events = shop.events(question, "events", count)
    return events, shop.collector.observe({**question, "limit": 1000})["notes"]


@pytest.fixture(scope="module")
def wrong_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a service preloads to have a wrong clock."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, to give a service a wrong clock")
    source = Path(__file__).parent / "services" / "wrong_clock.c"
    library = tmp_path_factory.mktemp("clock") / "wrong_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


@pytest.mark.requirement("session-trace:chronological")
@pytest.mark.parametrize(
    ("language", "skew_s"), [("node", -SKEW_S), ("python", SKEW_S), ("python", -SKEW_S), ("java", SKEW_S)]
)
def test_a_service_with_a_wrong_clock_stands_where_it_was_called(
    shop: Shop,
    start_branch: StartBranch,
    check_out: CheckOut,
    records: Records,
    wrong_clock: Path,
    language: str,
    skew_s: int,
) -> None:
    session_id, outcomes = f"session-clock-{language}-{skew_s}", ("ok", "bug", "ok")
    elsewhere = {
        "LD_PRELOAD": str(wrong_clock),
        "CLOCK_OFFSET_S": str(skew_s),
        "OTEL_RESOURCE_ATTRIBUTES": "host.name=elsewhere,host.id=elsewhere",
    }
    with start_branch(language, elsewhere) as services:
        made = [check_out(services["node"], session_id, outcome) for outcome in outcomes]
        events, notes = told(shop, session_id, sum(map(records.total, outcomes)))
        name = services[language].name
    for trace_id, outcome in zip(made, outcomes, strict=True):
        own = [event for event in events if event["request_id"] == trace_id]
        assert records.count(own) == records.outcomes[outcome]
    assert records.out_of_order(events) == []
    servers = [event for event in events if event.get("kind") == "server"]
    assert [event["service"] for event in servers] == CHAIN * len(outcomes)
    # Times are as they were recorded, so the clock really was wrong.
    wrong = [int(event["time_unix_nano"]) for event in servers if event["service"] == name]
    right = [int(event["time_unix_nano"]) for event in servers if event["service"] == "inventory"]
    assert skew_s in {round((one - other) / 1e9) for one, other in zip(wrong, right, strict=True)}
    count = sum(event["service"] == name for event in events)
    # Node's SDK finds out the host's id by itself. Milliseconds that other clocks seem to differ by are told of, too.
    told_of = {re.sub(r"[45]\.\d{3} s", "5 s", re.sub(r"of \S+ \(", "of elsewhere (", note)) for note in notes}
    assert told_of >= {
        f"missing root: in {len(outcomes)} requests the topmost span's parent never arrived",
        f"clock skew: the clock of elsewhere ({name}) is about 5 s {'ahead' if skew_s > 0 else 'behind'}; "
        f"the order of its {count} records corrects it, times are as recorded",
    }


@pytest.mark.requirement("session-trace:chronological")
def test_spans_that_come_late_take_their_place_and_until_then_are_missed(
    shop: Shop, start_branch: StartBranch, check_out: CheckOut, records: Records
) -> None:
    session_id, ok = "session-late", records.outcomes["ok"]
    with start_branch("python", NEVER_BY_ITSELF) as services:
        check_out(services["node"], session_id)
        there = {name: counts for name, counts in ok.items() if name != "orders"}
        events, notes = told(shop, session_id, sum(map(sum, there.values())))
        assert records.count(events) == there
        assert [event["service"] for event in events if event.get("kind") == "server"] == [
            name for name in CHAIN if name != "orders"
        ]
        assert notes == [
            "missing root: in 1 request the topmost span's parent never arrived",
            "orphans: 1 parent span never arrived; what they called stands at the top",
        ]
    events, notes = told(shop, session_id, records.total("ok"))
    assert records.count(events) == ok
    assert records.out_of_order(events) == []
    assert [event["service"] for event in events if event.get("kind") == "server"] == CHAIN
    assert notes == ["missing root: in 1 request the topmost span's parent never arrived"]


@pytest.mark.requirement("session-trace:chronological")
def test_a_service_that_is_killed_and_comes_back_loses_its_own_records_alone(
    shop: Shop, start_branch: StartBranch, check_out: CheckOut, records: Records
) -> None:
    session_id, ok = "session-killed", records.outcomes["ok"]
    without_orders = {name: counts for name, counts in ok.items() if name != "orders"}
    with start_branch("python", NEVER_BY_ITSELF) as services:
        lost = check_out(services["node"], session_id)
        services["python"].kill()
        refused = check_out(services["node"], session_id)
    with start_branch("python", {}) as services:
        whole = check_out(services["node"], session_id)
        count = sum(map(sum, without_orders.values())) + sum(NOBODY_TOOK_IT["storefront"]) + records.total("ok")
        events, notes = told(shop, session_id, count)
    own = {
        request: records.count([event for event in events if event["request_id"] == request])
        for request in (lost, refused, whole)
    }
    assert own == {lost: without_orders, refused: NOBODY_TOOK_IT, whole: ok}
    assert records.out_of_order(events) == []
    assert notes == [
        "missing root: in 3 requests the topmost span's parent never arrived",
        "orphans: 1 parent span never arrived; what they called stands at the top",
    ]
