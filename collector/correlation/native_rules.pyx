# cython: language_level=3
"""What the native kernel looks for in attributes, and where it turns to for what it does not decide itself."""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from collector.pdata.wire cimport LENGTH, Slice, read_key_value, read_slice, read_tag, size_of


cdef class Rules:
    """What is looked for, and the functions of `correlator` that decide the rest.

    `keys` are (key in lower case, meaning, whether any case counts).
    """

    def __init__(
        self, keys, *, context_of, session_of, sessions_in_tracestate, severity_of_text, event_name_of,
        trace_id_of, bytes page_span_name, bytes page_event_name, bytes exception_name, session_id_bytes_max,
    ):
        if len(keys) > KEYS_MAX:
            raise ValueError(f"{len(keys)} keys; at most {KEYS_MAX}")
        self.key_count = len(keys)
        self.sizes = 0
        for index, (key, meaning, any_case) in enumerate(keys):
            if len(key) > KEY_BYTES_MAX:
                raise ValueError(f"a key of {len(key)} bytes; at most {KEY_BYTES_MAX}")
            memcpy(self.keys[index].lower, PyBytes_AS_STRING(key), len(key))
            self.keys[index].size = len(key)
            self.keys[index].meaning = meaning
            self.any_case[index] = any_case
            self.sizes |= (<uint64_t> 1) << min(len(key), 63)
        self.context_of = context_of
        self.session_of = session_of
        self.sessions_in_tracestate = sessions_in_tracestate
        self.severity_of_text = severity_of_text
        self.event_name_of = event_name_of
        self.trace_id_of = trace_id_of
        self.page_span_name = page_span_name
        self.page_event_name = page_event_name
        self.exception_name = exception_name
        self.session_id_bytes_max = session_id_bytes_max

    cdef int meaning_of(self, Slice key) noexcept nogil:
        cdef Py_ssize_t size = size_of(key)
        cdef int index, meaning = 0
        if not self.sizes >> min(size, 63) & 1:
            return 0
        for index in range(self.key_count):
            if self.keys[index].size == size and self.matches(index, key.at):
                meaning |= self.keys[index].meaning
        return meaning

    cdef bint matches(self, int index, const unsigned char *text) noexcept nogil:
        cdef Py_ssize_t position
        cdef unsigned char byte
        if not self.any_case[index]:
            return memcmp(self.keys[index].lower, text, self.keys[index].size) == 0
        for position in range(self.keys[index].size):
            byte = text[position]
            if 65 <= byte <= 90:
                byte += 32
            if byte != self.keys[index].lower[position]:
                return False
        return True

    cdef int read_attribute(self, Slice wire, Seen *seen) noexcept nogil:
        """Read one KeyValue as far as it matters."""
        cdef Slice key, value, content
        cdef uint32_t tag = 0
        cdef int meaning, values = read_key_value(wire, &key, &value)
        if values < 0:
            return -1
        meaning = self.meaning_of(key)
        seen.meanings |= meaning
        if meaning & (SESSION_ATTRIBUTE | SESSION_HEADER):
            seen.hits += 1
            # One text and nothing else in the value: the rest is for the official class.
            seen.session_is_text = False
            if meaning & SESSION_ATTRIBUTE and values == 1 and read_tag(&value, &tag) == 0 and tag == (1 << 3 | LENGTH):
                if read_slice(&value, &content) == 0 and value.at == value.end:
                    seen.session = content
                    seen.session_is_text = True
        return 0
