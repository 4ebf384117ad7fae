"""The rows of a result table: printed as they come, written as JSON at the end."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ingest import free_cpu_count


@dataclass(frozen=True)
class Figure:
    """One row: `value` must not be over `target`, if there is one; `context` is what was measured beside it."""

    what: str
    value: float
    unit: str
    target: float | None
    context: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether the target is met."""
        return self.target is None or self.value <= self.target


def machine() -> str:
    """Return what was measured on."""
    return f"{platform.machine()}, {free_cpu_count()} CPUs, Python {platform.python_version()}"


def print_head() -> None:
    """Print the head of the table."""
    _print(f"| figure ({machine()}) | measured | target | holds | beside it |\n|---|---|---|---|---|")


def print_row(figure: Figure) -> None:
    """Print one row."""
    measured = f"| {figure.what} | {figure.value:.4g} {figure.unit} "
    if figure.target is None:
        _print(f"{measured}| – | – | {figure.context} |")
    else:
        _print(f"{measured}| {figure.target:g} {figure.unit} | {'yes' if figure.holds else 'NO'} | {figure.context} |")


def finish(figures: Sequence[Figure], path: Path | None) -> None:
    """Print how many targets hold, and write the figures there if there is a path."""
    if path:
        rows = [asdict(figure) | {"holds": figure.holds} for figure in figures]
        path.write_text(json.dumps({"machine": machine(), "figures": rows}, indent=1) + "\n")
    held_to = [figure for figure in figures if figure.target is not None]
    _print(f"\n{sum(figure.holds for figure in held_to)} of {len(held_to)} targets hold")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
