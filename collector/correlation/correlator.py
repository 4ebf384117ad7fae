"""From the bytes of a request to its records: by the native kernel, else by `keys`.

The kernel is compiled when Gasoline is installed, where there is a C compiler. It takes the requests that SDKs
send; those that are out of the ordinary go through `keys` all the same.
"""

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.keys import (
    EVENT_NAME_KEY,
    HEADER_KEYS,
    SESSION_ID_BYTES_MAX,
    TRACE_ID_KEYS,
    Found,
    SessionKeys,
    SessionValues,
    content_hash_begun,
    context_of,
    correlate,
    log_event_name,
    session_ids_in_tracestate,
    session_of,
    session_values,
    severity_of,
    trace_id_from_attributes,
)
from collector.correlation.record import Context, Correlated
from collector.pdata import native
from collector.pdata.envelope import Signal, context_bytes, cut_request, parse_request
from collector.pdata.semconv import (
    EXCEPTION_EVENT_NAME,
    NAVIGATION_EVENT_NAME,
    NETWORK_KEYS,
    PAGE_LOAD_SPAN_NAME,
)

if TYPE_CHECKING:
    from collector.correlation.native_rules import Rules

KERNEL = "collector.correlation.kernel"
CONTEXTS_HELD_MAX = 1_000
CONTEXT_HELD_BYTES_MAX = 16 * 1024


class _Outer(NamedTuple):
    """A context, and what its scope and resource say of the session of each record that does not say more itself.

    `evidence` is that of `session_id`, 0 where they name none, kernel.UNDECIDED where each record needs a closer look.
    `hash_begun` is copied for each log record, so that the context is hashed once.
    """

    context: Context
    values: tuple[SessionValues, ...]
    session_id: str
    evidence: int
    hash_begun: blake2b


class Correlator:
    """Binds the records of requests to sessions; holds the contexts that were seen of late, in any thread."""

    def __init__(self, keys: SessionKeys, *, use_native: bool = True) -> None:
        self._keys = keys
        self._contexts: dict[tuple[bytes, bytes, bytes, bytes], _Outer] = {}
        self._kernel = native.kernel(KERNEL) if use_native else None
        self._rules = self._make_rules()

    def correlate(self, signal: Signal, body: bytes) -> Correlated:
        """Return all records of a request of traces or logs. Raises InvalidDataError if it is none."""
        if self._kernel is not None and self._rules is not None:
            parse_request(signal, body)
            found = self._kernel.correlate(body, signal is Signal.LOGS, self._rules)
            if found is not None:
                return Correlated(signal, *found)
        return correlate(signal, cut_request(signal, body), self._keys)

    def _make_rules(self) -> "Rules | None":
        if self._kernel is None:
            return None
        from collector.correlation import native_rules as rules

        keys = [(key.encode(), rules.SESSION_ATTRIBUTE, True) for key in self._keys.attributes]
        keys += [(key.encode(), rules.SESSION_HEADER, True) for key in HEADER_KEYS]
        keys += [(key.encode(), rules.TRACE_ID, True) for key in TRACE_ID_KEYS]
        keys += [(key.encode(), rules.NETWORK, False) for key in NETWORK_KEYS]
        keys += [(EVENT_NAME_KEY.encode(), rules.EVENT_NAME, False)]
        return rules.Rules(
            keys,
            context_of=self._outer,
            session_of=self._session_of,
            sessions_in_tracestate=session_ids_in_tracestate,
            severity_of_text=_severity_of_text,
            event_name_of=_event_name_of,
            trace_id_of=_trace_id_of,
            page_span_name=PAGE_LOAD_SPAN_NAME.encode(),
            page_event_name=NAVIGATION_EVENT_NAME.encode(),
            exception_name=EXCEPTION_EVENT_NAME.encode(),
            session_id_bytes_max=SESSION_ID_BYTES_MAX,
        )

    def _outer(self, *parts: bytes) -> _Outer:
        """Return what resource, scope and their schema URLs make, as it was made before where it was."""
        key = (parts[0], parts[1], parts[2], parts[3])
        held = self._contexts.get(key)
        if held is None:
            held = self._read_outer(*key)
            if sum(map(len, key)) <= CONTEXT_HELD_BYTES_MAX:
                if len(self._contexts) >= CONTEXTS_HELD_MAX:
                    self._contexts.clear()
                self._contexts[key] = held
        return held

    def _read_outer(self, resource: bytes, scope: bytes, scope_schema_url: bytes, resource_schema_url: bytes) -> _Outer:
        parsed = Resource.FromString(resource)
        context = context_of(context_bytes(resource, scope, scope_schema_url, resource_schema_url), parsed)
        places = (InstrumentationScope.FromString(scope).attributes, parsed.attributes)
        values = tuple(session_values(place, self._keys) for place in places)
        found = session_of(LogRecord(), values, self._keys)
        if found.overlong or (any(values) and not found.session_id):
            return _Outer(context, values, "", -1, content_hash_begun(context))
        return _Outer(context, values, found.session_id, found.evidence, content_hash_begun(context))

    def _session_of(self, raw: bytes, is_log: bool, values: tuple[SessionValues, ...]) -> Found:
        return session_of(LogRecord.FromString(raw) if is_log else Span.FromString(raw), values, self._keys)


def _severity_of_text(text: str) -> int:
    return severity_of(0, text)


def _event_name_of(raw: bytes) -> str:
    return log_event_name(LogRecord.FromString(raw))


def _trace_id_of(raw: bytes) -> bytes:
    return trace_id_from_attributes(LogRecord.FromString(raw).attributes)
