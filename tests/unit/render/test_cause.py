"""Which hop is blamed, in trees made by hand: one rule of the walk each."""

from collections.abc import Callable
from typing import Any

from collector.query.cause import cause_of, spread_of
from collector.query.event import Cause, Event
from collector.query.undone import undone_of

ENTRY = "e000000000000001"


def _short(cause: Cause | None) -> tuple[str, str, str] | None:
    return (cause["service"], cause.get("operation", ""), cause["reason"]) if cause else None


def test_a_request_in_which_nothing_failed_has_no_cause(span: Any) -> None:
    assert cause_of([span(ENTRY, "web", "GET /", kind="server", status=200)], ENTRY) is None
    assert cause_of([], None) is None


def test_a_failure_that_was_made_good_by_a_later_try_is_not_the_cause(span: Any, exception: Any) -> None:
    entry = span(ENTRY, "web", "GET /", kind="server", status=500, error=True, duration_ms=100)
    attributes = {"http.request.method": "GET", "url.full": "http://stock/items"}
    first = span("c1", "web", "GET", kind="client", parent=ENTRY, error=True, status=503, attributes=attributes)
    again = span("c2", "web", "GET", kind="client", parent=ENTRY, start_ms=20, status=200, attributes=attributes)
    events: list[Event] = [entry, first, again, exception(entry, "KeyError", "sku")]
    assert _short(cause_of(events, ENTRY)) == ("web", "GET /", 'KeyError "sku"')


def test_of_several_failed_calls_the_one_whose_answer_was_passed_on_is_followed(span: Any) -> None:
    entry = span(ENTRY, "web", "POST /buy", kind="server", status=402, error=True, duration_ms=100)
    pay = span("c1", "web", "POST", kind="client", parent=ENTRY, error=True, status=402)
    paid = span("s1", "payments", "POST /pay", kind="server", parent="c1", start_ms=1, status=402)
    audit = span("c2", "web", "POST", kind="client", parent=ENTRY, start_ms=20, error=True, status=503)
    audited = span("s2", "audit", "POST /log", kind="server", parent="c2", start_ms=21, status=503, error=True)
    cause = cause_of([entry, pay, paid, audit, audited], ENTRY)
    assert _short(cause) == ("payments", "POST /pay", "answered 402")


def test_what_was_cancelled_because_another_call_failed_is_not_blamed(span: Any, exception: Any) -> None:
    entry = span(ENTRY, "web", "GET /", kind="server", status=500, error=True, duration_ms=100)
    failed = span("c1", "web", "GET", kind="client", parent=ENTRY, error=True, status=500, duration_ms=20)
    cancelled = span("c2", "web", "GET", kind="client", parent=ENTRY, error=True, duration_ms=21)
    events = [entry, failed, cancelled, exception(cancelled, "asyncio.CancelledError", "")]
    cause = cause_of(events, ENTRY)
    assert cause is not None
    assert cause.get("span_id") == "c1"


def test_a_hop_that_went_on_after_a_failed_call_and_then_raised_is_blamed_itself(span: Any, exception: Any) -> None:
    entry = span(ENTRY, "web", "GET /", kind="server", status=500, error=True, duration_ms=100)
    optional = span("c1", "web", "GET", kind="client", parent=ENTRY, error=True, status=404)
    step = span("i1", "web", "total", parent=ENTRY, start_ms=30, error=True)
    events = [entry, optional, step, exception(step, "ZeroDivisionError", "division by zero")]
    assert _short(cause_of(events, ENTRY)) == ("web", "GET /", 'ZeroDivisionError "division by zero"')


def test_a_call_that_nobody_answered_for_is_named_with_its_host(span: Any) -> None:
    entry = span(ENTRY, "web", "GET /", kind="server", status=502, error=True)
    attributes = {"http.request.method": "POST", "url.full": "https://api.pay.test/v1/charges?key=1"}
    outside = span("c1", "web", "POST", kind="client", parent=ENTRY, error=True, status=503, attributes=attributes)
    cause = cause_of([entry, outside], ENTRY)
    assert _short(cause) == ("web", "POST api.pay.test/v1/charges", "was answered 503")


def test_a_late_hop_is_the_cause_though_its_spans_are_ok(span: Any, exception: Any) -> None:
    entry = span(ENTRY, "web", "GET /", kind="server", status=504, error=True, duration_ms=510)
    call = span("c1", "web", "GET", kind="client", parent=ENTRY, error=True, duration_ms=500)
    orders = span("s1", "orders", "GET /orders", kind="server", parent="c1", start_ms=1, status=200, duration_ms=820)
    inner = span("c2", "orders", "GET", kind="client", parent="s1", start_ms=2, status=200, duration_ms=815)
    stock = span("s2", "stock", "GET /stock", kind="server", parent="c2", start_ms=3, status=200, duration_ms=812)
    events = [entry, call, orders, inner, stock, exception(call, "httpx.ReadTimeout", "")]
    cause = cause_of(events, ENTRY)
    assert _short(cause) == (
        "stock",
        "GET /stock",
        "answered after 812 ms; web gave up after 500 ms (ReadTimeout)",
    )
    assert cause is not None
    assert [hop["service"] for hop in spread_of(events, cause)] == ["stock", "orders", "web"]


def test_a_call_that_was_answered_did_not_give_up(span: Any) -> None:
    entry = span(ENTRY, "web", "GET /", kind="server", status=500, error=True, duration_ms=60)
    call = span("c1", "web", "GET", kind="client", parent=ENTRY, error=True, status=500, duration_ms=50)
    fields = {"kind": "server", "parent": "c1", "start_ms": 30, "status": 500, "error": True}
    seems_late = span("s1", "orders", "GET /o", duration_ms=40, **fields)
    cause = cause_of([entry, call, seems_late], ENTRY)
    assert _short(cause) == ("orders", "GET /o", "answered 500")


def test_a_failing_hop_whose_callers_sent_nothing_is_found_through_the_call_it_lies_in(
    span: Any, exception: Any
) -> None:
    entry = span(ENTRY, "web", "GET /", kind="server", status=502, error=True, duration_ms=50)
    call = span("c1", "web", "GET", kind="client", parent=ENTRY, error=True, status=500, duration_ms=40)
    orphan = span("s1", "payments", "POST /pay", kind="server", parent="0ff", start_ms=10, status=500, error=True)
    events = [entry, call, orphan, exception(orphan, "CardError", "expired")]
    cause = cause_of(events, ENTRY)
    assert _short(cause) == ("payments", "POST /pay", 'CardError "expired"')
    assert cause is not None
    assert [hop["service"] for hop in spread_of(events, cause)] == ["payments", "web"]


def test_without_spans_the_first_error_log_is_the_cause() -> None:
    log = Event(
        id="log:1",
        type="log",
        signal="log",
        time_unix_nano="1",
        service="cron",
        body='cannot "open"\nfile',
        request_id="a" * 32,
        severity="ERROR",
        error=True,
        attributes={},
    )
    assert cause_of([log], None) == {"service": "cron", "reason": "\"cannot 'open' file\""}


def test_a_loop_of_parents_and_a_very_deep_tree_end(span: Any) -> None:
    loop = [
        span("a", "web", "a", kind="server", parent="b", error=True),
        span("b", "web", "b", kind="client", parent="a", error=True),
    ]
    assert cause_of(loop, "a") is not None
    deep: list[Event] = [span("s0", "web", "GET /", kind="server", status=500, error=True)]
    deep += [span(f"s{n}", "web", f"step {n}", parent=f"s{n - 1}", error=True) for n in range(1, 5_000)]
    cause = cause_of(deep, "s0")
    assert cause is not None
    assert len(spread_of(deep, cause)) == 1


def test_what_was_left_undone_names_the_outermost_steps_once(span: Callable[..., Event]) -> None:
    worked = [
        span(ENTRY, "web", "POST /buy", kind="server"),
        span("c1", "web", "POST", kind="client", parent=ENTRY),
        span("s1", "payments", "POST /pay", kind="server", parent="c1"),
        span("i1", "payments", "charge", parent="s1"),
        span("d1", "web", "INSERT orders", kind="client", parent=ENTRY),
    ]
    assert undone_of(worked[:1], worked) == [
        {"service": "payments", "operation": "POST /pay"},
        {"service": "web", "operation": "INSERT orders"},
    ]
    assert undone_of(worked, worked) == []
