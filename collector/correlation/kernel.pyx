# cython: language_level=3
"""Native twin of `keys.correlate`: a request that is plain, cut and bound in one pass over its bytes.

What is decided here is decided in `keys` too, and a property test holds the two equal. Whatever is not
plain is left to `keys`: a whole request, where its envelope is unusual (`correlate` returns None), or the session of
one record (`Rules.session_of`). The caller has had the official class accept the bytes before.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from collector.correlation.native_record cimport Record
from collector.correlation.native_rules cimport EVENT_NAME, NETWORK, TRACE_ID, Rules, Seen
from collector.pdata.wire cimport FIXED64, LENGTH, VARINT, Slice, bytes_of, is_text
from collector.pdata.wire cimport read_fixed64, read_id, read_slice, read_tag, read_varint, size_of, skip

from collector.correlation.record import SpanEventFacts

cdef enum:
    # The numbers of record.EventType, Evidence and Severity.
    TYPE_NETWORK = 1
    TYPE_SPAN = 2
    TYPE_EVENT = 3
    TYPE_LOG = 4
    EVIDENCE_NONE = 0
    EVIDENCE_ATTRIBUTE = 1
    EVIDENCE_TRACESTATE = 3
    SEVERITY_ERROR = 5
    # Each record needs a closer look: what resource or scope say of the session is not plain.
    UNDECIDED = -1


cdef class _Group:
    """The records of one resource and one scope, while they are read."""

    cdef Rules rules
    cdef bytes body
    cdef object context, outer, hash_begun
    cdef str outer_session_id
    cdef int outer_evidence
    cdef dict texts
    cdef list records
    cdef int rejected, overlong


def correlate(bytes body, bint is_logs, Rules rules):
    """Return (records, rejected, overlong session ids) as `keys.correlate` does; None where it must do so itself."""
    cdef Slice wire, resource_spans
    cdef uint32_t tag = 0
    cdef _Group group = _Group()
    group.rules = rules
    group.body = body
    group.texts = {}
    group.records = []
    wire.at = <const unsigned char *> PyBytes_AS_STRING(body)
    wire.end = wire.at + PyBytes_GET_SIZE(body)
    while wire.at < wire.end:
        if _read_plain(&wire, &tag, &resource_spans) or tag != (1 << 3 | LENGTH):
            return None
        if _resource(group, resource_spans, is_logs):
            return None
    return group.records, group.rejected, group.overlong


cdef int _read_plain(Slice *wire, uint32_t *tag, Slice *content) noexcept nogil:
    """Read a length-delimited field of the envelope; -1 where tag or length are not in their shortest form."""
    cdef const unsigned char *before
    if read_tag(wire, tag) or tag[0] > 0x7F or wire.at[-1] != tag[0] or tag[0] & 7 != LENGTH:
        return -1
    before = wire.at
    if read_slice(wire, content):
        return -1
    # The last byte of a length that takes more than one is never 0 in the shortest form.
    if content.at - before > 1 and content.at[-1] == 0:
        return -1
    return 0


cdef int _once(Slice *place, Slice content) noexcept nogil:
    """Keep what may be there once."""
    if place.at != NULL:
        return -1
    place[0] = content
    return 0


cdef int _resource(_Group group, Slice wire, bint is_logs) except -2:
    cdef Slice resource = Slice(NULL, NULL), schema_url = Slice(NULL, NULL)
    cdef Slice content, scopes = wire
    cdef uint32_t tag = 0
    while wire.at < wire.end:
        if _read_plain(&wire, &tag, &content):
            return -1
        if tag == (1 << 3 | LENGTH):
            if _once(&resource, content):
                return -1
        elif tag == (3 << 3 | LENGTH):
            if _once(&schema_url, content):
                return -1
        elif tag != (2 << 3 | LENGTH):
            return -1
    while scopes.at < scopes.end:
        _read_plain(&scopes, &tag, &content)
        if tag == (2 << 3 | LENGTH) and _scope(group, content, resource, schema_url, is_logs):
            return -1
    return 0


cdef int _scope(_Group group, Slice wire, Slice resource, Slice resource_schema_url, bint is_logs) except -2:
    cdef Slice scope = Slice(NULL, NULL), schema_url = Slice(NULL, NULL)
    cdef Slice content, records = wire
    cdef uint32_t tag = 0
    cdef bint has_records = False
    cdef int failed
    while wire.at < wire.end:
        if _read_plain(&wire, &tag, &content):
            return -1
        if tag == (2 << 3 | LENGTH):
            has_records = True
        elif tag == (1 << 3 | LENGTH):
            if _once(&scope, content):
                return -1
        elif tag == (3 << 3 | LENGTH):
            if _once(&schema_url, content):
                return -1
        else:
            return -1
    if not has_records:
        return 0
    group.context, group.outer, group.outer_session_id, group.outer_evidence, group.hash_begun = (
        group.rules.context_of(
            bytes_of(resource), bytes_of(scope), bytes_of(schema_url), bytes_of(resource_schema_url)
        )
    )
    while records.at < records.end:
        _read_plain(&records, &tag, &content)
        if tag == (2 << 3 | LENGTH):
            failed = _log(group, content) if is_logs else _span(group, content)
            if failed:
                return -1
    return 0


cdef int _span(_Group group, Slice slice) except -2:
    cdef Rules rules = group.rules
    cdef Slice wire = slice, content
    cdef Slice trace_id = Slice(NULL, NULL), span_id = Slice(NULL, NULL), parent = Slice(NULL, NULL)
    cdef Slice name = Slice(NULL, NULL), tracestate = Slice(NULL, NULL)
    cdef Seen seen = Seen(0, 0, Slice(NULL, NULL), False), in_events = Seen(0, 0, Slice(NULL, NULL), False)
    cdef uint32_t tag = 0
    cdef uint64_t number = 0, start = 0, end = 0
    cdef int32_t kind = 0, status = 0
    cdef list events = None
    cdef Record record
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (9 << 3 | LENGTH):
            if read_slice(&wire, &content) or rules.read_attribute(content, &seen):
                return -1
        elif tag == (1 << 3 | LENGTH):
            if read_slice(&wire, &trace_id):
                return -1
        elif tag == (2 << 3 | LENGTH):
            if read_slice(&wire, &span_id):
                return -1
        elif tag == (3 << 3 | LENGTH):
            if read_slice(&wire, &tracestate):
                return -1
        elif tag == (4 << 3 | LENGTH):
            if read_slice(&wire, &parent):
                return -1
        elif tag == (5 << 3 | LENGTH):
            if read_slice(&wire, &name):
                return -1
        elif tag == (6 << 3 | VARINT):
            if read_varint(&wire, &number):
                return -1
            kind = <int32_t> <uint32_t> number
        elif tag == (7 << 3 | FIXED64):
            if read_fixed64(&wire, &start):
                return -1
        elif tag == (8 << 3 | FIXED64):
            if read_fixed64(&wire, &end):
                return -1
        elif tag == (11 << 3 | LENGTH):
            if events is None:
                events = []
            if read_slice(&wire, &content) or _event(rules, content, &in_events, events):
                return -1
        elif tag == (15 << 3 | LENGTH):
            if read_slice(&wire, &content) or _status(content, &status):
                return -1
        elif skip(&wire, tag):
            return -1
    record = Record.__new__(Record)
    record.body = group.body
    record.slice = slice
    record.content_hash = b""
    _bind(group, record, &seen, in_events.hits, tracestate)
    record.has_trace = read_id(record.trace, trace_id, 16)
    record.has_span = read_id(record.span, span_id, 8)
    if not record.has_trace or not record.has_span:
        group.rejected += 1
        return 0
    record.has_parent = read_id(record.parent, parent, 8) and memcmp(record.parent, record.span, 8) != 0
    record.context = group.context
    record.type_number = TYPE_NETWORK if seen.meanings & NETWORK and (kind == 2 or kind == 3) else TYPE_SPAN
    record.kind = kind if 0 < kind <= 5 else 0
    record.time_unix_nano = start
    record.end_time_unix_nano = end
    record.error = status == 2
    record.is_page = is_text(name, rules.page_span_name)
    record.span_events = () if events is None else tuple(
        [SpanEventFacts(time or start, error) for time, error in events]
    )
    group.records.append(record)
    return 0


cdef int _event(Rules rules, Slice wire, Seen *seen, list events) except -2:
    cdef Slice name = Slice(NULL, NULL), content
    cdef uint32_t tag = 0
    cdef uint64_t time = 0
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (1 << 3 | FIXED64):
            if read_fixed64(&wire, &time):
                return -1
        elif tag == (2 << 3 | LENGTH):
            if read_slice(&wire, &name):
                return -1
        elif tag == (3 << 3 | LENGTH):
            if read_slice(&wire, &content) or rules.read_attribute(content, seen):
                return -1
        elif skip(&wire, tag):
            return -1
    events.append((time, is_text(name, rules.exception_name)))
    return 0


cdef int _status(Slice wire, int32_t *code) noexcept nogil:
    cdef uint32_t tag = 0
    cdef uint64_t number = 0
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (3 << 3 | VARINT):
            if read_varint(&wire, &number):
                return -1
            code[0] = <int32_t> <uint32_t> number
        elif skip(&wire, tag):
            return -1
    return 0


cdef int _log(_Group group, Slice slice) except -2:
    cdef Rules rules = group.rules
    cdef Slice wire = slice, content
    cdef Slice trace_id = Slice(NULL, NULL), span_id = Slice(NULL, NULL)
    cdef Slice severity_text = Slice(NULL, NULL), name = Slice(NULL, NULL), no_tracestate = Slice(NULL, NULL)
    cdef Seen seen = Seen(0, 0, Slice(NULL, NULL), False)
    cdef uint32_t tag = 0
    cdef uint64_t number = 0, time = 0, observed = 0
    cdef int32_t severity = 0
    cdef Record record
    cdef bytes raw, found
    cdef str event_name
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (6 << 3 | LENGTH):
            if read_slice(&wire, &content) or rules.read_attribute(content, &seen):
                return -1
        elif tag == (1 << 3 | FIXED64):
            if read_fixed64(&wire, &time):
                return -1
        elif tag == (11 << 3 | FIXED64):
            if read_fixed64(&wire, &observed):
                return -1
        elif tag == (2 << 3 | VARINT):
            if read_varint(&wire, &number):
                return -1
            severity = <int32_t> <uint32_t> number
        elif tag == (3 << 3 | LENGTH):
            if read_slice(&wire, &severity_text):
                return -1
        elif tag == (9 << 3 | LENGTH):
            if read_slice(&wire, &trace_id):
                return -1
        elif tag == (10 << 3 | LENGTH):
            if read_slice(&wire, &span_id):
                return -1
        elif tag == (12 << 3 | LENGTH):
            if read_slice(&wire, &name):
                return -1
        elif skip(&wire, tag):
            return -1
    raw = bytes_of(slice)
    record = Record.__new__(Record)
    record.body = group.body
    record.slice = slice
    record.context = group.context
    record.has_span = read_id(record.span, span_id, 8)
    record.has_trace = read_id(record.trace, trace_id, 16)
    if not record.has_trace and seen.meanings & TRACE_ID:
        found = rules.trace_id_of(raw)
        record.has_trace = len(found) == 16
        if record.has_trace:
            memcpy(record.trace, PyBytes_AS_STRING(found), 16)
    record.type_number = TYPE_EVENT if size_of(name) else TYPE_LOG
    record.is_page = is_text(name, rules.page_event_name)
    if not size_of(name) and seen.meanings & EVENT_NAME:
        event_name = rules.event_name_of(raw)
        record.type_number = TYPE_EVENT if event_name else TYPE_LOG
        record.is_page = event_name.encode() == rules.page_event_name
    record.time_unix_nano = record.end_time_unix_nano = time or observed
    if 1 <= severity <= 24:
        record.severity_number = (severity + 3) // 4
    elif size_of(severity_text):
        record.severity_number = rules.severity_of_text(bytes_of(severity_text).decode())
    record.error = record.severity_number >= SEVERITY_ERROR
    record.span_events = ()
    content_hash = group.hash_begun.copy()
    content_hash.update(raw)
    record.content_hash = content_hash.digest()
    _bind(group, record, &seen, 0, no_tracestate)
    group.records.append(record)
    return 0


cdef int _bind(_Group group, Record record, Seen *seen, int hits_in_events, Slice tracestate) except -2:
    """Give the record its session: at once where one place alone can name it, else as `keys` does."""
    cdef Rules rules = group.rules
    record.session_id = ""
    record.evidence_number = EVIDENCE_NONE
    if seen.hits == 1 and seen.session_is_text and size_of(seen.session) <= rules.session_id_bytes_max:
        record.session_id = _text(group, seen.session)
        if record.session_id:
            record.evidence_number = EVIDENCE_ATTRIBUTE
            return 0
    elif not seen.hits and not hits_in_events:
        if group.outer_evidence != UNDECIDED and group.outer_session_id:
            record.session_id = group.outer_session_id
            record.evidence_number = group.outer_evidence
            return 0
        if group.outer_evidence == EVIDENCE_NONE:
            record.session_id = _session_in_tracestate(group, tracestate)
            if record.session_id is not None:
                if record.session_id:
                    record.evidence_number = EVIDENCE_TRACESTATE
                return 0
    record.session_id, record.evidence_number, overlong = rules.session_of(
        bytes_of(record.slice), bool(record.content_hash), group.outer
    )
    group.overlong += overlong
    return 0


cdef str _text(_Group group, Slice slice):
    """Return the trimmed text; equal ones of a request are one object."""
    cdef bytes key = bytes_of(slice)
    text = group.texts.get(key)
    if text is None:
        text = key.decode().strip()
        group.texts[key] = text
    return text


cdef str _session_in_tracestate(_Group group, Slice slice):
    """Return the session that a tracestate names, "" if none does; None where it is too long."""
    if not size_of(slice):
        return ""
    cdef bytes tracestate = bytes_of(slice)
    # In one dictionary with the texts of `_text`: a key of another type is never equal to one of theirs.
    key = (tracestate,)
    if key in group.texts:
        return group.texts[key]
    session_id = next(group.rules.sessions_in_tracestate(tracestate.decode()), "")
    if len(session_id.encode()) > group.rules.session_id_bytes_max:
        session_id = None
    group.texts[key] = session_id
    return session_id
