"""Short ids in text mean one stored id each, whatever else is stored: contract "Calls"."""

import re
from typing import Any

import pytest

from collector.query.params import parse_params
from collector.query.prefixes import requests_meant, sessions_meant
from mcp_server.render import ids
from mcp_server.render.ids import id_for_good, short_ids
from mcp_server.text import answer_text

# Of each pair the first is asked for and the second is only stored, in no answer with it.
TRACES = ["abcdef1" + "a" * 25, "abcdef1b" + "0" * 24]
SESSIONS = ["session-0123456789abcdef0123456789abcdef", "session-0123457"]
_SPAN = {"kind": "server", "attributes": {"http.request.method": "GET", "url.full": "http://shop/pay"}}


@pytest.fixture
def alike(world: Any) -> Any:
    """Two requests and three sessions whose ids begin alike; of one session the id is a beginning of another's."""
    for at, (trace, session) in enumerate(zip(TRACES, SESSIONS, strict=True)):
        world.span(trace, f"entry {at}", at=at, session=session, error=True, message="declined", **_SPAN)
        world.log("refused", trace, f"entry {at}", at=at, severity=17, session=session)
    world.log("elsewhere", at=5, session="session-012345")
    world.commit()
    return world


@pytest.mark.parametrize(
    ("question", "shown", "next_call"),
    [
        ({"what": "requests", "until": "2023-11-14T22:13:20.0005Z"}, "abcdef1a", 'request_id="abcdef1a"'),
        ({"what": "requests", "until": "2023-11-14T22:13:20.0005Z"}, "session-0123456…", ""),
        ({"what": "sessions", "until": "2023-11-14T22:13:20.0005Z"}, "session-0123456…", ""),
        ({"what": "logs", "until": "2023-11-14T22:13:20.0005Z"}, "[abcdef1a]", 'request_id="abcdef1a"'),
        ({"what": "session-trace", "session_id": SESSIONS[0]}, "session-0123456…", 'request_id="abcdef1a"'),
        ({"what": "session-trace", "session_id": SESSIONS[0]}, "[abcdef1a]", ""),
        ({"what": "request-trace", "request_id": TRACES[0]}, "request abcdef1a GET /pay", ""),
        (
            {"what": "request-trace", "request_id": TRACES[0]},
            "session session-0123456…",
            'session_id="session-0123456"',
        ),
    ],
)
def test_ids_in_text_are_told_from_all_that_is_stored(
    alike: Any, question: dict[str, Any], shown: str, next_call: str
) -> None:
    text = answer_text(alike.query, parse_params(question))
    assert (shown in text, next_call in text.splitlines()[-1]) == (True, True), text


def test_each_short_id_leads_to_its_own(alike: Any) -> None:
    for what, field, wholes in (("requests", "request_id", TRACES), ("sessions", "session_id", SESSIONS)):
        text = answer_text(alike.query, parse_params({"what": what, "status": "error"}))
        shown = [match.rstrip("…") for match in re.findall(r"^ (\S+) \d{4}-", text, re.MULTILINE)]
        trace = f"{what.removesuffix('s')}-trace"
        found = [alike.observe(**{"what": trace, field: short}) for short in shown]
        assert [answer.get("session", answer.get("request"))[field] for answer in found] == wholes[::-1]


def test_a_complete_id_is_no_prefix_of_another(alike: Any) -> None:
    reader = alike.store
    assert sessions_meant(reader, "session-012345") == ["session-012345"]
    for text in ("012345", "session-0123"):
        assert sessions_meant(reader, text) == sorted(["session-012345", *SESSIONS])
    assert (requests_meant(reader, "ABCDEF1A…"), requests_meant(reader, "abcde")) == ([TRACES[0]], [])


def test_beyond_so_many_ids_the_store_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "IDS_ASKED_FOR_MAX", 2)
    wholes = [f"{n:02d}" + "a" * 30 for n in range(3)]
    asked: list[str] = []

    def meant(text: str) -> list[str]:
        asked.append(text)
        return [whole for whole in wholes if whole.startswith(text)]

    assert short_ids(wholes, meant) == {wholes[0]: "00aaaa", wholes[1]: "01aaaa", wholes[2]: "02aaaaaaaaaaa"}
    assert asked == ["00aaaa", "01aaaa"]


@pytest.mark.parametrize(
    "whole",
    [
        "1732376971000",
        "20261129-004500",
        "run-1732376971000",
    ],
)
def test_ids_that_begin_like_others_still_to_come_stay_whole(whole: str) -> None:
    assert short_ids([whole], lambda text: [whole]) == {whole: whole}
    assert id_for_good(whole) == whole


@pytest.mark.parametrize("whole", ["0000000000000000a1b2c3d4e5f60718", "6740d5a100000000a1b2c3d4e5f60718"])
def test_an_address_has_all_of_an_id_that_is_half_zeros(whole: str) -> None:
    assert (short_ids([whole], lambda text: [whole]), id_for_good(whole)) == ({whole: whole[:6]}, whole)


def test_an_id_that_is_gone_meanwhile_is_asked_for_once() -> None:
    whole, asked = "4bf92f3577b34da6a3ce929d0e0e4736", list[str]()

    def meant(text: str) -> list[str]:
        asked.append(text)
        return []

    assert (short_ids([whole], meant), asked) == ({whole: whole}, ["4bf92f"])
