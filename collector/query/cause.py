"""Why a request failed, and how the failure spread.

The walk starts at the entry and follows, hop by hop, the call that made the hop fail, as far as telemetry
goes. A call that got no answer because it stopped waiting leads to the hop that answered too late, though
that hop's own spans say that all went well.
"""

from collections.abc import Iterable, Sequence

from collector.query.calltree import CallTree, call_tree, end_of, enters, is_call, span_id_of, start_of
from collector.query.event import Cause, Event, Spread
from collector.query.late import HOPS_MAX, hop_waited_for
from collector.query.operation import SERVER_ERROR_MIN, grpc_failure_of, is_failing, operation_of, status_of
from collector.query.reason import QUOTED_CHARACTERS_MAX, exceptions_in, log_words, reason_of, short_type
from collector.query.values import one_line


def cause_of(events: Sequence[Event], entry_span_id: str | None) -> Cause | None:
    """Find why a failed request failed; None if nothing in it failed.

    `events` are all events of the request in timeline order; `entry_span_id` is its entry span, None where it
    has none. The hop is named by its entry (its SERVER span) unless the failure is a call that nobody answered
    for; then the call names it.
    """
    tree = call_tree(events)
    step = tree.spans.get(entry_span_id or "") or _last_failing_root(tree)
    if step is None:
        return _cause_in_logs(events)
    if not is_failing(step):
        return None
    for _ in range(HOPS_MAX):
        if not is_call(step):
            inner = _failing_step(tree, step)
            if inner is None:
                return _cause_in_hop(tree, step)
            step = inner
            continue
        late = hop_waited_for(tree, step)
        if late is not None:
            return _cause_too_late(tree, step, late)
        callees = [callee for callee in tree.callees(step) if is_failing(callee)]
        if not callees:
            return _cause_in_call(tree, step)
        step = callees[-1]
    return _cause_in_call(tree, step) if is_call(step) else _cause_in_hop(tree, step)


def spread_of(events: Sequence[Event], cause: Cause) -> list[Spread]:
    """List the hops from the cause outwards to the entry, each with the status that it answered."""
    tree = call_tree(events)
    span = tree.spans.get(cause.get("span_id", ""))
    hops: list[Spread] = []
    seen: set[str] = set()
    while span is not None and span_id_of(span) not in seen and len(hops) < HOPS_MAX:
        seen.add(span_id_of(span))
        caller = tree.caller_of(span)
        if caller is None or enters(span, caller):
            hops.append(_spread_at(tree, span, caller))
        span = caller
    return hops


def _spread_at(tree: CallTree, hop: Event, caller: Event | None) -> Spread:
    found = Spread(service=hop["service"], operation=operation_of(hop))
    status = status_of(hop)
    if status is None and caller is not None and is_call(caller):
        status = status_of(caller)
    if status is not None:
        found["status"] = status
    return found


def _failing_step(tree: CallTree, hop: Event) -> Event | None:
    """The call, or hop entered without one, that made `hop` fail; None if it failed by itself."""
    own = list(tree.own_spans(hop))
    steps = [span for span in own if span is not hop and is_call(span)]
    steps += [child for span in own if not is_call(span) for child in tree.children_of(span) if enters(child, span)]
    steps.sort(key=start_of)
    failing = [step for step in steps if is_failing(step) and not _recovered(step, steps)]
    if not failing:
        return None
    hop_status = status_of(hop)

    def blame(step: Event) -> tuple[bool, bool, int]:
        passed_on = hop_status is not None and hop_status < SERVER_ERROR_MIN and status_of(step) == hop_status
        return (not _was_cancelled(tree, step), passed_on, end_of(step))

    chosen = max(failing, key=blame)
    return None if _failed_later_by_itself(tree, own, chosen) else chosen


def _recovered(step: Event, steps: Iterable[Event]) -> bool:
    """A later try of the same call went well."""
    operation, ended = operation_of(step, with_host=True), end_of(step)
    return any(
        start_of(other) >= ended and not is_failing(other) and operation_of(other, with_host=True) == operation
        for other in steps
        if other is not step
    )


def _was_cancelled(tree: CallTree, step: Event) -> bool:
    return "cancel" in short_type(tree, step).lower() or grpc_failure_of(step) in ("1", "CANCELLED")


def _failed_later_by_itself(tree: CallTree, own: Iterable[Event], step: Event) -> bool:
    """The hop went on after the failed step, and what it began then raised an exception of its own."""
    return any(not is_call(span) and start_of(span) >= end_of(step) and bool(exceptions_in(tree, span)) for span in own)


def _cause_too_late(tree: CallTree, call: Event, late: Event) -> Cause:
    kind = short_type(tree, call)
    reason = f"answered after {_milliseconds(late)} ms; {call['service']} gave up after {_milliseconds(call)} ms"
    return Cause(
        service=late["service"],
        span_id=span_id_of(late),
        operation=operation_of(late),
        reason=f"{reason} ({kind})" if kind else reason,
    )


def _cause_in_call(tree: CallTree, call: Event) -> Cause:
    return Cause(
        service=call["service"],
        span_id=span_id_of(call),
        operation=operation_of(call, with_host=True),
        reason=reason_of(tree, call),
    )


def _cause_in_hop(tree: CallTree, hop: Event) -> Cause:
    own = [span for span in tree.own_spans(hop) if not is_call(span)]
    return Cause(
        service=hop["service"],
        span_id=span_id_of(hop),
        operation=operation_of(hop),
        reason=reason_of(tree, _failing_span(tree, own), own),
    )


def _failing_span(tree: CallTree, own: Sequence[Event]) -> Event:
    """The span in which a hop failed by itself: the last subtree that raised, and in it the innermost that did.

    `own[0]` is the hop. A span that failed without a word of why is never it, unless it is the hop.
    """
    told = {
        span_id_of(span) for span in own if exceptions_in(tree, span) or (span["error"] and span.get("status_message"))
    }
    raised_below = set(told)
    for span in reversed(own):
        if span_id_of(span) in raised_below and span is not own[0]:
            raised_below.add(span.get("parent_span_id", ""))
    found = span = own[0]
    seen = {span_id_of(span)}
    while True:
        inner = [
            child
            for child in tree.children_of(span)
            if span_id_of(child) in raised_below and span_id_of(child) not in seen and not is_call(child)
        ]
        if not inner:
            return found
        span = max(inner, key=start_of)
        seen.add(span_id_of(span))
        if span_id_of(span) in told:
            found = span


def _last_failing_root(tree: CallTree) -> Event | None:
    """Where the walk starts in a request without entry: the root that failed last, else the last failing span."""
    failing = [root for root in tree.roots if is_failing(root)] or [
        span for span in tree.spans.values() if is_failing(span)
    ]
    return max(failing, key=end_of, default=None)


def _cause_in_logs(events: Iterable[Event]) -> Cause | None:
    """The first ERROR log, or exception, of a request none of whose spans failed; one that says why comes first."""
    errors = [event for event in events if event["error"]]
    if not errors:
        return None
    event = next(filter(log_words, errors), errors[0])
    reason = log_words(event) or one_line(event.get("name", ""), QUOTED_CHARACTERS_MAX)
    cause = Cause(service=event["service"], reason=reason or "logged an error and said no more")
    if event.get("span_id"):
        cause["span_id"] = span_id_of(event)
    return cause


def _milliseconds(span: Event) -> int:
    return round(span.get("duration_ms", 0))
