"""OTLP/JSON to protobuf, as strict and as lenient as the specification.

Written directly from the JSON values to the wire format, by the descriptors of the official classes. The
protobuf library's own JSON parser is no base for this: it takes base64 ids, enum names and snake_case names,
all of which OTLP/JSON excludes. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from collector.encoding import json_scalars
from collector.encoding.protobuf import MESSAGE_DEPTH_MAX, request_descriptor
from collector.errors import InvalidDataError, TooLargeError
from collector.pdata.envelope import Signal
from collector.pdata.ids import SPAN_ID_BYTES, TRACE_ID_BYTES

JSON_ELEMENTS_MAX = 2_000_000
"""Objects, lists and members of one body: at most some 400 MB as Python holds them, about 40,000 spans."""

_PLACE_CHARS_MAX = 100


class _Field(NamedTuple):
    """How one member of a JSON object is written.

    `tag` is the key on the wire, `encode` turns a scalar into its payload, `message` is the type of a message
    field; `default` is the payload that is left out (None where presence counts).
    """

    name: str
    tag: bytes
    packed_tag: bytes | None
    repeated: bool
    message: Descriptor | None
    encode: json_scalars.Encoder
    default: bytes | None
    oneof: str | None


def request_to_protobuf(signal: Signal, body: bytes, *, elements_max: int = JSON_ELEMENTS_MAX) -> bytes:
    """Return the JSON of the signal's Export…ServiceRequest as protobuf bytes.

    Unknown names are ignored, snake_case ones among them. Raises InvalidDataError, naming the place, for what is
    no such JSON, and TooLargeError for more than `elements_max` objects, lists and members.
    """
    elements = body.count(b"{") + body.count(b"[") + body.count(b",")
    if elements > elements_max:
        raise TooLargeError(
            f"the JSON body holds about {elements} elements, the limit is {elements_max}; "
            "send smaller batches, or protobuf"
        )
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant)
        return _encode_message(request_descriptor(signal), document, 0)
    except RecursionError as error:
        raise InvalidDataError("the JSON body is nested too deep") from error
    except _MisfitError as error:
        raise InvalidDataError(f"{error.place()} {error.reason}") from error
    except ValueError as error:
        raise InvalidDataError(f"the body is not JSON in UTF-8: {error}") from error


class _MisfitError(Exception):
    """A value that does not fit; each level on the way out adds its name to the place."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def place(self) -> str:
        """Return where the value stands, from the outside in, cut in the middle if it is long."""
        place = "body" + "".join(reversed(self.path))
        return (
            place if len(place) <= 2 * _PLACE_CHARS_MAX else f"{place[:_PLACE_CHARS_MAX]}…{place[-_PLACE_CHARS_MAX:]}"
        )


def _encode_message(descriptor: Descriptor, value: object, depth: int) -> bytes:
    if not isinstance(value, dict):
        raise _MisfitError(f"must be an object, not {json_scalars.kind_of(value)}")
    if depth > MESSAGE_DEPTH_MAX:
        raise _MisfitError(f"is nested deeper than {MESSAGE_DEPTH_MAX} messages")
    fields = _fields_of(descriptor)
    set_members: dict[str, str] = {}
    pieces: list[bytes] = []
    for name, member in cast("dict[str, object]", value).items():
        field = fields.get(name)
        if field is None or member is None:
            continue
        if field.oneof is not None and set_members.setdefault(field.oneof, name) != name:
            raise _MisfitError(f"has both {set_members[field.oneof]} and {name}; only one of them can be set")
        try:
            _append_field(pieces, field, member, depth)
        except ValueError as error:
            misfit = _MisfitError(str(error))
            misfit.path.append(f".{name}")
            raise misfit from error
        except _MisfitError as misfit:
            misfit.path.append(f".{name}")
            raise
    return b"".join(pieces)


def _append_field(pieces: list[bytes], field: _Field, value: object, depth: int) -> None:
    if field.repeated:
        if not isinstance(value, list):
            raise ValueError(f"must be a list, not {json_scalars.kind_of(value)}")
        _append_items(pieces, field, cast("list[object]", value), depth)
    elif field.message is not None:
        content = _encode_message(field.message, value, depth + 1)
        pieces += (field.tag, json_scalars.varint(len(content)), content)
    else:
        payload = field.encode(value)
        if payload != field.default:
            pieces += (field.tag, payload)


def _append_items(pieces: list[bytes], field: _Field, items: list[object], depth: int) -> None:
    if field.message is not None:
        for index, item in enumerate(items):
            try:
                content = _encode_message(field.message, item, depth + 1)
            except _MisfitError as misfit:
                misfit.path.append(f"[{index}]")
                raise
            pieces += (field.tag, json_scalars.varint(len(content)), content)
    elif field.packed_tag is None:
        for item in items:
            pieces += (field.tag, field.encode(item))
    elif items:
        content = b"".join([field.encode(item) for item in items])
        pieces += (field.packed_tag, json_scalars.varint(len(content)), content)


@cache
def _fields_of(descriptor: Descriptor) -> Mapping[str, _Field]:
    """Return the fields of a message type by their lowerCamelCase name."""
    return {field.json_name: _field(field) for field in descriptor.fields}


def _field(field: FieldDescriptor) -> _Field:
    encode = _encoder(field)
    wire_type = 2 if field.message_type is not None else json_scalars.WIRE_TYPES.get(field.type, 0)
    oneof = field.containing_oneof
    packed = field.is_repeated and field.message_type is None and wire_type != 2
    return _Field(
        name=field.json_name,
        tag=json_scalars.varint(field.number << 3 | wire_type),
        packed_tag=json_scalars.varint(field.number << 3 | 2) if packed else None,
        repeated=field.is_repeated,
        message=field.message_type,
        encode=encode,
        default=None if field.has_presence or field.is_repeated else json_scalars.DEFAULTS[wire_type],
        oneof=oneof.name if oneof is not None else None,
    )


def _encoder(field: FieldDescriptor) -> json_scalars.Encoder:
    if field.type == FieldDescriptor.TYPE_BYTES:
        if field.name == "trace_id":
            return json_scalars.hex_id(TRACE_ID_BYTES)
        if field.name in ("span_id", "parent_span_id"):
            return json_scalars.hex_id(SPAN_ID_BYTES)
    return json_scalars.ENCODERS.get(field.type, json_scalars.no_scalar)


def _refuse_constant(name: str) -> object:
    raise ValueError(f'{name} is no JSON; write "{name}"')
