"""A Reader for a data folder whose store may not be there yet: the collector that makes it is still starting."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from collector.correlation.join import Part, TraceKey
from collector.store.api import Body, Position, Reader, Row, RowKey, StoreStatus, TraceRows
from collector.store.memory import MemoryStore

POLL_INTERVAL_S = 0.05


class LateReader:
    """Empty until the store can be opened, then that store. `exists` tells whether there is one to open."""

    def __init__(self, open_reader: Callable[[], Reader], exists: Callable[[], bool]) -> None:
        self._open_reader = open_reader
        self._exists = exists
        self._nothing = MemoryStore()
        self._reader: Reader | None = None
        self._opening = threading.Lock()

    def _current(self) -> Reader:
        with self._opening:
            if self._reader is None and self._exists():
                self._reader = self._open_reader()
            return self._reader or self._nothing

    def position(self) -> Position:
        """See Reader."""
        return self._current().position()

    def wait_for_commit(self, after: int, timeout_s: float) -> int:
        """See Reader; a store that appears meanwhile is waited on from then."""
        deadline_s = time.monotonic() + timeout_s
        while (reader := self._current()) is self._nothing:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return 0
            # Another process makes the file; nothing tells of it but the file itself.
            time.sleep(min(POLL_INTERVAL_S, left_s))
        return reader.wait_for_commit(after, max(0.0, deadline_s - time.monotonic()))

    def commit_time_unix_nano(self, commit: int) -> int:
        """See Reader."""
        return self._current().commit_time_unix_nano(commit)

    def parts(
        self,
        upto: int,
        *,
        after: int = 0,
        session_id: str | None = None,
        trace_keys: Sequence[TraceKey] | None = None,
    ) -> Iterator[Part]:
        """See Reader."""
        return self._current().parts(upto, after=after, session_id=session_id, trace_keys=trace_keys)

    def trace_keys(self, session_id: str, upto: int, limit: int | None = None) -> Sequence[TraceKey]:
        """See Reader."""
        return self._current().trace_keys(session_id, upto, limit)

    def has_news(self, session_id: str, after: int, upto: int) -> bool:
        """See Reader."""
        return self._current().has_news(session_id, after, upto)

    def traces(self, trace_keys: Sequence[TraceKey], upto: int, limit: int) -> Mapping[TraceKey, TraceRows]:
        """See Reader."""
        return self._current().traces(trace_keys, upto, limit)

    def rows(self, trace_key: TraceKey, upto: int, limit: int) -> Sequence[Row]:
        """See Reader."""
        return self._current().rows(trace_key, upto, limit)

    def bodies(self, keys: Sequence[RowKey]) -> Mapping[RowKey, Body]:
        """See Reader."""
        return self._current().bodies(keys)

    def session_ids(self, prefix: str, limit: int) -> Sequence[str]:
        """See Reader."""
        return self._current().session_ids(prefix, limit)

    def trace_ids(self, prefix: str, limit: int) -> Sequence[bytes]:
        """See Reader."""
        return self._current().trace_ids(prefix, limit)

    def session_loss(self, session_id: str) -> int:
        """See Reader."""
        return self._current().session_loss(session_id)

    def status(self) -> StoreStatus:
        """See Reader."""
        return self._current().status()

    def close(self) -> None:
        """See Reader."""
        if self._reader is not None:
            self._reader.close()
