"""Repeats become one line: `GET /price/# 200 ×14, 3–9ms`.

Lines fold that stand in the same scope and say the same but for numbers and ids; they stand where the first
one stood. What went wrong folds only with what went wrong in the very same words (its pattern is its words).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mcp_server.render.clock import duration
from mcp_server.render.line import Line

_NUMBER = re.compile(r"\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+")


def pattern_of(text: str) -> str:
    """Return a text with a # for each number and id in it."""
    return _NUMBER.sub("#", text)


def fold(lines: Sequence[Line]) -> list[Line]:
    """Fold repeats, in the order of the first of each."""
    groups: dict[tuple[str, str, int, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.scope, line.service, line.depth, line.pattern), []).append(line)
    return [_folded(group) if len(group) > 1 else group[0] for group in groups.values()]


def range_of_durations(durations_ms: Iterable[float]) -> str:
    """Return `3.1–9.0ms`, or one duration if all are shown the same."""
    values = sorted(durations_ms)
    shortest, longest = duration(values[0]), duration(values[-1])
    if shortest == longest:
        return shortest
    unit = "ms" if longest.endswith("ms") else "s"
    same_unit = shortest.endswith("ms") == longest.endswith("ms") and " " not in f"{shortest}{longest}"
    return f"{shortest.removesuffix(unit) if same_unit else shortest}–{longest}"


def _folded(group: Sequence[Line]) -> Line:
    first = group[0]
    durations = [line.duration_ms for line in group if line.duration_ms is not None]
    same_words = all(line.head == first.head for line in group)
    return replace(
        first,
        head=first.head if same_words else first.pattern,
        repeats=f"×{len(group)}" + (f", {range_of_durations(durations)}" if durations else ""),
        kinds=[kind for line in group for kind in line.kinds],
        rank=min(line.rank for line in group),
        request_ids=list(dict.fromkeys(request_id for line in group for request_id in line.request_ids)),
    )
