# cython: language_level=3
"""Native twin of `timeline.text_of`: what a record says in words, read off its bytes.

A property test holds the two equal. None stands for a record that is left to the twin, as one is in which a field comes
twice. Bytes were found valid when they came.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from collector.pdata.wire cimport FIXED64, LENGTH, VARINT, Slice, bytes_of
from collector.pdata.wire cimport read_fixed64, read_key_value, read_slice, read_tag, read_varint, size_of, skip

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.correlation.keys import EVENT_NAME_KEY
from collector.pdata.attributes import plain_value

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef enum:
    DEPTH_MAX = 16
    # Field numbers.
    SPAN_NAME = 5
    SPAN_ATTRIBUTES = 9
    SPAN_EVENTS = 11
    SPAN_STATUS = 15
    EVENT_NAME = 2
    EVENT_ATTRIBUTES = 3
    LOG_BODY = 5
    LOG_ATTRIBUTES = 6
    LOG_EVENT_NAME = 12
    STATUS_MESSAGE = 2

cdef int64_t _SAFE_INTEGER_MAX = (<int64_t> 1 << 53) - 1


cdef struct Fields:
    # Where a record holds what is asked for; the attributes are read on the way.
    Slice name
    Slice nested
    int nested_count


def span_text(bytes raw):
    """Return name, no body, status message and attributes of a span; None where that is left to the twin."""
    cdef Fields fields
    cdef Slice message = Slice(NULL, NULL)
    cdef dict attributes = {}
    cdef uint32_t tag = 0
    if _read(_whole(raw), &fields, attributes, SPAN_NAME, SPAN_ATTRIBUTES, SPAN_STATUS) or fields.nested_count > 1:
        return None
    while fields.nested.at < fields.nested.end:
        if read_tag(&fields.nested, &tag):
            return None
        if tag == (STATUS_MESSAGE << 3 | LENGTH):
            if read_slice(&fields.nested, &message):
                return None
        elif skip(&fields.nested, tag):
            return None
    return _text(fields.name), None, _text(message), attributes


def span_event_text(bytes raw, int index):
    """Return name, no body, no status message and attributes of a span's event; None where it is left to the twin."""
    cdef Fields fields
    cdef Slice wire = _whole(raw), content
    cdef uint32_t tag = 0
    cdef int found = -1
    cdef dict attributes = {}
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return None
        if tag != (SPAN_EVENTS << 3 | LENGTH):
            if skip(&wire, tag):
                return None
            continue
        if read_slice(&wire, &content):
            return None
        found += 1
        if found == index:
            if _read(content, &fields, attributes, EVENT_NAME, EVENT_ATTRIBUTES, 0):
                return None
            return _text(fields.name), None, "", attributes
    return None


def log_text(bytes raw):
    """Return event name, body, no status message and attributes of a log record; None where it is left to the twin."""
    cdef Fields fields
    cdef dict attributes = {}
    if _read(_whole(raw), &fields, attributes, LOG_EVENT_NAME, LOG_ATTRIBUTES, LOG_BODY) or fields.nested_count > 1:
        return None
    name = _text(fields.name)
    if not name and EVENT_NAME_KEY in attributes:
        return None
    return name, _value(fields.nested, 0) if fields.nested_count else None, "", attributes


def is_json(dict attributes, Py_ssize_t bytes_max):
    """Tell whether JSON holds these values as they are: short texts, booleans, safe integers, finite numbers."""
    cdef double number
    for value in attributes.values():
        kind = type(value)
        if kind is str:
            # A character takes at most four bytes.
            if PyUnicode_GET_LENGTH(value) * 4 > bytes_max:
                return False
        elif kind is int:
            if not -_SAFE_INTEGER_MAX <= value <= _SAFE_INTEGER_MAX:
                return False
        elif kind is float:
            number = value
            if number - number != 0:
                return False
        elif kind is not bool:
            return False
    return True


cdef Slice _whole(bytes raw) noexcept:
    cdef Slice wire
    wire.at = <const unsigned char *> PyBytes_AS_STRING(raw)
    wire.end = wire.at + PyBytes_GET_SIZE(raw)
    return wire


cdef str _text(Slice slice):
    return PyUnicode_DecodeUTF8(<const char *> slice.at, size_of(slice), NULL) if size_of(slice) else ""


cdef int _read(
    Slice wire, Fields *fields, dict attributes, uint32_t name, uint32_t attribute, uint32_t nested
) except -2:
    """Read the fields of these numbers; `nested` is a message. -1 where the bytes end too soon."""
    cdef uint32_t tag = 0
    cdef Slice content
    fields.name = fields.nested = Slice(NULL, NULL)
    fields.nested_count = 0
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag & 7 != LENGTH:
            if skip(&wire, tag):
                return -1
            continue
        if read_slice(&wire, &content):
            return -1
        if tag >> 3 == attribute:
            if _add(content, attributes, 0):
                return -1
        elif tag >> 3 == name:
            fields.name = content
        elif tag >> 3 == nested:
            fields.nested = content
            fields.nested_count += 1
    return 0


cdef int _add(Slice whole, dict attributes, int depth) except -2:
    """Add a KeyValue, of a key that occurs twice the last."""
    cdef Slice key, value
    cdef int values = read_key_value(whole, &key, &value)
    if values < 0:
        return -1
    if values > 1:
        item = KeyValue.FromString(bytes_of(whole))
        attributes[item.key] = plain_value(item.value)
    else:
        attributes[_text(key)] = _value(value, depth)
    return 0


cdef object _value(Slice whole, int depth):
    """Return an AnyValue as attributes.plain_value does."""
    cdef Slice wire = whole, content
    cdef uint32_t tag = 0
    cdef uint64_t number = 0
    cdef double fraction
    if wire.at == wire.end:
        return None
    if not read_tag(&wire, &tag):
        if tag == (1 << 3 | LENGTH):
            if not read_slice(&wire, &content) and wire.at == wire.end:
                return _text(content)
        elif tag == (3 << 3 | VARINT):
            if not read_varint(&wire, &number) and wire.at == wire.end:
                return <int64_t> number
        elif tag == (2 << 3 | VARINT):
            if not read_varint(&wire, &number) and wire.at == wire.end:
                return number != 0
        elif tag == (4 << 3 | FIXED64):
            if not read_fixed64(&wire, &number) and wire.at == wire.end:
                memcpy(&fraction, &number, sizeof(double))
                return fraction
        elif (tag == (5 << 3 | LENGTH) or tag == (6 << 3 | LENGTH)) and depth < DEPTH_MAX:
            if not read_slice(&wire, &content) and wire.at == wire.end:
                found = _nested(content, tag >> 3 == 6, depth + 1)
                if found is not None:
                    return found
    return plain_value(AnyValue.FromString(bytes_of(whole)))


cdef object _nested(Slice wire, bint is_object, int depth):
    """Return an ArrayValue as a list, or a KeyValueList as a dict; None where the bytes end too soon."""
    cdef uint32_t tag = 0
    cdef Slice content
    cdef list items = []
    cdef dict members = {}
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return None
        if tag != (1 << 3 | LENGTH):
            if skip(&wire, tag):
                return None
            continue
        if read_slice(&wire, &content):
            return None
        if not is_object:
            items.append(_value(content, depth))
        elif _add(content, members, depth):
            return None
    return members if is_object else items
