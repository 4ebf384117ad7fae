"""The text of an answer that has nothing to show: why, and where to look instead."""

from collections.abc import Mapping
from typing import Any

from collector.query.params import ObserveParams
from mcp_server.render.call import call
from mcp_server.render.headlines import note_lines


def unknown_text(answer: Mapping[str, Any], params: ObserveParams) -> str:
    """Return the text of a trace answer without a record: an id that is not stored, or a pick that found none."""
    if params.what == "session-trace":
        noun, next_call = "session", call("sessions")
    else:
        noun, next_call = "request", call("requests")
    lines = note_lines(answer) or [f"note: no such {noun} is stored"]
    return "\n".join([*lines, f"0 of 0 events shown · next: {next_call} or {call('status')}"])
