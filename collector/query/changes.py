"""What has news since a commit: the sessions and requests that somebody who watches them would read again."""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from collector.correlation.join import Part, TraceKey
from collector.store.api import Reader

PARTS_MAX = 10_000


class Changes(NamedTuple):
    """The ids that gained records in the commits up to `commit`.

    Not `complete`: more has changed than is looked through, and anything may have.
    """

    commit: int
    session_ids: frozenset[str]
    request_ids: frozenset[str]
    complete: bool = True


def changes_after(reader: Reader, after: int, timeout_s: float, parts_max: int = PARTS_MAX) -> Changes:
    """Return what the commits after `after` touched; wait up to `timeout_s` for the first of them.

    Without one, `commit` is `after` and nothing has changed. A record that names no session counts for each
    session that claims its trace by now.
    """
    commit = reader.wait_for_commit(after, timeout_s)
    if commit <= after:
        return Changes(after, frozenset(), frozenset())
    parts = _at_most(reader.parts(commit, after=after), parts_max)
    if parts is None:
        return Changes(commit, frozenset(), frozenset(), complete=False)
    unnamed: list[TraceKey] = sorted({part.trace_key for part in parts if not part.session_id})
    claims = _at_most(reader.parts(commit, trace_keys=unnamed), parts_max) if unnamed else []
    if claims is None:
        return Changes(commit, frozenset(), frozenset(), complete=False)
    return Changes(
        commit,
        frozenset(part.session_id for part in (*parts, *claims) if part.session_id),
        frozenset(part.trace_key.value.hex() for part in parts if part.trace_key.is_trace),
    )


def _at_most(parts: Iterable[Part], parts_max: int) -> list[Part] | None:
    taken = list(islice(parts, parts_max + 1))
    return taken if len(taken) <= parts_max else None
