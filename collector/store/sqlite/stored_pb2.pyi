from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChunkHeader(_message.Message):
    __slots__ = ("base_time_unix_nano", "span_ids", "parents_or_hashes", "start_offsets", "durations", "flags", "contexts", "sessions", "event_records", "event_offsets", "event_errors")
    BASE_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    SPAN_IDS_FIELD_NUMBER: _ClassVar[int]
    PARENTS_OR_HASHES_FIELD_NUMBER: _ClassVar[int]
    START_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    DURATIONS_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    EVENT_RECORDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    EVENT_ERRORS_FIELD_NUMBER: _ClassVar[int]
    base_time_unix_nano: int
    span_ids: bytes
    parents_or_hashes: bytes
    start_offsets: _containers.RepeatedScalarFieldContainer[int]
    durations: _containers.RepeatedScalarFieldContainer[int]
    flags: _containers.RepeatedScalarFieldContainer[int]
    contexts: _containers.RepeatedScalarFieldContainer[int]
    sessions: _containers.RepeatedScalarFieldContainer[int]
    event_records: _containers.RepeatedScalarFieldContainer[int]
    event_offsets: _containers.RepeatedScalarFieldContainer[int]
    event_errors: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, base_time_unix_nano: _Optional[int] = ..., span_ids: _Optional[bytes] = ..., parents_or_hashes: _Optional[bytes] = ..., start_offsets: _Optional[_Iterable[int]] = ..., durations: _Optional[_Iterable[int]] = ..., flags: _Optional[_Iterable[int]] = ..., contexts: _Optional[_Iterable[int]] = ..., sessions: _Optional[_Iterable[int]] = ..., event_records: _Optional[_Iterable[int]] = ..., event_offsets: _Optional[_Iterable[int]] = ..., event_errors: _Optional[_Iterable[bool]] = ...) -> None: ...

class ChunkBody(_message.Message):
    __slots__ = ("records",)
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, records: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ChunkParts(_message.Message):
    __slots__ = ("parts",)
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[PartDetail]
    def __init__(self, parts: _Optional[_Iterable[_Union[PartDetail, _Mapping[str, object]]]] = ...) -> None: ...

class PartDetail(_message.Message):
    __slots__ = ("start_time_unix_nano", "last_offset", "spans", "span_events", "logs", "errors", "services", "service_bytes", "roots", "roots_left_out", "page", "server", "session")
    START_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    LAST_OFFSET_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    SPAN_EVENTS_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    SERVICE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    ROOTS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    start_time_unix_nano: int
    last_offset: int
    spans: int
    span_events: int
    logs: int
    errors: int
    services: _containers.RepeatedScalarFieldContainer[str]
    service_bytes: _containers.RepeatedScalarFieldContainer[int]
    roots: _containers.RepeatedCompositeFieldContainer[StoredRoot]
    roots_left_out: int
    page: StoredLandmark
    server: StoredLandmark
    session: int
    def __init__(self, start_time_unix_nano: _Optional[int] = ..., last_offset: _Optional[int] = ..., spans: _Optional[int] = ..., span_events: _Optional[int] = ..., logs: _Optional[int] = ..., errors: _Optional[int] = ..., services: _Optional[_Iterable[str]] = ..., service_bytes: _Optional[_Iterable[int]] = ..., roots: _Optional[_Iterable[_Union[StoredRoot, _Mapping[str, object]]]] = ..., roots_left_out: _Optional[int] = ..., page: _Optional[_Union[StoredLandmark, _Mapping[str, object]]] = ..., server: _Optional[_Union[StoredLandmark, _Mapping[str, object]]] = ..., session: _Optional[int] = ...) -> None: ...

class StoredRoot(_message.Message):
    __slots__ = ("position", "span_id", "parent_span_id", "start_offset", "duration", "flags", "service", "name", "method", "url", "status")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    START_OFFSET_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    position: int
    span_id: bytes
    parent_span_id: bytes
    start_offset: int
    duration: int
    flags: int
    service: int
    name: str
    method: str
    url: str
    status: int
    def __init__(self, position: _Optional[int] = ..., span_id: _Optional[bytes] = ..., parent_span_id: _Optional[bytes] = ..., start_offset: _Optional[int] = ..., duration: _Optional[int] = ..., flags: _Optional[int] = ..., service: _Optional[int] = ..., name: _Optional[str] = ..., method: _Optional[str] = ..., url: _Optional[str] = ..., status: _Optional[int] = ...) -> None: ...

class StoredLandmark(_message.Message):
    __slots__ = ("offset", "position", "url")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    offset: int
    position: int
    url: str
    def __init__(self, offset: _Optional[int] = ..., position: _Optional[int] = ..., url: _Optional[str] = ...) -> None: ...
