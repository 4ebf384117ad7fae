"""What records say in words: the native kernel reads off any bytes what the official classes do."""

import math
from collections.abc import Sequence
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.join import TraceKey
from collector.correlation.record import EventType, Evidence, Severity
from collector.query.timeline import event_of, text_of
from collector.query.values import VALUE_BYTES_MAX, shown_attributes
from collector.store.api import Body, Row, RowKey

EXAMPLES = 300

texts = st.sampled_from(["", "a", "ü", "\U0001f600" * 1_030, "x" * VALUE_BYTES_MAX, "x" * (VALUE_BYTES_MAX + 1)])
leaves = st.one_of(
    st.just(AnyValue()),
    texts.map(lambda value: AnyValue(string_value=value)),
    st.booleans().map(lambda value: AnyValue(bool_value=value)),
    st.sampled_from([0, -1, 2**53 - 1, 2**53, 1 - 2**53, -(2**53), 2**63 - 1, -(2**63)]).map(
        lambda value: AnyValue(int_value=value)
    ),
    st.sampled_from([0.0, -0.0, 1.5, math.inf, -math.inf]).map(lambda value: AnyValue(double_value=value)),
    st.binary(max_size=3).map(lambda value: AnyValue(bytes_value=value)),
    st.just(AnyValue(string_value_strindex=7)),
)
keys = st.sampled_from(["", "a", "b", "event.name", "ü"])


def key_values(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[list[KeyValue]]:
    return st.lists(st.builds(KeyValue, key=keys, value=st.none() | values), max_size=4)


values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
        key_values(inner).map(lambda items: AnyValue(kvlist_value=KeyValueList(values=items))),
    ),
    max_leaves=6,
)
attributes = key_values(values)
names = st.sampled_from(["", "work", "ü"])
spans = st.builds(
    Span,
    trace_id=st.binary(max_size=2),
    name=names,
    start_time_unix_nano=st.integers(0, 2**64 - 1),
    attributes=attributes,
    events=st.lists(st.builds(Span.Event, name=names, attributes=attributes), max_size=3),
    status=st.none() | st.builds(Status, message=names, code=st.sampled_from(range(3))),
    flags=st.integers(0, 2**32 - 1),
)
logs = st.builds(LogRecord, body=st.none() | values, event_name=names, attributes=attributes, severity_text=names)


def row_of(signal: Literal["span", "span_event", "log"], event_index: int = -1) -> Row:
    return Row(
        RowKey(TraceKey("trace", b"t" * 16), 1, 0),
        event_index,
        EventType.LOG if signal == "log" else EventType.SPAN,
        signal,
        0,
        b"t" * 16,
        b"s" * 8,
        b"",
        1,
        2,
        False,
        Severity.NONE,
        "",
        Evidence.NONE,
        "shop",
        "shop",
        b"",
    )


@given(parts=st.lists(spans, min_size=1, max_size=2))
@settings(max_examples=EXAMPLES, deadline=None)
def test_spans_and_their_events_say_the_same(parts: Sequence[Span]) -> None:
    # Two messages, one behind the other, are one whose fields come twice.
    raw = b"".join(span.SerializeToString() for span in parts)
    rows = [row_of("span"), *(row_of("span_event", index) for index in range(len(Span.FromString(raw).events)))]
    for row in rows:
        assert repr(text_of(row, Body(raw, b""))) == repr(text_of(row, Body(raw, b""), use_native=False))


@given(parts=st.lists(logs, min_size=1, max_size=2))
@settings(max_examples=EXAMPLES, deadline=None)
def test_logs_say_the_same(parts: Sequence[LogRecord]) -> None:
    body, row = Body(b"".join(log.SerializeToString() for log in parts), b""), row_of("log")
    assert repr(text_of(row, body)) == repr(text_of(row, body, use_native=False))


@given(items=attributes, twice=st.booleans())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_value_that_comes_in_two_parts_is_merged(items: list[KeyValue], twice: bool) -> None:
    raw = b""
    for item in items:
        wire = item.SerializeToString() * (2 if twice else 1)
        raw += bytes([9 << 3 | 2]) + _varint(len(wire)) + wire
    body, row = Body(raw, b""), row_of("span")
    assert repr(text_of(row, body)) == repr(text_of(row, body, use_native=False))


@given(items=attributes, bytes_max=st.sampled_from([None, 3, 4, VALUE_BYTES_MAX]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_attributes_are_shown_alike(items: list[KeyValue], bytes_max: int | None) -> None:
    text = text_of(row_of("span"), Body(Span(attributes=items).SerializeToString(), b""))
    native = shown_attributes(text.attributes, bytes_max)
    assert repr(native) == repr(shown_attributes(text.attributes, bytes_max, use_native=False))


def test_what_is_empty_is_left_out_of_an_event() -> None:
    assert event_of(row_of("log")._replace(trace_id=b"", span_id=b""), "log:1", Body(b"", b"")) == {
        "id": "log:1",
        "type": "log",
        "signal": "log",
        "time_unix_nano": "1",
        "service": "shop",
        "error": False,
        "attributes": {},
    }


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])
