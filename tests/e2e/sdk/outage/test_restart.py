"""The collector restarts while five SDKs send: what they send again arrives, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import Stage

pytestmark = pytest.mark.timeout(1200)

SESSION_ID = "session-of-a-restart"
REQUESTS = 3


class Records(Protocol):
    """What a request is recorded as, by outcome and service."""

    outcomes: Mapping[str, Mapping[str, tuple[int, ...]]]

    def count(self, events: Any) -> Mapping[str, tuple[int, ...]]: ...


@pytest.mark.requirement("backend:outage")
def test_what_is_sent_again_after_a_restart_arrives_once(
    stage: Stage, new_trace: Callable[[], tuple[str, dict[str, str]]], records: Records
) -> None:
    question = {"what": "session-trace", "session_id": SESSION_ID}

    def check_out(times: int) -> None:
        for _ in range(times):
            _, headers = new_trace()
            named = {**headers, "tracestate": f"gasoline={SESSION_ID}"}
            assert stage.shop.request("node", "/checkout?outcome=ok", named).status_code == 200
            assert stage.shop.client.post(f"{stage.pricing.url}/price", headers=named).status_code == 200

    once = {**records.outcomes["ok"], "pricing": (1, 0, 1)}
    total = sum(map(sum, once.values()))

    def counts(times: int) -> Mapping[str, tuple[int, ...]]:
        return {name: tuple(times * count for count in own) for name, own in once.items()}

    stage.open()
    check_out(REQUESTS)
    before = stage.shop.events(question, "events", REQUESTS * total)
    assert records.count(before) == counts(REQUESTS)
    for gate, _ in stage.gates.values():
        gate.shut()
    stage.collector.restart()
    check_out(REQUESTS)
    for language, (gate, _) in stage.gates.items():
        if language != "rust":
            gate.wait_until_refused()
    stage.open()
    events = stage.shop.events(question, "events", 2 * REQUESTS * total)
    assert records.count(events) == counts(2 * REQUESTS)
    assert len({event["id"] for event in events}) == len(events)
