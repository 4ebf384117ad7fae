# cython: language_level=3
"""Native twin of `chunk.encode` and `filing.file_records`, for the records that correlation's kernel makes.

What is decided here is decided there too, and a property test holds the bytes equal.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from collector.correlation.native_record cimport Record
from collector.pdata.wire cimport LENGTH, VARINT, Slice, read_slice, read_tag, read_varint, size_of, skip

from collector.correlation.join import (
    ROOTS_PER_PART_MAX, TraceKey, candidate_roots, page_urls, root_facts, trace_key_of,
)
from collector.pdata.semconv import HTTP_KEYS, http_facts

cdef enum:
    ID_BYTES = 8
    VARINT_BYTES_MAX = 10
    # What a record takes in the columns at most: two ids, two times, flags, context, session and size.
    COLUMN_BYTES_MAX = 2 * ID_BYTES + 2 * VARINT_BYTES_MAX + 4 * 5
    HEADER_BYTES_MIN = 256
    TYPE_NETWORK = 1
    KIND_SHIFT = 3
    ERROR_SHIFT = 6
    EVIDENCE_SHIFT = 7
    SEVERITY_SHIFT = 9
    LOG_SHIFT = 12
    ROOT_SHIFT = 13

cdef dict _HTTP_KEYS = {key.encode(): key for key in HTTP_KEYS}
cdef Py_ssize_t _HTTP_KEY_BYTES_MAX = max(len(key) for key in _HTTP_KEYS)


cdef class _Buffer:
    """Bytes that grow at their end."""

    cdef unsigned char *start
    cdef Py_ssize_t size, room

    def __dealloc__(self):
        PyMem_Free(self.start)

    cdef int reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t room = max(HEADER_BYTES_MIN, self.size + more)
        cdef unsigned char *start
        if self.size + more <= self.room:
            return 0
        room = max(room, 2 * self.room)
        start = <unsigned char *> PyMem_Realloc(self.start, room)
        if start == NULL:
            raise MemoryError
        self.start = start
        self.room = room
        return 0

    cdef int varint(self, uint64_t value) except -1:
        self.reserve(VARINT_BYTES_MAX)
        while value > 0x7F:
            self.start[self.size] = <unsigned char> (value & 0x7F | 0x80)
            self.size += 1
            value >>= 7
        self.start[self.size] = <unsigned char> value
        self.size += 1
        return 0

    cdef int append(self, const void *at, Py_ssize_t size) except -1:
        self.reserve(size)
        memcpy(self.start + self.size, at, size)
        self.size += size
        return 0

    cdef int content(self, int field, const void *at, Py_ssize_t size) except -1:
        """Append a length-delimited field."""
        self.varint(field << 3 | LENGTH)
        self.varint(size)
        return self.append(at, size)

    cdef int text(self, int field, str value) except -1:
        cdef bytes encoded = value.encode()
        return self.content(field, PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded))

    cdef int packed(self, int field, _Buffer column) except -1:
        if column.size:
            self.content(field, column.start, column.size)
        return 0

    cdef bytes taken(self):
        return PyBytes_FromStringAndSize(<const char *> self.start, self.size)


def file_records(batches, uint64_t now):
    """See filing.file_records; None where a record is not one of the kernel's."""
    cdef dict traces = {}, by_trace_id = {}, totals = {}
    cdef set sessions = set()
    cdef list same, total = None
    cdef Record record
    cdef bytes trace_id
    cdef object context = None
    cdef str session_id = None
    for records in batches:
        context = None
        for each in records:
            if type(each) is not Record:
                return None
            record = <Record> each
            if record.context is not context:
                context = record.context
                total = totals.get(context)
                if total is None:
                    total = totals[context] = [0, 0, 0]
            total[0] += size_of(record.slice)
            total[2 if record.content_hash else 1] += 1
            if record.session_id is not session_id:
                session_id = record.session_id
                sessions.add(session_id)
            filed = record if record.time_unix_nano else record.timed(now)
            if record.has_trace:
                trace_id = PyBytes_FromStringAndSize(<const char *> record.trace, 16)
                same = by_trace_id.get(trace_id)
                if same is None:
                    by_trace_id[trace_id] = traces[TraceKey("trace", trace_id)] = [filed]
                else:
                    same.append(filed)
            else:
                traces.setdefault(trace_key_of(record), []).append(filed)
    return traces, sessions, totals


def encode(list records, dict contexts, dict sessions):
    """See chunk.encode; None where a record is not one of the kernel's."""
    cdef Record record
    for each in records:
        if type(each) is not Record:
            return None
    return _header(records, contexts, sessions), _body(records), _named(records)


cdef bytes _body(list records):
    cdef Record record
    cdef _Buffer body = _Buffer()
    cdef Py_ssize_t size = 0
    for record in records:
        size += size_of(record.slice) + 1 + VARINT_BYTES_MAX
    body.reserve(size)
    for record in records:
        body.content(1, record.slice.at, size_of(record.slice))
    return body.taken()


cdef set _named(list records):
    cdef Record record
    cdef set named = set()
    for record in records:
        if record.session_id:
            named.add(record.session_id)
    return named


cdef bytes _header(list records, dict contexts, dict sessions):
    cdef Record record
    cdef _Buffer header = _Buffer(), starts = _Buffer(), durations = _Buffer(), flags = _Buffer()
    cdef _Buffer context_numbers = _Buffer(), session_numbers = _Buffer(), sizes = _Buffer()
    cdef Py_ssize_t count = len(records), position
    cdef uint64_t base = (<Record> records[0]).time_unix_nano
    cdef list roots = _roots(records)
    cdef bytes ids, others
    cdef char *id_at
    cdef char *other_at
    cdef object context = None, context_number = None
    cdef str session_id = None
    cdef object session_number = None
    cdef bint has_events = False, has_pages = False
    cdef unsigned char byte
    for record in records:
        base = min(base, record.time_unix_nano)
    ids = PyBytes_FromStringAndSize(NULL, count * ID_BYTES)
    others = PyBytes_FromStringAndSize(NULL, count * ID_BYTES)
    id_at, other_at = PyBytes_AS_STRING(ids), PyBytes_AS_STRING(others)
    memset(id_at, 0, count * ID_BYTES)
    memset(other_at, 0, count * ID_BYTES)
    for position, record in enumerate(records):
        if record.has_span:
            memcpy(id_at + position * ID_BYTES, record.span, ID_BYTES)
        if record.content_hash:
            memcpy(other_at + position * ID_BYTES, PyBytes_AS_STRING(record.content_hash), ID_BYTES)
        elif record.has_parent:
            memcpy(other_at + position * ID_BYTES, record.parent, ID_BYTES)
        starts.varint(record.time_unix_nano - base)
        durations.varint(record.end_time_unix_nano - record.time_unix_nano)
        flags.varint(_flags(record, roots[position]))
        if record.context is not context:
            context = record.context
            context_number = contexts[context]
        context_numbers.varint(context_number)
        if record.session_id is not session_id:
            session_id = record.session_id
            session_number = sessions[session_id]
        session_numbers.varint(session_number)
        sizes.varint(size_of(record.slice))
        has_events = has_events or len(record.span_events) > 0
        has_pages = has_pages or record.is_page
    header.reserve(count * COLUMN_BYTES_MAX + HEADER_BYTES_MIN)
    if base:
        header.varint(1 << 3 | 1)
        for position in range(8):
            byte = <unsigned char> (base >> 8 * position & 0xFF)
            header.append(&byte, 1)
    header.content(2, id_at, count * ID_BYTES)
    header.content(3, other_at, count * ID_BYTES)
    header.packed(4, starts)
    header.packed(5, durations)
    header.packed(6, flags)
    header.packed(7, context_numbers)
    header.packed(8, session_numbers)
    if has_events:
        _events(header, records, base)
    header.packed(12, sizes)
    _stored_roots(header, records, roots)
    if has_pages:
        _stored_pages(header, page_urls(records))
    return header.taken()


cdef inline uint32_t _flags(Record record, bint is_root):
    return (
        record.type_number | record.kind << KIND_SHIFT | record.error << ERROR_SHIFT
        | record.evidence_number << EVIDENCE_SHIFT | record.severity_number << SEVERITY_SHIFT
        | (1 if record.content_hash else 0) << LOG_SHIFT | is_root << ROOT_SHIFT
    )


cdef list _roots(list records):
    """Tell of each record whether it is a span whose parent is not among them."""
    cdef Record record
    cdef set span_ids = set()
    for record in records:
        if not record.content_hash:
            span_ids.add(_number(record.span))
    return [
        not record.content_hash and not (record.has_parent and _number(record.parent) in span_ids)
        for record in records
    ]


cdef inline uint64_t _number(const unsigned char *id_bytes) noexcept:
    cdef uint64_t number
    memcpy(&number, id_bytes, ID_BYTES)
    return number


cdef int _events(_Buffer header, list records, uint64_t base) except -1:
    cdef _Buffer positions = _Buffer(), offsets = _Buffer(), errors = _Buffer()
    cdef Record record
    cdef uint64_t time
    cdef Py_ssize_t position
    for position, record in enumerate(records):
        for event_time, error in record.span_events:
            time = event_time
            positions.varint(position)
            offsets.varint(time - base)
            errors.varint(1 if error else 0)
    header.packed(9, positions)
    header.packed(10, offsets)
    header.packed(11, errors)
    return 0


cdef int _stored_roots(_Buffer header, list records, list roots) except -1:
    cdef _Buffer root
    cdef Record record
    cdef int64_t number
    candidates = [position for position, is_root in enumerate(roots) if is_root]
    if len(candidates) > ROOTS_PER_PART_MAX:
        candidates = candidate_roots(records, candidates)
    for position in candidates:
        record = records[position]
        name, method, url, status = _facts(record)
        root = _Buffer()
        if position:
            root.varint(1 << 3 | VARINT)
            root.varint(position)
        if name:
            root.text(2, name)
        if method is not None:
            root.text(3, method)
        if url is not None:
            root.text(4, url)
        if status is not None:
            number = status
            root.varint(5 << 3 | VARINT)
            root.varint((<uint64_t> number << 1) ^ <uint64_t> (number >> 63))
        header.content(13, root.start, root.size)
    return 0


cdef int _stored_pages(_Buffer header, dict urls) except -1:
    cdef _Buffer page
    for position, url in urls.items():
        page = _Buffer()
        if position:
            page.varint(1 << 3 | VARINT)
            page.varint(position)
        if url:
            page.text(2, url)
        header.content(14, page.start, page.size)
    return 0


cdef tuple _facts(Record record):
    """Return name, method, URL and status of a span; attributes that are neither text nor number go to `join`."""
    cdef Slice wire = record.slice, content, name = Slice(NULL, NULL)
    cdef uint32_t tag = 0
    cdef bint is_network = record.type_number == TYPE_NETWORK
    cdef dict attributes = {}
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return tuple(root_facts(record))
        if tag == (5 << 3 | LENGTH):
            if read_slice(&wire, &name):
                return tuple(root_facts(record))
        elif tag == (9 << 3 | LENGTH) and is_network:
            if read_slice(&wire, &content) or _http_attribute(content, attributes):
                return tuple(root_facts(record))
        elif skip(&wire, tag):
            return tuple(root_facts(record))
    text = PyBytes_FromStringAndSize(<const char *> name.at, size_of(name)).decode()
    if not is_network:
        return (text, None, None, None)
    method, url, status = http_facts(attributes)
    return (text, method, url, status)


cdef int _http_attribute(Slice wire, dict attributes) except -2:
    """Add an attribute that `http_facts` reads; -1 where its value is not one text or one number."""
    cdef Slice key = Slice(NULL, NULL), value = Slice(NULL, NULL), content
    cdef uint32_t tag = 0
    cdef uint64_t number = 0
    cdef int values = 0
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (1 << 3 | LENGTH):
            if read_slice(&wire, &key):
                return -1
        elif tag == (2 << 3 | LENGTH):
            if read_slice(&wire, &value):
                return -1
            values += 1
        elif skip(&wire, tag):
            return -1
    if size_of(key) > _HTTP_KEY_BYTES_MAX:
        return 0
    text = _HTTP_KEYS.get(PyBytes_FromStringAndSize(<const char *> key.at, size_of(key)))
    if text is None:
        return 0
    if values != 1 or read_tag(&value, &tag):
        return -1
    if tag == (1 << 3 | LENGTH):
        if read_slice(&value, &content) or value.at != value.end:
            return -1
        attributes[text] = PyBytes_FromStringAndSize(<const char *> content.at, size_of(content)).decode()
        return 0
    if tag == (3 << 3 | VARINT):
        if read_varint(&value, &number) or value.at != value.end:
            return -1
        attributes[text] = <int64_t> number
        return 0
    return -1
