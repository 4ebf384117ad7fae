# cython: language_level=3
"""Native twin of `adjusters.order_keys`: the events of many traces in one order, by their columns.

A property test holds the two equal. Traces whose clocks are corrected are left to the twin.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, qsort

from collector.query.native_trace cimport NativeTrace, Step
from collector.store.native_rows cimport ERROR_SHIFT, SEVERITY_BITS, SEVERITY_SHIFT, TYPE_BITS
from collector.store.native_rows cimport Cells, is_log, is_span

from collector.query.event_id import log_id

cdef enum:
    SPAN_RANK = 0
    EVENT_RANK = 1
    LOG_RANK = 2

# Behind the last time that `native_trace` takes.
cdef uint64_t _TIME_END = <uint64_t> 1 << 63


cdef struct Place:
    # One row in the order of many traces; what it is sorted by in this order, and which row it is.
    int64_t time
    uint32_t trace
    uint32_t depth
    uint64_t span
    uint8_t rank
    int32_t event_index
    uint64_t log
    uint32_t number
    int32_t of
    int32_t row


cdef int _by_place(const void *one, const void *other) noexcept nogil:
    cdef const Place *a = <const Place *> one
    cdef const Place *b = <const Place *> other
    if a.time != b.time:
        return -1 if a.time < b.time else 1
    if a.trace != b.trace:
        return -1 if a.trace < b.trace else 1
    if a.depth != b.depth:
        return -1 if a.depth < b.depth else 1
    if a.span != b.span:
        return -1 if a.span < b.span else 1
    if a.rank != b.rank:
        return -1 if a.rank < b.rank else 1
    if a.event_index != b.event_index:
        return -1 if a.event_index < b.event_index else 1
    if a.log != b.log:
        return -1 if a.log < b.log else 1
    return -1 if a.number < b.number else 1


@cython.final
cdef class NativeOrder:
    """The events of several traces in the order of a timeline: a sequence of (OrderKey, Row), made when asked for."""

    cdef list traces
    cdef Place *places
    cdef Py_ssize_t size

    def __cinit__(self, list traces, Py_ssize_t size):
        self.traces = traces
        self.size = 0
        self.places = <Place *> malloc((size + 1) * sizeof(Place))
        if self.places == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.places)

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        cdef Py_ssize_t at
        if isinstance(index, slice):
            return [self._item(at) for at in range(*index.indices(self.size))]
        at = index + self.size if index < 0 else index
        if not 0 <= at < self.size:
            raise IndexError(index)
        return self._item(at)

    def __iter__(self):
        cdef Py_ssize_t at
        return iter([self._item(at) for at in range(self.size)])

    def __eq__(self, other):
        return isinstance(other, (list, NativeOrder)) and list(self) == list(other)

    def index(self, *arguments):
        return list(self).index(*arguments)

    def count(self, item):
        return list(self).count(item)

    cdef tuple _item(self, Py_ssize_t at):
        cdef Place *place = &self.places[at]
        cdef NativeTrace trace = self.traces[place.of]
        row = trace.rows.row(place.row)
        log = f"log:{place.log:016x}" if place.rank == LOG_RANK else ""
        return (place.time, row[5], place.depth, row[6], place.rank, place.event_index, log), row

    def select(self, service, int severity, types, bint wants_logs, bint wants_errors, since, until):
        """Return the events that pass these filters, see selection.Selection.takes; None leaves one out."""
        cdef NativeOrder found = NativeOrder(self.traces, self.size)
        cdef uint32_t wanted = 0, flags
        cdef Py_ssize_t index
        cdef Cells *cells
        cdef NativeTrace trace
        cdef bint has_types = types is not None
        cdef uint64_t first = min(max(since, 0), _TIME_END) if since is not None else 0
        cdef uint64_t end = min(max(until, 0), _TIME_END) if until is not None else _TIME_END
        for type_ in types or ():
            wanted |= <uint32_t> 1 << <int> type_
        for index in range(self.size):
            trace = self.traces[self.places[index].of]
            cells = &trace.rows.cells[self.places[index].row]
            flags = cells.flags
            if not first <= cells.start < end or <int> (flags >> SEVERITY_SHIFT & SEVERITY_BITS) < severity:
                continue
            if has_types and not (
                wanted >> (flags & TYPE_BITS) & 1
                or wants_logs and is_log(cells)
                or wants_errors and flags >> ERROR_SHIFT & 1
            ):
                continue
            if service is not None and trace.rows.places.services[cells.context] != service:
                continue
            found.places[found.size] = self.places[index]
            found.size += 1
        return found


def in_order(list traces, counts):
    """Return the events of traces, which come sorted by their keys; `counts` number the equal logs of each."""
    cdef NativeTrace trace
    cdef NativeOrder order
    cdef Py_ssize_t size = 0, index
    cdef int32_t of
    cdef uint32_t rank = 0
    cdef Place *place
    cdef Cells *cells
    cdef Step *step
    cdef Place *first
    for trace in traces:
        size += trace.rows.size
    order = NativeOrder(traces, size)
    for of, trace in enumerate(traces):
        if trace.rows.trace_key[0] == "trace":
            rank += 1
        first = &order.places[order.size]
        for index in range(trace.rows.size):
            step = &trace.steps[index]
            cells = &trace.rows.cells[step.row]
            place = &first[index]
            place.time = <int64_t> cells.start
            if step.above >= 0 and first[step.above].time > place.time:
                place.time = first[step.above].time
            place.trace = rank if trace.rows.trace_key[0] == "trace" else 0
            place.depth = step.depth
            place.span = cells.span
            place.event_index = max(cells.event_index, 0)
            place.log = 0
            place.rank = SPAN_RANK if is_span(cells) else LOG_RANK if is_log(cells) else EVENT_RANK
            if place.rank == LOG_RANK:
                place.log = cells.other
                if counts[of]:
                    place.log = _numbered(cells, counts[of])
            place.number = <uint32_t> (order.size + index)
            place.of, place.row = of, step.row
        order.size += trace.rows.size
    qsort(order.places, order.size, sizeof(Place), _by_place)
    return order


cdef uint64_t _numbered(const Cells *cells, counts) except? 0:
    """Return what follows `log:` in the id of a log record that may have equals."""
    n = counts.get((cells.commit, cells.position), 0)
    return int(log_id(cells.other.to_bytes(8, "big"), n)[4:], 16)
