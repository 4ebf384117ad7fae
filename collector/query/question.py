"""One question under way: what is asked, as of when, and how much of the answer is wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from collector.errors import QueryError
from collector.query.cursor import Cursor, asked_hash, evicted_error, read_cursor, restart_call, write_cursor
from collector.query.params import ObserveParams
from collector.query.selection import EVERY_TIME, Selection, Window, window_of
from collector.query.snapshot import Snapshot, TimeLimit
from collector.store.api import Position, Reader


@dataclass(frozen=True, slots=True)
class Question:
    """`position` is the store's at this call; `snapshot.upto` the commit that the answer is as of."""

    params: ObserveParams
    cursor: Cursor | None
    position: Position
    now_unix_nano: int
    page_size: int
    snapshot: Snapshot
    window: Window

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

    def next_cursor(self, after: Sequence[int | str], size: int, picked: str = "", low: int = 0) -> str:
        """Return the cursor of the page after the one that ends with the order key `after`."""
        return write_cursor(
            Cursor(
                commit=self.snapshot.upto,
                evictions=self.position.evictions,
                now_unix_nano=self.now_unix_nano,
                asked=asked_hash(self.params),
                after=list(after),
                size=size,
                picked=picked,
                low=low,
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
