"""What a request and a session are, before anything is shown of them: enough to filter, sort and pick.

Contract "Request record" and "Session record".
"""

from collections.abc import Sequence
from typing import NamedTuple

from collector.correlation.join import TraceKey
from collector.pdata.semconv import HttpFacts
from collector.query.merged import Candidate, Mark, Merged, Slot
from collector.query.operation import SERVER_ERROR_MIN
from collector.store.api import Row, RowKey


class Entry(NamedTuple):
    """The entry span of a request, by its own word."""

    key: RowKey
    span_id: bytes
    start_time_unix_nano: int
    end_time_unix_nano: int
    error: bool
    kind: int
    service: str
    name: str
    http: HttpFacts


class RequestFacts(NamedTuple):
    """One request. Times are the entry span's, else the topmost span's, else of the first and the last log.

    `end_time_unix_nano` is 0 while the entry span has not ended.
    """

    trace_key: TraceKey
    session_ids: Sequence[str]
    entry: Entry | None
    start_time_unix_nano: int
    end_time_unix_nano: int
    is_failed: bool
    services: Sequence[str]
    last_commit: int

    @property
    def request_id(self) -> str:
        """The trace id in hex."""
        return self.trace_key.value.hex()

    @property
    def duration_nano(self) -> int:
        """From start to end; 0 while there is no end."""
        return self.end_time_unix_nano - self.start_time_unix_nano if self.end_time_unix_nano else 0


class SessionFacts(NamedTuple):
    """One session; `trace_keys` holds its requests by first time, pseudo traces left out.

    Unless `is_error_checked`, `has_errors` counts copies of spans that others superseded, too.
    """

    session_id: str
    start_time_unix_nano: int
    last_time_unix_nano: int
    trace_keys: Sequence[TraceKey]
    services: Sequence[str]
    event_count: int
    has_errors: bool
    is_error_checked: bool
    page: Mark | None
    server: Mark | None
    first_commit: int
    last_commit: int


def entry_of_parts(whole: Slot) -> Candidate | None:
    """Return the entry span where parts alone are sure of it, else None: then rows decide.

    They are when the earliest `network` span without a parent in its own commit has no parent at all, or when
    no other commit could hold that parent; a span that came twice is left to the rows.
    """
    candidate = whole.candidate
    if candidate is None or candidate.is_copied:
        return None
    is_single_commit = whole.first_commit == whole.last_commit
    return candidate if is_single_commit or not candidate.root.parent_span_id else None


def entry_from_candidate(candidate: Candidate) -> Entry:
    """Return the entry span as its part describes it."""
    root = candidate.root
    return Entry(
        candidate.key,
        root.span_id,
        root.start_time_unix_nano,
        root.end_time_unix_nano,
        root.error,
        root.kind,
        root.service,
        root.name,
        HttpFacts(root.method, root.url, root.status),
    )


def entry_from_row(row: Row, name: str, http: HttpFacts) -> Entry:
    """Return the entry span as its row and its body describe it."""
    return Entry(
        row.key,
        row.span_id,
        row.time_unix_nano,
        row.end_time_unix_nano,
        row.error,
        row.kind,
        row.service,
        name,
        http,
    )


def request_facts(
    trace_key: TraceKey,
    session_ids: Sequence[str],
    whole: Slot,
    entry: Entry | None,
    topmost: Row | None,
    *,
    has_errors: bool,
) -> RequestFacts:
    """Sum up one request; `topmost` and `has_errors` (of any event) count where there is no entry span."""
    start, end = whole.start_time_unix_nano, whole.last_time_unix_nano
    if entry is not None:
        start, end = entry.start_time_unix_nano, entry.end_time_unix_nano
    elif topmost is not None:
        start, end = topmost.time_unix_nano, topmost.end_time_unix_nano
    is_failed = has_errors if entry is None else is_failed_entry(entry)
    return RequestFacts(trace_key, session_ids, entry, start, end, is_failed, sorted(whole.services), whole.last_commit)


def is_failed_entry(entry: Entry) -> bool:
    """Tell whether a request with this entry span failed."""
    return entry.error or (entry.http.status or 0) >= SERVER_ERROR_MIN


def session_facts(merged: Merged, session_id: str) -> SessionFacts:
    """Sum up one session, which must be in `merged`."""
    whole = Slot()
    first_commit = 0
    starts: list[tuple[int, TraceKey]] = []
    for trace_key in merged.sessions[session_id]:
        slots = list(merged.slots_of(trace_key, session_id))
        for slot in slots:
            whole.merge(slot)
        own = merged.traces[trace_key][session_id].first_commit
        first_commit = min(first_commit, own) if first_commit else own
        if trace_key.is_trace:
            starts.append((min(slot.start_time_unix_nano for slot in slots), trace_key))
    starts.sort()
    return SessionFacts(
        session_id,
        whole.start_time_unix_nano,
        whole.last_time_unix_nano,
        [trace_key for _, trace_key in starts],
        sorted(whole.services),
        whole.events,
        whole.errors > 0,
        whole.errors == 0,
        whole.page,
        whole.server,
        first_commit,
        whole.last_commit,
    )
