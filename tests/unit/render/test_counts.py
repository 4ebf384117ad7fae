"""Counts in words, and where an empty answer points."""

from typing import Any

from collector.query.params import parse_params
from mcp_server.render.counts import counted
from mcp_server.render.text import render


def test_one_thing_is_singular_and_any_other_number_plural() -> None:
    assert [counted(count, "log") for count in (0, 1, 2)] == ["0 logs", "1 log", "2 logs"]


def test_an_empty_list_of_logs_names_two_different_places_to_look() -> None:
    answer: dict[str, Any] = {"events": [], "total": 0}
    text = render(answer, parse_params({"what": "logs"}))
    assert text == '0 of 0 logs shown · next: observe(what="requests") or observe(what="status")'
