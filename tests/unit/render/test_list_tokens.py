"""A list of failed sessions costs at most 40 tokens a session, the cause in it, however few there are."""

import re
from typing import Any

import pytest

from collector.query.params import parse_params
from mcp_server.render.ansi import coloured
from mcp_server.render.text import render

REASON = 'PaymentDeclined "card declined: insufficient funds"'


def failed(session_id: str) -> dict[str, Any]:
    """A session whose payment was declined."""
    return {
        "session_id": session_id,
        "started_at": "2027-01-15T08:00:00.000000000Z",
        "last_activity": "2027-01-15T08:00:01.500000000Z",
        "request_count": 4,
        "event_count": 41,
        "has_errors": True,
        "services": ["browser", "frontend", "orders", "payments"],
        "cause": {"service": "payments", "operation": "POST /charge", "reason": REASON, "span_id": "a" * 16},
    }


def text(count: int, label: str = "session-", **arguments: Any) -> str:
    sessions = [failed(f"{label}{n:08x}{'5' * 24}") for n in range(count)]
    return render({"sessions": sessions, "total": count}, parse_params({"what": "sessions", **arguments}))


@pytest.mark.parametrize("count", [1, 2, 3, 10])
@pytest.mark.parametrize("arguments", [{"status": "error"}, {"status": "error", "since": "-1h"}, {}])
def test_each_costs_at_most_40_tokens_with_its_cause(count: int, arguments: dict[str, Any]) -> None:
    told = text(count, **arguments)
    assert len(told) / 4 <= 40 * count
    assert (
        len(re.findall(r'^cause: payments POST /charge: PaymentDeclined "card declined', told, re.MULTILINE)) == count
    )


def test_one_alone_names_its_next_call_in_short() -> None:
    told = text(1)
    assert told.splitlines() == [
        " session-000000… 2027-01-15 08:00:00Z 4 requests",
        f"cause: payments POST /charge: {REASON}",
        "1 of 1 · next: session-trace",
    ]
    assert re.sub(r"\x1b\[\d+m", "", coloured(told)) == told


def test_where_the_short_call_gains_nothing_the_call_is_whole() -> None:
    assert (
        text(1, label="an id that somebody chose and that cannot be shortened ")
        .splitlines()[-1]
        .startswith('1 of 1 session shown · next: observe(what="session-trace", session_id="an id that')
    )
