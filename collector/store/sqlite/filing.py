"""The records of one commit by where they are filed."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from collector.correlation.join import TraceKey, trace_key_of
from collector.correlation.record import Context, Record
from collector.store.rows import with_times

_context_of = attrgetter("context")


class Filed(NamedTuple):
    """Records by trace, in order of arrival; the sessions they name; by context their bytes, spans and logs."""

    traces: dict[TraceKey, list[Record]]
    sessions: set[str]
    totals: dict[Context, list[int]]


def file_records(requests: Iterable[Sequence[Record]], now_unix_nano: int) -> Filed:
    """File the records of several requests; those without any time get that of the commit."""
    filed = Filed({}, set(), {})
    by_trace_id: dict[bytes, list[Record]] = {}
    for request in requests:
        records = with_times(request, now_unix_nano)
        for record in records:
            trace_id = record.trace_id
            same = by_trace_id.get(trace_id)
            if same is not None:
                same.append(record)
            elif trace_id:
                by_trace_id[trace_id] = filed.traces[TraceKey("trace", trace_id)] = [record]
            else:
                filed.traces.setdefault(trace_key_of(record), []).append(record)
        filed.sessions.update([record.session_id for record in records])
        # The records of one group stand together and share their context.
        for context, group in groupby(records, key=_context_of):
            total = filed.totals.setdefault(context, [0, 0, 0])
            same_context = list(group)
            total[0] += sum([len(record.raw) for record in same_context])
            total[2 if same_context[0].content_hash else 1] += len(same_context)
    return filed
