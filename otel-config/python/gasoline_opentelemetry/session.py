"""Where the session of a request is in an OpenTelemetry context, and what counts as a session id."""

from __future__ import annotations

import re

from opentelemetry import baggage, trace
from opentelemetry.context import Context, create_key, get_value, set_value

SESSION_ID = "session.id"
TRACESTATE_KEY = "gasoline"
SESSION_ID_BYTES_MAX = 256
_CONTEXT_KEY = create_key("gasoline-session-id")
# What a tracestate value may hold. https://www.w3.org/TR/trace-context/#value
_TRACESTATE_VALUE = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")


def session_id_of(text: object) -> str | None:
    """Return `text` as a session id, trimmed; None for what is none: no text, nothing in it, over 256 bytes.

    Nor is text that cannot be UTF-8: servers decode other bytes in a header to lone surrogates.
    """
    if not isinstance(text, str):
        return None
    session_id = text.strip()
    try:
        size = len(session_id.encode())
    except UnicodeEncodeError:
        return None
    return session_id if 0 < size <= SESSION_ID_BYTES_MAX else None


def with_session(context: Context, session_id: str) -> Context:
    """Return the context with this session in it."""
    return set_value(_CONTEXT_KEY, session_id, context)


def session_in(context: Context | None) -> str | None:
    """Return the session of a context, of the current one if it is None: as extracted, in tracestate, in baggage."""
    state = trace.get_current_span(context).get_span_context().trace_state
    found = (get_value(_CONTEXT_KEY, context), state.get(TRACESTATE_KEY), baggage.get_baggage(SESSION_ID, context))
    return next((session_id for session_id in map(session_id_of, found) if session_id is not None), None)


def fits_tracestate(session_id: str) -> bool:
    """Tell whether a tracestate header can carry this id."""
    return _TRACESTATE_VALUE.fullmatch(session_id) is not None
