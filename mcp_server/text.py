"""The text answer to a question: one page that is large enough, rendered within its budget.

For MCP and the command line alike; it loads nothing of the MCP package.
"""

from collections.abc import Callable
from typing import Any

from collector.query.params import ObserveParams
from collector.query.service import Answer, QueryService
from mcp_server.render.beyond import Beyond
from mcp_server.render.text import render

TRACE_PAGE_SIZE = 10_000


def answer_text(
    query: QueryService,
    params: ObserveParams,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    with_notes: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer,
    page_url: str = "",
) -> str:
    """Answer `params` as text; `with_notes` adds to the answer. Raises QueryError and StoreUnavailableError.

    `page_url` is where the timeline page is served, "" if nowhere.
    """
    return text_of(answer_for_text(query, params, is_cancelled=is_cancelled), params, with_notes, page_url)


def text_of(
    answer: dict[str, Any],
    params: ObserveParams,
    with_notes: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer,
    page_url: str = "",
) -> str:
    """Return the text of what `answer_for_text` returned for `params`."""
    beyond = Beyond(page_url)
    if isinstance(answer, Answer):
        beyond = Beyond(page_url, answer.cursor_after, answer.sessions_meant, answer.requests_meant)
    return render(with_notes(answer), params, beyond)


def answer_for_text(
    query: QueryService, params: ObserveParams, *, is_cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """Return the answer that is rendered.

    The renderer chooses what is worth its budget, so it is given a whole trace, unless a limit was asked
    for. Raises QueryError and StoreUnavailableError.
    """
    is_trace = params.what in ("session-trace", "request-trace")
    page_size = TRACE_PAGE_SIZE if is_trace and "limit" not in params.model_fields_set else None
    return query.observe(params, page_size=page_size, is_cancelled=is_cancelled)
