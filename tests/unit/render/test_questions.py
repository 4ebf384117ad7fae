"""The questions that an answer must settle in one call, asked of every failing scenario that was recorded."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CHARACTERS_PER_TOKEN = 4
REQUEST_TOKENS_MAX = 400
SESSION_TOKENS_MAX = 600
LISTED_SESSION_TOKENS_MAX = 40
FOLDERS = ("baggage-mixed", "browser", "edge-grpc", "forward-http", "tracestate")
CAPTURES = Path(__file__).resolve().parents[2] / "data" / "captures"


class Scenario(NamedTuple):
    """One failing request that was recorded, and the session it was recorded for."""

    folder: str
    session_id: str
    request_id: str
    name: str


class Truth(NamedTuple):
    """What went wrong in a scenario: where, in which words, and whom it reached."""

    service: str
    reason: tuple[str, ...]
    spread: tuple[tuple[str, int], ...]
    logs: tuple[str, ...]
    undone: tuple[str, ...]


TRUTHS = {
    "declined": Truth(
        "payments",
        ("Declined", "card declined: insufficient funds"),
        (("payments", 402), ("orders", 402), ("frontend", 502)),
        ("charge failed", "payment refused with 402", "checkout failed"),
        (),
    ),
    "soldout": Truth(
        "inventory",
        ("sku out of stock",),
        (("inventory", 409), ("payments", 409), ("orders", 409), ("frontend", 502)),
        ("reservation failed", "inventory said 409", "payment refused with 409", "checkout failed"),
        ("payments payments.charge",),
    ),
    "slow": Truth(
        "pricing",
        ("answered after 100", "orders gave up after ", "(ReadTimeout)"),
        (("pricing", 200), ("orders", 504), ("frontend", 502)),
        ("slow lookup for SLOW-3", "pricing timed out", "checkout failed", "price found for SLOW-3"),
        ("payments POST /pay", "inventory POST /inventory/A1"),
    ),
    "boom": Truth(
        "orders",
        ("KeyError", "nope"),
        (("orders", 500), ("frontend", 500)),
        ("boom requested", "about to crash", "unhandled"),
        (),
    ),
}


def _scenarios() -> list[Scenario]:
    found: list[Scenario] = []
    for folder in FOLDERS:
        manifest = json.loads((CAPTURES / folder / "manifest.json").read_text())
        for session_id, session in manifest["sessions"].items():
            found += [
                Scenario(folder, session_id, trace["trace_id"], trace["scenario"])
                for trace in session["traces"]
                if trace["scenario"] in TRUTHS
            ]
        for session_id, session in manifest.get("browser_sessions", {}).items():
            declined = list(session["traces"])[-1]
            found.append(Scenario(folder, session_id, declined, "declined"))
    return found


SCENARIOS = _scenarios()


def _tokens(text: str) -> float:
    return len(text) / CHARACTERS_PER_TOKEN


def _holds_cause(line: str, truth: Truth) -> bool:
    return truth.service in line and all(words in line for words in truth.reason)


def test_every_scenario_was_recorded_in_several_folders() -> None:
    counts = {name: len({item.folder for item in SCENARIOS if item.name == name}) for name in TRUTHS}
    assert counts == {"declined": 5, "soldout": 4, "slow": 3, "boom": 3}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda item: f"{item.folder}-{item.name}-{item.session_id[:10]}")
def test_why_did_it_fail_in_this_session(asked: Any, scenario: Scenario) -> None:
    truth = TRUTHS[scenario.name]
    answer, text = asked(scenario.folder, what="request-trace", session_id=scenario.session_id, pick="last_error")
    lines = text.splitlines()

    assert _tokens(text) <= REQUEST_TOKENS_MAX
    assert answer["request"]["request_id"] == scenario.request_id
    assert lines[0].startswith(f"request {scenario.request_id[:6]} ")
    assert "FAILED" in lines[0]
    assert answer["request"]["cause"]["service"] == truth.service
    assert _holds_cause(next(line for line in lines if line.startswith("cause")), truth)
    hops = [(hop["service"], hop["status"]) for hop in answer["spread"]]
    by_browser = [("browser", 502)] if "web-" in scenario.session_id else []
    assert hops == [*truth.spread, *by_browser]
    assert f"spread: {' → '.join(f'{service} {status}' for service, status in hops)}" in lines
    assert tuple(f"{step['service']} {step['operation']}" for step in answer.get("undone", ())) == truth.undone
    assert all(step in text for step in truth.undone)
    assert ("worked" in answer) == (scenario.name != "boom")
    # Every failure and every telling log line, in the order in which they happened.
    assert lines[-1].endswith(f" · see http://127.0.0.1:4319/requests/{scenario.request_id[:13]}")
    at = [text.index(f'"{words}"') for words in truth.logs]
    assert at == sorted(at)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda item: f"{item.folder}-{item.name}-{item.session_id[:10]}")
def test_what_happened_in_this_session(asked: Any, scenario: Scenario) -> None:
    truth = TRUTHS[scenario.name]
    answer, text = asked(scenario.folder, what="session-trace", session_id=scenario.session_id)
    lines = text.splitlines()

    assert _tokens(text) <= SESSION_TOKENS_MAX
    assert answer["session"]["request_count"] == 4
    assert "4 requests, 1 failed" in lines[0]
    assert all(service in text for service in answer["session"]["services"])
    cause = next(line for line in lines if line.startswith("cause"))
    assert cause.startswith(f"cause {scenario.request_id[:6]}: ")
    assert _holds_cause(cause, truth)
    shown = [request_id for request_id in answer["session"]["request_ids"] if request_id[:6] in text]
    assert shown == answer["session"]["request_ids"]
    # The normal checkout was made more than once: one line tells it.
    assert len([line for line in lines if " /api/checkout 200" in line]) == 1
    assert f"of {answer['total']} events shown; left out: " in lines[-1]
    label = re.match(r"([a-z]+-)?", scenario.session_id)
    assert label is not None
    link = f"http://127.0.0.1:4319/sessions/{scenario.session_id[: label.end() + 13]}"
    next_call = f'next: observe(what="request-trace", request_id="{scenario.request_id[:6]}")'
    assert lines[-1].endswith(f"{next_call} · see {link}")


@pytest.mark.parametrize("folder", FOLDERS)
def test_which_sessions_failed_and_what_caused_each(asked: Any, folder: str) -> None:
    expected = {item.session_id: TRUTHS[item.name] for item in SCENARIOS if item.folder == folder}
    answer, text = asked(folder, what="sessions", status="error", since="2026-11-22T15:00:00Z")
    lines = text.splitlines()

    assert [session["session_id"] for session in answer["sessions"]] == sorted(
        expected, key=lambda session_id: _last_activity(answer, session_id), reverse=True
    )
    assert _tokens(text) <= LISTED_SESSION_TOKENS_MAX * len(expected)
    for session in answer["sessions"]:
        truth = expected[session["session_id"]]
        at = next(index for index, line in enumerate(lines) if line.startswith(f" {session['session_id'][:6]}"))
        assert lines[at + 1].startswith("cause: ")
        assert _holds_cause(lines[at + 1], truth)


def _last_activity(answer: dict[str, Any], session_id: str) -> str:
    return next(item["last_activity"] for item in answer["sessions"] if item["session_id"] == session_id)


@pytest.mark.parametrize("folder", [*FOLDERS, "emit", "emit-rust", "telemetrygen"])
def test_every_short_id_in_a_text_is_accepted_by_the_next_call(asked: Any, folder: str) -> None:
    answer, text = asked(folder, what="sessions")
    shorts = [line.split()[0].removesuffix("…") for line in text.splitlines() if line.startswith(" ")]
    for session, short in zip(answer["sessions"], shorts, strict=True):
        found, session_text = asked(folder, what="session-trace", session_id=short)
        assert found["session_id"] == session["session_id"]
        assert session_text.splitlines()[0].startswith(f"session {short}")


@pytest.mark.parametrize("folder", FOLDERS)
def test_text_shows_only_events_of_the_json_answer_and_counts_them_all(asked: Any, folder: str) -> None:
    sessions, _ = asked(folder, what="sessions")
    for session in sessions["sessions"]:
        answer, text = asked(folder, what="session-trace", session_id=session["session_id"], budget=8000)
        last = text.splitlines()[-1]
        shown = int(last.split(" of ")[0])
        left_out = last.partition("left out: ")[2].partition(" ·")[0].partition(" (")[0]
        counts = [int(part.split()[0]) for part in left_out.split(", ") if part]
        assert shown + sum(counts) == answer["total"]
