"""From attribute values to JSON: nothing that JSON or JavaScript would change on the way.

Integers beyond ±(2^53-1) become decimal strings, bytes base64, NaN and Infinity text, as in OTLP/JSON
(https://protobuf.dev/programming-guides/json/). What is over VALUE_BYTES_MAX is cut.
"""

import base64
import json
import math
from collections.abc import Mapping
from typing import NamedTuple, cast

from collector.pdata import native
from collector.pdata.attributes import PlainValue
from collector.query.event import JsonValue

KERNEL = "collector.query.text_kernel"
VALUE_BYTES_MAX = 4 * 1024
SAFE_INTEGER_MAX = 2**53 - 1


class Shown(NamedTuple):
    """Attributes as they are shown, and the names of those that were cut."""

    attributes: dict[str, JsonValue]
    truncated: list[str]


def shown_attributes(
    attributes: Mapping[str, PlainValue], bytes_max: int | None = VALUE_BYTES_MAX, *, use_native: bool = True
) -> Shown:
    """Return the attributes as JSON values, each of at most `bytes_max` (None: whole).

    Where JSON holds all of them as they are, they are these themselves.
    """
    kernel = native.kernel(KERNEL) if use_native else None
    if kernel is not None and bytes_max is not None and kernel.is_json(attributes, bytes_max):
        return Shown(cast("dict[str, JsonValue]", attributes), [])
    shown: dict[str, JsonValue] = {}
    truncated: list[str] = []
    for key, value in attributes.items():
        shown[key], was_cut = shown_value(value, bytes_max)
        if was_cut:
            truncated.append(key)
    return Shown(shown, truncated)


def shown_value(value: PlainValue, bytes_max: int | None = VALUE_BYTES_MAX) -> tuple[JsonValue, bool]:
    """Return one value as JSON, and whether it was cut; text counts in UTF-8, lists and objects as compact JSON."""
    shown = json_value(value)
    if bytes_max is None:
        return shown, False
    if isinstance(shown, str):
        # A character takes at most four bytes, so most texts need no encoding.
        if len(shown) * 4 <= bytes_max or len(shown.encode()) <= bytes_max:
            return shown, False
        return _cut_text(shown, bytes_max), True
    if not isinstance(shown, (list, dict)) or _json_size(shown) <= bytes_max:
        return shown, False
    return _cut_nested(shown, bytes_max)[0], True


def json_value(value: PlainValue) -> JsonValue:
    """Return a plain value as JSON holds it, whole."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX else str(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [json_value(item) for item in value]
    return {key: json_value(item) for key, item in value.items()}


def one_line(value: JsonValue, chars_max: int) -> str:
    """Return a value as one line of at most `chars_max` characters; what is cut ends in an ellipsis."""
    text = value if isinstance(value, str) else json_text(value)
    if len(text) > 4 * chars_max:
        text = text[: 4 * chars_max] + "…"
    line = " ".join(text.split())
    return line if len(line) <= chars_max else line[: chars_max - 1] + "…"


def json_text(value: JsonValue) -> str:
    """Return a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json_size(value: JsonValue) -> int:
    return len(json_text(value).encode())


def _cut_text(text: str, bytes_max: int) -> str:
    return text.encode()[:bytes_max].decode(errors="ignore")


def _cut_nested(value: JsonValue, room: int) -> tuple[JsonValue, int]:
    """Keep what fits into `room` bytes of compact JSON, from the front; return it with the room that is left."""
    if isinstance(value, list):
        items: list[JsonValue] = []
        room -= 2
        for item in value:
            if room <= 1:
                break
            kept, room = _cut_nested(item, room - 1)
            items.append(kept)
        return items, room
    if isinstance(value, dict):
        members: dict[str, JsonValue] = {}
        room -= 2
        for key, item in value.items():
            room -= _json_size(key) + 2
            if room <= 1:
                break
            members[key], room = _cut_nested(item, room)
        return members, room
    size = _json_size(value)
    if size > room and isinstance(value, str):
        return _cut_text(value, max(0, room - 2)), 0
    return value, room - size
