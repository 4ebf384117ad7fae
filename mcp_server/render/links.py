"""Where a person sees what an answer tells: addresses of the timeline page.

An address is kept and sent to others, so its ids are longer than those in the text: they mean the same for good, also
in a store of millions, and where ids begin with the second that they were made in.

`page_url` is the address of the page (`http://127.0.0.1:4319`), "" where none is served; then there is no link.
"""

import re
from urllib.parse import quote, urlencode

from collector.query.params import ObserveParams
from mcp_server.render.ids import id_for_good

# Browsers take these for steps, however they are encoded; behind a ~ the page takes them for names.
_STEPS = re.compile(r"~*\.\.?")
_LIST_FILTERS = ("service", "status", "url", "query", "since", "until")


def session_link(page_url: str, session_id: str) -> str:
    """Return the address of a session."""
    return page_url and f"{page_url}/sessions/{_segment(session_id)}"


def request_link(page_url: str, request_id: str, event_id: str = "") -> str:
    """Return the address of a request, with one of its events selected."""
    selected = f"?event={quote(event_id, safe=':')}" if event_id else ""
    return page_url and f"{page_url}/requests/{_segment(request_id)}{selected}"


def list_link(page_url: str, params: ObserveParams) -> str:
    """Return the address of the list of sessions or requests that is asked for, filters included."""
    filters = [(name, str(getattr(params, name))) for name in _LIST_FILTERS if getattr(params, name) is not None]
    if params.without_session:
        filters.append(("without_session", "true"))
    query = f"?{urlencode(filters)}" if filters else ""
    return page_url and f"{page_url}/{'requests' if params.what == 'requests' else 'sessions'}{query}"


def _segment(whole: str) -> str:
    text = id_for_good(whole)
    return f"~{text}" if _STEPS.fullmatch(text) else quote(text, safe="")
