# cython: language_level=3
"""A record as the native kernel makes it: numbers and a piece of the request; objects are made when asked for."""

cimport cython

from collector.pdata.wire cimport bytes_of

from collector.correlation.record import EventType, Evidence, PlainRecord, Severity

cdef tuple _TYPES = (None, *EventType)
cdef tuple _EVIDENCES = tuple(Evidence)
cdef tuple _SEVERITIES = tuple(Severity)


@cython.final
@cython.no_gc
@cython.freelist(4096)
cdef class Record:
    """See record.Record."""

    @property
    def raw(self):
        return bytes_of(self.slice)

    @property
    def type(self):
        return _TYPES[self.type_number]

    @property
    def trace_id(self):
        return self.trace[:16] if self.has_trace else b""

    @property
    def span_id(self):
        return self.span[:8] if self.has_span else b""

    @property
    def parent_span_id(self):
        return self.parent[:8] if self.has_parent else b""

    @property
    def severity(self):
        return _SEVERITIES[self.severity_number]

    @property
    def evidence(self):
        return _EVIDENCES[self.evidence_number]

    @property
    def is_span(self):
        return not self.content_hash

    def plain(self):
        """Return the same record as a PlainRecord."""
        return PlainRecord(
            self.raw, self.context, self.type, self.kind, self.trace_id, self.span_id, self.parent_span_id,
            self.time_unix_nano, self.end_time_unix_nano, self.error, self.severity, self.session_id,
            self.evidence, self.span_events, self.content_hash, self.is_page,
        )

    def timed(self, time_unix_nano):
        """See record.Record."""
        return self.plain().timed(time_unix_nano)
