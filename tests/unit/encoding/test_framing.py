"""Messages behind their lengths, in both ways of writing them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.encoding.framing import Framing, detect_framing, framed, read_length

MESSAGES = st.lists(st.binary(max_size=300).map(lambda rest: b"\x0a" + rest), min_size=1, max_size=8)


def varint_framed(body: bytes) -> bytes:
    length, written = len(body), bytearray()
    while length > 0x7F:
        written.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes(written) + bytes([length]) + body


def read_all(data: bytes) -> list[bytes]:
    framing = detect_framing(data[:16], len(data))
    file = io.BytesIO(data)
    messages: list[bytes] = []
    while (length := read_length(file, framing)) is not None:
        messages.append(file.read(length))
    return messages


@given(messages=MESSAGES)
def test_lengths_of_four_bytes_are_found_and_read(messages: list[bytes]) -> None:
    assert read_all(b"".join(map(framed, messages))) == messages


@given(messages=MESSAGES)
def test_lengths_as_varints_are_found_and_read(messages: list[bytes]) -> None:
    assert read_all(b"".join(map(varint_framed, messages))) == messages


def test_an_empty_first_message_is_no_riddle() -> None:
    assert read_all(framed(b"") + framed(b"\x0a\x00")) == [b"", b"\x0a\x00"]


@pytest.mark.parametrize(
    ("framing", "data", "message"),
    [
        (Framing.BIG_ENDIAN, b"\x00\x00\x01", "ends inside a length"),
        (Framing.VARINT, b"\x80", "ends inside a length"),
        (Framing.VARINT, b"\x80" * 10 + b"\x01", "longer than 10 bytes"),
    ],
)
def test_a_length_that_is_cut_off_or_none_is_an_error(framing: Framing, data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_length(io.BytesIO(data), framing)
