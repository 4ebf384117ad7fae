"""A record without what its header holds comes back to the byte, whatever it holds; the kernel does as its twin."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.correlator import Correlator
from collector.correlation.keys import SessionKeys
from collector.correlation.record import Context, Record
from collector.pdata.envelope import Signal
from collector.store.sqlite.abridged import OMISSIONS_MAX, Known, abridge, known_of_log, known_of_span, restore
from collector.store.sqlite.bodies import BodyReader
from collector.store.sqlite.chunk_maker import ChunkMaker

EXAMPLES = 200
TRACE, SPAN, PARENT, START, END = b"t" * 16, b"s" * 8, b"p" * 8, 1_795_000_000_000_000_001, 1_795_000_000_000_000_009
OF_SPAN = known_of_span(TRACE, SPAN, PARENT, START, END)
OF_LOG = known_of_log(TRACE, SPAN, START)
PLAIN = Span(
    trace_id=TRACE,
    span_id=SPAN,
    parent_span_id=PARENT,
    start_time_unix_nano=START,
    end_time_unix_nano=END,
    name="GET",
    flags=0x101,
).SerializeToString()
LOG = LogRecord(
    time_unix_nano=START, observed_time_unix_nano=END, trace_id=TRACE, span_id=SPAN, flags=1, severity_text="INFO"
).SerializeToString()

ids = st.sampled_from([b"", TRACE, SPAN, PARENT, bytes(8), bytes(16), b"x" * 16])
times = st.sampled_from([0, START, END, (1 << 64) - 1])
spans = st.builds(
    Span,
    trace_id=ids,
    span_id=ids,
    parent_span_id=ids,
    name=st.text(max_size=3),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    events=st.lists(st.builds(Span.Event, time_unix_nano=times), max_size=1),
).map(Span.SerializeToString)
logs = st.builds(
    LogRecord, trace_id=ids, span_id=ids, time_unix_nano=times, observed_time_unix_nano=times, flags=st.integers(0, 2)
).map(LogRecord.SerializeToString)
# Messages laid end to end are one message, in which fields occur twice; and tags and lengths need not be short.
pieces = (
    spans
    | logs
    | st.sampled_from([b"\x8a\x00\x10" + TRACE, b"\x12\x88\x00" + SPAN, b"\x0b\x0c"])
    | st.binary(max_size=9)
)


@given(record=st.lists(pieces, max_size=3).map(b"".join), known=st.sampled_from([OF_SPAN, OF_LOG]))
@settings(max_examples=EXAMPLES, deadline=None)
@example(record=PLAIN, known=OF_SPAN)
@example(record=LOG, known=OF_LOG)
def test_what_was_abridged_is_restored_to_the_byte(record: bytes, known: Known) -> None:
    abridged = abridge(record, known)
    if abridged is not None:
        assert len(abridged) <= len(record)
        assert restore(abridged, known) == record


def test_of_a_plain_span_and_log_only_tags_and_what_is_not_known_are_left() -> None:
    assert [abridge(PLAIN, OF_SPAN), abridge(LOG, OF_LOG)] == [
        b"\x0a\x10" + b"\x12\x08" + b"\x22\x08" + b"\x2a\x03GET" + b"\x39" + b"\x41" + b"\x85\x01\x01\x01\x00\x00",
        b"\x09"
        + b"\x1a\x04INFO"
        + b"\x45\x01\x00\x00\x00"
        + b"\x4a\x10"
        + b"\x52\x08"
        + b"\x59"
        + END.to_bytes(8, "little"),
    ]


@pytest.mark.parametrize(
    "record",
    [
        Span(trace_id=b"x" * 16).SerializeToString(),
        Span(span_id=PARENT).SerializeToString(),
        Span(start_time_unix_nano=END).SerializeToString(),
        b"\x0a",
        b"\x0a\x10" + TRACE[:15],
        b"\x0b\x0c",
        b"\x12\x08" + SPAN + b"\x12\x08" + PARENT,
    ],
)
def test_what_says_anything_else_than_the_header_is_kept_whole(record: bytes) -> None:
    assert abridge(record, OF_SPAN) is None


def test_a_record_that_repeats_itself_too_often_is_kept_whole() -> None:
    twice = b"\x12\x08" + SPAN
    assert abridge(twice * OMISSIONS_MAX, OF_SPAN) == b"\x12\x08" * OMISSIONS_MAX
    assert abridge(twice * (OMISSIONS_MAX + 1), OF_SPAN) is None


@pytest.mark.parametrize("use_native", [True, False])
def test_bytes_that_no_record_was_made_of_are_an_error(use_native: bool) -> None:
    encoded = ChunkMaker().encode(*_one_trace(Signal.TRACES, [PLAIN]))
    damaged = encoded.body.replace(b"\x2a\x03GET", b"\x2a\x7fGET")
    assert damaged != encoded.body
    with pytest.raises(ValueError, match="cannot be read"):
        BodyReader(use_native=use_native).records(TRACE, encoded.header, damaged, [0])


def _one_trace(signal: Signal, raws: Sequence[bytes]) -> tuple[list[Record], dict[Context, int], dict[str, int]]:
    request = ExportTraceServiceRequest() if signal is Signal.TRACES else ExportLogsServiceRequest()
    body = request.SerializeToString()
    # Laid in as they are, so that no field is put in order or dropped.
    scope = b"".join(b"\x12" + _varint(len(raw)) + raw for raw in raws)
    resource = b"\x12" + _varint(len(scope)) + scope
    body += b"\x0a" + _varint(len(resource)) + resource
    filed = ChunkMaker().file([Correlator(SessionKeys()).correlate(signal, body).records], 7)
    ((_, records),) = filed.traces.items()
    return records, dict.fromkeys(filed.totals, 3), {"": 0}


def _varint(value: int) -> bytes:
    return bytes((value,)) if value < 0x80 else bytes((value & 0x7F | 0x80,)) + _varint(value >> 7)


odd_fields = st.sampled_from(
    [b"", b"\x12\x88\x00" + SPAN, b"\x8a\x00\x10" + TRACE, b"\x12\x08" + SPAN, b"\xfa\x07\x03odd", b"\x39" + bytes(8)]
)


@given(
    is_log=st.booleans(),
    odd=st.lists(st.tuples(odd_fields, odd_fields), min_size=1, max_size=4),
    positions=st.sets(st.integers(0, 5)),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_records_of_a_chunk_come_back_from_the_kernel_and_its_twin(
    is_log: bool, odd: list[tuple[bytes, bytes]], positions: set[int]
) -> None:
    plain = LOG if is_log else PLAIN
    raws = [before + plain + behind for before, behind in odd] if not is_log else [plain for _ in odd]
    records, contexts, sessions = _one_trace(Signal.LOGS if is_log else Signal.TRACES, raws)
    expected = {position: (raws[position], 3) for position in positions if position < len(raws)}
    for writes_native in (True, False):
        header, _, body, _ = ChunkMaker(use_native=writes_native).encode(records, contexts, sessions)
        for reads_native in (True, False):
            found = BodyReader(use_native=reads_native).records(TRACE, header, body, sorted(positions))
            assert found == expected
