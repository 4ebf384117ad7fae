"""Recorded text as it may stand in an answer: on one line, without control characters, cut, quoted.

Telemetry is untrusted. What it says can neither begin a line of ours, nor move a cursor, nor reorder what a
reader sees; free text stands between double quotes that it cannot close.
"""

import json
import unicodedata
from typing import cast

from collector.query.event import JsonValue

NAME_CHARACTERS_MAX = 80
TEXT_CHARACTERS_MAX = 160
# Control, format (zero width, direction), surrogate, private use, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, characters_max: int = NAME_CHARACTERS_MAX) -> str:
    """Return a name, URL or id on one line, cut with an ellipsis; characters that do not show become escapes."""
    flat = " ".join(text[: characters_max * 4].split())
    flat = escape_unseen(flat)
    if len(flat) > characters_max or len(text) > characters_max * 4:
        return flat[: characters_max - 1].rstrip() + "…"
    return flat


def escape_unseen(line: str) -> str:
    """Return a line with an escape for every character that does not show, or that would move what does."""
    if line.isprintable():
        return line
    return "".join(_escaped(character) if _is_unseen(character) else character for character in line)


def quoted(value: JsonValue, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """Return free text between double quotes; another value as compact JSON between them."""
    text = value if isinstance(value, str) else compact(value)
    return '"' + clean(text.replace('"', "'"), characters_max) + '"'


def attribute(key: str, value: JsonValue, characters_max: int = NAME_CHARACTERS_MAX) -> str:
    """Return `key=value`; text between quotes unless it is one plain word."""
    name = clean(key, NAME_CHARACTERS_MAX)
    if isinstance(value, str) and not value.replace("-", "").replace(".", "").replace("_", "").isalnum():
        return f"{name}={quoted(value, characters_max)}"
    return f"{name}={clean(value if isinstance(value, str) else compact(value), characters_max)}"


def compact(value: JsonValue) -> str:
    """Return a value as JSON without blanks."""
    return json.dumps(cast("object", value), ensure_ascii=False, separators=(",", ":"))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
