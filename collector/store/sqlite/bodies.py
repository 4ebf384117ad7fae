"""Reading the bodies of chunks: the records as they were sent, by the native kernel, else by `abridged`."""

from collections.abc import Sequence

from collector.pdata import native
from collector.store.sqlite.abridged import known_of_log, known_of_span, restore
from collector.store.sqlite.chunk import ID_BYTES, LOG_SHIFT, UINT64
from collector.store.sqlite.stored_pb2 import ChunkBody, ChunkHeader

KERNEL = "collector.store.sqlite.abridged_kernel"


class BodyReader:
    """Reads records of chunks, as they were written by any version of the store."""

    def __init__(self, *, use_native: bool = True) -> None:
        self._kernel = native.kernel(KERNEL) if use_native else None

    def records(
        self, trace_id: bytes, header_bytes: bytes, body_bytes: bytes, positions: Sequence[int]
    ) -> dict[int, tuple[bytes, int]]:
        """Return by position records of a chunk as they were sent, and the numbers of their contexts.

        Those that were deleted are missing. `trace_id` is `b""` in a pseudo trace, `body_bytes` are decompressed.
        Raises ValueError for bytes that no chunk was made of.
        """
        if self._kernel:
            return self._kernel.read_records(trace_id, header_bytes, body_bytes, positions)
        header, body = ChunkHeader.FromString(header_bytes), ChunkBody.FromString(body_bytes)
        flags, contexts = header.flags, header.contexts
        return {
            position: (_record(trace_id, header, body, position), contexts[position])
            for position in positions
            if position < len(flags) and flags[position]
        }


def _record(trace_id: bytes, header: ChunkHeader, body: ChunkBody, position: int) -> bytes:
    if body.records:
        return body.records[position]
    abridged = body.abridged[position]
    if position in body.whole:
        return abridged
    at, end_at = position * ID_BYTES, (position + 1) * ID_BYTES
    span_id, parent_span_id = header.span_ids[at:end_at], header.parents_or_hashes[at:end_at]
    start = (header.base_time_unix_nano + header.start_offsets[position]) & UINT64
    if header.flags[position] >> LOG_SHIFT & 1:
        return restore(abridged, known_of_log(trace_id, span_id, start))
    end = (start + header.durations[position]) & UINT64
    return restore(abridged, known_of_span(trace_id, span_id, parent_span_id, start, end))
