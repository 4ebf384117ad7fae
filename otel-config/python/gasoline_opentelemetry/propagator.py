"""The propagator `gasoline`: the session comes in by any of three ways, and goes on in tracestate."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace.span import TraceState

from gasoline_opentelemetry.session import TRACESTATE_KEY, fits_tracestate, session_id_of, session_in, with_session

# https://www.w3.org/TR/trace-context/#list: of more, the SDK passes on none; of a longer one, it reads nothing.
TRACESTATE_MEMBERS_MAX = 32
TRACESTATE_CHARACTERS_MAX = 8192

_HEADER = "x-session-id"
_TRACESTATE = "tracestate"


class SessionPropagator(TextMapPropagator):
    """Stands behind `tracecontext` and `baggage` in OTEL_PROPAGATORS, whose work it reads and completes."""

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """Return the context with the session that the request names; as it was if it names none."""
        if context is None:
            context = get_current()
        session_id = _first(getter.get(carrier, _HEADER)) or session_in(context)
        return context if session_id is None else _in_tracestate(with_session(context, session_id), session_id)

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Write tracestate with the session where no parent brought it: the trace began in this service."""
        session_id = session_in(context)
        parent = trace.get_current_span(context).get_span_context()
        if session_id is None or not parent.is_valid:
            return
        named = _naming(parent.trace_state, session_id)
        if named is not parent.trace_state:
            setter.set(carrier, _TRACESTATE, named.to_header())

    @property
    def fields(self) -> set[str]:
        """The headers that `inject` writes."""
        return {_TRACESTATE}


def _first(values: Iterable[str] | None) -> str | None:
    """Return the session of a header that may occur more than once, or hold several values."""
    elements = (session_id_of(element) for value in values or () for element in value.split(","))
    return next((session_id for session_id in elements if session_id is not None), None)


def _in_tracestate(context: Context, session_id: str) -> Context:
    """Return the context with the session in its parent's tracestate, which all spans below inherit."""
    parent = trace.get_current_span(context).get_span_context()
    trace_state = _naming(parent.trace_state, session_id)
    if not parent.is_valid or trace_state is parent.trace_state:
        return context
    named = trace.SpanContext(
        parent.trace_id,
        parent.span_id,
        is_remote=parent.is_remote,
        trace_flags=parent.trace_flags,
        trace_state=trace_state,
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(named), context)


def _naming(trace_state: TraceState, session_id: str) -> TraceState:
    """Return `trace_state` with this session and no other, itself if it is so already.

    One that is full loses its last members, as W3C asks for. An id that does not fit leaves no session in it.
    """
    fitting = session_id if fits_tracestate(session_id) else None
    if trace_state.get(TRACESTATE_KEY) == fitting:
        return trace_state
    others = [(key, value) for key, value in trace_state.items() if key != TRACESTATE_KEY]
    if fitting is None:
        return TraceState(others)
    kept = [(TRACESTATE_KEY, fitting)]
    characters = len(f"{TRACESTATE_KEY}={fitting}")
    for key, value in others[: TRACESTATE_MEMBERS_MAX - 1]:
        characters += len(f",{key}={value}")
        if characters > TRACESTATE_CHARACTERS_MAX:
            break
        kept.append((key, value))
    return TraceState(kept)
