from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

from collector.correlation.keys import Found, SessionValues
from collector.correlation.record import Context

SESSION_ATTRIBUTE: int
SESSION_HEADER: int
NETWORK: int
EVENT_NAME: int
TRACE_ID: int

class Rules:
    def __init__(
        self,
        keys: Sequence[tuple[bytes, int, bool]],
        *,
        context_of: Callable[[bytes, bytes, bytes, bytes], tuple[Context, Sequence[SessionValues], str, int, blake2b]],
        session_of: Callable[[bytes, bool, tuple[SessionValues, ...]], Found],
        sessions_in_tracestate: Callable[[str], Iterator[str]],
        severity_of_text: Callable[[str], int],
        event_name_of: Callable[[bytes], str],
        trace_id_of: Callable[[bytes], bytes],
        page_span_name: bytes,
        page_event_name: bytes,
        exception_name: bytes,
        session_id_bytes_max: int,
    ) -> None: ...
