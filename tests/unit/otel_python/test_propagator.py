"""The propagator `gasoline` finds the session of a request and passes it on as tracestate."""

from collections.abc import Callable, Mapping

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider

from gasoline_opentelemetry.propagator import TRACESTATE_CHARACTERS_MAX, SessionPropagator
from gasoline_opentelemetry.session import SESSION_ID_BYTES_MAX, session_in

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
LONGEST = "s" * SESSION_ID_BYTES_MAX


def members(count: int) -> str:
    """Return a tracestate of so many members."""
    return ",".join(f"k{number}={number}" for number in range(count))


def long_members(characters: int) -> str:
    """Return a tracestate of so many characters, in 20 members."""
    widths = [characters // 20 - 1] * 19
    widths.append(characters - sum(widths) - 19)
    return ",".join(f"{f'k{number}':x<200}={'v' * (width - 201)}" for number, width in enumerate(widths))


# With the session before it, as long as one may be.
FULL = long_members(TRACESTATE_CHARACTERS_MAX - len("gasoline=a,"))
Extract = Callable[[Mapping[str, str]], Context]


@pytest.mark.parametrize(
    ("headers", "session_id"),
    [
        ({"x-session-id": "a"}, "a"),
        ({"x-session-id": " a , b"}, "a"),
        ({"x-session-id": ",b"}, "b"),
        ({"x-session-id": LONGEST}, LONGEST),
        ({"x-session-id": f"{LONGEST}s"}, None),
        ({"x-session-id": "  "}, None),
        # A header whose bytes are no UTF-8, as servers decode it.
        ({"x-session-id": b"\xff".decode(errors="surrogateescape")}, None),
        ({"x-session-id": b"\xff".decode(errors="surrogateescape"), "baggage": "session.id=c"}, "c"),
        ({"tracestate": "other=1,gasoline=a", **PARENT}, "a"),
        ({"tracestate": "gasoline=a"}, None),
        ({"baggage": "session.id=a"}, "a"),
        ({"x-session-id": "a", "tracestate": "gasoline=b", "baggage": "session.id=c", **PARENT}, "a"),
        ({"tracestate": "gasoline=b", "baggage": "session.id=c", **PARENT}, "b"),
        ({"x-session-id": f"{LONGEST}s", "baggage": "session.id=c"}, "c"),
        (PARENT, None),
        ({}, None),
    ],
)
def test_a_request_names_its_session(extract: Extract, headers: Mapping[str, str], session_id: str | None) -> None:
    assert session_in(extract(headers)) == session_id


def next_headers(propagator: CompositePropagator, context: Context) -> tuple[str, dict[str, str]]:
    """Start a span for a request and return its trace id and what a call from inside it sends."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("GET /", context)
    carrier: dict[str, str] = {}
    propagator.inject(carrier, trace.set_span_in_context(span, context))
    carrier.pop("traceparent")
    return f"{span.get_span_context().trace_id:032x}", carrier


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"x-session-id": "a", **PARENT}, {"tracestate": "gasoline=a"}),
        ({"x-session-id": "a", "tracestate": "other=1", **PARENT}, {"tracestate": "gasoline=a,other=1"}),
        ({"x-session-id": "a", "tracestate": "x=1,gasoline=b,y=2", **PARENT}, {"tracestate": "gasoline=a,x=1,y=2"}),
        ({"x-session-id": "a", "tracestate": "x=1,gasoline=a", **PARENT}, {"tracestate": "x=1,gasoline=a"}),
        ({"x-session-id": "a", "tracestate": members(32), **PARENT}, {"tracestate": f"gasoline=a,{members(31)}"}),
        ({"x-session-id": "a", "tracestate": members(31), **PARENT}, {"tracestate": f"gasoline=a,{members(31)}"}),
        ({"x-session-id": "a", "tracestate": FULL, **PARENT}, {"tracestate": f"gasoline=a,{FULL}"}),
        (
            {"x-session-id": "a", "tracestate": f"{FULL}v", **PARENT},
            {"tracestate": f"gasoline=a,{FULL.rpartition(',')[0]}"},
        ),
        # One that is longer is not read.
        (
            {"x-session-id": "a", "tracestate": long_members(TRACESTATE_CHARACTERS_MAX + 1), **PARENT},
            {"tracestate": "gasoline=a"},
        ),
        ({"x-session-id": "sitzung-ä", "tracestate": "x=1,gasoline=b", **PARENT}, {"tracestate": "x=1"}),
        ({"baggage": "session.id=a", **PARENT}, {"baggage": "session.id=a", "tracestate": "gasoline=a"}),
        # A tracestate cannot hold these two: the first has a comma (here in baggage, where it is escaped), the second
        # is no ASCII.
        ({"baggage": "session.id=a%2Cb", **PARENT}, {"baggage": "session.id=a%2Cb"}),
        ({"x-session-id": "sitzung-ä", **PARENT}, {}),
        (PARENT, {}),
    ],
)
def test_the_session_goes_on_within_the_trace_that_came(
    extract: Extract, propagator: CompositePropagator, headers: Mapping[str, str], sent: Mapping[str, str]
) -> None:
    assert next_headers(propagator, extract(headers)) == (TRACE_ID, sent)


def test_the_session_goes_on_where_the_trace_begins_here(extract: Extract, propagator: CompositePropagator) -> None:
    trace_id, sent = next_headers(propagator, extract({"x-session-id": "a"}))
    assert (trace_id != TRACE_ID, sent) == (True, {"tracestate": "gasoline=a"})


def test_nothing_is_sent_outside_a_trace(extract: Extract) -> None:
    carrier: dict[str, str] = {}
    SessionPropagator().inject(carrier, extract({"x-session-id": "a"}))
    assert carrier == {}


def test_it_names_the_headers_that_it_writes() -> None:
    assert SessionPropagator().fields == {"tracestate"}
