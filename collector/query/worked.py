"""How the same call went when it worked last: what a failed request is held against."""

from itertools import islice

from collector.correlation.join import Part, TraceKey
from collector.query.event import Worked
from collector.query.facts import Entry, RequestFacts
from collector.query.operation import split_url
from collector.query.snapshot import Snapshot
from collector.query.times import milliseconds

PARTS_LOOKED_AT_MAX = 5_000
COMMITS_PER_READ = 64
CANDIDATES_MAX = 5
_CLIENT_ERROR_STATUS_MIN = 400


def worked_before(snapshot: Snapshot, failed: RequestFacts) -> Worked | None:
    """Find the newest request with the same entry that went well, among the newest PARTS_LOOKED_AT_MAX parts."""
    entry = failed.entry
    if entry is None or entry.http.method is None:
        return None
    looked_at = tried = 0
    upto = snapshot.upto
    while upto > 0 and looked_at < PARTS_LOOKED_AT_MAX and tried < CANDIDATES_MAX and not snapshot.limit.is_over:
        after = max(0, upto - COMMITS_PER_READ)
        parts = list(islice(snapshot.reader.parts(upto, after=after), PARTS_LOOKED_AT_MAX))
        looked_at += len(parts)
        alike = {part.trace_key: start for part in parts if (start := _start_of_same(part, entry)) is not None}
        alike.pop(failed.trace_key, None)
        found: list[RequestFacts] = []
        for trace_key in sorted(alike, key=lambda key: (-alike[key], key))[:CANDIDATES_MAX]:
            tried += 1
            facts = _facts(snapshot, trace_key)
            if facts.entry is not None and not facts.is_failed and _is_same(facts.entry, entry):
                found.append(facts)
        if found:
            newest = max(found, key=lambda facts: facts.start_time_unix_nano)
            return _worked(newest)
        upto = after
    return None


def _start_of_same(part: Part, entry: Entry) -> int | None:
    """Return the start of the part's root that looks like `entry` and went well; None if there is none."""
    if not part.trace_key.is_trace:
        return None
    for root in part.roots:
        if (
            root.service == entry.service
            and root.kind == entry.kind
            and root.method == entry.http.method
            and not root.error
            and (root.status or 0) < _CLIENT_ERROR_STATUS_MIN
            and root.end_time_unix_nano
            and _route(root.name, root.url) == _route(entry.name, entry.http.url)
        ):
            return root.start_time_unix_nano
    return None


def _is_same(one: Entry, other: Entry) -> bool:
    return (
        one.service == other.service
        and one.http.method == other.http.method
        and _route(one.name, one.http.url) == _route(other.name, other.http.url)
    )


def _route(name: str, url: str | None) -> str:
    """Return what tells calls of one method apart: the route in the span's name, else the path."""
    return name if "/" in name else split_url(url or "")[1] or name


def _facts(snapshot: Snapshot, trace_key: TraceKey) -> RequestFacts:
    return snapshot.request(snapshot.merged_traces([trace_key]), trace_key)


def _worked(facts: RequestFacts) -> Worked:
    worked = Worked(request_id=facts.request_id, duration_ms=milliseconds(facts.duration_nano))
    status = facts.entry.http.status if facts.entry else None
    if status is not None:
        worked["status"] = status
    return worked
