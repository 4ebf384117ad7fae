"""From the records of one trace and commit to their rows."""

from collections.abc import Iterable, Iterator, Sequence

from collector.correlation.join import TraceKey
from collector.correlation.record import EventType, Record, Severity
from collector.store.api import Row, RowKey


def with_times(records: Sequence[Record], commit_unix_nano: int) -> Sequence[Record]:
    """Give the records that came without any time the time of their commit."""
    if all(record.time_unix_nano for record in records):
        return records
    return [record if record.time_unix_nano else record.timed(commit_unix_nano) for record in records]


def rows_of(trace_key: TraceKey, commit: int, records: Iterable[Record]) -> Iterator[Row]:
    """Yield the rows of the records that `commit` added to one trace: each span, then its events."""
    for position, record in enumerate(records):
        row = Row(
            key=RowKey(trace_key, commit, position),
            event_index=-1,
            type=record.type,
            signal="span" if record.is_span else "log",
            kind=record.kind,
            trace_id=record.trace_id,
            span_id=record.span_id,
            parent_span_id=record.parent_span_id,
            time_unix_nano=record.time_unix_nano,
            end_time_unix_nano=record.end_time_unix_nano,
            error=record.error,
            severity=record.severity,
            session_id=record.session_id,
            evidence=record.evidence,
            service=record.context.service,
            host=record.context.host,
            content_hash=record.content_hash,
        )
        yield row
        for event_index, event in enumerate(record.span_events):
            yield span_event_row(row, event_index, event.time_unix_nano, event.error)


def span_event_row(span: Row, event_index: int, time_unix_nano: int, error: bool) -> Row:
    """Return the row of a span's n-th event; all that it does not say itself is its span's."""
    return span._replace(
        event_index=event_index,
        type=EventType.EVENT,
        signal="span_event",
        kind=0,
        parent_span_id=span.span_id,
        time_unix_nano=time_unix_nano,
        end_time_unix_nano=time_unix_nano,
        error=error,
        severity=Severity.NONE,
    )
