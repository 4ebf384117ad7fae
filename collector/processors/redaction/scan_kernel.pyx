# cython: language_level=3
"""Whether a request may hold a secret, in one look at each byte: what `Secrets` asks before it searches closely.

Every secret holds a root, a few letters in any case, or the digits of a card's number, or a URL with a user. Three
bytes at a time are looked up in a table of bits; where they may begin one of these, the rest is compared.
"""

import sys

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    ROOTS_MAX = 512
    ROOT_BYTES_MAX = 32
    ROOT_BYTES_MIN = 3
    TABLE_BITS = 65536
    TABLE_BYTES = 8192
    CHAINS = 1024
    CARD_DIGITS_MIN = 13
    LITTLE_ENDIAN_MASK = 0x5F5F5F
    # Odd, with bits all over: it spreads three bytes over the places of the table.
    FACTOR = 0x1E35A7BD


cdef struct Root:
    unsigned char[ROOT_BYTES_MAX] lower
    Py_ssize_t size
    # So many letters, digits, `_` or `-` have to follow.
    Py_ssize_t following
    # The next root of the same chain; -1 ends it.
    int next


cdef inline uint32_t _place(const unsigned char *at, uint32_t mask) noexcept nogil:
    """Where three bytes stand in the table; letters of either case stand in one place.

    A fourth byte is read and masked: after the last three of a `bytes` object stands a zero.
    """
    cdef uint32_t four = 0
    memcpy(&four, at, 4)
    return ((four & mask) * <uint32_t> FACTOR) >> 16


cdef inline unsigned char _lower(unsigned char byte) noexcept nogil:
    return byte + 32 if 65 <= byte <= 90 else byte


cdef inline bint _is_digit(unsigned char byte) noexcept nogil:
    return 48 <= byte <= 57


cdef inline bint _is_word(unsigned char byte) noexcept nogil:
    return _is_digit(byte) or 97 <= _lower(byte) <= 122 or byte == 95 or byte == 45


cdef class Scan:
    """`roots` are (bytes in lower case, how many letters, digits, `_` or `-` have to follow)."""

    cdef Root[ROOTS_MAX] roots
    cdef int[CHAINS] chains
    cdef uint32_t mask
    cdef uint8_t[TABLE_BYTES] table

    def __init__(self, roots):
        if len(roots) > ROOTS_MAX:
            raise ValueError(f"{len(roots)} roots; at most {ROOTS_MAX}")
        self.mask = LITTLE_ENDIAN_MASK if sys.byteorder == "little" else 0x5F5F5F00
        memset(self.table, 0, TABLE_BYTES)
        for index in range(CHAINS):
            self.chains[index] = -1
        for index, (root, following) in enumerate(roots):
            if not ROOT_BYTES_MIN <= len(root) <= ROOT_BYTES_MAX:
                raise ValueError(f"a root of {len(root)} bytes; {ROOT_BYTES_MIN} to {ROOT_BYTES_MAX} are possible")
            memcpy(self.roots[index].lower, PyBytes_AS_STRING(root), len(root))
            self.roots[index].size = len(root)
            self.roots[index].following = following
            chain = self._mark(root) % CHAINS
            self.roots[index].next = self.chains[chain]
            self.chains[chain] = index
        for digits in range(200, 700):
            self._mark(b"%03d" % digits)
        self._mark(b"://")

    cdef int _mark(self, bytes begin) except -1:
        cdef uint32_t place = _place(<const unsigned char *> PyBytes_AS_STRING(begin), self.mask)
        self.table[place >> 3] |= 1 << (place & 7)
        return place

    def may_hold_secret(self, bytes body):
        """Tell whether a closer look is worth it."""
        cdef const unsigned char *at = <const unsigned char *> PyBytes_AS_STRING(body)
        cdef const unsigned char *end = at + PyBytes_GET_SIZE(body)
        cdef uint64_t eight = 0
        cdef int index
        cdef bint found = False
        with nogil:
            # Four places at a time: one branch for them all, which is hardly ever taken.
            while self.mask == LITTLE_ENDIAN_MASK and end - at >= 8 and not found:
                memcpy(&eight, at, 8)
                if (
                    self._is_marked(<uint32_t> eight) | self._is_marked(<uint32_t> (eight >> 8))
                    | self._is_marked(<uint32_t> (eight >> 16)) | self._is_marked(<uint32_t> (eight >> 24))
                ):
                    for index in range(4):
                        found = found or self._is_found(at + index, end)
                at += 4
            while end - at >= ROOT_BYTES_MIN and not found:
                found = self._is_found(at, end)
                at += 1
        return found

    cdef inline uint8_t _is_marked(self, uint32_t four) noexcept nogil:
        cdef uint32_t place = ((four & LITTLE_ENDIAN_MASK) * <uint32_t> FACTOR) >> 16
        return self.table[place >> 3] >> (place & 7) & 1

    cdef inline bint _is_found(self, const unsigned char *at, const unsigned char *end) noexcept nogil:
        cdef uint32_t place = _place(at, self.mask)
        if self.table[place >> 3] >> (place & 7) & 1:
            return self._begins_here(at, end, self.chains[place % CHAINS])
        return False

    cdef bint _begins_here(self, const unsigned char *at, const unsigned char *end, int index) noexcept nogil:
        """`index` is the first root of the chain that the three bytes here belong to."""
        cdef unsigned char first = at[0]
        if 50 <= first <= 54 and _digits_follow(at, end):
            return True
        if first == 58 and at[1] == 47 and at[2] == 47 and _user_follows(at + 3, end):
            return True
        while index >= 0:
            if self._is_root(&self.roots[index], at, end):
                return True
            index = self.roots[index].next
        return False

    cdef bint _is_root(self, Root *root, const unsigned char *at, const unsigned char *end) noexcept nogil:
        cdef Py_ssize_t index
        if end - at < root.size + root.following:
            return False
        for index in range(root.size):
            if root.lower[index] != _lower(at[index]):
                return False
        for index in range(root.size, root.size + root.following):
            if not _is_word(at[index]):
                return False
        return True


cdef bint _digits_follow(const unsigned char *at, const unsigned char *end) noexcept nogil:
    """Tell whether enough digits for a card's number stand here, one blank or dash between groups at most."""
    cdef int digits = 0
    while at < end:
        if _is_digit(at[0]):
            digits += 1
            if digits == CARD_DIGITS_MIN:
                return True
        elif not ((at[0] == 32 or at[0] == 45) and _is_digit(at[-1])):
            return False
        at += 1
    return False


cdef bint _user_follows(const unsigned char *at, const unsigned char *end) noexcept nogil:
    """Tell whether an @ stands before the path of a URL begins."""
    while at < end and at[0] > 32 and at[0] != 47 and at[0] != 63 and at[0] != 35 and at[0] != 34:
        if at[0] == 64:
            return True
        at += 1
    return False
