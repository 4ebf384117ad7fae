"""The next call, written so that it can be made as it stands."""

import json

from collector.query.params import ObserveParams

_NOT_REPEATED = frozenset({"what", "format", "wait_for", "cursor", "expand"})
_PICKED_FROM = ("pick", "session_id", "service", "url", "since", "until")


def call(what: str, **arguments: object) -> str:
    """Return `observe(what="logs", severity="WARN")`; arguments that are None are left out."""
    given = [f"{name}={_literal(value)}" for name, value in arguments.items() if value is not None]
    return f"observe({', '.join([f'what={_literal(what)}', *given])})"


def same_call(params: ObserveParams, **changes: object) -> str:
    """Return the call that was made, with some arguments changed or added.

    An id among the changes takes the place of `pick` and what it picked from. A cursor belongs to the arguments
    that it came with, so nothing else may change then.
    """
    given: dict[str, object] = {
        name: getattr(params, name)
        for name in ObserveParams.model_fields
        if name in params.model_fields_set and name not in _NOT_REPEATED
    }
    if "request_id" in changes:
        given = {name: value for name, value in given.items() if name not in _PICKED_FROM}
    elif "session_id" in changes:
        given.pop("pick", None)
    return call(params.what, **{**given, **changes})


def _literal(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
