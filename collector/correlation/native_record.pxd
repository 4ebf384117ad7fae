# cython: language_level=3
from libc.stdint cimport uint64_t

from collector.pdata.wire cimport Slice


cdef class Record:
    cdef readonly object context
    cdef readonly str session_id
    cdef readonly tuple span_events
    cdef readonly bytes content_hash
    cdef readonly bint error
    cdef readonly bint is_page
    cdef readonly uint64_t time_unix_nano
    cdef readonly uint64_t end_time_unix_nano
    # The request that holds the record, so that `slice` stays where it is.
    cdef bytes body
    cdef Slice slice
    cdef unsigned char[16] trace
    cdef unsigned char[8] span
    cdef unsigned char[8] parent
    cdef bint has_trace
    cdef bint has_span
    cdef bint has_parent
    cdef int type_number
    cdef readonly int kind
    cdef int severity_number
    cdef int evidence_number
