# cython: language_level=3
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef enum:
    # What the flags of a record say; see store/sqlite/chunk.py.
    TYPE_BITS = 7
    NETWORK = 1
    EVENT = 3
    KIND_SHIFT = 3
    KIND_BITS = 7
    ERROR_SHIFT = 6
    EVIDENCE_SHIFT = 7
    EVIDENCE_BITS = 3
    SEVERITY_SHIFT = 9
    SEVERITY_BITS = 7
    LOG_SHIFT = 12


cdef struct Cells:
    # One row. Ids are numbers whose first byte is the highest, so that they compare as bytes do; 0 is none.
    uint64_t start
    uint64_t end
    uint64_t span
    # A span's parent, a log's content hash, a span event's span.
    uint64_t other
    int64_t commit
    uint32_t position
    # -1 but for span events.
    int32_t event_index
    uint32_t flags
    # Where `Places` has them.
    int32_t context
    int32_t session


cdef class Places:
    # What rows name by number, shared by the rows of all traces that are read at once.
    cdef dict _contexts
    cdef dict _sessions
    cdef dict _hosts
    # By context; equal hosts have one number.
    cdef readonly list services
    cdef readonly list hosts
    cdef list host_numbers
    cdef readonly list sessions
    cdef int32_t context(self, names, uint64_t number) except -1
    cdef int32_t session(self, names, uint64_t number) except -1


cdef class NativeRows:
    cdef readonly object trace_key
    cdef bytes trace_id
    cdef readonly Places places
    cdef Cells *cells
    cdef Py_ssize_t size
    cdef Py_ssize_t room
    cdef Cells *added(self) except NULL
    cdef object row(self, Py_ssize_t index)
    cdef NativeRows some(self, Py_ssize_t start, Py_ssize_t stop)


cdef bint is_span(const Cells *cells) noexcept nogil
cdef bint is_log(const Cells *cells) noexcept nogil
cdef bytes id_of(uint64_t number)
