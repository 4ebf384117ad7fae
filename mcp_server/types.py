"""The three results that `observe` has on the wire: text, JSON, or an error that the model can act on.

https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
"""

import json
from collections.abc import Mapping
from typing import Any

from mcp.types import CallToolResult, TextContent

from mcp_server.render.escape import escape_unseen

ERROR_LENGTH_MAX = 4_000


def text_result(text: str) -> CallToolResult:
    """Return the answer as text alone: several clients show the model structured content instead of text."""
    return CallToolResult(content=[TextContent(type="text", text=text)])


def json_result(answer: Mapping[str, Any]) -> CallToolResult:
    """Return the answer as structured content, and the same object as JSON text for clients that read only that."""
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=dict(answer))


def error_result(message: str) -> CallToolResult:
    """Return why the question was not answered, on one line; cut, since clients cut errors without saying so."""
    message = escape_unseen(message)
    if len(message) > ERROR_LENGTH_MAX:
        message = message[: ERROR_LENGTH_MAX - 1] + "…"
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)
