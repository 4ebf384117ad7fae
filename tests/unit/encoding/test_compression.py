"""Decompression: the encodings, what is corrupt, and memory under a bomb."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from collector.encoding.compression import (
    GZIP_MEMBERS_MAX,
    STEP_BYTES,
    Decompressor,
    decompress,
    decompress_message,
)
from collector.errors import InvalidDataError, TooLargeError, UnsupportedMediaError

CONTENT = bytes(range(256)) * 1000
MIB = 1024 * 1024


def zeros_gzip(size: int) -> Iterator[bytes]:
    """Yield the gzip of `size` zero bytes, piece by piece."""
    deflater = zlib.compressobj(9, wbits=31)
    piece = bytes(MIB)
    for _ in range(size // MIB):
        yield deflater.compress(piece)
    yield deflater.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", CONTENT),
        ("identity", CONTENT),
        ("gzip", gzip.compress(CONTENT)),
        (" X-GZip ", gzip.compress(CONTENT)),
        ("deflate", zlib.compress(CONTENT)),
        ("gzip", gzip.compress(CONTENT[:1000]) + gzip.compress(b"") + gzip.compress(CONTENT[1000:])),
    ],
)
@pytest.mark.parametrize("step", [1 << 30, STEP_BYTES - 1, 997])
def test_every_encoding_gives_the_content_back_however_it_is_cut(encoding: str, body: bytes, step: int) -> None:
    decompressor = Decompressor(encoding)
    content = b"".join(decompressor.feed(body[start : start + step]) for start in range(0, len(body), step))
    decompressor.finish()
    assert content == CONTENT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b""),
        ("gzip", CONTENT),
        ("gzip", gzip.compress(CONTENT)[:-1]),
        ("gzip", gzip.compress(CONTENT)[:-8] + bytes(8)),
        ("gzip", gzip.compress(CONTENT) + b"garbage"),
        ("gzip", gzip.compress(CONTENT) + gzip.compress(CONTENT)[:20]),
        ("deflate", zlib.compress(CONTENT)[:-1]),
        ("deflate", zlib.compress(CONTENT) + b"x"),
        ("deflate", b"not zlib"),
    ],
)
def test_what_is_cut_or_corrupt_is_invalid(encoding: str, body: bytes) -> None:
    with pytest.raises(InvalidDataError):
        decompress(encoding, body)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "*"])
def test_other_encodings_are_refused_by_name(encoding: str) -> None:
    with pytest.raises(UnsupportedMediaError, match="send one of gzip, deflate, identity"):
        Decompressor(encoding)


@pytest.mark.parametrize(("encoding", "body"), [("", CONTENT), ("gzip", gzip.compress(CONTENT))])
def test_the_limit_is_on_what_comes_out(encoding: str, body: bytes) -> None:
    assert decompress(encoding, body, len(CONTENT)) == CONTENT
    with pytest.raises(TooLargeError):
        decompress(encoding, body, len(CONTENT) - 1)


def test_the_number_of_gzip_members_is_bounded() -> None:
    member = gzip.compress(b"x")
    assert decompress("gzip", member * GZIP_MEMBERS_MAX) == b"x" * GZIP_MEMBERS_MAX
    with pytest.raises(InvalidDataError, match="gzip members"):
        decompress("gzip", member * (GZIP_MEMBERS_MAX + 1))


def test_memory_under_a_bomb_follows_the_limit() -> None:
    limit = 4 * MIB
    body = b"".join(zeros_gzip(512 * MIB))
    assert len(body) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            decompress("gzip", body, limit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * limit


def test_a_bomb_that_streams_in_is_stopped_at_the_limit() -> None:
    decompressor = Decompressor("gzip", MIB)
    fed = 0
    with pytest.raises(TooLargeError):
        for piece in zeros_gzip(3072 * MIB):
            fed += len(piece)
            decompressor.feed(piece)
    assert fed < STEP_BYTES


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zlib.compress])
def test_a_grpc_message_is_recognised_by_its_first_bytes(compress: type[bytes]) -> None:
    assert decompress_message(compress(CONTENT)) == CONTENT


@pytest.mark.parametrize("message", [b"", b"\x0a\x00", b"\x78\x01", b"\x78\x9c" + b"x" * 50])
def test_a_grpc_message_that_is_not_compressed_stays_as_it_is(message: bytes) -> None:
    assert decompress_message(message) == message


def test_a_grpc_message_keeps_its_limit() -> None:
    for body in (gzip.compress(CONTENT), zlib.compress(CONTENT)):
        with pytest.raises(TooLargeError):
            decompress_message(body, len(CONTENT) - 1)
