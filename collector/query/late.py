"""Answers that came too late: the caller had stopped waiting, while the callee went on as if nothing had happened."""

from collector.query.calltree import CallTree, end_of, is_call, start_of
from collector.query.event import Event
from collector.query.operation import grpc_failure_of, status_of
from collector.query.reason import exceptions_in

HOPS_MAX = 64
# gRPC codes that a client sets itself when it stops waiting: CANCELLED, DEADLINE_EXCEEDED.
_GRPC_GAVE_UP = frozenset({"1", "4", "CANCELLED", "DEADLINE_EXCEEDED"})
# A late hop is blamed for waiting on a hop further in only if that one took at least this share of the wait.
_SHARE_OF_WAIT_MIN = 0.5


def late_callees(tree: CallTree, call: Event) -> list[Event]:
    """Return the hops that a failed call had no answer from: begun during it, well until it ended, ended after it.

    A call that was answered, whatever the status, waited for nobody.
    """
    grpc_failure = grpc_failure_of(call)
    if not call["error"] or status_of(call) is not None or (grpc_failure and grpc_failure not in _GRPC_GAVE_UP):
        return []
    gave_up_at = end_of(call)
    return [callee for callee in tree.callees(call) if _outlasted(tree, callee, gave_up_at)]


def hop_waited_for(tree: CallTree, call: Event) -> Event | None:
    """Return the innermost late hop that took most of the wait of a call that gave up; None if it did not give up."""
    late = late_callees(tree, call)
    if not late:
        return None
    gave_up_at = end_of(call)
    wait_min = (gave_up_at - start_of(call)) * _SHARE_OF_WAIT_MIN
    found = max(late, key=end_of)
    for _ in range(HOPS_MAX):
        inner = [
            callee
            for span in tree.own_spans(found)
            if is_call(span) and end_of(span) > gave_up_at
            for callee in tree.callees(span)
            if _outlasted(tree, callee, gave_up_at) and gave_up_at - start_of(callee) >= wait_min
        ]
        if not inner:
            break
        found = max(inner, key=end_of)
    return found


def _outlasted(tree: CallTree, callee: Event, gave_up_at: int) -> bool:
    if not start_of(callee) <= gave_up_at < end_of(callee):
        return False
    return all(start_of(exception) >= gave_up_at for exception in exceptions_in(tree, callee))
