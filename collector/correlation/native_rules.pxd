# cython: language_level=3
from libc.stdint cimport uint64_t

from collector.pdata.wire cimport Slice

cpdef enum:
    # What a key says of the record whose attribute it is.
    SESSION_ATTRIBUTE = 1
    SESSION_HEADER = 2
    NETWORK = 4
    EVENT_NAME = 8
    TRACE_ID = 16

cdef enum:
    KEYS_MAX = 64
    KEY_BYTES_MAX = 256


cdef struct Key:
    unsigned char[KEY_BYTES_MAX] lower
    Py_ssize_t size
    int meaning


cdef struct Seen:
    # What one walk over the attributes of a record has found.
    int meanings
    int hits
    # Of the last hit that names a session.
    Slice session
    bint session_is_text


cdef class Rules:
    cdef Key[KEYS_MAX] keys
    cdef bint[KEYS_MAX] any_case
    cdef int key_count
    cdef uint64_t sizes
    cdef object context_of, session_of, sessions_in_tracestate, severity_of_text, event_name_of, trace_id_of
    cdef bytes page_span_name, page_event_name, exception_name
    cdef Py_ssize_t session_id_bytes_max

    cdef int meaning_of(self, Slice key) noexcept nogil
    cdef bint matches(self, int index, const unsigned char *text) noexcept nogil
    cdef int read_attribute(self, Slice wire, Seen *seen) noexcept nogil
