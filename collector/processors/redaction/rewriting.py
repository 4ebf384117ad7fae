"""An export request without its secrets: what holds none stays as it was sent, to the byte.

Only messages in which the scan found something are opened, by the fields that the official classes declare. What
these do not know is left out if it holds a secret: whoever knows it would find its lengths wrong.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.errors import InvalidDataError
from collector.pdata.envelope import Signal
from collector.processors.redaction.listed import Listed
from collector.processors.redaction.names import NUMBERS
from collector.processors.redaction.shapes import is_card
from collector.processors.redaction.text import Secrets
from collector.processors.redaction.wire import GROUP, LENGTH, VARINT, Field, fields, length_field, read_varint

_QUERY_KEYS = frozenset({b"url.query", b"http.query", b"http.request.query"})
_TRACE_STATES = frozenset(
    {Span.DESCRIPTOR.fields_by_name["trace_state"], Span.Link.DESCRIPTOR.fields_by_name["trace_state"]}
)
_REQUESTS = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}


def redact_request(signal: Signal, body: bytes, secrets: Secrets) -> tuple[bytes, Counter[str]]:
    """Return the request without its secrets, and how many there were by label; pure.

    Without any, the bytes are the same object. Raises InvalidDataError if a request that may hold some is none.
    """
    counts: Counter[str] = Counter()
    spans = secrets.spans(body)
    if not spans:
        return body, counts
    request = _REQUESTS[signal]
    try:
        request.FromString(body)
    except DecodeError as error:
        raise InvalidDataError(
            f"the body is not an OTLP {signal} request in protobuf ({error}); check the exporter's protocol"
        ) from error
    return _Rewriting(body, spans, secrets, counts).message(request.DESCRIPTOR, 0, len(body)), counts


@lru_cache(maxsize=64)
def _known_fields(message: Descriptor) -> dict[int, FieldDescriptor]:
    return {field.number: field for field in message.fields}


class _Rewriting:
    """One request while it is written anew; `spans` are those pieces that may hold a secret, in order."""

    def __init__(self, body: bytes, spans: list[tuple[int, int]], secrets: Secrets, counts: Counter[str]) -> None:
        self._body = body
        self._secrets = secrets
        self._counts = counts
        self._listed = Listed()
        self._starts = [start for start, _ in spans]
        # The furthest end of each piece and those before it: pieces of several patterns may overlap.
        self._ends: list[int] = []
        for _, end in spans:
            self._ends.append(max(end, self._ends[-1]) if self._ends else end)

    def message(self, descriptor: Descriptor, start: int, end: int) -> bytes:
        """Return the bytes of a message of this type without its secrets."""
        known = _known_fields(descriptor)

        def rewrite(field: Field) -> bytes | None:
            declared = known.get(field.number)
            if not self._is_suspect(field):
                return None
            return self._unknown(field) if declared is None else self._declared(declared, field)

        return self._each(start, end, rewrite)

    def _each(self, start: int, end: int, rewrite: Callable[[Field], bytes | None]) -> bytes:
        """Return the message with those fields replaced for which `rewrite` has something else."""
        parts: list[bytes] = []
        done = start
        for field in fields(self._body, start, end):
            written = rewrite(field)
            if written is not None:
                parts += (self._body[done : field.start], written)
                done = field.end
        return b"".join((*parts, self._body[done:end]))

    def _declared(self, declared: FieldDescriptor, field: Field) -> bytes | None:
        if field.wire_type not in (LENGTH, GROUP):
            return None
        message = declared.message_type
        is_text = declared.type == FieldDescriptor.TYPE_STRING
        # Repeated numbers have a length, too.
        is_known = message is not None or is_text or declared.type == FieldDescriptor.TYPE_BYTES
        if field.wire_type == GROUP or not (is_known or declared.default_value == []):
            return self._unknown(field)
        if message is not None:
            return self._replaced(field, self._of_type(message, field))
        if is_text and declared not in _TRACE_STATES:
            return self._replaced(field, self._secrets.redact(self._content(field), self._counts))
        return None

    def _of_type(self, message: Descriptor, field: Field) -> bytes:
        if message is KeyValue.DESCRIPTOR:
            return self._key_value(field.begin, field.end)
        if message is AnyValue.DESCRIPTOR:
            return self._any_value(field.begin, field.end, "")
        return self.message(message, field.begin, field.end)

    def _unknown(self, field: Field) -> bytes | None:
        content = self._body[field.start : field.end]
        return b"" if self._secrets.redact(content, self._counts) != content else None

    def _key_value(self, start: int, end: int, label: str = "") -> bytes:
        """Rewrite an attribute by its name; `label` is that of the value which it is a part of, if it has one."""
        keys = [
            self._content(field)
            for field in fields(self._body, start, end)
            if field.number == KeyValue.KEY_FIELD_NUMBER and field.wire_type == LENGTH
        ]
        names = self._secrets.names
        # protobuf takes the last key there is; the value belongs to it.
        key = keys[-1] if keys else b""
        if names.is_kept(key):
            return self._body[start:end]
        label = label or names.label_of(key)

        def rewrite(field: Field) -> bytes | None:
            if field.wire_type != LENGTH or not (label or self._is_suspect(field)):
                return None
            if field.number == KeyValue.VALUE_FIELD_NUMBER:
                return self._replaced(field, self._any_value(field.begin, field.end, label, key))
            if field.number == KeyValue.KEY_FIELD_NUMBER:
                return self._replaced(field, self._secrets.redact(self._content(field), self._counts))
            return self._unknown(field)

        return self._each(start, end, rewrite)

    def _any_value(self, start: int, end: int, label: str, key: bytes = b"") -> bytes:
        """Rewrite the value of an attribute: with a label all that is in it, else the secrets in its texts."""

        def rewrite(field: Field) -> bytes | None:
            if field.number == AnyValue.INT_VALUE_FIELD_NUMBER and field.wire_type == VARINT:
                return self._number(label, key, read_varint(self._body, field.begin)[0])
            if field.wire_type != LENGTH:
                return None
            match field.number:
                case AnyValue.STRING_VALUE_FIELD_NUMBER | AnyValue.BYTES_VALUE_FIELD_NUMBER:
                    return self._replaced(field, self._text(self._content(field), label, key))
                case AnyValue.ARRAY_VALUE_FIELD_NUMBER | AnyValue.KVLIST_VALUE_FIELD_NUMBER:
                    return self._replaced(field, self._values(field, label))
                case _:
                    return self._unknown(field)

        return self._each(start, end, rewrite)

    def _values(self, outer: Field, label: str) -> bytes:
        is_array = outer.number == AnyValue.ARRAY_VALUE_FIELD_NUMBER
        inner = {} if label else self._labels_of_members(outer, is_array=is_array)

        def rewrite(field: Field) -> bytes | None:
            own = label or inner.get(field.start, "")
            if not own and not self._is_suspect(field):
                return None
            if field.number != 1 or field.wire_type != LENGTH:
                return self._unknown(field)
            if is_array:
                return self._replaced(field, self._any_value(field.begin, field.end, own))
            return self._replaced(field, self._key_value(field.begin, field.end, own))

        return self._each(outer.begin, outer.end, rewrite)

    def _labels_of_members(self, outer: Field, *, is_array: bool) -> dict[int, str]:
        """Return by start the labels of members that another one names.

        `--password` before a value, a pair of a header's name and its value, `{name: Authorization, value: …}`.
        """
        members = [field for field in fields(self._body, outer.begin, outer.end) if field.wire_type == LENGTH]
        if is_array:
            return self._labels_by_argument(members)
        pairs = {self._last(member, KeyValue.KEY_FIELD_NUMBER).lower(): member for member in members}
        name = next((pairs[key] for key in (b"name", b"key", b"header") if key in pairs), None)
        if name is None or b"value" not in pairs:
            return {}
        said = self._last(name, KeyValue.VALUE_FIELD_NUMBER, AnyValue.STRING_VALUE_FIELD_NUMBER)
        label = self._label_of_text(said)
        return {pairs[b"value"].start: label} if label else {}

    def _labels_by_argument(self, members: list[Field]) -> dict[int, str]:
        labels: dict[int, str] = {}
        said = [self._last(member, AnyValue.STRING_VALUE_FIELD_NUMBER) for member in members]
        for index, (before, member) in enumerate(pairwise(members)):
            name, value = said[index], said[index + 1]
            label = self._label_of_text(name.lstrip(b"-")) if self._is_suspect(before) else ""
            if label and self._listed.is_value(name, label, value, is_pair=len(members) == 2):
                labels[member.start] = label
            elif self._listed.is_user(said[0], name, value):
                labels[member.start] = "credential"
        return labels

    def _label_of_text(self, name: bytes) -> str:
        return "" if self._secrets.names.is_kept(name) else self._secrets.names.label_of(name)

    def _last(self, outer: Field, *numbers: int) -> bytes:
        """Return what stands in the last field of these numbers, one inside the other; b"" if there is none."""
        for number in numbers:
            found = [one for one in fields(self._body, outer.begin, outer.end) if one.number == number]
            if not found or found[-1].wire_type != LENGTH:
                return b""
            outer = found[-1]
        return self._content(outer)

    def _number(self, label: str, key: bytes, number: int) -> bytes | None:
        names = self._secrets.names
        if names.is_of_card(key) and is_card(str(number).encode()):
            label = "card"
        if label not in NUMBERS or names.is_result(key, label, number):
            return None
        return length_field(AnyValue.STRING_VALUE_FIELD_NUMBER, self._mark(label))

    def _text(self, content: bytes, label: str, key: bytes) -> bytes:
        if label:
            return content if self._secrets.names.is_harmless(content, label) else self._mark(label)
        if content.isdigit() and self._secrets.ids.is_name(key):
            return content
        redact = self._secrets.redact_query if key in _QUERY_KEYS else self._secrets.redact
        return redact(content, self._counts)

    def _mark(self, label: str) -> bytes:
        self._counts[label] += 1
        return f"[redacted:{label}]".encode()

    def _content(self, field: Field) -> bytes:
        return self._body[field.begin : field.end]

    def _replaced(self, field: Field, content: bytes) -> bytes | None:
        if content == self._content(field):
            return None
        return length_field(field.number, content)

    def _is_suspect(self, field: Field) -> bool:
        """Tell whether a piece that may hold a secret reaches into the field."""
        index = bisect_right(self._starts, field.end - 1) - 1
        return index >= 0 and self._ends[index] > field.start
