"""The store in plain memory: the contract in its shortest form, for tests and for comparison.

It keeps everything until `clear`; the process ends, it is gone.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from collector.correlation.join import Part, TraceKey, parts_of, trace_key_of
from collector.correlation.record import Record
from collector.store.api import Batch, Body, Position, Row, RowKey, ServiceActivity, StoreStatus, TraceRows, WriteResult
from collector.store.resent import is_resent
from collector.store.rows import rows_of, with_times


class MemoryStore:
    """Writer and Reader in one object; safe to use from several threads."""

    def __init__(self, clock_unix_nano: Callable[[], int] = time.time_ns) -> None:
        self._clock_unix_nano = clock_unix_nano
        self._committed = threading.Condition()
        self._commit_times: list[int] = []
        self._evictions = 0
        self._traces: dict[TraceKey, dict[int, list[Record | None]]] = {}
        self._parts: list[Part] = []
        self._received: dict[tuple[str, bytes], tuple[int, int]] = {}
        self._last_sent: dict[str, int] = {}
        self._resent = 0

    async def write(self, batch: Batch) -> WriteResult:
        """See Writer."""
        with self._committed:
            now = self._clock_unix_nano()
            identity = (batch.signal, batch.body_hash)
            first_seen, _ = self._received.get(identity, (None, 0))
            if is_resent(first_seen, now):
                self._resent += 1
                return WriteResult(len(self._commit_times), resent=True)
            self._commit_times.append(now)
            commit = len(self._commit_times)
            self._received[identity] = (now, commit)
            filed: dict[TraceKey, list[Record]] = {}
            for record in with_times(batch.records, now):
                filed.setdefault(trace_key_of(record), []).append(record)
                self._last_sent[record.context.service] = now
            for trace_key, records in filed.items():
                self._traces.setdefault(trace_key, {})[commit] = list(records)
                self._parts.extend(parts_of(commit, trace_key, records))
            self._committed.notify_all()
            return WriteResult(commit)

    async def clear(self, session_id: str | None = None) -> int:
        """See Writer."""
        with self._committed:
            if session_id is None:
                self._received.clear()
            held_before = self._commits_held()
            known = any(part.session_id == session_id for part in self._parts)
            deleted = sum(self._clear_trace(trace_key, session_id) for trace_key in list(self._traces))
            emptied = held_before - self._commits_held()
            self._received = {key: seen for key, seen in self._received.items() if seen[1] not in emptied}
            self._evictions += session_id is None or known
            self._committed.notify_all()
            return deleted

    def _commits_held(self) -> set[int]:
        return {commit for commits in self._traces.values() for commit, records in commits.items() if any(records)}

    def _clear_trace(self, trace_key: TraceKey, session_id: str | None) -> int:
        commits = self._traces[trace_key]
        owners = {record.session_id for records in commits.values() for record in records if record}
        if session_id is None:
            gone = owners
        elif session_id not in owners:
            return 0
        else:
            gone = {session_id} if owners - {session_id, ""} else {session_id, ""}
        deleted = 0
        for records in commits.values():
            for position, record in enumerate(records):
                if record and record.session_id in gone:
                    records[position] = None
                    deleted += 1
        self._parts = [part for part in self._parts if part.trace_key != trace_key or part.session_id not in gone]
        if owners <= gone:
            del self._traces[trace_key]
        return deleted

    def position(self) -> Position:
        """See Reader."""
        with self._committed:
            return Position(len(self._commit_times), self._evictions)

    def wait_for_commit(self, after: int, timeout_s: float) -> int:
        """See Reader."""
        with self._committed:
            self._committed.wait_for(lambda: len(self._commit_times) > after, timeout_s)
            return len(self._commit_times)

    def commit_time_unix_nano(self, commit: int) -> int:
        """See Reader."""
        with self._committed:
            return self._commit_times[commit - 1] if 0 < commit <= len(self._commit_times) else 0

    def parts(
        self,
        upto: int,
        *,
        after: int = 0,
        session_id: str | None = None,
        trace_keys: Sequence[TraceKey] | None = None,
    ) -> Iterator[Part]:
        """See Reader."""
        wanted = None if trace_keys is None else set(trace_keys)
        with self._committed:
            parts = self._parts
        for part in parts:
            if (
                after < part.commit <= upto
                and (session_id is None or part.session_id == session_id)
                and (wanted is None or part.trace_key in wanted)
            ):
                yield part

    def trace_keys(self, session_id: str, upto: int, limit: int | None = None) -> Sequence[TraceKey]:
        """See Reader."""
        first: dict[TraceKey, int] = {}
        for part in self.parts(upto, session_id=session_id):
            first.setdefault(part.trace_key, part.commit)
        return sorted(first, key=lambda trace_key: (first[trace_key], trace_key))[:limit]

    def has_news(self, session_id: str, after: int, upto: int) -> bool:
        """See Reader."""
        return next(self.parts(upto, after=after, trace_keys=self.trace_keys(session_id, upto)), None) is not None

    def traces(self, trace_keys: Sequence[TraceKey], upto: int, limit: int) -> Mapping[TraceKey, TraceRows]:
        """See Reader."""
        found: dict[TraceKey, TraceRows] = {}
        statuses: dict[TraceKey, dict[RowKey, int | None]] = {}
        for part in self.parts(upto, trace_keys=trace_keys):
            key = part.trace_key
            if key not in found:
                statuses[key] = {}
                found[key] = TraceRows(list(self.rows(key, upto, limit)), statuses[key], {})
            statuses[key].update({RowKey(key, part.commit, root.position): root.status for root in part.roots})
            if part.page:
                found[key].pages[RowKey(key, part.commit, part.page.position)] = part.page.url or ""
        return found

    def rows(self, trace_key: TraceKey, upto: int, limit: int) -> Sequence[Row]:
        """See Reader."""
        with self._committed:
            commits = self._traces.get(trace_key, {})
            return list(islice(_rows(trace_key, commits, upto), limit))

    def bodies(self, keys: Sequence[RowKey]) -> Mapping[RowKey, Body]:
        """See Reader."""
        found: dict[RowKey, Body] = {}
        with self._committed:
            for key in keys:
                records = self._traces.get(key.trace_key, {}).get(key.commit, [])
                record = records[key.position] if key.position < len(records) else None
                if record:
                    found[key] = Body(record.raw, record.context.envelope)
        return found

    def session_ids(self, prefix: str, limit: int) -> Sequence[str]:
        """See Reader."""
        with self._committed:
            ids = {part.session_id for part in self._parts if part.session_id.startswith(prefix)}
        return sorted(ids - {""})[:limit]

    def trace_ids(self, prefix: str, limit: int) -> Sequence[bytes]:
        """See Reader."""
        with self._committed:
            return sorted(key.value for key in self._traces if key.is_trace and key.value.hex().startswith(prefix))[
                :limit
            ]

    def session_loss(self, session_id: str) -> int:
        """See Reader; nothing is ever evicted here."""
        return 0

    def status(self) -> StoreStatus:
        """See Reader."""
        activity: dict[str, ServiceActivity] = {}
        size = 0
        with self._committed:
            for commits in self._traces.values():
                for records in commits.values():
                    for record in filter(None, records):
                        size += len(record.raw)
                        _count(activity, record, self._last_sent[record.context.service])
            counters = {"resent_requests": self._resent}
            commit = len(self._commit_times)
        return StoreStatus([activity[name] for name in sorted(activity)], commit, size, counters)

    async def shutdown(self) -> None:
        """See Writer; the content stays readable."""

    def close(self) -> None:
        """See Reader."""


def _rows(trace_key: TraceKey, commits: Mapping[int, Sequence[Record | None]], upto: int) -> Iterator[Row]:
    for commit, records in commits.items():
        if commit <= upto:
            positions = [position for position, record in enumerate(records) if record]
            for row in rows_of(trace_key, commit, (record for record in records if record)):
                yield row._replace(key=row.key._replace(position=positions[row.key.position]))


def _count(activity: dict[str, ServiceActivity], record: Record, last_sent_unix_nano: int) -> None:
    service = record.context.service
    before = activity.get(service, ServiceActivity(service, last_sent_unix_nano, 0, 0))
    activity[service] = ServiceActivity(
        service, last_sent_unix_nano, before.spans + record.is_span, before.logs + (not record.is_span)
    )
