"""From the records of one commit to its chunks: by the native kernel, else by `filing` and `chunk`.

The kernel takes the records that correlation's kernel makes; others go through `filing` and `chunk` all the same.
"""

from collections.abc import Mapping, Sequence

from collector.correlation.record import Context, Record
from collector.pdata import native
from collector.store.sqlite.chunk import Encoded, encode
from collector.store.sqlite.filing import Filed, file_records

KERNEL = "collector.store.sqlite.chunk_kernel"
FILING_KERNEL = "collector.store.sqlite.filing_kernel"


class ChunkMaker:
    """Files records by trace and encodes those of each trace."""

    def __init__(self, *, use_native: bool = True) -> None:
        chunks = native.kernel(KERNEL) if use_native else None
        self._encoder = chunks.Encoder() if chunks else None
        self._filing = native.kernel(FILING_KERNEL) if use_native else None

    def file(self, requests: Sequence[Sequence[Record]], now_unix_nano: int) -> Filed:
        """See filing.file_records."""
        found = self._filing.file_records(requests, now_unix_nano) if self._filing else None
        return Filed(*found) if found else file_records(requests, now_unix_nano)

    def encode(self, records: list[Record], contexts: Mapping[Context, int], sessions: Mapping[str, int]) -> Encoded:
        """See chunk.encode."""
        found = self._encoder.encode(records, contexts, sessions) if self._encoder else None
        return Encoded(*found) if found else encode(records, contexts, sessions)
