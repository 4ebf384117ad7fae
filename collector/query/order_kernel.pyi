from collections.abc import Collection, Iterator, Sequence
from typing import overload

from collector.correlation.record import EventType
from collector.query.adjusters import LogCounts, OrderKey
from collector.query.native_trace import NativeTrace
from collector.store.api import Row

class NativeOrder(Sequence[tuple[OrderKey, Row]]):
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[OrderKey, Row]]: ...
    @overload
    def __getitem__(self, index: int) -> tuple[OrderKey, Row]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[OrderKey, Row]]: ...
    def select(
        self,
        service: str | None,
        severity: int,
        types: Collection[EventType] | None,
        wants_logs: bool,
        wants_errors: bool,
        since: int | None,
        until: int | None,
    ) -> NativeOrder: ...

def in_order(traces: list[NativeTrace], counts: Sequence[LogCounts]) -> NativeOrder: ...
