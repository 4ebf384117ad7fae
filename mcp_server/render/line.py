"""A line of a timeline before it is chosen: what it says, how much it matters, which events it stands for."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_server.render.clock import duration, offset

SERVICE_CHARACTERS_MAX = 16
DEPTH_SHOWN_MAX = 8
REQUEST_IDS_SHOWN_MAX = 4


class Rank(enum.IntEnum):
    """How soon a line may be left out; the greater, the sooner."""

    ALWAYS = 0
    NOTABLE = 1
    HOP = 2
    DETAIL = 3
    NOISE = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `head`, duration, `tail`, then the requests it is about.

    `kinds` has a word for each event that the line stands for, as the last line of an answer counts them. Lines of
    one `scope` (a parent span) and `pattern` (`head` without numbers and ids) fold into one; `repeats` is then what
    they had in common.
    """

    order: int
    time_unix_nano: int
    service: str
    depth: int
    head: str
    rank: Rank
    kinds: Sequence[str]
    scope: str
    pattern: str
    duration_ms: float | None = None
    tail: str = ""
    repeats: str = ""
    request_ids: Sequence[str] = ()

    @property
    def words(self) -> str:
        """What stands after the service."""
        words = [self.head]
        if self.repeats:
            words.append(self.repeats)
        elif self.duration_ms is not None:
            words.append(duration(self.duration_ms))
        if self.tail:
            words.append(self.tail)
        if self.request_ids:
            more = " …" if len(self.request_ids) > REQUEST_IDS_SHOWN_MAX else ""
            words.append(f"[{' '.join(self.request_ids[:REQUEST_IDS_SHOWN_MAX])}{more}]")
        return " ".join(words)


def layout(lines: Sequence[Line], start_unix_nano: int) -> list[str]:
    """Return the lines as text: time, service, words indented by hops. Each begins with a blank: recorded data does."""
    width = max((len(line.service) for line in lines), default=0)
    times = [offset(line.time_unix_nano, start_unix_nano) for line in lines]
    time_width = max((len(time) for time in times), default=0)
    return [
        f" {time:>{time_width}} {line.service:<{width}} {'  ' * min(line.depth, DEPTH_SHOWN_MAX)}{line.words}"
        for line, time in zip(lines, times, strict=True)
    ]
