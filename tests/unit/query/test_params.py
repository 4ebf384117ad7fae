"""Arguments are refused by name, with a valid call; never ignored."""

import math
from typing import Any

import pytest

from collector.errors import QueryError
from collector.query.params import EXAMPLES, LIMIT_MAX, WAIT_FOR_S_MAX, ObserveParams, parse_params
from collector.query.times import time_unix_nano_of


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, "what"),
        ({"what": "session"}, "what"),
        ({"what": "sessions", "sesion_id": "x"}, "sesion_id"),
        ({"what": "sessions", "\udfff": "x"}, r"\udfff"),
        ({"what": "sessions", "session_id": "x"}, "session_id"),
        ({"what": "sessions", "status": "ok"}, "status"),
        ({"what": "sessions", "limit": 0}, "limit"),
        ({"what": "sessions", "limit": LIMIT_MAX + 1}, "limit"),
        ({"what": "sessions", "since": "yesterday"}, "since"),
        ({"what": "sessions", "until": "2026-11-22T10:00:00"}, "until"),
        ({"what": "sessions", "wait_for": WAIT_FOR_S_MAX + 0.1}, "wait_for"),
        ({"what": "sessions", "wait_for": float("nan")}, "wait_for"),
        ({"what": "status", "limit": 5}, "limit"),
        ({"what": "session-trace"}, "session_id"),
        ({"what": "session-trace", "session_id": "x", "pick": "last"}, "pick"),
        ({"what": "session-trace", "pick": "slowest"}, "pick"),
        ({"what": "session-trace", "session_id": "x", "event_types": ["span", "metric"]}, "event_types"),
        ({"what": "session-trace", "session_id": "x", "event_types": []}, "event_types"),
        ({"what": "session-trace", "session_id": "x", "severity": "WARN"}, "severity"),
        ({"what": "session-trace", "session_id": ""}, "session_id"),
        ({"what": "session-trace", "session_id": "x", "expand": "y"}, "expand"),
        ({"what": "request-trace"}, "request_id"),
        ({"what": "request-trace", "session_id": "x"}, "pick"),
        ({"what": "request-trace", "request_id": "x", "pick": "last"}, "pick"),
        ({"what": "request-trace", "request_id": "x", "service": "shop"}, "service"),
        ({"what": "requests", "session_id": "x", "without_session": True}, "without_session"),
        ({"what": "requests", "min_duration_ms": -1}, "min_duration_ms"),
        ({"what": "logs", "severity": "LOUD"}, "severity"),
        ({"what": "logs", "format": "yaml"}, "format"),
        ({"what": "session-trace", "pick": "last", "budget": 8_001}, "budget"),
    ],
)
def test_a_wrong_argument_is_named_with_a_valid_call(arguments: dict[str, Any], names: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse_params(arguments)
    text = str(raised.value)
    assert text.startswith(f"{names}: ")
    assert "A valid call: observe(what=" in text


@pytest.mark.parametrize(
    "arguments",
    [
        {"what": "sessions", "limit": 1, "wait_for": WAIT_FOR_S_MAX, "since": "-15m"},
        {"what": "requests", "limit": LIMIT_MAX, "min_duration_ms": 0, "without_session": True},
        {"what": "session-trace", "pick": "last_error", "event_types": "error"},
        {"what": "request-trace", "pick": "slowest", "session_id": "x", "url": "/", "expand": "abc", "budget": 8_000},
        {"what": "logs", "severity": "warn", "until": "2026-11-22T10:00:42.123456789+01:00"},
        {"what": "status", "format": "json"},
    ],
)
def test_every_call_takes_its_own_arguments(arguments: dict[str, Any]) -> None:
    parse_params(arguments)


def test_the_examples_in_errors_are_valid_calls() -> None:
    for what, example in EXAMPLES.items():
        inner = example.removeprefix("observe(").removesuffix(")")
        arguments = dict(item.split("=", 1) for item in inner.split(", "))
        assert parse_params({name: value.strip('"') for name, value in arguments.items()}).what == what


def test_null_counts_as_not_given_and_text_becomes_what_it_says() -> None:
    params = parse_params(
        {"what": "session-trace", "session_id": " s ", "pick": None, "limit": "7", "event_types": "span,log"}
    )
    assert params == ObserveParams(what="session-trace", session_id="s", limit=7, event_types=("span", "log"))


def test_a_misspelt_argument_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(QueryError, match="did you mean request_id"):
        parse_params({"what": "logs", "requestid": "x"})


@pytest.mark.parametrize(
    ("offset", "is_valid"), [("+23:59", True), ("-23:59", True), ("+24:00", False), ("-00:60", False)]
)
def test_an_offset_is_less_than_a_day(offset: str, is_valid: bool) -> None:
    text = f"2026-11-22T10:00:42{offset}"
    if is_valid:
        assert time_unix_nano_of(text, 0) > 0
    else:
        with pytest.raises(ValueError, match="is no time"):
            time_unix_nano_of(text, 0)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("sessions", "limit"),
        ("session-trace", "budget"),
        ("logs", "wait_for"),
        ("requests", "min_duration_ms"),
    ],
)
@pytest.mark.parametrize("value", [True, False, math.nan, math.inf, -math.inf, "NaN", "Infinity", [1], {}])
def test_a_number_is_no_truth_value_and_has_an_end(what: str, name: str, value: object) -> None:
    pick = {"pick": "last"} if what == "session-trace" else {}
    with pytest.raises(QueryError, match=rf"^{name}: .*\. A valid call: observe\(what=\"{what}\""):
        parse_params({"what": what, name: value, **pick})


@pytest.mark.parametrize("value", [1.5, "1.5", 10**400])
def test_a_count_is_whole(value: object) -> None:
    with pytest.raises(QueryError, match=r"^limit: "):
        parse_params({"what": "sessions", "limit": value})


@pytest.mark.parametrize("value", [5, 5.0, "5"])
def test_a_whole_number_may_be_written_in_any_way(value: object) -> None:
    assert parse_params({"what": "sessions", "limit": value}).limit == 5


@pytest.mark.parametrize("value", [1, 0, "yes", 1.0])
def test_a_truth_value_is_no_number(value: object) -> None:
    with pytest.raises(QueryError, match=r"^without_session: "):
        parse_params({"what": "requests", "without_session": value})
