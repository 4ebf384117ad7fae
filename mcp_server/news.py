"""News of what is stored, as server-sent events: which sessions and requests a page that shows them reads again.

One task follows the store for all streams, and only while there are any. A stream that is slow gets fewer and larger
events, never old ones. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio

from collector.errors import QueryError
from collector.query.changes import Changes, changes_after
from collector.query.service import QueryService
from mcp_server.follower import LOOK_FOR_S, Follower

NEWS_STREAMS_MAX = 64
NEWS_IDS_MAX = 1_000
NEWS_PARTS_MAX = 1_000
NEWS_INTERVAL_S = 0.25
NEWS_HEARTBEAT_S = 15.0
# Under load a look reads much; it may take one part of the time in five, so that ingestion has the rest.
RESTS_PER_LOOK = 4
_UNKNOWN_EVICTIONS = -1


class Position(NamedTuple):
    """Up to where a stream is told: the last commit, and how often anything had been evicted."""

    commit: int
    evictions: int


class _Mailbox:
    """What one stream has yet to tell, merged."""

    def __init__(self) -> None:
        self._arrived = anyio.Event()
        self._changes: Changes | None = None
        self._evictions = 0
        self._evicted = False
        self.ended = False

    def put(self, changes: Changes, evictions: int, *, evicted: bool) -> None:
        held = self._changes
        if held is not None:
            changes = Changes(
                max(held.commit, changes.commit),
                held.session_ids | changes.session_ids,
                held.request_ids | changes.request_ids,
                held.complete and changes.complete,
            )
        if len(changes.session_ids) + len(changes.request_ids) > NEWS_IDS_MAX:
            changes = Changes(changes.commit, frozenset(), frozenset(), complete=False)
        self._changes = changes
        self._evictions = max(self._evictions, evictions)
        self._evicted = self._evicted or evicted
        self._arrived.set()

    def end(self) -> None:
        self.ended = True
        self._arrived.set()

    async def take(self) -> bytes:
        """Return the next event, or a heartbeat when there is none for NEWS_HEARTBEAT_S; b"" at the end."""
        with anyio.move_on_after(NEWS_HEARTBEAT_S):
            await self._arrived.wait()
        if self.ended:
            return b""
        if self._changes is None:
            return b":\n\n"
        event = _event(self._changes, self._evictions, evicted=self._evicted)
        self._changes, self._evicted, self._arrived = None, False, anyio.Event()
        return event


class News:
    """The streams of one store; `follow` must run while they do. One event loop owns it."""

    def __init__(self, query: QueryService, *, streams_max: int = NEWS_STREAMS_MAX) -> None:
        self._reader = query.reader
        self._streams_max = streams_max
        self._follower = Follower(self._look, "the page")
        self._threads = self._follower.threads
        self._mailboxes: set[_Mailbox] = set()
        self._entrance = anyio.Lock()
        # Up to where every stream is told; None while there is no stream.
        self._told: Position | None = None

    @property
    def failures(self) -> int:
        """How often a look has failed."""
        return self._follower.failures

    @property
    def streams_open(self) -> int:
        """How many streams there are."""
        return len(self._mailboxes)

    @asynccontextmanager
    async def stream(self, after: Position | None) -> AsyncGenerator[AsyncGenerator[bytes]]:
        """Give the events about what came and went after `after`, else from now on, until `end_streams`.

        The first event comes at once: what has changed since `after`, if only the position that this is as of. Raises
        QueryError if there are too many streams, and StoreError.
        """
        if len(self._mailboxes) >= self._streams_max:
            raise QueryError(f"{self._streams_max} streams of news are open already; close a page, or ask again later")
        mailbox = _Mailbox()
        self._mailboxes.add(mailbox)
        try:
            async with self._entrance:
                # The follower tells what comes from here on: a commit may be told twice, none is missed.
                position = Position(*await self._threads.run(lambda _: self._reader.position()))
                self._told = self._told or position
            self._follower.want()
            changes = await self._threads.run(lambda _: self._since(after, position.commit))
            evicted = after is not None and after.evictions != position.evictions
            mailbox.put(changes, position.evictions, evicted=evicted)
            yield _events(mailbox)
        finally:
            self._mailboxes.discard(mailbox)
            if not self._mailboxes:
                self._told = None
                self._follower.rest()

    def _since(self, after: Position | None, commit: int) -> Changes:
        nothing = Changes(commit, frozenset(), frozenset())
        if after is None or after.commit == commit:
            return nothing
        # A commit that is yet to come was counted in another store.
        return self._changes(after.commit) if after.commit < commit else nothing._replace(complete=False)

    def _changes(self, after: int) -> Changes:
        return changes_after(self._reader, after, 0, NEWS_PARTS_MAX)

    def end_streams(self) -> None:
        """End all streams in good order."""
        for mailbox in self._mailboxes:
            mailbox.end()

    @asynccontextmanager
    async def follow(self) -> AsyncGenerator[None]:
        """Run the task that looks for news; it waits while there is no stream."""
        async with self._follower.follow(self.end_streams):
            yield

    async def _look(self) -> None:
        told = self._told
        if told is None:
            return
        await self._threads.run(lambda _: self._reader.wait_for_commit(told.commit, LOOK_FOR_S))
        began_s = anyio.current_time()
        changes = await self._threads.run(lambda _: self._changes(told.commit))
        evictions = (await self._threads.run(lambda _: self._reader.position())).evictions
        if self._told is not told or (changes.commit, evictions) == told:
            return
        self._told = Position(changes.commit, evictions)
        for mailbox in self._mailboxes:
            mailbox.put(changes, evictions, evicted=evictions != told.evictions)
        await anyio.sleep(rest_s(anyio.current_time() - began_s))


async def _events(mailbox: _Mailbox) -> AsyncGenerator[bytes]:
    while event := await mailbox.take():
        yield event
        await anyio.sleep(NEWS_INTERVAL_S)


def _event(changes: Changes, evictions: int, *, evicted: bool) -> bytes:
    told = {
        "id": f"{changes.commit}-{evictions}",
        "commit": changes.commit,
        "session_ids": sorted(changes.session_ids),
        "request_ids": sorted(changes.request_ids),
        "complete": changes.complete,
        "evicted": evicted,
    }
    return f"id: {told['id']}\nevent: news\ndata: {json.dumps(told)}\n\n".encode()


def rest_s(look_s: float) -> float:
    """Return how long the follower rests after a look that took so long."""
    return max(NEWS_INTERVAL_S, look_s * RESTS_PER_LOOK)


def position_of(text: str) -> Position:
    """Read the id of an event. Raises QueryError."""
    if _is_count(text):
        # A page of an older version knows the commit alone; it is told that something went, and reads all again.
        return Position(int(text), _UNKNOWN_EVICTIONS)
    numbers = text.split("-")
    if len(numbers) != len(Position._fields) or not all(map(_is_count, numbers)):
        raise QueryError(
            f"after: {text[:40]!r} is no position; give the id of an event that was received, or leave it out"
        )
    return Position(*map(int, numbers))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(1 << 63))
