# cython: language_level=3
# The columns of a chunk's header (stored.proto, ChunkHeader) as the kernels read them: each where it lies.

from libc.stdint cimport uint32_t, uint64_t

from collector.pdata.wire cimport Slice

cdef enum:
    ID_BYTES = 8
    # Numbers of the fields that are messages.
    ROOTS = 13
    PAGES = 14


cdef struct Header:
    uint64_t base
    Slice span_ids, others, starts, durations, flags, contexts, sessions, sizes
    Slice event_records, event_offsets, event_errors


cdef inline void clear(Header *header) noexcept:
    cdef Slice nothing = Slice(NULL, NULL)
    header.base = 0
    header.span_ids = header.others = header.starts = header.durations = header.flags = nothing
    header.contexts = header.sessions = header.sizes = nothing
    header.event_records = header.event_offsets = header.event_errors = nothing


cdef inline void keep(Header *header, uint32_t field, Slice content) noexcept:
    if field == 2:
        header.span_ids = content
    elif field == 3:
        header.others = content
    elif field == 4:
        header.starts = content
    elif field == 5:
        header.durations = content
    elif field == 6:
        header.flags = content
    elif field == 7:
        header.contexts = content
    elif field == 8:
        header.sessions = content
    elif field == 9:
        header.event_records = content
    elif field == 10:
        header.event_offsets = content
    elif field == 11:
        header.event_errors = content
    elif field == 12:
        header.sizes = content
