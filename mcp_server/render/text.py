"""The text of an answer, for an agent and for a person: a pure function of the JSON answer.

What we say begins in the first column; recorded data stands on lines that begin with a blank, or cleaned and
cut within ours. The last line is always ours: what is shown of how much, and the next call.
"""

from collections.abc import Mapping
from typing import Any

from collector.query.params import ObserveParams
from mcp_server.render.beyond import NOTHING_BEYOND, Beyond
from mcp_server.render.empty import unknown_text
from mcp_server.render.expanded import expanded_text
from mcp_server.render.lists import logs_text, requests_text, sessions_text
from mcp_server.render.request_trace import request_trace_text
from mcp_server.render.session_trace import session_trace_text
from mcp_server.render.status import status_text


def render(answer: Mapping[str, Any], params: ObserveParams, beyond: Beyond = NOTHING_BEYOND) -> str:
    """Return the text of an answer to `params`, at most the budget, and whatever happens at most 8,000 tokens."""
    match params.what:
        case "sessions":
            return sessions_text(answer, params, beyond)
        case "requests":
            return requests_text(answer, params, beyond)
        case "logs":
            return logs_text(answer, params, beyond)
        case "status":
            return status_text(answer, beyond)
        case "session-trace" if "session" not in answer:
            return unknown_text(answer, params)
        case "session-trace":
            return session_trace_text(answer, params, beyond)
        case "request-trace" if "request" not in answer:
            return unknown_text(answer, params)
        case "request-trace" if params.expand:
            return expanded_text(answer, params, beyond)
        case "request-trace":
            return request_trace_text(answer, params, beyond)
