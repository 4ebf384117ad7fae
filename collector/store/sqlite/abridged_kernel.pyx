# cython: language_level=3
"""Native twin of `abridged` and of what `bodies` does with it. Property tests hold the bytes equal."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from collector.pdata.wire cimport FIXED64, LENGTH, Slice, bytes_of
from collector.pdata.wire cimport read_fixed64, read_slice, read_tag, read_varint, size_of, skip

cdef enum:
    TRACE_ID_BYTES = 16
    ID_BYTES = 8
    LOG_SHIFT = 12


cdef void set_times(Known *known, uint64_t start, uint64_t end) noexcept nogil:
    """Keep the times as they stand in a record, the lowest byte first."""
    cdef int index
    for index in range(8):
        known.start[index] = <unsigned char> (start >> 8 * index & 0xFF)
        known.end[index] = <unsigned char> (end >> 8 * index & 0xFF)


cdef inline const unsigned char *_content(uint32_t tag, Known *known, Py_ssize_t *size) noexcept nogil:
    """Return what is known of a field, and how long it is; NULL if nothing is."""
    size[0] = ID_BYTES
    if known.is_log:
        if tag == 0x09:
            return known.start
        if tag == 0x52:
            return known.span
        size[0] = TRACE_ID_BYTES
        return known.trace if tag == 0x4A else NULL
    if tag == 0x12:
        return known.span
    if tag == 0x22:
        return known.parent
    if tag == 0x39:
        return known.start
    if tag == 0x41:
        return known.end
    size[0] = TRACE_ID_BYTES
    return known.trace if tag == 0x0A else NULL


cdef int find_omissions(Slice record, Known *known, bint are_out, Omission *found) noexcept nogil:
    """Fill `found`, which has room for OMISSIONS_MAX, and return how many there are; -1 for what has to stay whole.

    With `are_out` the record is one that content was left out of already.
    """
    cdef uint32_t tag = 0
    cdef uint64_t length = 0
    cdef Py_ssize_t size = 0
    cdef int count = 0
    cdef const unsigned char *content
    while record.at < record.end:
        if read_tag(&record, &tag):
            return -1
        if tag & 7 != LENGTH and tag & 7 != FIXED64:
            if skip(&record, tag):
                return -1
            continue
        length = 8
        if tag & 7 == LENGTH and read_varint(&record, &length):
            return -1
        content = _content(tag, known, &size)
        if content != NULL and length == <uint64_t> size:
            if count == OMISSIONS_MAX:
                return -1
            found[count] = Omission(record.at, content, size)
            count += 1
            if are_out:
                continue
            if record.end - record.at < size or memcmp(record.at, content, size):
                return -1
        elif length > <uint64_t> size_of(record):
            return -1
        record.at += length
    return count


cdef class _Columns:
    """What the records of one chunk need of its header, and where they stand in its body."""

    cdef Py_ssize_t count, read
    cdef uint64_t base
    cdef uint64_t *numbers
    cdef uint64_t *starts
    cdef uint64_t *durations
    cdef uint64_t *flags
    cdef uint64_t *contexts
    cdef Slice span_ids, others
    cdef Slice *records
    cdef unsigned char *is_whole

    def __cinit__(self, Py_ssize_t count):
        self.count = count
        self.numbers = <uint64_t *> PyMem_Calloc(4 * count + 1, sizeof(uint64_t))
        self.records = <Slice *> PyMem_Calloc(count + 1, sizeof(Slice))
        self.is_whole = <unsigned char *> PyMem_Calloc(count + 1, 1)
        if self.numbers == NULL or self.records == NULL or self.is_whole == NULL:
            raise MemoryError
        self.starts, self.durations = self.numbers, self.numbers + count
        self.flags, self.contexts = self.numbers + 2 * count, self.numbers + 3 * count

    def __dealloc__(self):
        PyMem_Free(self.numbers)
        PyMem_Free(self.records)
        PyMem_Free(self.is_whole)

    cdef int read_header(self, Slice wire) except -2:
        cdef uint32_t tag = 0
        cdef Slice content
        while wire.at < wire.end:
            if read_tag(&wire, &tag):
                return -1
            if tag == (1 << 3 | FIXED64):
                if read_fixed64(&wire, &self.base):
                    return -1
                continue
            if tag & 7 != LENGTH:
                if skip(&wire, tag):
                    return -1
                continue
            if read_slice(&wire, &content):
                return -1
            if tag >> 3 == 2:
                self.span_ids = content
            elif tag >> 3 == 3:
                self.others = content
            elif tag >> 3 == 4 and self.read_column(content, self.starts):
                return -1
            elif tag >> 3 == 5 and self.read_column(content, self.durations):
                return -1
            elif tag >> 3 == 6 and self.read_column(content, self.flags):
                return -1
            elif tag >> 3 == 7 and self.read_column(content, self.contexts):
                return -1
        return 0 if size_of(self.others) == self.count * ID_BYTES else -1

    cdef int read_column(self, Slice content, uint64_t *column) except -2:
        cdef Py_ssize_t position
        for position in range(self.count):
            if read_varint(&content, &column[position]):
                return -1
        return 0

    cdef int read_body(self, Slice wire) except -2:
        cdef uint32_t tag = 0
        cdef uint64_t position = 0
        cdef Slice content
        while wire.at < wire.end:
            if read_tag(&wire, &tag) or tag & 7 != LENGTH or read_slice(&wire, &content):
                return -1
            if tag >> 3 == 1 or tag >> 3 == 2:
                if self.read == self.count:
                    return -1
                self.records[self.read] = content
                # Those of version 1 all are.
                self.is_whole[self.read] = tag >> 3 == 1
                self.read += 1
            while tag >> 3 == 3 and content.at < content.end:
                if read_varint(&content, &position) or position >= <uint64_t> self.count:
                    return -1
                self.is_whole[position] = 1
        return 0 if self.read == self.count else -1


def read_records(bytes trace_id, bytes header_bytes, bytes body_bytes, positions):
    """See bodies.BodyReader.records; the values are tuples of record and context."""
    cdef Slice header = _slice_of(header_bytes)
    cdef _Columns columns = _Columns(_count(header))
    cdef Py_ssize_t position
    cdef dict found = {}
    if len(trace_id) not in (0, TRACE_ID_BYTES):
        raise ValueError(f"a trace id of {len(trace_id)} bytes")
    if columns.read_header(header) or columns.read_body(_slice_of(body_bytes)):
        raise ValueError(f"a chunk of {len(header_bytes)} and {len(body_bytes)} bytes cannot be read")
    for position in positions:
        if 0 <= position < columns.count and columns.flags[position]:
            found[position] = (_record(columns, trace_id, position), columns.contexts[position])
    return found


cdef Slice _slice_of(bytes content):
    cdef Slice slice
    slice.at = <const unsigned char *> PyBytes_AS_STRING(content)
    slice.end = slice.at + PyBytes_GET_SIZE(content)
    return slice


cdef Py_ssize_t _count(Slice header) except -1:
    """Return how many records a chunk has, by the ids of its spans; 0 where there are none."""
    cdef uint32_t tag = 0
    cdef Slice content
    while header.at < header.end and not read_tag(&header, &tag):
        if tag == (2 << 3 | LENGTH):
            return 0 if read_slice(&header, &content) else size_of(content) // ID_BYTES
        if skip(&header, tag):
            break
    return 0


cdef bytes _record(_Columns columns, bytes trace_id, Py_ssize_t position):
    cdef uint64_t start = columns.base + columns.starts[position]
    cdef Known known
    if columns.is_whole[position]:
        return bytes_of(columns.records[position])
    known.is_log = columns.flags[position] >> LOG_SHIFT & 1
    known.trace = <const unsigned char *> PyBytes_AS_STRING(trace_id) if trace_id else NULL
    known.span = columns.span_ids.at + position * ID_BYTES
    known.parent = columns.others.at + position * ID_BYTES
    set_times(&known, start, start + columns.durations[position])
    return _restored(columns.records[position], &known)


cdef bytes _restored(Slice record, Known *known):
    """See abridged.restore."""
    cdef Omission[OMISSIONS_MAX] omissions
    cdef Py_ssize_t size = size_of(record)
    cdef int index, count = find_omissions(record, known, True, omissions)
    cdef unsigned char *place
    cdef bytes whole
    if count < 0:
        raise ValueError(f"an abridged record of {size} bytes cannot be read")
    for index in range(count):
        size += omissions[index].size
    whole = PyBytes_FromStringAndSize(NULL, size)
    place = <unsigned char *> PyBytes_AS_STRING(whole)
    for index in range(count):
        memcpy(place, record.at, omissions[index].at - record.at)
        place += omissions[index].at - record.at
        memcpy(place, omissions[index].content, omissions[index].size)
        place += omissions[index].size
        record.at = omissions[index].at
    memcpy(place, record.at, size_of(record))
    return whole
