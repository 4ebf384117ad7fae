"""The lists: which sessions and requests match, newest first. Contract "Calls"."""

from collections.abc import Iterable, Sequence

from collector.correlation.join import TraceKey
from collector.query.catalog import Catalog, request_key
from collector.query.details import first_url_in
from collector.query.error_check import errors_checked
from collector.query.facts import RequestFacts, SessionFacts
from collector.query.kept import ListKey
from collector.query.merged import Merged
from collector.query.params import ObserveParams
from collector.query.selection import EVERY_TIME, Window
from collector.query.snapshot import Snapshot
from collector.query.times import NANOS_PER_MILLISECOND

# Between two texts that are searched as one.
_MARK = "\0"


def sessions_matching(
    catalog: Catalog, snapshot: Snapshot, params: ObserveParams, window: Window
) -> Sequence[tuple[ListKey, SessionFacts]]:
    """Return the sessions that match, by last activity."""
    found = catalog.sessions(snapshot, params.service)
    if params.status == "error":
        found = [item for item in found if item[1].has_errors]
    if window != EVERY_TIME:
        found = [item for item in found if window.overlaps(item[1].start_time_unix_nano, item[1].last_time_unix_nano)]
    if params.url or params.query:
        words = _Words(params)
        found = [item for item in found if words.are_in_session(catalog, snapshot, item[1])]
    if params.status == "error":
        checked = errors_checked(catalog, snapshot, [facts for _, facts in found])
        found = [(key, facts) for (key, _), facts in zip(found, checked, strict=True) if facts.has_errors]
    return found


def newest_with_errors(
    catalog: Catalog, snapshot: Snapshot, found: Sequence[tuple[ListKey, SessionFacts]]
) -> SessionFacts | None:
    """Return the first of these sessions that has errors; None if none has."""
    for _, facts in found:
        if facts.has_errors and errors_checked(catalog, snapshot, [facts])[0].has_errors:
            return facts
    return None


class _Words:
    """What a list is searched for: a text within a URL as it is, and one in any case within all that is searched."""

    def __init__(self, params: ObserveParams) -> None:
        self._url = params.url or ""
        self._query = params.query.casefold() if params.query else ""

    def are_in_session(self, catalog: Catalog, snapshot: Snapshot, facts: SessionFacts) -> bool:
        """Tell whether the session's own URL, services and id, or those of its requests, hold what is looked for."""
        text = catalog.words.get(facts.session_id, facts)
        if text is None:
            text, is_whole = _session_text(catalog, snapshot, facts)
            if is_whole and catalog.is_as_of(snapshot):
                catalog.words.keep(facts.session_id, facts, text)
        return self._are_in(*text)

    def are_in_request(self, catalog: Catalog, facts: RequestFacts) -> bool:
        """Tell whether the request's URL, method, entry span name, services or id hold what is looked for."""
        text = catalog.words.get(facts.trace_key, facts)
        if text is None:
            text = _texts([url_of(facts)], _request_words(facts))
            catalog.words.keep(facts.trace_key, facts, text)
        return self._are_in(*text)

    def _are_in(self, urls: str, words: str) -> bool:
        return (not self._url or _holds(urls, self._url)) and (not self._query or _holds(words, self._query))


def _texts(urls: Iterable[str], words: Iterable[str]) -> tuple[str, str]:
    return _MARK.join(urls), _MARK.join(words).casefold()


def _holds(texts: str, words: str) -> bool:
    # A needle with the mark between two texts in it would be found across them.
    return any(words in text for text in texts.split(_MARK)) if _MARK in words else words in texts


def _session_text(catalog: Catalog, snapshot: Snapshot, facts: SessionFacts) -> tuple[tuple[str, str], bool]:
    """Return what a session is searched in, and whether the time sufficed for all of it."""
    first_url = first_url_in(snapshot, facts.page, facts.server)
    urls, words = [first_url], [first_url, facts.session_id, *facts.services]
    is_whole = True
    for trace_key in facts.trace_keys:
        merged = catalog.merged_at(trace_key, snapshot)
        if merged is None:
            continue
        if _is_over(snapshot):
            is_whole = False
            break
        request = catalog.request(trace_key, merged, snapshot)
        urls.append(url_of(request))
        words += _request_words(request)
    return _texts(urls, words), is_whole


def requests_matching(
    catalog: Catalog,
    snapshot: Snapshot,
    params: ObserveParams,
    window: Window,
    session_id: str | None = None,
) -> Sequence[tuple[ListKey, RequestFacts]]:
    """Return the requests that match, by start; with `session_id` only that session's."""
    found = _requests(catalog, snapshot, params, window, session_id)
    if params.status == "error":
        found = [item for item in found if item[1].is_failed]
    if params.without_session:
        found = [item for item in found if not item[1].session_ids]
    if params.service is not None:
        found = [item for item in found if params.service in item[1].services]
    if params.min_duration_ms is not None:
        shortest = params.min_duration_ms * NANOS_PER_MILLISECOND
        found = [item for item in found if item[1].duration_nano >= shortest]
    if window != EVERY_TIME:
        found = [item for item in found if window.holds(item[1].start_time_unix_nano)]
    if params.url or params.query:
        words = _Words(params)
        found = [item for item in found if words.are_in_request(catalog, item[1])]
    return found


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
) -> Sequence[tuple[ListKey, RequestFacts]]:
    """Return all requests, or those of one session, by start; of all, some that the filters leave out are missing."""
    if session_id is None:
        return catalog.requests(
            snapshot,
            lambda merged, trace_key: _may_match(merged, trace_key, params, window),
            lambda: _is_over(snapshot),
        )
    merged = snapshot.merged_session(session_id)
    found: list[tuple[ListKey, RequestFacts]] = []
    for trace_key in merged.sessions.get(session_id, ()):
        if trace_key.is_trace and not _is_over(snapshot):
            facts = snapshot.request(merged, trace_key)
            found.append((request_key(facts), facts))
    found.sort(key=lambda item: item[0])
    return found


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
