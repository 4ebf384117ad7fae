# cython: language_level=3
# Protobuf's wire format, read from memory that is never left: every function checks the end before it reads,
# and returns -1 where the bytes end too soon or hold what it does not know.
# https://protobuf.dev/programming-guides/encoding/

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef enum:
    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    FIXED32 = 5


cdef struct Slice:
    # What is left to read: from `at` up to, not including, `end`.
    const unsigned char *at
    const unsigned char *end


cdef inline Py_ssize_t size_of(Slice slice) noexcept nogil:
    return slice.end - slice.at


cdef inline int read_varint(Slice *wire, uint64_t *value) noexcept nogil:
    cdef uint64_t result = 0
    cdef int shift = 0
    cdef unsigned char byte
    while wire.at < wire.end and shift < 64:
        byte = wire.at[0]
        wire.at += 1
        result |= (<uint64_t> (byte & 0x7F)) << shift
        if byte < 0x80:
            value[0] = result
            return 0
        shift += 7
    return -1


cdef inline int read_tag(Slice *wire, uint32_t *tag) noexcept nogil:
    cdef uint64_t value = 0
    if wire.at < wire.end and wire.at[0] < 0x80:
        tag[0] = wire.at[0]
        wire.at += 1
        return 0
    if read_varint(wire, &value) or value >> 32:
        return -1
    tag[0] = <uint32_t> value
    return 0


cdef inline int read_slice(Slice *wire, Slice *content) noexcept nogil:
    """Read a length and step over as many bytes; `content` is these."""
    cdef uint64_t length = 0
    if read_varint(wire, &length) or length > <uint64_t> (wire.end - wire.at):
        return -1
    content.at = wire.at
    wire.at += length
    content.end = wire.at
    return 0


cdef inline int read_fixed64(Slice *wire, uint64_t *value) noexcept nogil:
    """Read eight bytes, the lowest first, whatever order this machine has."""
    cdef int index
    cdef uint64_t result = 0
    if wire.end - wire.at < 8:
        return -1
    for index in range(8):
        result |= (<uint64_t> wire.at[index]) << (8 * index)
    wire.at += 8
    value[0] = result
    return 0


cdef inline int skip(Slice *wire, uint32_t tag) noexcept nogil:
    """Step over the value of a field; -1 also for groups, which OTLP has none of."""
    cdef uint64_t ignored = 0
    cdef Slice content
    cdef uint32_t wire_type = tag & 7
    if wire_type == VARINT:
        return read_varint(wire, &ignored)
    if wire_type == LENGTH:
        return read_slice(wire, &content)
    if wire_type == FIXED64:
        return read_fixed64(wire, &ignored)
    if wire_type == FIXED32 and wire.end - wire.at >= 4:
        wire.at += 4
        return 0
    return -1


cdef inline bint read_id(unsigned char *place, Slice slice, Py_ssize_t size) noexcept nogil:
    """Keep an id that has its size and is not all zero; tell whether it is one."""
    cdef Py_ssize_t index
    cdef unsigned char any_bit = 0
    if size_of(slice) != size:
        return False
    for index in range(size):
        any_bit |= slice.at[index]
    if any_bit == 0:
        return False
    memcpy(place, slice.at, size)
    return True


cdef inline bytes bytes_of(Slice slice):
    return PyBytes_FromStringAndSize(<const char *> slice.at, size_of(slice))


cdef inline bint is_text(Slice slice, bytes text):
    return (
        size_of(slice) == PyBytes_GET_SIZE(text)
        and memcmp(slice.at, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)) == 0
    )


cdef inline int read_key_value(Slice wire, Slice *key, Slice *value) noexcept nogil:
    """Read a KeyValue: its key and its value, of several the last; return how many values there are."""
    cdef uint32_t tag = 0
    cdef int values = 0
    key[0] = value[0] = Slice(NULL, NULL)
    while wire.at < wire.end:
        if read_tag(&wire, &tag):
            return -1
        if tag == (1 << 3 | LENGTH):
            if read_slice(&wire, key):
                return -1
        elif tag == (2 << 3 | LENGTH):
            if read_slice(&wire, value):
                return -1
            values += 1
        elif skip(&wire, tag):
            return -1
    return values
