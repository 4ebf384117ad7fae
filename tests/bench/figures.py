"""The rows of a result table: printed as they come, written as JSON at the end."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ingest import free_cpu_count

# JSON has no number for "without bound".
ANYTHING = sys.float_info.max


@dataclass(frozen=True)
class Figure:
    """One row: `value` must not be over `target`, if there is one; `context` is what was measured beside it.

    `first` is the bound of a version that has not been worked on for speed, where that is another than `target`;
    ANYTHING where such a version has none.
    """

    what: str
    value: float
    unit: str
    target: float | None
    context: str = ""
    first: float | None = None

    @property
    def holds(self) -> bool:
        """Tell whether the target is met."""
        return self.target is None or self.value <= self.target

    @property
    def holds_first(self) -> bool:
        """Tell whether the first bound is met."""
        return self.holds or (self.first is not None and self.value <= self.first)


def machine() -> str:
    """Return what was measured on."""
    return f"{platform.machine()}, {free_cpu_count()} CPUs, Python {platform.python_version()}"


def print_head() -> None:
    """Print the head of the table."""
    _print(f"| figure ({machine()}) | measured | first | target | holds | beside it |\n|---|---|---|---|---|---|")


def print_row(figure: Figure) -> None:
    """Print one row."""
    first = figure.target if figure.first is None else figure.first
    told = (f"{figure.value:.4g} {figure.unit}", _bound(first, figure), _bound(figure.target, figure))
    _print(f"| {figure.what} | {' | '.join(told)} | {_held(figure)} | {figure.context} |")


def _bound(bound: float | None, figure: Figure) -> str:
    return "–" if bound is None or bound == ANYTHING else f"{bound:g} {figure.unit}".strip()


def _held(figure: Figure) -> str:
    if figure.target is None:
        return "–"
    if figure.holds:
        return "yes"
    return "first" if figure.holds_first and figure.first != ANYTHING else "NO"


def finish(figures: Sequence[Figure], path: Path | None) -> None:
    """Print how many bounds and targets hold, and write the figures there if there is a path."""
    if path:
        rows = [asdict(figure) | {"holds": figure.holds, "holds_first": figure.holds_first} for figure in figures]
        path.write_text(json.dumps({"machine": machine(), "figures": rows}, indent=1) + "\n")
    held_to = [figure for figure in figures if figure.target is not None]
    bound = [figure for figure in held_to if figure.first != ANYTHING]
    _print(
        f"\n{sum(figure.holds_first for figure in bound)} of {len(bound)} first bounds hold, "
        f"{sum(figure.holds for figure in held_to)} of {len(held_to)} targets"
    )


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
