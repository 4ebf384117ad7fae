"""What is told of a collector that is not on the default ports."""

import pytest
from inline_snapshot import snapshot

from collector.default_ports import other_ports_note
from mcp_server.render.headlines import NOTE_CHARACTERS_MAX

DEFAULTS = {"grpc": "127.0.0.1:4317", "http": "127.0.0.1:4318", "query": "127.0.0.1:4319"}


@pytest.mark.parametrize(
    "endpoints", [{}, DEFAULTS, {**DEFAULTS, "http": "[::1]:4318"}, {**DEFAULTS, "grpc/second": "127.0.0.1:9"}]
)
def test_where_everybody_looks_there_is_nothing_to_tell(endpoints: dict[str, str]) -> None:
    assert other_ports_note(endpoints) == ""


def test_other_ports_are_named_and_only_those() -> None:
    assert other_ports_note({**DEFAULTS, "grpc": "127.0.0.1:41000"}) == snapshot(
        "the collector does not listen on the default ports but on grpc 127.0.0.1:41000; "
        "set OTEL_EXPORTER_OTLP_ENDPOINT in your services"
    )
    assert other_ports_note({**DEFAULTS, "query": "127.0.0.1:41002"}) == snapshot(
        "the collector does not listen on the default ports but on query 127.0.0.1:41002"
    )


def test_the_longest_fits_on_a_line_of_a_text_answer() -> None:
    note = other_ports_note(dict.fromkeys(DEFAULTS, "127.0.0.1:65535"))
    assert note == snapshot(
        "the collector does not listen on the default ports but on grpc 127.0.0.1:65535, http 127.0.0.1:65535, "
        "query 127.0.0.1:65535; set OTEL_EXPORTER_OTLP_ENDPOINT in your services"
    )
    assert len(note) <= NOTE_CHARACTERS_MAX
