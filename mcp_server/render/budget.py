"""What fits: lines are chosen by rank until the tokens are spent, and what is left out is counted by kind."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from collector.query.params import BUDGET_TOKENS_MAX
from mcp_server.render.counts import counted
from mcp_server.render.line import Line, Rank

CHARACTERS_PER_TOKEN = 4
# What a line costs beside its words: times, service, indentation, newline.
_LINE_CHARACTERS = 26
_LAST_LINE_CHARACTERS = 260


@dataclass(frozen=True, slots=True)
class Choice:
    """The lines that fit, in order; `shown` events stand on them, `left_out` counts the others by kind."""

    lines: Sequence[Line]
    shown: int
    left_out: Counter[str]


def room_for_lines(budget_tokens: int, head: Sequence[str]) -> int:
    """Return the characters that are left for a timeline below the lines of `head` and above the last line."""
    return budget_tokens * CHARACTERS_PER_TOKEN - sum(len(line) + 1 for line in head) - _LAST_LINE_CHARACTERS


def choose(lines: Sequence[Line], characters: int, rank_max: Rank) -> Choice:
    """Keep the lines up to `rank_max` that fit, best rank first and among equals those nearest to what went wrong.

    Rank ALWAYS may exceed `characters`, but never the cap of a text answer; then the first ones stay.
    """
    centre = next((line.order for line in lines if line.rank is Rank.ALWAYS and _tells_failure(line)), 0)
    ranked = sorted(
        (line for line in lines if line.rank <= rank_max),
        key=lambda line: (line.rank, abs(line.order - centre) if line.rank is not Rank.ALWAYS else line.order),
    )
    kept: list[Line] = []
    spent = 0
    cap = (BUDGET_TOKENS_MAX - 500) * CHARACTERS_PER_TOKEN
    for line in ranked:
        cost = len(line.words) + _LINE_CHARACTERS
        if spent + cost > (cap if line.rank is Rank.ALWAYS else min(characters, cap)):
            continue
        spent += cost
        kept.append(line)
    kept.sort(key=lambda line: line.order)
    shown = sum(len(line.kinds) for line in kept)
    kept_orders = {line.order for line in kept}
    left_out = Counter(kind for line in lines if line.order not in kept_orders for kind in line.kinds)
    return Choice(kept, shown, left_out)


def left_out_words(left_out: Counter[str]) -> str:
    """Return `28 ok spans, 6 INFO logs`, what matters most first."""
    return ", ".join(counted(count, kind) for kind, count in sorted(left_out.items(), key=_weight))


def _weight(item: tuple[str, int]) -> tuple[bool, int, str]:
    kind, count = item
    return ("error" not in kind.lower() and kind != "exception", -count, kind)


def _tells_failure(line: Line) -> bool:
    return any("error" in kind.lower() or kind == "exception" for kind in line.kinds)
