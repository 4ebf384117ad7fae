"""What store/api.py promises, held against every implementation."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.correlation.join import Landmark, Part, Root, TraceKey
from collector.correlation.record import EventType, Evidence, Severity
from collector.store.api import Batch, Body, Position, Row, RowKey, ServiceActivity, TraceRows, WriteResult

SpanBatch = Callable[[str, Sequence[Span]], Batch]
LogBatch = Callable[[str, Sequence[LogRecord]], Batch]

pytestmark = pytest.mark.anyio

ROWS_MAX = 1_000
BASE = 1_795_000_000_000_000_000
TRACE = bytes(range(16))
OTHER_TRACE = bytes(range(1, 17))
TRACE_KEY = TraceKey("trace", TRACE)


def span(number: int, parent: int = 0, *, trace: bytes = TRACE, session: str = "", start: int = 0) -> Span:
    """Make a SERVER span that takes 5 ns from `BASE + start`."""
    made = Span(
        trace_id=trace,
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=f"span {number}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=BASE + start,
        end_time_unix_nano=BASE + start + 5,
    )
    if session:
        made.attributes.append(text("session.id", session))
    return made


def log(body: str, *, trace: bytes = b"", session: str = "", time: int = BASE) -> LogRecord:
    made = LogRecord(body=AnyValue(string_value=body), trace_id=trace, time_unix_nano=time)
    if session:
        made.attributes.append(text("session.id", session))
    return made


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


async def test_an_empty_store_answers_nothing(store: Any) -> None:
    reader = store.reader
    assert reader.position() == Position(0, 0)
    assert list(reader.parts(10)) == []
    assert list(reader.parts(10, session_id="nobody")) == []
    assert list(reader.parts(10, trace_keys=[TRACE_KEY])) == []
    assert list(reader.rows(TRACE_KEY, 10, ROWS_MAX)) == []
    assert list(reader.trace_keys("nobody", 10)) == []
    assert reader.traces([], 10, ROWS_MAX) == {}
    assert reader.traces([TRACE_KEY], 10, ROWS_MAX) == {}
    assert reader.bodies([RowKey(TRACE_KEY, 1, 0)]) == {}
    assert list(reader.session_ids("", 10)) == []
    assert list(reader.trace_ids("", 10)) == []
    assert reader.session_loss("nobody") == 0
    assert reader.commit_time_unix_nano(1) == 0
    assert reader.wait_for_commit(0, 0.0) == 0


async def test_a_batch_is_read_back_as_rows_parts_and_bodies(store: Any, span_batch: SpanBatch) -> None:
    entry = span(1, session="s-1")
    entry.attributes.extend([text("http.request.method", "POST"), text("url.full", "http://shop.test/pay")])
    entry.attributes.append(KeyValue(key="http.response.status_code", value=AnyValue(int_value=502)))
    entry.status.code = Status.STATUS_CODE_ERROR
    entry.events.add(name="exception", time_unix_nano=BASE + 3)
    batch = span_batch("shop", [entry, span(2, 1, start=2)])
    assert await store.writer.write(batch) == WriteResult(1)

    key = RowKey(TRACE_KEY, 1, 0)
    first = Row(
        key=key,
        event_index=-1,
        type=EventType.NETWORK,
        signal="span",
        kind=Span.SPAN_KIND_SERVER,
        trace_id=TRACE,
        span_id=(1).to_bytes(8, "big"),
        parent_span_id=b"",
        time_unix_nano=BASE,
        end_time_unix_nano=BASE + 5,
        error=True,
        severity=Severity.NONE,
        session_id="s-1",
        evidence=Evidence.ATTRIBUTE,
        service="shop",
        host="shop",
        content_hash=b"",
    )
    event = first._replace(
        event_index=0,
        type=EventType.EVENT,
        signal="span_event",
        kind=0,
        parent_span_id=first.span_id,
        time_unix_nano=BASE + 3,
        end_time_unix_nano=BASE + 3,
    )
    second = first._replace(
        key=RowKey(TRACE_KEY, 1, 1),
        type=EventType.SPAN,
        span_id=(2).to_bytes(8, "big"),
        parent_span_id=first.span_id,
        time_unix_nano=BASE + 2,
        end_time_unix_nano=BASE + 7,
        error=False,
        session_id="",
        evidence=Evidence.NONE,
    )
    assert list(store.reader.rows(TRACE_KEY, 1, ROWS_MAX)) == [first, event, second]
    assert list(store.reader.rows(TRACE_KEY, 1, 2)) == [first, event]
    of_trace = TraceRows([first, event, second], {key: 502}, {})
    assert store.reader.traces([TRACE_KEY, TraceKey("trace", OTHER_TRACE)], 1, ROWS_MAX) == {TRACE_KEY: of_trace}

    root = Root(
        position=0,
        span_id=first.span_id,
        parent_span_id=b"",
        start_time_unix_nano=BASE,
        end_time_unix_nano=BASE + 5,
        error=True,
        type=EventType.NETWORK,
        kind=Span.SPAN_KIND_SERVER,
        service="shop",
        name="span 1",
        method="POST",
        url="http://shop.test/pay",
        status=502,
    )
    named = Part(
        commit=1,
        trace_key=TRACE_KEY,
        session_id="s-1",
        start_time_unix_nano=BASE,
        last_time_unix_nano=BASE + 3,
        spans=1,
        span_events=1,
        logs=0,
        errors=2,
        service_bytes={"shop": len(batch.records[0].raw)},
        roots=(root,),
        roots_left_out=0,
        page=None,
        server=Landmark(BASE, 0, "http://shop.test/pay"),
    )
    unnamed = Part(
        commit=1,
        trace_key=TRACE_KEY,
        session_id="",
        start_time_unix_nano=BASE + 2,
        last_time_unix_nano=BASE + 2,
        spans=1,
        span_events=0,
        logs=0,
        errors=0,
        service_bytes={"shop": len(batch.records[1].raw)},
        roots=(),
        roots_left_out=0,
        page=None,
        server=Landmark(BASE + 2, 1, None),
    )
    assert sorted(store.reader.parts(1), key=lambda part: part.session_id) == [unnamed, named]
    assert list(store.reader.parts(1, session_id="s-1")) == [named]

    context = batch.records[0].context.envelope
    assert store.reader.bodies([key, second.key, RowKey(TRACE_KEY, 2, 0)]) == {
        key: Body(entry.SerializeToString(), context),
        second.key: Body(batch.records[1].raw, context),
    }


async def test_a_read_sees_exactly_the_commits_up_to_the_one_it_names(store: Any, span_batch: SpanBatch) -> None:
    for number in (1, 2, 3):
        assert await store.writer.write(span_batch("shop", [span(number, session="s")])) == WriteResult(number)
    for upto in (0, 1, 2, 3):
        commits = list(range(1, upto + 1))
        assert [row.key.commit for row in store.reader.rows(TRACE_KEY, upto, ROWS_MAX)] == commits
        assert [part.commit for part in store.reader.parts(upto)] == commits
        assert [part.commit for part in store.reader.parts(upto, session_id="s")] == commits
        assert [part.commit for part in store.reader.parts(upto, trace_keys=[TRACE_KEY])] == commits
    assert [part.commit for part in store.reader.parts(3, after=1)] == [2, 3]
    assert [part.commit for part in store.reader.parts(3, after=1, session_id="s")] == [2, 3]
    assert [part.commit for part in store.reader.parts(3, after=2, trace_keys=[TRACE_KEY])] == [3]
    assert store.reader.position() == Position(3, 0)


@pytest.mark.parametrize(
    ("wait_ms", "resent"),
    [(99.9, False), (100, True), (600_000, True), (600_000.001, False)],
)
async def test_a_request_sent_again_is_recognised_within_its_window(
    store: Any, span_batch: SpanBatch, wait_ms: float, resent: bool
) -> None:
    batch = span_batch("shop", [span(1)])
    await store.writer.write(batch)
    store.clock.turn_ms(wait_ms)
    assert await store.writer.write(batch) == WriteResult(1 if resent else 2, resent)
    assert len(store.reader.rows(TRACE_KEY, 2, ROWS_MAX)) == (1 if resent else 2)


async def test_of_requests_at_the_same_time_each_is_recognised_for_itself(store: Any, span_batch: SpanBatch) -> None:
    old, new = span_batch("shop", [span(1)]), span_batch("shop", [span(2)])
    await store.writer.write(old)
    store.clock.turn_ms(1_000)
    results = await asyncio.gather(*(store.writer.write(batch) for batch in (old, new, new)))
    assert [result.resent for result in results] == [True, False, False]
    rows = store.reader.rows(TRACE_KEY, store.reader.position().commit, ROWS_MAX)
    assert [int.from_bytes(row.span_id, "big") for row in rows] == [1, 2, 2]


async def test_the_same_bytes_of_another_signal_are_no_copy(store: Any, span_batch: SpanBatch) -> None:
    batch = span_batch("shop", [span(1)])
    await store.writer.write(batch)
    store.clock.turn_ms(1_000)
    logs = Batch(batch.signal.LOGS, batch.body_hash, [])
    assert await store.writer.write(logs) == WriteResult(2)


async def test_records_without_a_trace_are_filed_by_session_or_service(store: Any, log_batch: LogBatch) -> None:
    await store.writer.write(log_batch("shop", [log("a", session="s"), log("b"), log("c", trace=TRACE)]))
    reader = store.reader
    by_key = {part.trace_key: (part.session_id, part.logs) for part in reader.parts(1)}
    session_key, service_key = TraceKey("session", b"s"), TraceKey("service", b"shop")
    assert by_key == {session_key: ("s", 1), service_key: ("", 1), TRACE_KEY: ("", 1)}
    (row,) = reader.rows(service_key, 1, ROWS_MAX)
    raw = log("b").SerializeToString()
    body = reader.bodies([row.key])[row.key]
    assert (row.trace_id, row.signal, row.type, body.raw) == (b"", "log", EventType.LOG, raw)
    assert row.content_hash == hashlib.blake2b(body.context + b"\0" + raw, digest_size=8).digest()


async def test_a_log_without_any_time_has_the_time_of_its_commit(store: Any, log_batch: LogBatch) -> None:
    store.clock.turn_ms(7)
    observed = LogRecord(observed_time_unix_nano=BASE + 1)
    await store.writer.write(log_batch("shop", [LogRecord(), observed]))
    rows = store.reader.rows(TraceKey("service", b"shop"), 1, ROWS_MAX)
    assert [row.time_unix_nano for row in rows] == [store.clock.now_unix_nano, BASE + 1]
    assert store.reader.commit_time_unix_nano(1) == store.clock.now_unix_nano


async def test_times_at_the_ends_of_the_range_survive(store: Any, span_batch: SpanBatch) -> None:
    last = (1 << 64) - 1
    odd = [
        Span(trace_id=TRACE, span_id=b"unended!", start_time_unix_nano=BASE),
        Span(trace_id=TRACE, span_id=b"farthest", start_time_unix_nano=last, end_time_unix_nano=last),
        Span(trace_id=TRACE, span_id=b"backward", start_time_unix_nano=BASE, end_time_unix_nano=BASE - 1),
    ]
    odd[0].events.add(name="before", time_unix_nano=1)
    await store.writer.write(span_batch("shop", odd))
    rows = store.reader.rows(TRACE_KEY, 1, ROWS_MAX)
    assert [(row.time_unix_nano, row.end_time_unix_nano) for row in rows] == [
        (BASE, 0),
        (1, 1),
        (last, last),
        (BASE, BASE - 1),
    ]
    (part,) = store.reader.parts(1)
    assert (part.start_time_unix_nano, part.last_time_unix_nano) == (1, last)


async def test_ids_are_found_by_their_beginning(store: Any, span_batch: SpanBatch) -> None:
    for number, session in enumerate(["session-ab", "session-ac", "Session-ab", "s%", "ä"]):
        trace = bytes([0xA0 + number]) + bytes(14) + b"\1"
        await store.writer.write(span_batch("shop", [span(1, trace=trace, session=session)]))
    reader = store.reader
    assert list(reader.session_ids("session-a", 10)) == ["session-ab", "session-ac"]
    assert list(reader.session_ids("session-a", 1)) == ["session-ab"]
    assert list(reader.session_ids("s%", 10)) == ["s%"]
    assert list(reader.session_ids("", 10)) == ["Session-ab", "s%", "session-ab", "session-ac", "ä"]
    assert [trace.hex()[:2] for trace in reader.trace_ids("a", 10)] == ["a0", "a1", "a2", "a3", "a4"]
    assert [trace.hex()[:2] for trace in reader.trace_ids("a", 2)] == ["a0", "a1"]
    assert [trace.hex()[:3] for trace in reader.trace_ids("a30", 10)] == ["a30"]
    assert list(reader.trace_ids("b", 10)) == []


async def test_the_first_traces_of_a_session_are_read_without_the_others(store: Any, span_batch: SpanBatch) -> None:
    traces = [bytes([number]) * 16 for number in (9, 5, 7, 6, 8)]
    # Two in the second commit, not in their order; the first of all comes again, there and later.
    for commit in ([traces[0]], [traces[2], traces[0], traces[1]], [traces[0], traces[3]], [traces[4]]):
        spans = [span(number, trace=trace, session="s") for number, trace in enumerate(commit, 1)]
        await store.writer.write(span_batch("shop", spans))
    every = [TraceKey("trace", trace) for trace in traces]
    assert list(store.reader.trace_keys("s", 4)) == every
    for limit in range(7):
        assert list(store.reader.trace_keys("s", 4, limit)) == every[:limit]
    assert list(store.reader.trace_keys("s", 2, 5)) == every[:3]


async def test_the_traces_of_a_session_are_read_in_one_call(
    store: Any, span_batch: SpanBatch, log_batch: LogBatch
) -> None:
    other_key, pseudo_key = TraceKey("trace", OTHER_TRACE), TraceKey("session", b"s")
    page = span(3, session="s", trace=OTHER_TRACE)
    page.name = "documentLoad"
    page.attributes.append(text("url.full", "http://shop.test/"))
    for batch in (
        span_batch("shop", [span(1, session="other")]),
        log_batch("shop", [log("b", session="s")]),
        span_batch("shop", [page, span(4, 9, trace=OTHER_TRACE)]),
        span_batch("shop", [span(2, 1, session="s")]),
    ):
        await store.writer.write(batch)
    reader = store.reader
    assert list(reader.trace_keys("s", 4)) == [pseudo_key, other_key, TRACE_KEY]
    assert list(reader.trace_keys("s", 3)) == [pseudo_key, other_key]
    found = reader.traces([TRACE_KEY, other_key, pseudo_key], 4, ROWS_MAX)
    assert {key: [row.key for row in of_trace.rows] for key, of_trace in found.items()} == {
        TRACE_KEY: [RowKey(TRACE_KEY, 1, 0), RowKey(TRACE_KEY, 4, 0)],
        other_key: [RowKey(other_key, 3, 0), RowKey(other_key, 3, 1)],
        pseudo_key: [RowKey(pseudo_key, 2, 0)],
    }
    assert found[TRACE_KEY].statuses == {RowKey(TRACE_KEY, 1, 0): None, RowKey(TRACE_KEY, 4, 0): None}
    assert found[other_key].pages == {RowKey(other_key, 3, 0): "http://shop.test/"}
    limited = reader.traces([TRACE_KEY, other_key], 4, 1)
    assert [[row.key.commit for row in of_trace.rows] for of_trace in limited.values()] == [[1], [3]]


async def test_news_of_a_session_is_told_from_what_others_send(
    store: Any, span_batch: SpanBatch, log_batch: LogBatch
) -> None:
    await store.writer.write(span_batch("shop", [span(1, session="s")]))
    await store.writer.write(span_batch("shop", [span(2, trace=OTHER_TRACE)]))
    await store.writer.write(log_batch("shop", [log("of nobody"), log("of another", session="t")]))
    await store.writer.write(span_batch("shop", [span(3, 1)]))
    await store.writer.write(log_batch("shop", [log("no trace", session="s")]))
    await store.writer.write(span_batch("shop", [span(4, 2, trace=OTHER_TRACE, session="s")]))
    told = [[upto for upto in range(1, 7) if store.reader.has_news(name, upto - 1, upto)] for name in ("s", "t", "x")]
    assert told == [[1, 4, 5, 6], [3], []]


async def test_clearing_a_session_leaves_what_others_claim(store: Any, span_batch: SpanBatch) -> None:
    shared = [span(1, session="s-1"), span(2, session="s-2"), span(3)]
    alone = [span(4, trace=OTHER_TRACE, session="s-1"), span(5, 4, trace=OTHER_TRACE)]
    await store.writer.write(span_batch("shop", shared))
    await store.writer.write(span_batch("shop", alone))
    assert await store.writer.clear("s-1") == 3
    reader = store.reader
    assert reader.position() == Position(2, 1)
    rows = reader.rows(TRACE_KEY, 2, ROWS_MAX)
    assert [(row.key.position, row.span_id[-1], row.session_id) for row in rows] == [(1, 2, "s-2"), (2, 3, "")]
    assert set(reader.bodies([row.key for row in rows] + [RowKey(TRACE_KEY, 1, 0)])) == {row.key for row in rows}
    assert list(reader.rows(TraceKey("trace", OTHER_TRACE), 2, ROWS_MAX)) == []
    assert {part.session_id for part in reader.parts(2)} == {"s-2", ""}
    assert list(reader.session_ids("", 10)) == ["s-2"]
    assert list(reader.trace_ids("", 10)) == [TRACE]
    assert reader.status().services == [ServiceActivity("shop", store.clock.now_unix_nano, 2, 0)]
    assert await store.writer.clear("s-1") == 0
    assert await store.writer.write(span_batch("shop", [span(6, session="s-1")])) == WriteResult(3)
    assert [part.session_id for part in reader.parts(3, after=2)] == ["s-1"]


async def test_clearing_everything_leaves_an_empty_store_that_counts_on(store: Any, span_batch: SpanBatch) -> None:
    batch = span_batch("shop", [span(1, session="s"), span(2)])
    await store.writer.write(batch)
    assert await store.writer.clear() == 2
    reader = store.reader
    assert reader.position() == Position(1, 1)
    assert list(reader.parts(1)) == []
    assert list(reader.rows(TRACE_KEY, 1, ROWS_MAX)) == []
    assert (list(reader.session_ids("", 9)), list(reader.trace_ids("", 9))) == ([], [])
    assert list(reader.status().services) == []
    store.clock.turn_ms(1_000)
    assert await store.writer.write(batch) == WriteResult(2)
    assert len(reader.rows(TRACE_KEY, 2, ROWS_MAX)) == 2


async def test_status_counts_what_each_service_sent(store: Any, span_batch: SpanBatch, log_batch: LogBatch) -> None:
    await store.writer.write(span_batch("shop", [span(1), span(2)]))
    store.clock.turn_ms(5)
    await store.writer.write(log_batch("orders", [log("x")]))
    status = store.reader.status()
    assert status.services == [ServiceActivity("orders", BASE + 5_000_000, 0, 1), ServiceActivity("shop", BASE, 2, 0)]
    assert status.commits == 2
    assert status.bytes_on_disk > 0


async def test_a_request_of_which_nothing_is_left_is_new_when_it_is_sent_again(store: Any, log_batch: LogBatch) -> None:
    alone = log_batch("shop", [log("a", session="s-1"), log("b", session="s-1")])
    shared = log_batch("shop", [log("c", session="s-1"), log("d", session="s-2")])
    for batch in (alone, shared):
        await store.writer.write(batch)
    assert await store.writer.clear("s-1") == 3
    store.clock.turn_ms(1_000)
    assert await store.writer.write(alone) == WriteResult(3)
    assert await store.writer.write(shared) == WriteResult(3, resent=True)
    assert [part.logs for part in store.reader.parts(3, session_id="s-1")] == [2]
