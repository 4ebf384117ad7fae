"""What a failed request left undone: the steps that the same call takes when it works."""

from collections.abc import Sequence

from collector.query.calltree import CallTree, call_tree, enters, is_call
from collector.query.event import Event, Undone
from collector.query.operation import operation_of

UNDONE_MAX = 20


def undone_of(failed: Sequence[Event], worked: Sequence[Event]) -> list[Undone]:
    """List the steps of `worked` that `failed` never began, in order; of a missing step, not what lies within it.

    A step is a span, told by service and name. A call whose callee is there too is told by the callee.
    """
    begun = {_step(span) for span in failed if span["signal"] == "span"}
    tree = call_tree(worked)
    missing: dict[tuple[str, str], Undone] = {}
    for span in tree.spans.values():
        if _step(span) in begun or _is_within_missing(tree, span, begun) or (is_call(span) and tree.callees(span)):
            continue
        missing.setdefault(_step(span), Undone(service=span["service"], operation=operation_of(span)))
    return list(missing.values())[:UNDONE_MAX]


def _step(span: Event) -> tuple[str, str]:
    # The name, not the operation: a route stays the same where a path does not.
    return span["service"], span.get("name", "")


def _is_within_missing(tree: CallTree, span: Event, begun: set[tuple[str, str]]) -> bool:
    """Tell whether the hop around a span, or its parent within the hop, was never begun either."""
    parent = tree.parent_of(span)
    if parent is None or enters(span, parent):
        return False
    return _step(parent) not in begun
