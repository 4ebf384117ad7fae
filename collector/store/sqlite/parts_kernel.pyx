# cython: language_level=3
"""Native twin of `headers.decode_parts`: the parts of chunks, summed up while their headers are read.

A property test holds the parts equal. Headers were written by the store itself; bytes that are none are an error.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from collector.correlation.join import Landmark, Part, Root
from collector.correlation.record import EventType
from collector.pdata.wire cimport FIXED64, LENGTH, VARINT, Slice, bytes_of
from collector.pdata.wire cimport read_fixed64, read_slice, read_tag, read_varint, size_of, skip
from collector.store.native_rows cimport ERROR_SHIFT, KIND_BITS, KIND_SHIFT, LOG_SHIFT, NETWORK, TYPE_BITS
from collector.store.sqlite.header_wire cimport ID_BYTES, PAGES, ROOTS, Header, clear, keep

cdef enum:
    SERVER = 2
    ROOT_SHIFT = 13
    NOBODY = -1

cdef tuple _TYPES = (None, *EventType)
cdef object _new = tuple.__new__
cdef bytes _NO_ID = bytes(ID_BYTES)


cdef struct Told:
    # One record, with the sums of its span events; `next` is the next record of the same session.
    uint64_t start, end, size, context
    uint64_t first_event, last_event
    uint32_t flags, events, event_errors
    Py_ssize_t next


cdef struct Owned:
    # The records of one session.
    Py_ssize_t first, last


def decode_parts(chunks, names):
    """Return the parts of chunks, in their order; see the twin."""
    cdef list parts = []
    cdef bytes header_bytes
    for trace_key, commit, header_bytes in chunks:
        if _add_parts(header_bytes, trace_key, commit, names, parts):
            raise ValueError(f"a chunk's header of {len(header_bytes)} bytes cannot be read")
    return parts


cdef int _add_parts(bytes header_bytes, trace_key, commit, names, list parts) except -2:
    """Append the parts of one chunk; -1 where the header is damaged."""
    cdef Header header
    cdef dict roots = {}, pages = {}
    cdef Slice wire
    cdef Py_ssize_t count, index
    cdef Told *told
    cdef Owned *owned
    cdef list sessions
    wire.at = <const unsigned char *> PyBytes_AS_STRING(header_bytes)
    wire.end = wire.at + PyBytes_GET_SIZE(header_bytes)
    clear(&header)
    if _read(wire, &header, roots, pages):
        return -1
    count = size_of(header.span_ids) // ID_BYTES
    if size_of(header.others) != count * ID_BYTES:
        return -1
    told = <Told *> malloc(count * sizeof(Told) + 1)
    owned = <Owned *> malloc(count * sizeof(Owned) + 1)
    try:
        if told == NULL or owned == NULL:
            raise MemoryError
        sessions = _read_records(&header, count, names, told, owned)
        if sessions is None or _read_events(&header, count, told):
            return -1
        for index in range(len(sessions)):
            parts.append(
                _part(trace_key, commit, sessions[index], told, owned[index].first, &header, names, roots, pages)
            )
    finally:
        free(told)
        free(owned)
    return 0


cdef int _read(Slice wire, Header *header, dict roots, dict pages) except -2:
    cdef Slice content
    cdef uint32_t tag = 0
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (1 << 3 | FIXED64):
            if read_fixed64(&wire, &header.base):
                return -1
        elif tag & 7 != LENGTH:
            if skip(&wire, tag):
                return -1
        elif read_slice(&wire, &content):
            return -1
        elif tag >> 3 == ROOTS:
            if _read_root(content, roots):
                return -1
        elif tag >> 3 == PAGES:
            if _read_page(content, pages):
                return -1
        else:
            keep(header, tag >> 3, content)
    return 0


cdef int _read_root(Slice wire, dict roots) except -2:
    """Keep name, method, URL and status of a root by its position."""
    cdef Slice content
    cdef uint32_t tag = 0
    cdef uint64_t position = 0, value = 0
    cdef object name = "", method = None, url = None, status = None
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag & 7 == VARINT:
            if read_varint(&wire, &value):
                return -1
            if tag >> 3 == 1:
                position = value
            elif tag >> 3 == 5:
                status = <int64_t> (value >> 1 ^ (~(value & 1) + 1))
        elif tag & 7 != LENGTH:
            if skip(&wire, tag):
                return -1
        elif read_slice(&wire, &content):
            return -1
        elif tag >> 3 == 2:
            name = _text(content)
        elif tag >> 3 == 3:
            method = _text(content)
        elif tag >> 3 == 4:
            url = _text(content)
    roots[position] = (name, method, url, status)
    return 0


cdef int _read_page(Slice wire, dict pages) except -2:
    cdef Slice content
    cdef uint32_t tag = 0
    cdef uint64_t position = 0
    cdef object url = ""
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (1 << 3 | VARINT):
            if read_varint(&wire, &position):
                return -1
        elif tag == (2 << 3 | LENGTH):
            if read_slice(&wire, &content):
                return -1
            url = _text(content)
        elif skip(&wire, tag):
            return -1
    pages[position] = url
    return 0


cdef inline object _text(Slice content):
    return PyUnicode_DecodeUTF8(<const char *> content.at, size_of(content), NULL)


cdef list _read_records(Header *header, Py_ssize_t count, names, Told *told, Owned *owned):
    """Read the columns; return the sessions in order of their first records, None where a column ends too soon.

    Each session's records are a chain. A record that was deleted is in none.
    """
    cdef list sessions = []
    cdef dict numbers = {}
    cdef Py_ssize_t position, number = NOBODY
    cdef uint64_t start = 0, duration = 0, flags = 0, session = 0, last_session = 0
    cdef Told *record
    for position in range(count):
        record = &told[position]
        if (
            read_varint(&header.starts, &start) or read_varint(&header.durations, &duration)
            or read_varint(&header.flags, &flags) or read_varint(&header.contexts, &record.context)
            or read_varint(&header.sessions, &session) or read_varint(&header.sizes, &record.size)
        ):
            return None
        record.start = header.base + start
        record.end = record.start + duration
        record.flags = <uint32_t> flags
        record.events = record.event_errors = 0
        record.next = NOBODY
        if not flags:
            continue
        if number == NOBODY or session != last_session:
            last_session = session
            session_id = names.session(session)
            # Two numbers may be of one id: those of sessions that are gone are read as none.
            found = numbers.get(session_id)
            if found is None:
                number = numbers[session_id] = len(sessions)
                sessions.append(session_id)
                owned[number].first = owned[number].last = position
                continue
            number = found
        told[owned[number].last].next = position
        owned[number].last = position
    return sessions


cdef int _read_events(Header *header, Py_ssize_t count, Told *told) noexcept:
    """Add the span events to the sums of their records; -1 where a column ends too soon."""
    cdef uint64_t position = 0, offset = 0, error = 0, time
    cdef Told *record
    while header.event_records.at != header.event_records.end:
        if (
            read_varint(&header.event_records, &position) or position >= <uint64_t> count
            or read_varint(&header.event_offsets, &offset) or read_varint(&header.event_errors, &error)
        ):
            return -1
        record = &told[position]
        time = header.base + offset
        if not record.events or time < record.first_event:
            record.first_event = time
        if not record.events or time > record.last_event:
            record.last_event = time
        record.events += 1
        record.event_errors += error != 0
    return 0


cdef object _part(
    trace_key, commit, session_id, Told *told, Py_ssize_t first, Header *header, names, dict roots, dict pages
):
    """Sum up one session's records; see join._part."""
    cdef dict service_bytes = {}
    cdef list own_roots = []
    cdef Told *record
    cdef uint64_t start = told[first].start, last = start
    cdef Py_ssize_t count = 0, logs = 0, errors = 0, events = 0, root_count = 0
    cdef Py_ssize_t position = first, server = NOBODY, page = NOBODY
    cdef object service = None
    cdef uint64_t last_context = 0
    while position != NOBODY:
        record = &told[position]
        count += 1
        if service is None or record.context != last_context:
            last_context = record.context
            service = names.context(last_context)[0]
        service_bytes[service] = service_bytes.get(service, 0) + record.size
        if record.flags >> KIND_SHIFT & KIND_BITS == SERVER and (server < 0 or record.start < told[server].start):
            server = position
        errors += (record.flags >> ERROR_SHIFT & 1) + record.event_errors
        logs += record.flags >> LOG_SHIFT & 1
        root_count += record.flags >> ROOT_SHIFT & 1
        start = min(start, record.start)
        last = max(last, record.start)
        if record.events:
            events += record.events
            start = min(start, record.first_event)
            last = max(last, record.last_event)
        if roots and position in roots:
            _put_in_order(own_roots, position, told)
        if pages and position in pages and (page < 0 or record.start < told[page].start):
            page = position
        position = record.next
    return _new(Part, (
        commit, trace_key, session_id, start, last, count - logs, events, logs, errors, service_bytes,
        tuple([_root(at, &told[<Py_ssize_t> at], header, names, roots[at]) for at in own_roots]),
        root_count - len(own_roots),
        None if page < 0 else _new(Landmark, (told[page].start, page, pages[page])),
        None if server < 0 else _server(server, &told[server], roots),
    ))


cdef int _put_in_order(list positions, Py_ssize_t position, Told *told) except -1:
    """Put a root behind those that are as likely to be the entry, or likelier: `network` first, then the earliest."""
    cdef Py_ssize_t place = len(positions)
    while place and _is_likelier(&told[position], &told[<Py_ssize_t> positions[place - 1]]):
        place -= 1
    positions.insert(place, position)
    return 0


cdef bint _is_likelier(Told *one, Told *other) noexcept:
    cdef bint one_is = one.flags & TYPE_BITS == NETWORK, other_is = other.flags & TYPE_BITS == NETWORK
    return one.start < other.start if one_is == other_is else one_is


cdef object _root(Py_ssize_t position, Told *record, Header *header, names, tuple facts):
    cdef Slice id_at
    cdef bytes span_id, parent
    id_at.at = header.span_ids.at + position * ID_BYTES
    id_at.end = id_at.at + ID_BYTES
    span_id = bytes_of(id_at)
    id_at.at = header.others.at + position * ID_BYTES
    id_at.end = id_at.at + ID_BYTES
    parent = bytes_of(id_at)
    return _new(Root, (
        position, span_id, b"" if parent == _NO_ID else parent, record.start, record.end,
        bool(record.flags >> ERROR_SHIFT & 1), _TYPES[record.flags & TYPE_BITS],
        record.flags >> KIND_SHIFT & KIND_BITS, names.context(record.context)[0], *facts,
    ))


cdef object _server(Py_ssize_t position, Told *record, dict roots):
    """Give the URL where it was read for a root."""
    cdef object url = None
    if roots and record.flags & TYPE_BITS == NETWORK:
        facts = roots.get(position)
        if facts is not None:
            url = facts[2] or ""
    return _new(Landmark, (record.start, position, url))
