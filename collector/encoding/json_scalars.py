"""JSON values as the payloads of protobuf's scalar types.

Each encoder takes one JSON value and returns the bytes that follow the tag; it raises ValueError with the end of
a sentence that begins with the place of the value. https://protobuf.dev/programming-guides/json/ with the
exceptions of https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType

from google.protobuf.descriptor import FieldDescriptor

Encoder = Callable[[object], bytes]

_DECIMAL = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_HEX = re.compile(r"[0-9A-Fa-f]*", re.ASCII)
_SPECIAL_DOUBLES: Mapping[str, float] = MappingProxyType(
    {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
)
_SHOWN_CHARS_MAX = 40


def varint(value: int) -> bytes:
    """Return a number of at most 64 bits as a varint; negative ones as their two's complement."""
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= 0xFFFF_FFFF_FFFF_FFFF
    pieces = bytearray()
    while value > 0x7F:
        pieces.append(value & 0x7F | 0x80)
        value >>= 7
    pieces.append(value)
    return bytes(pieces)


def kind_of(value: object) -> str:
    """Name the JSON type of `value`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def integer(value: object, low: int, high: int) -> int:
    """Return an integer given as a number or a decimal string; raises ValueError if it is none or out of range."""
    match value:
        case bool():
            raise ValueError(f"must be an integer, not {kind_of(value)}")
        case int():
            number = value
        case float() if value.is_integer():
            number = int(value)
        case str() if _DECIMAL.fullmatch(value):
            number = int(value)
        case _:
            raise ValueError(f"must be an integer or a decimal string, not {_shown(value)}")
    if not low <= number <= high:
        raise ValueError(f"must be between {low} and {high}")
    return number


def hex_id(size: int) -> Encoder:
    """Return the encoder of an id of `size` bytes: that many pairs of hex digits in either case, or nothing."""

    def encode(value: object) -> bytes:
        if not isinstance(value, str) or len(value) not in (0, 2 * size) or not _HEX.fullmatch(value):
            raise ValueError(f"must be {2 * size} hex digits (not base64), not {_shown(value)}")
        content = bytes.fromhex(value)
        return varint(len(content)) + content

    return encode


def no_scalar(value: object) -> bytes:
    """Stand in where a field is a message or of a type that OTLP does not use."""
    raise ValueError(f"cannot be written, it is {_shown(value)}")


def _string(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {kind_of(value)}")
    try:
        content = value.encode()
    except UnicodeEncodeError:
        # JavaScript strings can hold half a surrogate pair; one broken character must not cost the batch
        content = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return varint(len(content)) + content


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"must be a base64 string, not {kind_of(value)}")
    text = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"must be base64, not {_shown(value)}") from error
    return varint(len(content)) + content


def _bool(value: object) -> bytes:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_shown(value)}")
    return b"\x01" if value else b"\x00"


def _enum(value: object) -> bytes:
    if isinstance(value, str):
        raise ValueError(f"must be the enum's integer, not {_shown(value)}")
    return varint(integer(value, -(2**31), 2**31 - 1))


def _double(value: object) -> bytes:
    match value:
        case bool():
            raise ValueError(f"must be a number, not {kind_of(value)}")
        case int() | float():
            number = value
        case str() if value in _SPECIAL_DOUBLES:
            return struct.pack("<d", _SPECIAL_DOUBLES[value])
        case str() if _NUMBER.fullmatch(value):
            number = float(value)
        case _:
            raise ValueError(f'must be a number, "NaN", "Infinity" or "-Infinity", not {_shown(value)}')
    try:
        number = float(number)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise ValueError("is too large for a double")
    return struct.pack("<d", number)


def _varint_of(low: int, high: int) -> Encoder:
    return lambda value: varint(integer(value, low, high))


def _zigzag_of(bits: int) -> Encoder:
    def encode(value: object) -> bytes:
        number = integer(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return varint(number << 1 if number >= 0 else (-number << 1) - 1)

    return encode


def _fixed_of(code: str, low: int, high: int) -> Encoder:
    return lambda value: struct.pack(code, integer(value, low, high))


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:_SHOWN_CHARS_MAX])
    return kind_of(value)


ENCODERS: Mapping[int, Encoder] = MappingProxyType(
    {
        FieldDescriptor.TYPE_STRING: _string,
        FieldDescriptor.TYPE_BYTES: _bytes,
        FieldDescriptor.TYPE_BOOL: _bool,
        FieldDescriptor.TYPE_ENUM: _enum,
        FieldDescriptor.TYPE_DOUBLE: _double,
        FieldDescriptor.TYPE_INT32: _varint_of(-(2**31), 2**31 - 1),
        FieldDescriptor.TYPE_INT64: _varint_of(-(2**63), 2**63 - 1),
        FieldDescriptor.TYPE_UINT32: _varint_of(0, 2**32 - 1),
        FieldDescriptor.TYPE_UINT64: _varint_of(0, 2**64 - 1),
        FieldDescriptor.TYPE_SINT32: _zigzag_of(32),
        FieldDescriptor.TYPE_SINT64: _zigzag_of(64),
        FieldDescriptor.TYPE_FIXED32: _fixed_of("<I", 0, 2**32 - 1),
        FieldDescriptor.TYPE_FIXED64: _fixed_of("<Q", 0, 2**64 - 1),
        FieldDescriptor.TYPE_SFIXED32: _fixed_of("<i", -(2**31), 2**31 - 1),
        FieldDescriptor.TYPE_SFIXED64: _fixed_of("<q", -(2**63), 2**63 - 1),
    }
)
"""The encoder of each scalar type that OTLP uses."""

WIRE_TYPES: Mapping[int, int] = MappingProxyType(
    {
        FieldDescriptor.TYPE_STRING: 2,
        FieldDescriptor.TYPE_BYTES: 2,
        FieldDescriptor.TYPE_DOUBLE: 1,
        FieldDescriptor.TYPE_FIXED64: 1,
        FieldDescriptor.TYPE_SFIXED64: 1,
        FieldDescriptor.TYPE_FIXED32: 5,
        FieldDescriptor.TYPE_SFIXED32: 5,
    }
)
"""Wire types of the scalar types; the others are varints."""

DEFAULTS: Mapping[int, bytes] = MappingProxyType({0: b"\x00", 1: bytes(8), 2: b"\x00", 5: bytes(4)})
"""The payload of a default value by wire type, which is left out where presence does not count."""
