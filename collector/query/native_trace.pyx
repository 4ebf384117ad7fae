# cython: language_level=3
"""Native twin of `plain_trace`: one trace adjusted by the columns of its rows.

A property test holds the two equal. What is out of the ordinary is left to the twin: cycles of parents, and times
beyond the middle of the range.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memset

from collector.store.native_rows cimport ERROR_SHIFT, KIND_BITS, KIND_SHIFT, NETWORK, TYPE_BITS
from collector.store.native_rows cimport Cells, NativeRows, is_log, is_span

from collector.query.clock_skew import TOLERANCE_NANO
from collector.query.span_tree import span_tree

cdef enum:
    SERVER = 2
    CLIENT = 3
    CONSUMER = 5

cdef uint64_t _TIME_MAX = (<uint64_t> 1 << 63) - 1
cdef int64_t _TOLERANCE = TOLERANCE_NANO


cdef struct Known:
    # A span by its id, and the row that it is in.
    uint64_t span
    int32_t row


cdef int _by_span(const void *one, const void *other) noexcept nogil:
    cdef const Known *a = <const Known *> one
    cdef const Known *b = <const Known *> other
    if a.span != b.span:
        return -1 if a.span < b.span else 1
    return -1 if a.row < b.row else 1


cdef int32_t _find(const Known *known, int32_t count, uint64_t span) noexcept nogil:
    """Return where a span is among those that are sorted by id, -1 if it is not."""
    cdef int32_t low = 0, high = count, middle
    while low < high:
        middle = (low + high) // 2
        if known[middle].span < span:
            low = middle + 1
        else:
            high = middle
    return low if low < count and known[low].span == span else -1


@cython.final
cdef class NativeTrace:
    """See plain_trace.PlainTrace."""

    def __cinit__(self, NativeRows sent, NativeRows rows):
        self._sent, self.rows, self.copies = sent, rows, sent.size - rows.size
        self.entry_row = self.topmost_row = self.server_row = -1
        self.steps = NULL
        self._tree = None

    def __dealloc__(self):
        free(self.steps)

    @property
    def tree(self):
        if self._tree is None:
            self._tree = span_tree(self.rows)
        return self._tree

    @property
    def entry(self):
        return None if self.entry_row < 0 else self.rows.row(self.entry_row)

    @property
    def topmost(self):
        return None if self.topmost_row < 0 else self.rows.row(self.topmost_row)

    @property
    def first_server(self):
        return None if self.server_row < 0 else self.rows.row(self.server_row)

    @property
    def start_time_unix_nano(self):
        cdef int32_t first = self.entry_row if self.entry_row >= 0 else self.topmost_row
        return self.rows.cells[first].start if first >= 0 else self.first_time_unix_nano

    @property
    def services(self):
        cdef Py_ssize_t index
        cdef int32_t last = -1
        services = self._sent.places.services
        found = set()
        for index in range(self._sent.size):
            if self._sent.cells[index].context != last:
                last = self._sent.cells[index].context
                found.add(services[last])
        return found

    def says(self, session_id):
        cdef Py_ssize_t index
        cdef Cells *cells
        if not self.has_logs:
            return False
        for index in range(self.rows.size):
            cells = &self.rows.cells[index]
            if is_log(cells) and self.rows.places.sessions[cells.session] == session_id:
                return True
        return False


def adjusted(NativeRows rows):
    """Adjust the rows of one trace; None where that is left to the twin."""
    cdef NativeTrace trace
    cdef NativeRows kept
    cdef Known *known = <Known *> malloc((rows.size + 1) * sizeof(Known))
    cdef int32_t count
    if known == NULL:
        raise MemoryError
    try:
        count = _known(rows, known)
        kept = _without_copies(rows, known, count)
        if kept is not rows:
            count = _known(kept, known)
        trace = NativeTrace(rows, kept)
        if not _sum_up_sent(trace):
            return None
        _sum_up(trace)
        if not _descend(trace, known, count):
            return None
        return trace
    finally:
        free(known)


cdef int32_t _known(NativeRows rows, Known *known) noexcept nogil:
    """List the spans, sorted by id."""
    cdef Py_ssize_t index
    cdef int32_t count = 0
    for index in range(rows.size):
        if is_span(&rows.cells[index]):
            known[count] = Known(rows.cells[index].span, <int32_t> index)
            count += 1
    qsort(known, count, sizeof(Known), _by_span)
    return count


cdef NativeRows _without_copies(NativeRows rows, Known *known, int32_t count):
    """See plain_trace.drop_copies."""
    cdef int32_t index, best = 0, found
    cdef Py_ssize_t row
    cdef Cells *cells
    cdef Cells *other
    cdef NativeRows kept
    for index in range(1, count):
        if known[index].span == known[index - 1].span:
            break
    else:
        return rows
    # Of each span the best copy, still sorted by id.
    for index in range(1, count):
        if known[index].span != known[best].span:
            best += 1
            known[best] = known[index]
            continue
        cells, other = &rows.cells[known[index].row], &rows.cells[known[best].row]
        if (cells.end > 0, cells.commit, cells.position) > (other.end > 0, other.commit, other.position):
            known[best].row = known[index].row
    kept = NativeRows(rows.trace_key, rows.places)
    for row in range(rows.size):
        cells = &rows.cells[row]
        if not is_log(cells):
            found = _find(known, best + 1, cells.span)
            other = &rows.cells[known[found].row]
            if cells.commit != other.commit or cells.position != other.position:
                continue
        kept.added()[0] = cells[0]
    return kept


cdef bint _sum_up_sent(NativeTrace trace) noexcept:
    """Sum up all rows, copies too; tell whether their times can be reckoned with."""
    cdef Py_ssize_t index
    cdef Cells *cells
    cdef NativeRows sent = trace._sent
    for index in range(sent.size):
        cells = &sent.cells[index]
        if cells.start > _TIME_MAX:
            return False
        if index == 0:
            trace.first_time_unix_nano = trace.last_time_unix_nano = cells.start
            trace.first_commit = trace.last_commit = cells.commit
        trace.first_time_unix_nano = min(trace.first_time_unix_nano, cells.start)
        trace.last_time_unix_nano = max(trace.last_time_unix_nano, cells.start)
        trace.first_commit = min(trace.first_commit, cells.commit)
        trace.last_commit = max(trace.last_commit, cells.commit)
    return True


cdef void _sum_up(NativeTrace trace) noexcept:
    """Sum up the rows that stay."""
    cdef Py_ssize_t index
    cdef Cells *cells
    cdef Cells *server
    cdef NativeRows rows = trace.rows
    for index in range(rows.size):
        cells = &rows.cells[index]
        if cells.flags >> ERROR_SHIFT & 1:
            trace.has_errors = True
        if is_log(cells):
            trace.has_logs = True
        elif is_span(cells) and cells.flags >> KIND_SHIFT & KIND_BITS == SERVER:
            server = &rows.cells[trace.server_row]
            if trace.server_row < 0 or cells.start < server.start or cells.start == server.start and (
                cells.commit < server.commit or cells.commit == server.commit and cells.position < server.position
            ):
                trace.server_row = <int32_t> index


cdef bint _descend(NativeTrace trace, Known *known, int32_t spans) except -1:
    """Order the rows from the top down; tell whether all spans were reached, as they are but for cycles."""
    cdef NativeRows rows = trace.rows
    cdef Cells *cells
    cdef Step *steps
    # By place in `known`: the step of the span, its first child, the next child of its parent.
    cdef int32_t *places = <int32_t *> malloc((3 * spans + 1) * sizeof(int32_t))
    cdef int32_t *first_child = places + spans
    cdef int32_t *next_child = places + 2 * spans
    cdef int32_t count = 0, reached, at, above
    cdef Py_ssize_t index
    steps = trace.steps = <Step *> malloc((rows.size + 1) * sizeof(Step))
    if places == NULL or steps == NULL:
        free(places)
        raise MemoryError
    try:
        memset(places, -1, 3 * spans * sizeof(int32_t))
        # From the last to the first, so that the children of one parent come out in the order of their rows.
        for index in range(rows.size - 1, -1, -1):
            cells = &rows.cells[index]
            if is_span(cells):
                above = _find(known, spans, cells.other)
                if above >= 0:
                    at = _find(known, spans, cells.span)
                    next_child[at] = first_child[above]
                    first_child[above] = at
        for index in range(rows.size):
            cells = &rows.cells[index]
            if is_span(cells) and _find(known, spans, cells.other) < 0:
                steps[count] = Step(<int32_t> index, -1, 0)
                count += 1
        trace.tops = count
        reached = 0
        while reached < count:
            at = _find(known, spans, rows.cells[steps[reached].row].span)
            places[at] = reached
            at = first_child[at]
            while at >= 0:
                steps[count] = Step(known[at].row, reached, steps[reached].depth + 1)
                count += 1
                at = next_child[at]
            reached += 1
        if count < spans:
            return False
        for index in range(rows.size):
            cells = &rows.cells[index]
            if not is_span(cells):
                at = _find(known, spans, cells.span)
                above = places[at] if at >= 0 else -1
                steps[count] = Step(<int32_t> index, above, steps[above].depth if above >= 0 else 0)
                count += 1
    finally:
        free(places)
    _mark(trace, spans)
    trace.is_skewed = _is_skewed(trace, spans)
    return True


cdef void _mark(NativeTrace trace, int32_t spans) except *:
    """Find the entry span, the topmost span, and the parents that never arrived."""
    cdef int32_t index, entry = -1, topmost = -1
    cdef Step *steps = trace.steps
    cdef Cells *cells = trace.rows.cells
    cdef uint64_t parent
    cdef bint is_network
    missing = None
    for index in range(spans):
        is_network = cells[steps[index].row].flags & TYPE_BITS == NETWORK
        if is_network and (entry < 0 or _is_above(cells, &steps[index], &steps[entry])):
            entry = index
        if index < trace.tops:
            if topmost < 0 or _is_above(cells, &steps[index], &steps[topmost]):
                topmost = index
            parent = cells[steps[index].row].other
            if parent:
                trace.orphans += 1
                if missing is None:
                    missing = set()
                missing.add(parent)
    trace.entry_row = steps[entry].row if entry >= 0 else -1
    trace.topmost_row = steps[topmost].row if topmost >= 0 else -1
    trace.missing_parents = 0 if missing is None else len(missing)


cdef bint _is_above(const Cells *cells, const Step *one, const Step *other) noexcept nogil:
    """Compare two spans by depth, then time, then id."""
    cdef const Cells *a = &cells[one.row]
    cdef const Cells *b = &cells[other.row]
    if one.depth != other.depth:
        return one.depth < other.depth
    if a.start != b.start:
        return a.start < b.start
    return a.span < b.span


cdef bint _is_skewed(NativeTrace trace, int32_t spans) except -1:
    """See clock_skew.is_skewed."""
    cdef int32_t index
    cdef Step *step
    cdef Cells *span
    cdef Cells *parent
    cdef uint32_t kind
    cdef int64_t latest
    cdef list hosts = trace.rows.places.host_numbers
    for index in range(trace.tops, spans):
        step = &trace.steps[index]
        span = &trace.rows.cells[step.row]
        kind = span.flags >> KIND_SHIFT & KIND_BITS
        if kind != SERVER and kind != CONSUMER:
            continue
        parent = &trace.rows.cells[trace.steps[step.above].row]
        latest = <int64_t> span.start - _TOLERANCE
        if <int64_t> span.start >= <int64_t> parent.start - _TOLERANCE and not (
            parent.flags >> KIND_SHIFT & KIND_BITS == CLIENT
            and kind == SERVER
            and not parent.flags >> ERROR_SHIFT & 1
            and parent.end > 0
            and latest > 0
            and parent.end < <uint64_t> latest
        ):
            continue
        if hosts[span.context] != hosts[parent.context]:
            return True
    return False


def log_counts(NativeRows rows):
    """See event_id.log_counts."""
    cdef Py_ssize_t index
    cdef Cells *cells
    seen, counts = {}, {}
    for index in range(rows.size):
        cells = &rows.cells[index]
        if is_log(cells):
            n = seen.get(cells.other, 0)
            seen[cells.other] = n + 1
            if n:
                counts[cells.commit, cells.position] = n
    return counts
