"""One question under way: what is asked, as of when, and how much of the answer is wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collector.errors import QueryError
from collector.query.cursor import Cursor, asked_hash, evicted_error, read_cursor, restart_call, write_cursor
from collector.query.params import ObserveParams
from collector.query.selection import EVERY_TIME, Selection, Window, window_of
from collector.query.snapshot import Snapshot, TimeLimit
from collector.store.api import Position, Reader


class Page(NamedTuple):
    """The order keys of the entries of one page, in order; the rest is what a cursor says of the whole answer."""

    keys: Sequence[Sequence[int | str]]
    size: int
    session_id: str = ""
    request_id: str = ""
    low: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """`position` is the store's at this call; `snapshot.upto` the commit that the answer is as of.

    `pages` holds the page of the answer once it is cut.
    """

    params: ObserveParams
    cursor: Cursor | None
    position: Position
    now_unix_nano: int
    page_size: int
    snapshot: Snapshot
    window: Window
    pages: list[Page] = field(default_factory=list[Page])

    @property
    def selection(self) -> Selection:
        """The event filters that are asked for; those of `request-trace` choose a request, not its events."""
        if self.params.what == "request-trace":
            return Selection(ObserveParams(what="request-trace", pick="last"), EVERY_TIME)
        return Selection(self.params, self.window)

    @property
    def was_evicted(self) -> bool:
        """Tell whether eviction ran between the first page and this one."""
        return self.cursor is not None and self.cursor.evictions != self.position.evictions

    def check_size(self, size: int) -> None:
        """Refuse to go on where eviction took something of the answer. Raises QueryError."""
        if self.was_evicted and self.cursor is not None and self.cursor.size != size:
            raise evicted_error(self.params)

    def cut(self, page: Page) -> None:
        """Remember what the answer's page holds, so that `cursor_after` can tell how to go on."""
        self.pages.append(page)

    def cursor_after(self, count: int) -> str:
        """Return the cursor that goes on after the first `count` entries of the page, at least one."""
        page = self.pages[-1]
        return write_cursor(
            Cursor(
                commit=self.snapshot.upto,
                evictions=self.position.evictions,
                now_unix_nano=self.now_unix_nano,
                asked=asked_hash(self.params),
                after=list(page.keys[count - 1]),
                size=page.size,
                session_id=page.session_id,
                request_id=page.request_id,
                low=page.low,
            )
        )

    def finish(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Add what the reading itself has to say."""
        if self.snapshot.notes:
            answer["notes"] = [*answer.get("notes", ()), *self.snapshot.notes]
        return answer


def question_of(
    reader: Reader,
    params: ObserveParams,
    page_size: int | None,
    now_unix_nano: int,
    time_limit: Callable[[], TimeLimit] = TimeLimit,
) -> Question:
    """Begin to answer. Raises QueryError for a cursor or a window that makes no sense."""
    cursor = read_cursor(params)
    position = reader.position()
    if cursor is not None:
        now_unix_nano = cursor.now_unix_nano
        if cursor.commit > position.commit:
            raise QueryError(
                f"cursor: it comes from another store; leave it out to start again: {restart_call(params)}"
            )
    window = window_of(params, now_unix_nano)
    if window.since is not None and window.until is not None and window.since >= window.until:
        raise QueryError(f"until: it is not after since, so nothing can match. A valid call: {_without_until(params)}")
    upto = position.commit if cursor is None else cursor.commit
    snapshot = Snapshot(reader, upto, time_limit())
    return Question(params, cursor, position, now_unix_nano, page_size or params.limit, snapshot, window)


def _without_until(params: ObserveParams) -> str:
    given = params.model_dump(exclude_unset=True, exclude={"until", "cursor"})
    return restart_call(ObserveParams.model_validate(given))
