"""What a renderer may use beyond the answer that it renders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Meant: TypeAlias = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Beyond:
    """`page_url`: where the timeline page is served, "" if nowhere; then there are no links to it.

    `cursor_after(count)` goes on after the first `count` entries of a list; without it a list that does not fit names
    the limit that does. `sessions_meant(text)` and `requests_meant(text)`: the stored ids that a text could mean;
    without them ids are told apart within the answer alone.
    """

    page_url: str = ""
    cursor_after: Callable[[int], str] | None = None
    sessions_meant: Meant | None = None
    requests_meant: Meant | None = None


NOTHING_BEYOND = Beyond()
