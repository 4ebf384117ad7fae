"""The collector cannot be reached for a moment: what the SDKs send again arrives, once."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import NewTrace, Records, Shop

pytestmark = pytest.mark.timeout(600)

REQUESTS = 3


@pytest.mark.requirement("backend:outage")
def test_what_is_sent_again_after_an_outage_arrives_once(shop: Shop, new_trace: NewTrace, records: Records) -> None:
    session_id = f"session-{secrets.token_hex(16)}"
    for gate in shop.gates.values():
        gate.shut()
    try:
        for _ in range(REQUESTS):
            _, headers = new_trace()
            named = {**headers, "tracestate": f"gasoline={session_id}"}
            assert shop.request("node", "/checkout?outcome=ok", named).status_code == 200
        for gate in shop.gates.values():
            gate.wait_until_refused()
    finally:
        for gate in shop.gates.values():
            gate.open()
    question = {"what": "session-trace", "session_id": session_id}
    events = shop.events(question, "events", REQUESTS * records.total("ok"))
    expected = {name: tuple(REQUESTS * count for count in counts) for name, counts in records.outcomes["ok"].items()}
    assert records.count(events) == expected
    assert len({event["id"] for event in events}) == len(events)
