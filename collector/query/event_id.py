"""Event ids: unique in the store, the same in every call, whatever order the records came in. Contract "Event"."""

import hashlib
from collections.abc import Iterable

from collector.store.api import Row


def log_counts(rows: Iterable[Row]) -> dict[tuple[int, int], int]:
    """Number the equal log records of one trace, in commit order.

    Returns {(commit, position): n} for those with n > 0 only: a record that is not in it is the first of its kind.
    """
    seen: dict[bytes, int] = {}
    counts: dict[tuple[int, int], int] = {}
    for row in rows:
        if row.content_hash:
            n = seen.get(row.content_hash, 0)
            seen[row.content_hash] = n + 1
            if n:
                counts[(row.key.commit, row.key.position)] = n
    return counts


def log_id(content_hash: bytes, n: int) -> str:
    """Return the id of the n-th log record (from 0) that has this hash of resource, scope and record."""
    if not n:
        return f"log:{content_hash.hex()}"
    return f"log:{hashlib.blake2b(content_hash + n.to_bytes(8), digest_size=8).hexdigest()}"


def event_id(row: Row, n: int = 0) -> str:
    """Return the id of an event; `n` counts equal log records."""
    if row.content_hash:
        return log_id(row.content_hash, n)
    if row.event_index >= 0:
        return f"{row.trace_id.hex()}:{row.span_id.hex()}:{row.event_index}"
    return f"{row.trace_id.hex()}:{row.span_id.hex()}"
