# cython: language_level=3
"""Native twin of `filing.file_records`, for the records that correlation's kernel makes.

A property test holds the two equal.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint64_t

from collector.correlation.native_record cimport Record
from collector.pdata.wire cimport size_of

from collector.correlation.join import TraceKey, trace_key_of

# The constructor of a named tuple takes twice as long.
cdef object _new = tuple.__new__


def file_records(batches, uint64_t now):
    """See filing.file_records; None where a record is not one of the kernel's."""
    cdef dict traces = {}, by_trace_id = {}, totals = {}
    cdef set sessions = set()
    cdef list same, total = None
    cdef Record record
    cdef bytes trace_id
    cdef object context = None
    cdef str session_id = None
    for records in batches:
        context = None
        for each in records:
            if type(each) is not Record:
                return None
            record = <Record> each
            if record.context is not context:
                context = record.context
                total = totals.get(context)
                if total is None:
                    total = totals[context] = [0, 0, 0]
            total[0] += size_of(record.slice)
            total[2 if record.content_hash else 1] += 1
            if record.session_id is not session_id:
                session_id = record.session_id
                sessions.add(session_id)
            filed = record if record.time_unix_nano else record.timed(now)
            if record.has_trace:
                trace_id = PyBytes_FromStringAndSize(<const char *> record.trace, 16)
                same = by_trace_id.get(trace_id)
                if same is None:
                    by_trace_id[trace_id] = traces[_new(TraceKey, ("trace", trace_id))] = [filed]
                else:
                    same.append(filed)
            else:
                traces.setdefault(trace_key_of(record), []).append(filed)
    return traces, sessions, totals
