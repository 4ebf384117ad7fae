from collections.abc import Mapping

from collector.query.span_tree import SpanTree
from collector.store.api import Row
from collector.store.native_rows import NativeRows

class NativeTrace:
    rows: NativeRows
    copies: int
    is_skewed: bool
    has_errors: bool
    has_logs: bool
    first_time_unix_nano: int
    last_time_unix_nano: int
    first_commit: int
    last_commit: int
    tops: int
    orphans: int
    missing_parents: int
    @property
    def tree(self) -> SpanTree: ...
    @property
    def entry(self) -> Row | None: ...
    @property
    def topmost(self) -> Row | None: ...
    @property
    def first_server(self) -> Row | None: ...
    @property
    def start_time_unix_nano(self) -> int: ...
    @property
    def services(self) -> set[str]: ...
    def says(self, session_id: str) -> bool: ...

def adjusted(rows: NativeRows) -> NativeTrace | None: ...
def log_counts(rows: NativeRows) -> Mapping[tuple[int, int], int]: ...
