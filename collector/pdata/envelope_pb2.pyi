from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RequestEnvelope(_message.Message):
    __slots__ = ("resources",)
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    resources: _containers.RepeatedCompositeFieldContainer[ResourceEnvelope]
    def __init__(self, resources: _Optional[_Iterable[_Union[ResourceEnvelope, _Mapping[str, object]]]] = ...) -> None: ...

class ResourceEnvelope(_message.Message):
    __slots__ = ("resource", "scopes", "schema_url")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_URL_FIELD_NUMBER: _ClassVar[int]
    resource: bytes
    scopes: _containers.RepeatedCompositeFieldContainer[ScopeEnvelope]
    schema_url: bytes
    def __init__(self, resource: _Optional[bytes] = ..., scopes: _Optional[_Iterable[_Union[ScopeEnvelope, _Mapping[str, object]]]] = ..., schema_url: _Optional[bytes] = ...) -> None: ...

class ScopeEnvelope(_message.Message):
    __slots__ = ("scope", "records", "schema_url")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_URL_FIELD_NUMBER: _ClassVar[int]
    scope: bytes
    records: _containers.RepeatedScalarFieldContainer[bytes]
    schema_url: bytes
    def __init__(self, scope: _Optional[bytes] = ..., records: _Optional[_Iterable[bytes]] = ..., schema_url: _Optional[bytes] = ...) -> None: ...
