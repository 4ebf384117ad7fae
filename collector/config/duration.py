"""Durations as the Collector's configuration writes them: `300ms`, `1m30s`.

https://pkg.go.dev/time#ParseDuration
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator

_UNITS_S: Mapping[str, float] = MappingProxyType(
    {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
)
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)", re.ASCII)


def seconds(duration: str) -> float:
    """Return a duration in seconds. Raises ValueError if it is none."""
    position, total_s = 0, 0.0
    while position < len(duration):
        part = _PART.match(duration, position)
        if part is None:
            break
        total_s += float(part[1]) * _UNITS_S[part[2]]
        position = part.end()
    if not duration or position < len(duration):
        raise ValueError(f"{duration!r} is no duration; write a number with its unit, such as 500ms, 30s or 1m30s")
    return total_s


def _check(value: object) -> object:
    if value == 0 and not isinstance(value, bool):
        return "0s"
    text = str(value).strip()
    seconds(text)
    return text


Duration = Annotated[str, BeforeValidator(_check)]
"""The type of a setting that holds a duration; `seconds` reads it."""
