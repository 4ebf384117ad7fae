# cython: language_level=3
"""Native twin of `headers.RowsOfTraces`: the rows of one chunk, read off its header in one pass.

A property test holds the rows equal. The header was written by the store itself; bytes that are no header are an error.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t

from collector.pdata.wire cimport FIXED64, LENGTH, Slice, bytes_of
from collector.pdata.wire cimport read_fixed64, read_slice, read_tag, read_varint, size_of, skip
from collector.store.native_rows cimport ERROR_SHIFT, EVENT, EVIDENCE_BITS, EVIDENCE_SHIFT
from collector.store.native_rows cimport Cells, NativeRows
from collector.store.sqlite.header_wire cimport ID_BYTES, PAGES, ROOTS, Header, clear, keep

def read_rows(bytes header_bytes, commit, names, NativeRows rows):
    """Append the rows of a chunk to `rows`, each with those of its span events; return its roots and pages.

    These two are lists of serialized messages, None where there are none.
    """
    cdef Header header
    cdef list roots = None, pages = None
    cdef Slice wire, content
    cdef uint32_t tag = 0
    wire.at = <const unsigned char *> PyBytes_AS_STRING(header_bytes)
    wire.end = wire.at + PyBytes_GET_SIZE(header_bytes)
    clear(&header)
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            raise _damaged(header_bytes)
        if tag == (1 << 3 | FIXED64):
            if read_fixed64(&wire, &header.base):
                raise _damaged(header_bytes)
            continue
        if tag & 7 != LENGTH:
            if skip(&wire, tag):
                raise _damaged(header_bytes)
            continue
        if read_slice(&wire, &content):
            raise _damaged(header_bytes)
        if tag >> 3 == ROOTS:
            roots = [] if roots is None else roots
            roots.append(bytes_of(content))
        elif tag >> 3 == PAGES:
            pages = [] if pages is None else pages
            pages.append(bytes_of(content))
        else:
            keep(&header, tag >> 3, content)
    if _append(&header, commit, names, rows):
        raise _damaged(header_bytes)
    return roots, pages


def _damaged(bytes header_bytes):
    return ValueError(f"a chunk's header of {len(header_bytes)} bytes cannot be read")


cdef int _append(Header *header, int64_t commit, names, NativeRows rows) except -2:
    """Make the rows, one step in all columns at a time; -1 where a column ends too soon."""
    cdef Py_ssize_t position, count = size_of(header.span_ids) // ID_BYTES
    cdef uint64_t start = 0, duration = 0, flags = 0, context = 0, session = 0
    cdef uint64_t event_record = 0
    cdef bint has_event = False
    cdef Cells *cells
    if size_of(header.others) != count * ID_BYTES:
        return -1
    if header.event_records.at != header.event_records.end:
        has_event = True
        if read_varint(&header.event_records, &event_record):
            return -1
    for position in range(count):
        if (
            read_varint(&header.starts, &start) or read_varint(&header.durations, &duration)
            or read_varint(&header.flags, &flags) or read_varint(&header.contexts, &context)
            or read_varint(&header.sessions, &session)
        ):
            return -1
        if flags:
            cells = rows.added()
            cells.start = header.base + start
            cells.end = cells.start + duration
            cells.span = _number_at(header.span_ids, position)
            cells.other = _number_at(header.others, position)
            cells.commit = commit
            cells.position = <uint32_t> position
            cells.event_index = -1
            cells.flags = <uint32_t> flags
            cells.context = rows.places.context(names, context)
            cells.session = rows.places.session(names, session)
        while has_event and event_record == <uint64_t> position:
            if _append_event(header, flags != 0, rows):
                return -1
            has_event = header.event_records.at != header.event_records.end
            if has_event and read_varint(&header.event_records, &event_record):
                return -1
    return 0


cdef int _append_event(Header *header, bint has_span, NativeRows rows) except -2:
    """Read the next event and append its row behind that of its span, if that is there."""
    cdef uint64_t offset = 0, error = 0
    cdef Cells *cells
    cdef Cells *before
    if read_varint(&header.event_offsets, &offset) or read_varint(&header.event_errors, &error):
        return -1
    if not has_span:
        return 0
    cells = rows.added()
    before = cells - 1
    cells[0] = before[0]
    cells.event_index = before.event_index + 1
    cells.start = cells.end = header.base + offset
    cells.other = before.span
    cells.flags = EVENT | (error != 0) << ERROR_SHIFT | before.flags & EVIDENCE_BITS << EVIDENCE_SHIFT
    return 0


cdef inline uint64_t _number_at(Slice ids, Py_ssize_t position) noexcept nogil:
    """Return the id at a position as a number whose first byte is the highest."""
    cdef const unsigned char *at = ids.at + position * ID_BYTES
    cdef uint64_t number = 0
    cdef int index
    for index in range(ID_BYTES):
        number = number << 8 | at[index]
    return number
