"""One commit: the records of several requests, filed by trace, in one transaction."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from collector.correlation.join import TraceKey, parts_of, trace_key_of
from collector.correlation.record import Record
from collector.store.api import Batch, WriteResult
from collector.store.resent import RESENT_WITHIN_NANO, is_resent
from collector.store.rows import with_times
from collector.store.sqlite.chunk import encode_body, encode_header
from collector.store.sqlite.codec import Compressor
from collector.store.sqlite.numbering import Numbering
from collector.store.sqlite.part_detail import encode_part

FORGET_RECEIVED_COMMITS = 256


@dataclass(slots=True)
class _ServiceShare:
    """What one commit holds of one service."""

    bytes: int = 0
    spans: int = 0
    logs: int = 0


class Committer:
    """Writes groups of batches; belongs to the writer thread and its connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        numbering: Numbering,
        clock_unix_nano: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._numbering = numbering
        self._clock_unix_nano = clock_unix_nano
        row = connection.execute("SELECT n, bytes FROM dictionary ORDER BY n DESC LIMIT 1").fetchone()
        self.compressor = Compressor(*row) if row else Compressor()
        self.last_commit: int = connection.execute(
            "SELECT max(coalesce((SELECT max(c) FROM commits), 0), "
            "coalesce((SELECT value FROM counter WHERE name = 'commit'), 0))"
        ).fetchone()[0]
        self.resent_requests = 0

    def commit(self, batches: Sequence[Batch]) -> list[WriteResult]:
        """Write the batches in one transaction and return what became of each, in order.

        Raises sqlite3.Error; nothing is written then.
        """
        connection = self._connection
        now = self._clock_unix_nano()
        commit = self.last_commit + 1
        connection.execute("BEGIN IMMEDIATE")
        try:
            fresh = [self._receive(batch, now) for batch in batches]
            kept = [batch for batch, is_fresh in zip(batches, fresh, strict=True) if is_fresh]
            if kept:
                connection.execute("INSERT INTO commits (c, time_unix_nano) VALUES (?, ?)", (commit, now))
                self._write_traces(commit, file_by_trace(record for batch in kept for record in batch.records), now)
            self._adopt_dictionary()
            if commit % FORGET_RECEIVED_COMMITS == 0:
                connection.execute("DELETE FROM received WHERE time_unix_nano < ?", (now - RESENT_WITHIN_NANO,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._numbering.forget()
            raise
        if kept:
            self.last_commit = commit
        self.resent_requests += len(batches) - len(kept)
        return [WriteResult(self.last_commit, resent=not is_fresh) for is_fresh in fresh]

    def _receive(self, batch: Batch, now: int) -> bool:
        identity = batch.signal.encode() + batch.body_hash
        row = self._connection.execute("SELECT time_unix_nano FROM received WHERE hash = ?", (identity,)).fetchone()
        if row and is_resent(row[0], now):
            return False
        self._connection.execute(
            "INSERT OR REPLACE INTO received (hash, time_unix_nano) VALUES (?, ?)", (identity, now)
        )
        return True

    def _write_traces(self, commit: int, filed: dict[TraceKey, list[Record]], now: int) -> None:
        traces = self._numbering.trace_numbers(filed)
        sessions = self._numbering.session_numbers(
            {record.session_id for records in filed.values() for record in records}
        )
        compress = self.compressor.compress
        chunks: list[tuple[int, int, int, bytes, bytes]] = []
        details: list[tuple[int, int, int, bytes]] = []
        services: dict[str, _ServiceShare] = {}
        for trace_key, untimed in filed.items():
            records = with_times(untimed, now)
            trace = traces[trace_key]
            for record in records:
                service = record.context.service
                share = services.get(service)
                if share is None:
                    share = services[service] = _ServiceShare()
                share.bytes += len(record.raw)
                if record.content_hash:
                    share.logs += 1
                else:
                    share.spans += 1
            contexts = [self._numbering.context_number(record.context, commit) for record in records]
            header = encode_header(records, contexts, [sessions[record.session_id] for record in records])
            chunks.append((trace, commit, self.compressor.number, header, compress(encode_body(records))))
            details.extend(
                (commit, trace, sessions[part.session_id], encode_part(part))
                for part in parts_of(commit, trace_key, records)
            )
        # In key order, so that the tables grow at their end.
        chunks.sort(key=lambda chunk: chunk[0])
        self._connection.executemany(
            "INSERT INTO chunk (t, c, dictionary, header, body) VALUES (?, ?, ?, ?, ?)", chunks
        )
        details.sort(key=lambda detail: detail[:3])
        self._connection.executemany("INSERT INTO part (c, t, s, detail) VALUES (?, ?, ?, ?)", details)
        self._connection.executemany(
            "INSERT INTO service (service, bytes, spans, logs, last_commit_unix_nano) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (service) DO UPDATE SET bytes = bytes + excluded.bytes, spans = spans + excluded.spans, "
            "logs = logs + excluded.logs, last_commit_unix_nano = excluded.last_commit_unix_nano",
            [(service, share.bytes, share.spans, share.logs, now) for service, share in services.items()],
        )

    def _adopt_dictionary(self) -> None:
        trained = self.compressor.take_trained()
        if trained:
            (number,) = self._connection.execute(
                "INSERT INTO dictionary (bytes) VALUES (?) RETURNING n", (trained,)
            ).fetchone()
            self.compressor.use(number, trained)


def file_by_trace(records: Iterable[Record]) -> dict[TraceKey, list[Record]]:
    """Return the records by where they are filed, in order of arrival."""
    by_trace_id: dict[bytes, list[Record]] = {}
    filed: dict[TraceKey, list[Record]] = {}
    for record in records:
        trace_id = record.trace_id
        if trace_id:
            same = by_trace_id.get(trace_id)
            if same is None:
                by_trace_id[trace_id] = filed[TraceKey("trace", trace_id)] = [record]
            else:
                same.append(record)
        else:
            filed.setdefault(trace_key_of(record), []).append(record)
    return filed
