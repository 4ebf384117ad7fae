from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChunkHeader(_message.Message):
    __slots__ = ("base_time_unix_nano", "span_ids", "parents_or_hashes", "start_offsets", "durations", "flags", "contexts", "sessions", "event_records", "event_offsets", "event_errors", "sizes", "roots", "pages", "packed_facts")
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
    SIZES_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    PAGES_FIELD_NUMBER: _ClassVar[int]
    PACKED_FACTS_FIELD_NUMBER: _ClassVar[int]
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
    sizes: _containers.RepeatedScalarFieldContainer[int]
    roots: _containers.RepeatedCompositeFieldContainer[StoredRoot]
    pages: _containers.RepeatedCompositeFieldContainer[StoredPage]
    packed_facts: bytes
    def __init__(self, base_time_unix_nano: _Optional[int] = ..., span_ids: _Optional[bytes] = ..., parents_or_hashes: _Optional[bytes] = ..., start_offsets: _Optional[_Iterable[int]] = ..., durations: _Optional[_Iterable[int]] = ..., flags: _Optional[_Iterable[int]] = ..., contexts: _Optional[_Iterable[int]] = ..., sessions: _Optional[_Iterable[int]] = ..., event_records: _Optional[_Iterable[int]] = ..., event_offsets: _Optional[_Iterable[int]] = ..., event_errors: _Optional[_Iterable[bool]] = ..., sizes: _Optional[_Iterable[int]] = ..., roots: _Optional[_Iterable[_Union[StoredRoot, _Mapping[str, object]]]] = ..., pages: _Optional[_Iterable[_Union[StoredPage, _Mapping[str, object]]]] = ..., packed_facts: _Optional[bytes] = ...) -> None: ...

class ChunkHeaders(_message.Message):
    __slots__ = ("base_times_unix_nano", "span_ids", "parents_or_hashes", "start_offsets", "durations", "flags", "contexts", "sessions", "event_records", "event_offsets", "event_errors", "sizes", "roots", "pages")
    BASE_TIMES_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
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
    SIZES_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    PAGES_FIELD_NUMBER: _ClassVar[int]
    base_times_unix_nano: _containers.RepeatedScalarFieldContainer[int]
    span_ids: _containers.RepeatedScalarFieldContainer[bytes]
    parents_or_hashes: _containers.RepeatedScalarFieldContainer[bytes]
    start_offsets: _containers.RepeatedScalarFieldContainer[int]
    durations: _containers.RepeatedScalarFieldContainer[int]
    flags: _containers.RepeatedScalarFieldContainer[int]
    contexts: _containers.RepeatedScalarFieldContainer[int]
    sessions: _containers.RepeatedScalarFieldContainer[int]
    event_records: _containers.RepeatedScalarFieldContainer[int]
    event_offsets: _containers.RepeatedScalarFieldContainer[int]
    event_errors: _containers.RepeatedScalarFieldContainer[bool]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    roots: _containers.RepeatedScalarFieldContainer[bytes]
    pages: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, base_times_unix_nano: _Optional[_Iterable[int]] = ..., span_ids: _Optional[_Iterable[bytes]] = ..., parents_or_hashes: _Optional[_Iterable[bytes]] = ..., start_offsets: _Optional[_Iterable[int]] = ..., durations: _Optional[_Iterable[int]] = ..., flags: _Optional[_Iterable[int]] = ..., contexts: _Optional[_Iterable[int]] = ..., sessions: _Optional[_Iterable[int]] = ..., event_records: _Optional[_Iterable[int]] = ..., event_offsets: _Optional[_Iterable[int]] = ..., event_errors: _Optional[_Iterable[bool]] = ..., sizes: _Optional[_Iterable[int]] = ..., roots: _Optional[_Iterable[bytes]] = ..., pages: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ChunkBody(_message.Message):
    __slots__ = ("records", "abridged", "whole")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    ABRIDGED_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedScalarFieldContainer[bytes]
    abridged: _containers.RepeatedScalarFieldContainer[bytes]
    whole: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, records: _Optional[_Iterable[bytes]] = ..., abridged: _Optional[_Iterable[bytes]] = ..., whole: _Optional[_Iterable[int]] = ...) -> None: ...

class StoredRoot(_message.Message):
    __slots__ = ("position", "name", "method", "url", "status")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    position: int
    name: str
    method: str
    url: str
    status: int
    def __init__(self, position: _Optional[int] = ..., name: _Optional[str] = ..., method: _Optional[str] = ..., url: _Optional[str] = ..., status: _Optional[int] = ...) -> None: ...

class StoredPage(_message.Message):
    __slots__ = ("position", "url")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    position: int
    url: str
    def __init__(self, position: _Optional[int] = ..., url: _Optional[str] = ...) -> None: ...
