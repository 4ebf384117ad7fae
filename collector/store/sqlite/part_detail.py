"""The parts of one chunk (correlation.join.Part) as the bytes of one table cell, and back."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from collector.correlation.join import Landmark, Part, Root, TraceKey
from collector.correlation.record import EventType
from collector.store.sqlite.stored_pb2 import ChunkParts, PartDetail, StoredLandmark, StoredRoot

_UINT64 = (1 << 64) - 1

# flags: bits 0-2 type, 3-5 kind, 6 error
_KIND_SHIFT = 3
_ERROR_SHIFT = 6


def encode_parts(parts: Sequence[Part], sessions: Mapping[str, int]) -> bytes:
    """Return the parts of one chunk; `sessions` gives the number of each session, that of "" is 0."""
    stored = ChunkParts()
    for part in parts:
        _add_detail(stored, part, sessions[part.session_id])
    return stored.SerializeToString()


def decode_parts(commit: int, trace_key: TraceKey, details: bytes, session_of: Callable[[int], str]) -> Iterator[Part]:
    """Yield the parts of the chunk whose keys and bytes these are."""
    for detail in ChunkParts.FromString(details).parts:
        yield _part(commit, trace_key, session_of(detail.session), detail)


def split_parts(details: bytes) -> dict[int, PartDetail]:
    """Return the stored parts of a chunk by their session's number."""
    return {detail.session: detail for detail in ChunkParts.FromString(details).parts}


def join_parts(parts: Mapping[int, PartDetail]) -> bytes:
    """Return what `split_parts` has split."""
    return ChunkParts(parts=parts.values()).SerializeToString()


def _add_detail(stored: ChunkParts, part: Part, session: int) -> None:
    # Sub-messages are made where they stay: handing one over would copy it.
    base = part.start_time_unix_nano
    services = list(part.service_bytes)
    detail = stored.parts.add(
        start_time_unix_nano=base,
        last_offset=part.last_time_unix_nano - base,
        spans=part.spans,
        services=services,
        service_bytes=part.service_bytes.values(),
        session=session,
    )
    for name in ("span_events", "logs", "errors", "roots_left_out"):
        count = getattr(part, name)
        if count:
            setattr(detail, name, count)
    for root in part.roots:
        detail.roots.add(
            position=root.position,
            span_id=root.span_id,
            parent_span_id=root.parent_span_id,
            start_offset=root.start_time_unix_nano - base,
            duration=(root.end_time_unix_nano - root.start_time_unix_nano) & _UINT64,
            flags=root.type | (root.kind & 7) << _KIND_SHIFT | root.error << _ERROR_SHIFT,
            service=services.index(root.service),
            name=root.name,
            method=root.method,
            url=root.url,
            status=root.status,
        )
    for name, landmark in (("page", part.page), ("server", part.server)):
        if landmark:
            mark: StoredLandmark = getattr(detail, name)
            mark.SetInParent()
            mark.offset = landmark.time_unix_nano - base
            mark.position = landmark.position
            if landmark.url is not None:
                mark.url = landmark.url


def _part(commit: int, trace_key: TraceKey, session_id: str, detail: PartDetail) -> Part:
    base = detail.start_time_unix_nano
    services = list(detail.services)
    return Part(
        commit=commit,
        trace_key=trace_key,
        session_id=session_id,
        start_time_unix_nano=base,
        last_time_unix_nano=base + detail.last_offset,
        spans=detail.spans,
        span_events=detail.span_events,
        logs=detail.logs,
        errors=detail.errors,
        service_bytes=dict(zip(services, detail.service_bytes, strict=True)),
        roots=tuple(_root(root, base, services) for root in detail.roots),
        roots_left_out=detail.roots_left_out,
        page=_landmark(detail.page, base) if detail.HasField("page") else None,
        server=_landmark(detail.server, base) if detail.HasField("server") else None,
    )


def _root(stored: StoredRoot, base: int, services: list[str]) -> Root:
    start = base + stored.start_offset
    return Root(
        position=stored.position,
        span_id=stored.span_id,
        parent_span_id=stored.parent_span_id,
        start_time_unix_nano=start,
        end_time_unix_nano=(start + stored.duration) & _UINT64,
        error=bool(stored.flags >> _ERROR_SHIFT & 1),
        type=EventType(stored.flags & 7),
        kind=stored.flags >> _KIND_SHIFT & 7,
        service=services[stored.service],
        name=stored.name,
        method=stored.method if stored.HasField("method") else None,
        url=stored.url if stored.HasField("url") else None,
        status=stored.status if stored.HasField("status") else None,
    )


def _landmark(stored: StoredLandmark, base: int) -> Landmark:
    url = stored.url if stored.HasField("url") else None
    return Landmark(base + stored.offset, stored.position, url)
