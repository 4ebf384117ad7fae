"""Two result files of run.py or scale.py side by side: each figure, and the second divided by the first.

usage: compare.py A.json B.json; `make bench-compare A=A.json B=B.json`. Figures that only one file has are named, too.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple, cast


class Row(NamedTuple):
    """One figure of one file."""

    value: float
    unit: str


def rows_of(path: Path) -> dict[str, Row]:
    """Return the figures by name; one that comes several times is told apart by what stands beside it."""
    figures = cast("list[dict[str, object]]", json.loads(path.read_text())["figures"])
    names = [str(figure["what"]) for figure in figures]
    return {
        f"{name}; {figure['context']}" if names.count(name) > 1 else name: Row(
            float(str(figure["value"])), str(figure["unit"])
        )
        for name, figure in zip(names, figures, strict=True)
    }


def table(first: dict[str, Row], second: dict[str, Row]) -> list[str]:
    """Return the lines of the comparison, in the order of the first file, then what only the second has."""
    lines = ["| figure | A | B | B / A |", "|---|---|---|---|"]
    for name in dict.fromkeys((*first, *second)):
        one, other = first.get(name), second.get(name)
        ratio = f"{other.value / one.value:.2f}" if one and other and one.value else "–"
        lines.append(f"| {name} | {_told(one)} | {_told(other)} | {ratio} |")
    return lines


def _told(row: Row | None) -> str:
    return f"{row.value:.4g} {row.unit}".strip() if row else "–"


def main() -> None:
    """See the module's text."""
    first, second = (rows_of(Path(name)) for name in sys.argv[1:3])
    sys.stdout.write("\n".join(table(first, second)) + "\n")


if __name__ == "__main__":
    main()
