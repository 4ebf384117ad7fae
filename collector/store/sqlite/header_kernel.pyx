# cython: language_level=3
"""Native twin of the first half of `headers`: the rows of one chunk, read off its header in one pass.

A property test holds the rows equal. The header was written by the store itself; bytes that are no header are an error.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.stdint cimport uint32_t, uint64_t

from collector.pdata.wire cimport FIXED64, LENGTH, Slice, bytes_of
from collector.pdata.wire cimport read_fixed64, read_id, read_slice, read_tag, read_varint, size_of, skip

from collector.correlation.record import EventType, Evidence, Severity
from collector.store.api import Row, RowKey

cdef extern from "Python.h":
    object PyType_GenericAlloc(PyTypeObject *type_, Py_ssize_t size)
    void PyObject_GC_UnTrack(void *made)

cdef enum:
    ID_BYTES = 8
    TYPE_BITS = 7
    KIND_SHIFT = 3
    ERROR_SHIFT = 6
    EVIDENCE_SHIFT = 7
    SEVERITY_SHIFT = 9
    LOG_SHIFT = 12

cdef tuple _TYPES = (None, *EventType)
cdef tuple _SEVERITIES = tuple(Severity)
cdef tuple _EVIDENCES = tuple(Evidence)
cdef object _EVENT = EventType.EVENT
cdef object _NO_SEVERITY = Severity.NONE
cdef object _NO_INDEX = -1
cdef tuple _KINDS = tuple(range(8))


cdef struct Header:
    uint64_t base
    Slice span_ids, others, starts, durations, flags, contexts, sessions
    Slice event_records, event_offsets, event_errors


def read_rows(bytes header_bytes, trace_key, bytes trace_id, commit, dict contexts, dict sessions, names, list rows):
    """Append the rows of a chunk to `rows`, each with those of its span events; return its roots and pages.

    These two are lists of serialized messages, None where there are none. `contexts` and `sessions` hold what
    `names` was asked for.
    """
    cdef Header header
    cdef list roots = None, pages = None
    cdef Slice wire, content
    cdef uint32_t tag = 0
    wire.at = <const unsigned char *> PyBytes_AS_STRING(header_bytes)
    wire.end = wire.at + PyBytes_GET_SIZE(header_bytes)
    _clear(&header)
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
        if tag >> 3 == 13:
            roots = [] if roots is None else roots
            roots.append(bytes_of(content))
        elif tag >> 3 == 14:
            pages = [] if pages is None else pages
            pages.append(bytes_of(content))
        else:
            _keep(&header, tag >> 3, content)
    if _append(&header, trace_key, trace_id, commit, contexts, sessions, names, rows):
        raise _damaged(header_bytes)
    return roots, pages


def _damaged(bytes header_bytes):
    return ValueError(f"a chunk's header of {len(header_bytes)} bytes cannot be read")


cdef void _clear(Header *header) noexcept:
    cdef Slice nothing = Slice(NULL, NULL)
    header.base = 0
    header.span_ids = header.others = header.starts = header.durations = header.flags = nothing
    header.contexts = header.sessions = nothing
    header.event_records = header.event_offsets = header.event_errors = nothing


cdef void _keep(Header *header, uint32_t field, Slice content) noexcept:
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


cdef int _append(
    Header *header, trace_key, bytes trace_id, commit, dict contexts, dict sessions, names, list rows
) except -2:
    """Make the rows, one step in all columns at a time; -1 where a column ends too soon."""
    cdef Py_ssize_t position, count = size_of(header.span_ids) // ID_BYTES
    cdef uint64_t start = 0, duration = 0, flags = 0, context = 0, session = 0
    cdef uint64_t event_record = 0
    cdef bint has_event = False
    cdef object row
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
        row = None
        if flags:
            row = _row(
                header, position, new_key(trace_key, commit, position), trace_id, <uint32_t> flags,
                header.base + start, duration, _context(contexts, names, context), _session(sessions, names, session),
            )
            rows.append(row)
        while has_event and event_record == <uint64_t> position:
            if _append_event(header, row, rows):
                return -1
            has_event = header.event_records.at != header.event_records.end
            if has_event and read_varint(&header.event_records, &event_record):
                return -1
    return 0


cdef int _append_event(Header *header, row, list rows) except -2:
    """Read the next event and append its row, if that of its span is there."""
    cdef uint64_t offset = 0, error = 0
    cdef int index
    if read_varint(&header.event_offsets, &offset) or read_varint(&header.event_errors, &error):
        return -1
    if row is None:
        return 0
    index = 0 if rows[-1][1] is _NO_INDEX else rows[-1][1] + 1
    time = header.base + offset
    rows.append(_new(Row, (
        row[0], index, _EVENT, "span_event", 0, row[5], row[6], row[6], time, time,
        error != 0, _NO_SEVERITY, row[12], row[13], row[14], row[15], b"",
    )))
    return 0


cdef object _context(dict contexts, names, uint64_t number):
    facts = contexts.get(number)
    if facts is None:
        facts = contexts[number] = names.context(number)
    return facts


cdef object _session(dict sessions, names, uint64_t number):
    session_id = sessions.get(number)
    if session_id is None:
        session_id = sessions[number] = names.session(number)
    return session_id


cdef object new_key(trace_key, commit, Py_ssize_t position):
    return _new(RowKey, (trace_key, commit, position))


cdef object _row(
    Header *header, Py_ssize_t position, key, bytes trace_id, uint32_t flags, uint64_t start, uint64_t duration,
    context, str session_id,
):
    cdef bint is_log = flags >> LOG_SHIFT & 1
    return _new(Row, (
        key, _NO_INDEX, _TYPES[flags & TYPE_BITS], "log" if is_log else "span", _KINDS[flags >> KIND_SHIFT & 7],
        trace_id, _id_at(header.span_ids, position), b"" if is_log else _id_at(header.others, position),
        start, start + duration,
        flags >> ERROR_SHIFT & 1 == 1, _SEVERITIES[flags >> SEVERITY_SHIFT & 7],
        session_id, _EVIDENCES[flags >> EVIDENCE_SHIFT & 3], context[0], context[1],
        bytes_of(_piece(header.others, position)) if is_log else b"",
    ))


cdef inline Slice _piece(Slice ids, Py_ssize_t position) noexcept:
    cdef Slice one
    one.at = ids.at + position * ID_BYTES
    one.end = one.at + ID_BYTES
    return one


cdef bytes _id_at(Slice ids, Py_ssize_t position):
    """Return the id at a position, b"" where it is all zero."""
    cdef Slice one = _piece(ids, position)
    cdef unsigned char[ID_BYTES] kept
    return bytes_of(one) if read_id(kept, one, ID_BYTES) else b""


cdef object _new(type_, tuple fields):
    """Make a named tuple as its own constructor does, in a third of the time.

    What a row holds can be in no cycle, so garbage collection need not look at tens of thousands of them.
    """
    cdef Py_ssize_t index
    made = PyType_GenericAlloc(<PyTypeObject *> type_, len(fields))
    for index in range(len(fields)):
        value = fields[index]
        Py_INCREF(value)
        PyTuple_SET_ITEM(made, index, value)
    PyObject_GC_UnTrack(<void *> made)
    return made
