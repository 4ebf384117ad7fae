from collector.correlation.join import TraceKey
from collector.store.api import Row
from collector.store.sqlite.headers import ContextFacts, Names

def read_rows(
    header_bytes: bytes,
    trace_key: TraceKey,
    trace_id: bytes,
    commit: int,
    contexts: dict[int, ContextFacts],
    sessions: dict[int, str],
    names: Names,
    rows: list[Row],
) -> tuple[list[bytes] | None, list[bytes] | None]: ...
