# cython: language_level=3
from libc.stdint cimport uint64_t

from collector.pdata.wire cimport Slice

cdef enum:
    OMISSIONS_MAX = 8


cdef struct Known:
    # What is known of a record. `trace` is NULL where its trace is none; of a log there is no parent and no end.
    bint is_log
    const unsigned char *trace
    const unsigned char *span
    const unsigned char *parent
    unsigned char[8] start
    unsigned char[8] end


cdef struct Omission:
    # Content that is left out, and where it stands, or stood.
    const unsigned char *at
    const unsigned char *content
    Py_ssize_t size


cdef void set_times(Known *known, uint64_t start, uint64_t end) noexcept nogil
cdef int find_omissions(Slice record, Known *known, bint are_out, Omission *found) noexcept nogil
