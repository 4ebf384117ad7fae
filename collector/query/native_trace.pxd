# cython: language_level=3
from libc.stdint cimport int32_t, int64_t, uint64_t

from collector.store.native_rows cimport NativeRows


cdef struct Step:
    # One row, behind the row that it stands below: that of its parent, or of its span (-1 = none).
    int32_t row
    int32_t above
    int32_t depth


cdef class NativeTrace:
    cdef readonly NativeRows rows
    cdef NativeRows _sent
    cdef readonly int copies
    cdef readonly bint is_skewed, has_errors, has_logs
    cdef readonly uint64_t first_time_unix_nano, last_time_unix_nano
    cdef readonly int64_t first_commit, last_commit
    cdef readonly int tops, orphans, missing_parents
    cdef int32_t entry_row, topmost_row, server_row
    # One a row: spans from the top down, then what was said in them.
    cdef Step *steps
    cdef object _tree
