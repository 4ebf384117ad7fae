"""Tokens, folding and short ids: what is kept, what is counted, and that nothing grows past its cap."""

from typing import Any

import pytest

from collector.query.event import Event
from collector.query.params import BUDGET_TOKENS_MAX, parse_params
from mcp_server.render.budget import CHARACTERS_PER_TOKEN
from mcp_server.render.folding import pattern_of, range_of_durations
from mcp_server.render.ids import short_ids, shown_session_id
from mcp_server.render.text import render

REQUEST_ID = "a" * 32
STARTED = "2027-01-15T08:00:00.000000000Z"


def _log(number: int, severity: str, body: str) -> Event:
    return Event(
        id=f"log:{number}",
        type="log",
        signal="log",
        time_unix_nano=str(1_800_000_000_000_000_000 + number * 1_000_000),
        service="web",
        body=body,
        request_id=REQUEST_ID,
        span_id="e000000000000001",
        severity="ERROR" if severity == "ERROR" else "INFO",
        error=severity == "ERROR",
        attributes={},
    )


def _answer(events: list[Event]) -> dict[str, Any]:
    record = {"request_id": REQUEST_ID, "started_at": STARTED, "duration_ms": 1.0, "service_calls": ["web"]}
    return {"request": record, "timeline": events, "total": len(events)}


def _text(events: list[Event], **arguments: Any) -> str:
    params = parse_params({"what": "request-trace", "request_id": REQUEST_ID, **arguments})
    return render(_answer(events), params)


def _letters(number: int) -> str:
    """A word of its own for each number, that folding cannot take for a number."""
    return "".join(chr(ord("g") + int(digit)) for digit in str(number))


@pytest.mark.parametrize("budget", [1, 200, 2_000, BUDGET_TOKENS_MAX])
def test_errors_are_kept_whatever_the_budget_and_the_rest_is_counted(budget: int) -> None:
    events = [_log(n, "INFO", f"step {_letters(n)} {'x' * 60}") for n in range(600)]
    events[300] = _log(300, "ERROR", "the disk is full")
    text = _text(events, budget=budget)
    assert '"the disk is full"' in text
    assert len(text) <= max(budget, 200) * CHARACTERS_PER_TOKEN
    shown = int(text.splitlines()[-1].split(" of ")[0])
    assert f"{shown} of 600 events shown; left out: {600 - shown} INFO logs" in text


@pytest.mark.parametrize("budget", [1, 2_000, BUDGET_TOKENS_MAX])
def test_even_errors_stop_at_the_cap_and_the_last_line_says_so(budget: int) -> None:
    events = [_log(n, "ERROR", f"failure {_letters(n)} {'x' * 100}") for n in range(2_000)]
    text = _text(events, budget=budget)
    assert len(text) <= BUDGET_TOKENS_MAX * CHARACTERS_PER_TOKEN
    shown = int(text.splitlines()[-1].split(" of ")[0])
    assert 100 < shown < 2_000
    assert f"left out: {2_000 - shown} ERROR logs" in text


def test_equal_errors_and_repeated_steps_fold_into_one_line_each() -> None:
    events = [_log(n, "ERROR", "the disk is full") for n in range(50)]
    events += [_log(50 + n, "INFO", f"retry {n}") for n in range(30)]
    lines = _text(events).splitlines()
    assert [line for line in lines if line.startswith(" ")] == [
        ' +0.000 web ERROR "the disk is full" ×50',
        ' +0.050 web INFO "retry #" ×30',
    ]
    assert lines[-1].startswith("80 of 80 events shown · next: ")


def test_repeated_spans_tell_the_range_of_their_durations(span: Any) -> None:
    entry = span("e000000000000001", "web", "GET /", kind="server", status=200, duration_ms=100)
    queries = [
        span(f"{n:016x}", "web", "SELECT items", kind="client", parent="e000000000000001", start_ms=n, duration_ms=n)
        for n in range(3, 10)
    ]
    assert " +0.003 web SELECT items ×7, 3.0–9.0ms" in _text([entry, *queries]).splitlines()


@pytest.mark.parametrize(
    ("durations", "shown"),
    [([5.0, 5.0], "5.0ms"), ([3.0, 9.0], "3.0–9.0ms"), ([80, 1210], "80ms–1.21s"), ([2000, 3500], "2.00–3.50s")],
)
def test_ranges_of_durations(durations: list[float], shown: str) -> None:
    assert range_of_durations(durations) == shown


def test_patterns_hold_no_numbers_and_no_ids() -> None:
    assert pattern_of("GET /items/42/4bf92f3577b34da6") == "GET /items/#/#"


def test_random_ids_shorten_to_prefixes_that_tell_them_apart() -> None:
    one, two, alone = "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577c34da6a3ce929d0e0e4736", "00f067aa0ba902b7" * 2
    assert short_ids([one, two, alone]) == {one: "4bf92f3577b", two: "4bf92f3577c", alone: "00f067"}
    minted = "session-9f2c41aa77b34da6a3ce929d0e0e4736"
    assert short_ids([minted]) == {minted: "session-9f2c41"}
    assert shown_session_id(minted, "session-9f2c41") == "session-9f2c41…"


@pytest.mark.parametrize("chosen", ["run-1", "checkout of Ann", "telemetrygen-session-3", "x" * 200])
def test_ids_that_somebody_chose_stay_whole(chosen: str) -> None:
    assert short_ids([chosen, f"{chosen}2"])[chosen] == chosen


def test_a_list_that_does_not_fit_names_the_limit_that_does() -> None:
    record = {
        "started_at": STARTED,
        "last_activity": STARTED,
        "request_count": 1,
        "event_count": 1,
        "has_errors": False,
    }
    sessions = [{**record, "session_id": f"{n:04d}-{'long' * 15}"} for n in range(200)]
    answer = {"sessions": sessions, "total": 200}
    text = render(answer, parse_params({"what": "sessions"}))
    shown = int(text.splitlines()[-1].split(" of ")[0])
    assert len(text) <= 2_000 * CHARACTERS_PER_TOKEN
    assert 20 < shown < 200
    assert text.endswith(f'observe(what="sessions", limit={shown})')
    assert "200 of 200 sessions shown" in render(answer, parse_params({"what": "sessions", "limit": 200}))
