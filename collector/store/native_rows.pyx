# cython: language_level=3
"""The rows of one trace as a native kernel reads them: numbers in columns; a Row is made when it is asked for.

Of the thousands of rows that a timeline is ordered by, a page shows a hundred.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.stdlib cimport free, realloc

from collector.correlation.record import EventType, Evidence, Severity
from collector.store.api import Row, RowKey

cdef extern from "Python.h":
    object PyType_GenericAlloc(PyTypeObject *type_, Py_ssize_t size)
    void PyObject_GC_UnTrack(void *made)

cdef enum:
    ID_BYTES = 8
    FIRST_ROOM = 8

cdef tuple _TYPES = (None, *EventType)
cdef tuple _SEVERITIES = tuple(Severity)
cdef tuple _EVIDENCES = tuple(Evidence)


@cython.final
cdef class Places:
    """The services, hosts and sessions that rows name by number."""

    def __init__(self):
        self._contexts, self._sessions, self._hosts = {}, {}, {}
        self.services, self.hosts, self.host_numbers, self.sessions = [], [], [], []

    cdef int32_t context(self, names, uint64_t number) except -1:
        place = self._contexts.get(number)
        if place is None:
            service, host = names.context(number)
            place = self._contexts[number] = len(self.services)
            self.services.append(service)
            self.hosts.append(host)
            self.host_numbers.append(self._hosts.setdefault(host, len(self._hosts)))
        return place

    cdef int32_t session(self, names, uint64_t number) except -1:
        place = self._sessions.get(number)
        if place is None:
            session_id = names.session(number)
            place = self._sessions[number] = len(self.sessions)
            self.sessions.append(session_id)
        return place


@cython.final
cdef class NativeRows:
    """See store.api.TraceRows.rows."""

    def __cinit__(self, trace_key, Places places):
        kind, value = trace_key
        self.trace_key = trace_key
        self.trace_id = value if kind == "trace" else b""
        self.places = places
        self.cells = NULL
        self.size = self.room = 0

    def __dealloc__(self):
        free(self.cells)

    cdef Cells *added(self) except NULL:
        """Return the cells of one more row, to be filled."""
        cdef Cells *cells = self.cells
        if self.size == self.room:
            self.room = 2 * self.room if self.room else FIRST_ROOM
            cells = <Cells *> realloc(cells, self.room * sizeof(Cells))
            if cells == NULL:
                raise MemoryError
            self.cells = cells
        self.size += 1
        return &cells[self.size - 1]

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        cdef Py_ssize_t at
        if isinstance(index, slice):
            start, stop, step = index.indices(self.size)
            if step != 1:
                return list(self)[index]
            return self.some(start, max(start, stop))
        at = index + self.size if index < 0 else index
        if not 0 <= at < self.size:
            raise IndexError(index)
        return self.row(at)

    def __iter__(self):
        cdef Py_ssize_t index
        return iter([self.row(index) for index in range(self.size)])

    def __eq__(self, other):
        return isinstance(other, (list, NativeRows)) and list(self) == list(other)

    def __repr__(self):
        return repr(list(self))

    def index(self, *arguments):
        return list(self).index(*arguments)

    def count(self, row):
        return list(self).count(row)

    def owned(self, session_id):
        """Return those rows that name this session or none; itself if that is all."""
        cdef Py_ssize_t index
        cdef list sessions = self.places.sessions
        cdef list owns = [name in ("", session_id) for name in sessions]
        cdef NativeRows kept
        if all(owns):
            return self
        for index in range(self.size):
            if not owns[self.cells[index].session]:
                break
        else:
            return self
        kept = NativeRows(self.trace_key, self.places)
        for index in range(self.size):
            if owns[self.cells[index].session]:
                kept.added()[0] = self.cells[index]
        return kept

    cdef NativeRows some(self, Py_ssize_t start, Py_ssize_t stop):
        cdef NativeRows kept = NativeRows(self.trace_key, self.places)
        cdef Py_ssize_t index
        for index in range(start, stop):
            kept.added()[0] = self.cells[index]
        return kept

    cdef object row(self, Py_ssize_t index):
        cdef Cells *cells = &self.cells[index]
        cdef uint32_t flags = cells.flags
        cdef bint is_logged = is_log(cells), is_plain_span = is_span(cells)
        cdef Places places = self.places
        return _new(Row, (
            _new(RowKey, (self.trace_key, cells.commit, cells.position)),
            cells.event_index,
            _TYPES[flags & TYPE_BITS],
            "span" if is_plain_span else "log" if is_logged else "span_event",
            flags >> KIND_SHIFT & KIND_BITS,
            self.trace_id,
            id_of(cells.span),
            b"" if is_logged else id_of(cells.other),
            cells.start,
            cells.end,
            flags >> ERROR_SHIFT & 1 == 1,
            _SEVERITIES[flags >> SEVERITY_SHIFT & SEVERITY_BITS],
            places.sessions[cells.session],
            _EVIDENCES[flags >> EVIDENCE_SHIFT & EVIDENCE_BITS],
            places.services[cells.context],
            places.hosts[cells.context],
            _bytes_of(cells.other) if is_logged else b"",
        ))


cdef bint is_span(const Cells *cells) noexcept nogil:
    return cells.event_index < 0 and not cells.flags >> LOG_SHIFT & 1


cdef bint is_log(const Cells *cells) noexcept nogil:
    return cells.event_index < 0 and cells.flags >> LOG_SHIFT & 1


cdef bytes id_of(uint64_t number):
    """Return an id as bytes, b"" for none."""
    return _bytes_of(number) if number else b""


cdef bytes _bytes_of(uint64_t number):
    cdef char[ID_BYTES] made
    cdef int index
    for index in range(ID_BYTES):
        made[ID_BYTES - 1 - index] = <char> (number & 0xFF)
        number >>= 8
    return PyBytes_FromStringAndSize(made, ID_BYTES)


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
