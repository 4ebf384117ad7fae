# cython: language_level=3
"""Native twin of `chunk.encode`, for the records that correlation's kernel makes.

What is decided here is decided there too, and a property test holds the bytes equal.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from collector.correlation.native_record cimport Record
from collector.pdata.http_kernel cimport NUMBER, HttpValues, Value
from collector.pdata.http_kernel cimport clear_values, method_of, read_http_attribute, status_of, url_of
from collector.store.sqlite.abridged_kernel cimport OMISSIONS_MAX, Known, Omission, find_omissions, set_times
from collector.pdata.wire cimport FIXED64, LENGTH, VARINT, Slice, read_slice, read_tag, size_of, skip

from collector.correlation.join import ROOTS_PER_PART_MAX, candidate_roots, page_urls, root_facts

cdef enum:
    ID_BYTES = 8
    VARINT_BYTES_MAX = 10
    BUFFER_BYTES_MIN = 256
    TYPE_NETWORK = 1
    KIND_SHIFT = 3
    ERROR_SHIFT = 6
    EVIDENCE_SHIFT = 7
    SEVERITY_SHIFT = 9
    LOG_SHIFT = 12
    ROOT_SHIFT = 13
    # Of so few records parents are found by comparing all, which takes less than a set.
    FEW_RECORDS = 16

# Never written to: static memory is zero.
cdef unsigned char[ID_BYTES] _NO_ID


@cython.final
cdef class _Buffer:
    """Bytes that grow at their end."""

    cdef unsigned char *start
    cdef Py_ssize_t size, room

    def __dealloc__(self):
        PyMem_Free(self.start)

    cdef int reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t room = max(BUFFER_BYTES_MIN, self.size + more)
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

    cdef int signed(self, int field, int64_t value) except -1:
        """Append an sint64, zigzag."""
        self.varint(field << 3 | VARINT)
        return self.varint((<uint64_t> value << 1) ^ <uint64_t> (value >> 63))

    cdef int packed(self, int field, _Buffer column) except -1:
        if column.size:
            self.content(field, column.start, column.size)
        return 0

    cdef bytes taken(self):
        return PyBytes_FromStringAndSize(<const char *> self.start, self.size)


@cython.final
cdef class Encoder:
    """Encodes chunks, one at a time; what it writes into is kept from one to the next."""

    cdef _Buffer header, starts, durations, flags, contexts, sessions, sizes, roots, root, facts, body, whole

    def __cinit__(self):
        self.header, self.starts, self.durations, self.flags = _Buffer(), _Buffer(), _Buffer(), _Buffer()
        self.contexts, self.sessions, self.sizes = _Buffer(), _Buffer(), _Buffer()
        self.root, self.facts, self.body, self.whole = _Buffer(), _Buffer(), _Buffer(), _Buffer()
        self.roots = _Buffer()

    def encode(self, list records, dict contexts, dict sessions):
        """See chunk.encode; None where a record is not one of the kernel's."""
        cdef Record record
        cdef set named = set()
        for each in records:
            if type(each) is not Record:
                return None
            record = <Record> each
            if record.session_id:
                named.add(record.session_id)
        self.find_roots(records)
        return (
            self.write_header(records, contexts, sessions), self.write_facts(records), self.write_body(records), named,
        )

    cdef int find_roots(self, list records) except -1:
        """Tell of each record, in `roots`, whether it is a span whose parent is not among them."""
        cdef Record record
        cdef Py_ssize_t position, count = len(records)
        cdef set span_ids = None if count <= FEW_RECORDS else _span_ids(records)
        cdef bint has_parent_here
        self.roots.size = 0
        self.roots.reserve(count)
        for position, record in enumerate(records):
            if record.content_hash or not record.has_parent:
                has_parent_here = False
            elif span_ids is None:
                has_parent_here = _is_span_among(records, record.parent)
            else:
                has_parent_here = _number(record.parent) in span_ids
            self.roots.start[position] = not record.content_hash and not has_parent_here
        self.roots.size = count
        return 0

    cdef bytes write_body(self, list records):
        cdef Record record
        cdef Py_ssize_t position
        self.body.size = self.whole.size = 0
        for position, record in enumerate(records):
            if not _append_abridged(self.body, record):
                self.body.content(2, record.slice.at, size_of(record.slice))
                self.whole.varint(position)
        self.body.packed(3, self.whole)
        return self.body.taken()

    cdef bytes write_header(self, list records, dict contexts, dict sessions):
        cdef Record record
        cdef _Buffer header = self.header
        cdef Py_ssize_t count = len(records), position
        cdef uint64_t base = (<Record> records[0]).time_unix_nano
        cdef unsigned char byte
        cdef bint has_events = False
        for record in records:
            base = min(base, record.time_unix_nano)
            has_events = has_events or len(record.span_events) > 0
        self.write_columns(records, base, contexts, sessions)
        header.size = 0
        if base:
            header.varint(1 << 3 | FIXED64)
            for position in range(8):
                byte = <unsigned char> (base >> 8 * position & 0xFF)
                header.append(&byte, 1)
        self.write_ids(records, count)
        header.packed(4, self.starts)
        header.packed(5, self.durations)
        header.packed(6, self.flags)
        header.packed(7, self.contexts)
        header.packed(8, self.sessions)
        if has_events:
            _events(header, records, base)
        header.packed(12, self.sizes)
        return header.taken()

    cdef int write_columns(self, list records, uint64_t base, dict contexts, dict sessions) except -1:
        cdef Record record
        cdef Py_ssize_t position
        cdef object context = None
        cdef str session_id = None
        cdef uint64_t context_number = 0, session_number = 0
        self.starts.size = self.durations.size = self.flags.size = 0
        self.contexts.size = self.sessions.size = self.sizes.size = 0
        for position, record in enumerate(records):
            self.starts.varint(record.time_unix_nano - base)
            self.durations.varint(record.end_time_unix_nano - record.time_unix_nano)
            self.flags.varint(_flags(record, self.roots.start[position]))
            if record.context is not context:
                context = record.context
                context_number = contexts[context]
            self.contexts.varint(context_number)
            if record.session_id is not session_id:
                session_id = record.session_id
                session_number = sessions[session_id]
            self.sessions.varint(session_number)
            self.sizes.varint(size_of(record.slice))
        return 0

    cdef int write_ids(self, list records, Py_ssize_t count) except -1:
        """Write the ids of the spans, then their parents' or the hashes of logs; zero where there is none."""
        cdef Record record
        self.header.varint(2 << 3 | LENGTH)
        self.header.varint(count * ID_BYTES)
        for record in records:
            self.header.append(<unsigned char *> record.span if record.has_span else <unsigned char *> _NO_ID, ID_BYTES)
        self.header.varint(3 << 3 | LENGTH)
        self.header.varint(count * ID_BYTES)
        for record in records:
            if record.content_hash:
                self.header.append(PyBytes_AS_STRING(record.content_hash), ID_BYTES)
            elif record.has_parent:
                self.header.append(record.parent, ID_BYTES)
            else:
                self.header.append(_NO_ID, ID_BYTES)
        return 0

    cdef bytes write_facts(self, list records):
        cdef Record record
        cdef Py_ssize_t position
        cdef _Buffer root = self.root
        cdef bint has_pages = False
        self.facts.size = 0
        for record in records:
            has_pages = has_pages or record.is_page
        if has_pages:
            _stored_pages(self.facts, page_urls(records))
        candidates = [position for position in range(self.roots.size) if self.roots.start[position]]
        if len(candidates) > ROOTS_PER_PART_MAX:
            candidates = candidate_roots(records, candidates)
        for position in candidates:
            root.size = 0
            if position:
                root.varint(1 << 3 | VARINT)
                root.varint(position)
            if _write_facts(root, <Record> records[position]):
                _write_facts_of_twin(root, root_facts(records[position]))
            self.facts.content(13, root.start, root.size)
        return self.facts.taken()


cdef bint _append_abridged(_Buffer body, Record record) except -1:
    """Append the record without what its header holds as well; False, and nothing, where it has to be kept whole."""
    cdef Known known
    cdef Omission[OMISSIONS_MAX] omissions
    cdef int index, count
    cdef Slice rest = record.slice
    cdef Py_ssize_t size = size_of(rest)
    known.is_log = len(record.content_hash) > 0
    known.trace = <const unsigned char *> record.trace if record.has_trace else NULL
    known.span = <const unsigned char *> record.span if record.has_span else <const unsigned char *> _NO_ID
    known.parent = <const unsigned char *> record.parent if record.has_parent else <const unsigned char *> _NO_ID
    set_times(&known, record.time_unix_nano, record.end_time_unix_nano)
    count = find_omissions(rest, &known, False, omissions)
    if count < 0:
        return False
    for index in range(count):
        size -= omissions[index].size
    body.varint(2 << 3 | LENGTH)
    body.varint(size)
    body.reserve(size)
    for index in range(count):
        body.append(rest.at, omissions[index].at - rest.at)
        rest.at = omissions[index].at + omissions[index].size
    body.append(rest.at, size_of(rest))
    return True


cdef inline uint32_t _flags(Record record, bint is_root):
    return (
        record.type_number | record.kind << KIND_SHIFT | record.error << ERROR_SHIFT
        | record.evidence_number << EVIDENCE_SHIFT | record.severity_number << SEVERITY_SHIFT
        | (1 if record.content_hash else 0) << LOG_SHIFT | is_root << ROOT_SHIFT
    )


cdef set _span_ids(list records):
    cdef Record record
    cdef set span_ids = set()
    for record in records:
        if not record.content_hash:
            span_ids.add(_number(record.span))
    return span_ids


cdef bint _is_span_among(list records, const unsigned char *span_id):
    cdef Record record
    for record in records:
        if memcmp(record.span, span_id, ID_BYTES) == 0 and not record.content_hash:
            return True
    return False


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


cdef int _stored_pages(_Buffer facts, dict urls) except -1:
    cdef _Buffer page
    for position, url in urls.items():
        page = _Buffer()
        if position:
            page.varint(1 << 3 | VARINT)
            page.varint(position)
        if url:
            page.text(2, url)
        facts.content(14, page.start, page.size)
    return 0


cdef int _write_facts(_Buffer root, Record record) except -2:
    """Append name, method, URL and status of a span; -1, and nothing, where its attributes are for the twin to read."""
    cdef Slice wire = record.slice, content, name = Slice(NULL, NULL), method
    cdef uint32_t tag = 0
    cdef bint is_network = record.type_number == TYPE_NETWORK
    cdef HttpValues found
    cdef Value status
    cdef bytes url = None
    clear_values(&found)
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (5 << 3 | LENGTH):
            if read_slice(&wire, &name):
                return -1
        elif tag == (9 << 3 | LENGTH) and is_network:
            if read_slice(&wire, &content) or read_http_attribute(content, &found):
                return -1
        elif skip(&wire, tag):
            return -1
    if is_network:
        url = url_of(&found)
        if url is None:
            return -1
    if size_of(name):
        root.content(2, name.at, size_of(name))
    if not is_network:
        return 0
    method, status = method_of(&found), status_of(&found)
    if size_of(method):
        root.content(3, method.at, size_of(method))
    if url:
        root.content(4, PyBytes_AS_STRING(url), PyBytes_GET_SIZE(url))
    if status.kind == NUMBER:
        root.signed(5, status.number)
    return 0


cdef int _write_facts_of_twin(_Buffer root, facts) except -1:
    name, method, url, status = facts
    if name:
        root.text(2, name)
    if method is not None:
        root.text(3, method)
    if url is not None:
        root.text(4, url)
    if status is not None:
        root.signed(5, status)
    return 0
