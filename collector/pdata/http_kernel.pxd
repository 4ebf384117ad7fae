# cython: language_level=3
from libc.stdint cimport int64_t

from collector.pdata.wire cimport Slice

cdef enum:
    HTTP_KEYS_MAX = 32
    # What a value is.
    NOTHING = 0
    TEXT = 1
    NUMBER = 2


cdef struct Value:
    int kind
    Slice text
    int64_t number


cdef struct HttpValues:
    # By the position of the key in semconv.HTTP_KEY_GROUPS.
    Value[HTTP_KEYS_MAX] values


cdef void clear_values(HttpValues *found) noexcept nogil
cdef int read_http_attribute(Slice wire, HttpValues *found) noexcept nogil
cdef Slice method_of(HttpValues *found) noexcept nogil
cdef Value status_of(HttpValues *found) noexcept nogil
cdef bytes url_of(HttpValues *found)
