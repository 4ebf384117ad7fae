from collections.abc import Iterable

def read_records(
    trace_id: bytes, header_bytes: bytes, body_bytes: bytes, positions: Iterable[int]
) -> dict[int, tuple[bytes, int]]: ...
