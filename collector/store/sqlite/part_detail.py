"""correlation.join.Part as the bytes of one table cell, and back."""

from collector.correlation.join import Landmark, Part, Root, TraceKey
from collector.correlation.record import EventType
from collector.store.sqlite.stored_pb2 import PartDetail, StoredLandmark, StoredRoot

_UINT64 = (1 << 64) - 1

# flags: bits 0-2 type, 3-5 kind, 6 error
_KIND_SHIFT = 3
_ERROR_SHIFT = 6


def encode_part(part: Part) -> bytes:
    """Return everything of a part but its keys: commit, trace and session."""
    base = part.start_time_unix_nano
    services = list(part.service_bytes)
    detail = PartDetail(
        start_time_unix_nano=base,
        last_offset=part.last_time_unix_nano - base,
        spans=part.spans,
        span_events=part.span_events,
        logs=part.logs,
        errors=part.errors,
        services=services,
        service_bytes=list(part.service_bytes.values()),
        roots=[_stored_root(root, base, services.index(root.service)) for root in part.roots],
        roots_left_out=part.roots_left_out,
    )
    for name, landmark in (("page", part.page), ("server", part.server)):
        if landmark:
            stored = StoredLandmark(offset=landmark.time_unix_nano - base, position=landmark.position, url=landmark.url)
            getattr(detail, name).CopyFrom(stored)
    return detail.SerializeToString()


def decode_part(commit: int, trace_key: TraceKey, session_id: str, detail_bytes: bytes) -> Part:
    """Return the part whose keys and bytes these are."""
    detail = PartDetail.FromString(detail_bytes)
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


def _stored_root(root: Root, base: int, service: int) -> StoredRoot:
    return StoredRoot(
        position=root.position,
        span_id=root.span_id,
        parent_span_id=root.parent_span_id,
        start_offset=root.start_time_unix_nano - base,
        duration=(root.end_time_unix_nano - root.start_time_unix_nano) & _UINT64,
        flags=root.type | (root.kind & 7) << _KIND_SHIFT | root.error << _ERROR_SHIFT,
        service=service,
        name=root.name,
        method=root.method,
        url=root.url,
        status=root.status,
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
    return Landmark(base + stored.offset, stored.position, stored.url)
