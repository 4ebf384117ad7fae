"""OTLP attributes as plain Python values.

https://opentelemetry.io/docs/specs/otel/common/#attribute
"""

from collections.abc import Iterable
from typing import TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

PlainValue: TypeAlias = "str | bool | int | float | bytes | list[PlainValue] | dict[str, PlainValue] | None"


def plain_value(value: AnyValue) -> PlainValue:
    """Return `value` as Python holds it: arrays as list, key-value lists as dict, an empty AnyValue as None."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return [plain_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return plain_attributes(value.kvlist_value.values)
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return value.double_value
        case "bytes_value":
            return value.bytes_value
        case _:
            return None


def plain_attributes(attributes: Iterable[KeyValue]) -> dict[str, PlainValue]:
    """Return the attributes as a dict; of a key that occurs twice the last value stays."""
    return {item.key: plain_value(item.value) for item in attributes}
