# cython: language_level=3
"""Native twin of `semconv.http_attributes` and `http_facts`, on the bytes of a span's attributes.

-1 and None stand for what is left to the twin: values that are neither one text nor one whole number, hosts that hold a
colon.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from collector.pdata.wire cimport LENGTH, VARINT, Slice, bytes_of
from collector.pdata.wire cimport read_key_value, read_slice, read_tag, read_varint, size_of

from collector.pdata.semconv import DEFAULT_PORTS, HTTP_KEY_GROUPS

cdef enum:
    KEY_BYTES_MAX = 32
    STATUS_DIGITS_MAX = 9
    COLON = 58
    QUESTION_MARK = 63
    METHOD = 0
    URL = 1
    STATUS = 2
    SCHEME = 3
    HOST = 4
    PORT = 5
    PATH = 6
    QUERY = 7
    GROUPS = 8


cdef struct HttpKey:
    unsigned char[KEY_BYTES_MAX] text
    Py_ssize_t size


cdef HttpKey[HTTP_KEYS_MAX] _keys
cdef int _key_count = 0
cdef uint64_t _key_sizes = 0
# Where each group begins, and the last ends.
cdef int[GROUPS + 1] _first
cdef dict _DEFAULT_PORTS = {scheme.encode(): port.encode() for scheme, port in DEFAULT_PORTS.items()}


def _fill_keys(groups):
    global _key_count, _key_sizes
    for number, group in enumerate(groups):
        _first[number] = _key_count
        for key in group:
            encoded = key.encode()
            memcpy(_keys[_key_count].text, PyBytes_AS_STRING(encoded), min(len(encoded), KEY_BYTES_MAX))
            _keys[_key_count].size = len(encoded)
            _key_sizes |= (<uint64_t> 1) << len(encoded)
            _key_count += 1
    _first[GROUPS] = _key_count


_fill_keys(HTTP_KEY_GROUPS)


cdef void clear_values(HttpValues *found) noexcept nogil:
    cdef int index
    for index in range(_key_count):
        found.values[index].kind = NOTHING


cdef int read_http_attribute(Slice wire, HttpValues *found) noexcept nogil:
    """Keep the value of a KeyValue that `http_facts` reads; of a key that occurs twice the last stays."""
    cdef Slice key, value
    cdef int index, values = read_key_value(wire, &key, &value)
    cdef Py_ssize_t size
    if values < 0:
        return -1
    size = size_of(key)
    if size > KEY_BYTES_MAX or not _key_sizes >> size & 1:
        return 0
    for index in range(_key_count):
        if _keys[index].size == size and memcmp(_keys[index].text, key.at, size) == 0:
            return -1 if values != 1 else _keep(value, &found.values[index])
    return 0


cdef int _keep(Slice wire, Value *value) noexcept nogil:
    cdef uint32_t tag = 0
    cdef uint64_t number = 0
    if read_tag(&wire, &tag):
        return -1
    if tag == (1 << 3 | LENGTH):
        if read_slice(&wire, &value.text):
            return -1
        value.kind = TEXT
    elif tag == (3 << 3 | VARINT):
        if read_varint(&wire, &number):
            return -1
        value.kind = NUMBER
        value.number = <int64_t> number
    else:
        return -1
    return 0 if wire.at == wire.end else -1


cdef Slice _first_text(HttpValues *found, int group) noexcept nogil:
    """Return the first text of a group that is not empty, an empty one if there is none."""
    cdef int index
    for index in range(_first[group], _first[group + 1]):
        if found.values[index].kind == TEXT and size_of(found.values[index].text):
            return found.values[index].text
    return Slice(NULL, NULL)


cdef Value _first_value(HttpValues *found, int group) noexcept nogil:
    cdef int index
    for index in range(_first[group], _first[group + 1]):
        if found.values[index].kind == NUMBER:
            return found.values[index]
        if found.values[index].kind == TEXT and size_of(found.values[index].text):
            return found.values[index]
    return Value(NOTHING, Slice(NULL, NULL), 0)


cdef Slice method_of(HttpValues *found) noexcept nogil:
    """Return the method, empty if there is none."""
    return _first_text(found, METHOD)


cdef Value status_of(HttpValues *found) noexcept nogil:
    """Return the status as a NUMBER, NOTHING if there is none."""
    cdef Value value = _first_value(found, STATUS)
    cdef Py_ssize_t index
    if value.kind != TEXT:
        return value
    if size_of(value.text) > STATUS_DIGITS_MAX:
        return Value(NOTHING, Slice(NULL, NULL), 0)
    value.number = 0
    for index in range(size_of(value.text)):
        if not 48 <= value.text.at[index] <= 57:
            return Value(NOTHING, Slice(NULL, NULL), 0)
        value.number = 10 * value.number + value.text.at[index] - 48
    value.kind = NUMBER
    return value


cdef bytes url_of(HttpValues *found):
    """Return the URL that the values hold whole, else the one that their parts make; see semconv.full_url.

    It is b"" where there is none, and None where it is for the twin to say.
    """
    cdef Slice whole = _first_text(found, URL), path, query, host, scheme
    cdef Value port
    cdef bytes made, scheme_text, port_text
    if size_of(whole):
        return bytes_of(whole)
    path, query, host = _first_text(found, PATH), _first_text(found, QUERY), _first_text(found, HOST)
    made = bytes_of(path)
    if size_of(query) and b"?" not in made:
        if query.at[0] == QUESTION_MARK:
            query.at += 1
        made = made + b"?" + bytes_of(query)
    if not size_of(host) or made.startswith((b"http://", b"https://")):
        return made
    if memchr(host.at, COLON, size_of(host)):
        return None
    scheme = _first_text(found, SCHEME)
    scheme_text = bytes_of(scheme) if size_of(scheme) else b"http"
    port = _first_value(found, PORT)
    if port.kind == NOTHING:
        return scheme_text + b"://" + bytes_of(host) + made
    port_text = bytes_of(port.text) if port.kind == TEXT else b"%d" % port.number
    if port_text == _DEFAULT_PORTS.get(scheme_text):
        return scheme_text + b"://" + bytes_of(host) + made
    return scheme_text + b"://" + bytes_of(host) + b":" + port_text + made
