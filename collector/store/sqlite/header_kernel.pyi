from collector.store.native_rows import NativeRows
from collector.store.sqlite.headers import Names

def read_rows(
    header_bytes: bytes, commit: int, names: Names, rows: NativeRows
) -> tuple[list[bytes] | None, list[bytes] | None]: ...
