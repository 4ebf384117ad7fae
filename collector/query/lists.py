"""The lists: which sessions and requests match, newest first. Contract "Calls"."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from collector.correlation.join import TraceKey
from collector.query.catalog import Catalog
from collector.query.details import first_url_in
from collector.query.error_check import errors_checked
from collector.query.facts import RequestFacts, SessionFacts
from collector.query.merged import Merged
from collector.query.params import ObserveParams
from collector.query.selection import Window
from collector.query.snapshot import Snapshot
from collector.query.times import NANOS_PER_MILLISECOND

# (minus the time that the list is sorted by, id): newest first, ties by id.
ListKey: TypeAlias = tuple[int, str]


def sessions_matching(
    catalog: Catalog, snapshot: Snapshot, params: ObserveParams, window: Window
) -> list[tuple[ListKey, SessionFacts]]:
    """Return the sessions that match, by last activity."""
    found: list[SessionFacts] = []
    words = params.query.casefold() if params.query else None
    for facts in catalog.sessions(snapshot):
        if params.status == "error" and not facts.has_errors:
            continue
        if params.service is not None and params.service not in facts.services:
            continue
        if not window.overlaps(facts.start_time_unix_nano, facts.last_time_unix_nano):
            continue
        if (params.url or words) and not _session_mentions(catalog, snapshot, facts, params.url, words):
            continue
        found.append(facts)
    if params.status == "error":
        found = [facts for facts in errors_checked(catalog, snapshot, found) if facts.has_errors]
    keyed = [((-facts.last_time_unix_nano, facts.session_id), facts) for facts in found]
    keyed.sort(key=lambda item: item[0])
    return keyed


def newest_with_errors(
    catalog: Catalog, snapshot: Snapshot, found: Sequence[tuple[ListKey, SessionFacts]]
) -> SessionFacts | None:
    """Return the first of these sessions that has errors; None if none has."""
    for _, facts in found:
        if facts.has_errors and errors_checked(catalog, snapshot, [facts])[0].has_errors:
            return facts
    return None


def _session_mentions(
    catalog: Catalog, snapshot: Snapshot, facts: SessionFacts, url: str | None, words: str | None
) -> bool:
    """Tell whether the session's own URL, services and id, or those of its requests, hold what is looked for."""
    first_url = first_url_in(snapshot, facts.page, facts.server)
    has_url = url is None or url in first_url
    has_words = words is None or _any_holds(words, (first_url, facts.session_id, *facts.services))
    for trace_key in facts.trace_keys:
        if has_url and has_words:
            break
        merged = catalog.merged_at(trace_key, snapshot)
        if merged is None or _is_over(snapshot):
            continue
        request = catalog.request(trace_key, merged, snapshot)
        has_url = has_url or url is None or url in url_of(request)
        has_words = has_words or words is None or _any_holds(words, _request_words(request))
    return has_url and has_words


def requests_matching(
    catalog: Catalog,
    snapshot: Snapshot,
    params: ObserveParams,
    window: Window,
    session_id: str | None = None,
) -> list[tuple[ListKey, RequestFacts]]:
    """Return the requests that match, by start; with `session_id` only that session's."""
    found = [
        ((-facts.start_time_unix_nano, facts.request_id), facts)
        for facts in _requests(catalog, snapshot, params, window, session_id)
        if request_matches(facts, params, window)
    ]
    found.sort(key=lambda item: item[0])
    return found


def request_matches(facts: RequestFacts, params: ObserveParams, window: Window) -> bool:
    """Tell whether a request passes the filters of a list of requests, or of `pick`."""
    if params.status == "error" and not facts.is_failed:
        return False
    if params.without_session and facts.session_ids:
        return False
    if params.service is not None and params.service not in facts.services:
        return False
    if params.min_duration_ms is not None and facts.duration_nano < params.min_duration_ms * NANOS_PER_MILLISECOND:
        return False
    if params.url is not None and params.url not in url_of(facts):
        return False
    if params.query and not _any_holds(params.query.casefold(), _request_words(facts)):
        return False
    return window.holds(facts.start_time_unix_nano)


def picked_request(found: Sequence[tuple[ListKey, RequestFacts]], pick: str) -> RequestFacts | None:
    """Choose a request: the newest, the newest that failed, or the one that took longest."""
    requests = [facts for _, facts in found]
    if pick == "last_error":
        requests = [facts for facts in requests if facts.is_failed]
    if pick == "slowest":
        return max(requests, key=lambda facts: facts.duration_nano, default=None)
    return requests[0] if requests else None


def url_of(facts: RequestFacts) -> str:
    """Return the URL of a request; "" if it has none."""
    return (facts.entry.http.url or "") if facts.entry else ""


def _requests(
    catalog: Catalog, snapshot: Snapshot, params: ObserveParams, window: Window, session_id: str | None
) -> Iterator[RequestFacts]:
    if session_id is not None:
        merged = snapshot.merged_session(session_id)
        for trace_key in merged.sessions.get(session_id, ()):
            if trace_key.is_trace and not _is_over(snapshot):
                yield snapshot.request(merged, trace_key)
        return
    for trace_key in catalog.trace_keys():
        if not trace_key.is_trace or _is_over(snapshot):
            continue
        merged = catalog.merged_at(trace_key, snapshot)
        if merged is not None and _may_match(merged, trace_key, params, window):
            yield catalog.request(trace_key, merged, snapshot)


def _may_match(merged: Merged, trace_key: TraceKey, params: ObserveParams, window: Window) -> bool:
    """Tell from the parts alone whether a closer look is worth it."""
    slots = list(merged.slots_of(trace_key))
    if params.without_session and merged.session_ids_of(trace_key):
        return False
    if params.service is not None and not any(params.service in slot.services for slot in slots):
        return False
    return any(window.overlaps(slot.start_time_unix_nano, slot.last_time_unix_nano) for slot in slots) or len(slots) > 1


def _is_over(snapshot: Snapshot) -> bool:
    if snapshot.limit.is_over:
        snapshot.note(
            "partial: the time for one question was over; not all requests were looked at. Ask again for more"
        )
        return True
    return False


def _request_words(facts: RequestFacts) -> tuple[str, ...]:
    entry = facts.entry
    method, name = (entry.http.method or "", entry.name) if entry else ("", "")
    return (url_of(facts), method, name, facts.request_id, *facts.services)


def _any_holds(words: str, texts: Iterable[str]) -> bool:
    return any(words in text.casefold() for text in texts)
