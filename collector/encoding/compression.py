"""Content encodings of export requests: gzip, deflate and identity, with a limit on what comes out.

Decompression is incremental: memory follows the limit, never what the compressed bytes would grow to.
https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
"""

import zlib
from collections.abc import Iterator

from collector.errors import InvalidDataError, TooLargeError, UnsupportedMediaError

REQUEST_BYTES_MAX = 64 * 1024 * 1024
GZIP_MEMBERS_MAX = 4096
STEP_BYTES = 64 * 1024

ACCEPTED_ENCODINGS = "gzip, deflate, identity"
_GZIP_WINDOW_BITS = 31
_ZLIB_WINDOW_BITS = 15
_WINDOW_BITS = {
    "": None,
    "identity": None,
    "gzip": _GZIP_WINDOW_BITS,
    "x-gzip": _GZIP_WINDOW_BITS,
    "deflate": _ZLIB_WINDOW_BITS,
}
_GZIP_MAGIC = b"\x1f\x8b"
_ZLIB_FIRST_BYTE = b"\x78"


class Decompressor:
    """Turns the chunks of one body into what they stand for.

    Raises UnsupportedMediaError for an encoding that is not known, TooLargeError once more than `size_max`
    bytes have come out, InvalidDataError if the bytes are not of that encoding or stop early.
    """

    def __init__(self, encoding: str, size_max: int = REQUEST_BYTES_MAX) -> None:
        name = encoding.strip().lower()
        if name not in _WINDOW_BITS:
            raise UnsupportedMediaError(
                f"content encoding {encoding[:64]!r} is not supported; send one of {ACCEPTED_ENCODINGS}"
            )
        self._name = name
        self._window_bits = _WINDOW_BITS[name]
        self._size_max = size_max
        self._size = 0
        self._members = 1
        self._member = None if self._window_bits is None else zlib.decompressobj(self._window_bits)

    def feed(self, chunk: bytes) -> bytes:
        """Return what `chunk` adds to the body."""
        if self._member is None:
            self._count(len(chunk))
            return chunk
        steps = (chunk[start : start + STEP_BYTES] for start in range(0, len(chunk), STEP_BYTES))
        return b"".join(piece for step in steps for piece in self._inflate(step))

    def finish(self) -> None:
        """Say that no chunk follows; raises InvalidDataError if the compressed bytes are not complete."""
        if self._member is not None and not self._member.eof:
            raise InvalidDataError(f"the {self._name} body ends before its stream does; it was cut on the way")

    def _inflate(self, chunk: bytes) -> Iterator[bytes]:
        while chunk and self._member is not None:
            if self._member.eof:
                self._begin_member()
            try:
                piece = self._member.decompress(chunk, self._size_max - self._size + 1)
            except zlib.error as error:
                raise InvalidDataError(f"the body is not valid {self._name}: {error}") from error
            self._count(len(piece))
            yield piece
            chunk = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def _begin_member(self) -> None:
        if self._window_bits != _GZIP_WINDOW_BITS:
            raise InvalidDataError(f"the {self._name} body goes on after the end of its stream")
        self._members += 1
        if self._members > GZIP_MEMBERS_MAX:
            raise InvalidDataError(f"the body holds more than {GZIP_MEMBERS_MAX} gzip members; send it as one")
        self._member = zlib.decompressobj(_GZIP_WINDOW_BITS)

    def _count(self, more: int) -> None:
        self._size += more
        if self._size > self._size_max:
            raise TooLargeError(
                f"the body is over the limit of {self._size_max} bytes (decompressed); send smaller batches"
            )


def decompress(encoding: str, body: bytes, size_max: int = REQUEST_BYTES_MAX) -> bytes:
    """Return the whole of `body` decompressed; raises what Decompressor raises."""
    decompressor = Decompressor(encoding, size_max)
    content = decompressor.feed(body)
    decompressor.finish()
    return content


def decompress_message(message: bytes, size_max: int = REQUEST_BYTES_MAX) -> bytes:
    """Return a gRPC message as it was before its sender compressed it, if it did.

    gRPC core decompresses without a limit, so it is told not to, and its flag does not reach the handler.
    The bytes tell: no protobuf message begins with gzip's 0x1f (a tag of wire type 7), and an OTLP request
    that begins with zlib's 0x78 (the unknown field 15) would have to be a valid zlib stream by chance.
    """
    if message.startswith(_GZIP_MAGIC):
        return decompress("gzip", message, size_max)
    if message.startswith(_ZLIB_FIRST_BYTE):
        try:
            return decompress("deflate", message, size_max)
        except InvalidDataError:
            return message
    return message
