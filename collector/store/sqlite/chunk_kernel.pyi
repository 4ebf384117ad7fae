from collections.abc import Mapping, Sequence

from collector.correlation.join import TraceKey
from collector.correlation.record import Context, Record

def file_records(
    batches: Sequence[Sequence[Record]], now: int
) -> tuple[dict[TraceKey, list[Record]], set[str], dict[Context, list[int]]] | None: ...

class Encoder:
    def encode(
        self, records: list[Record], contexts: Mapping[Context, int], sessions: Mapping[str, int]
    ) -> tuple[bytes, bytes, bytes, set[str]] | None: ...
