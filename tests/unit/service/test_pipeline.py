"""One request through its pipelines: what is counted, what the sender is told, and who is kept waiting."""

import threading
from collections.abc import Callable
from typing import ClassVar

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.component import Exporter, Outcome, Telemetry
from collector.errors import BusyError, InvalidDataError
from collector.pdata.envelope import Signal
from collector.pipeline import DECODE_ON_LOOP_BYTES_MAX, Pipeline, Router
from collector.processors.session import SessionProcessor, SessionSettings
from collector.telemetry.metrics import Counters

TRACE_ID = bytes(range(16))
SPAN_ID = bytes(range(1, 9))


class Sink:
    """An exporter that keeps what it was given, or refuses it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken: list[Telemetry] = []
        self.error = error

    async def start(self) -> None:
        """Nothing to begin."""

    async def export(self, telemetry: Telemetry) -> None:
        if self.error:
            raise self.error
        self.taken.append(telemetry)

    async def shutdown(self) -> None:
        """Nothing to release."""


class BoundedSink(Sink):
    """An exporter that knows beforehand that it would refuse."""

    def check_room(self, telemetry: Telemetry) -> None:
        if self.error:
            raise self.error


class KnowingSink(Sink):
    """An exporter that takes what is sent again once."""

    recognises_resent: ClassVar[bool] = True


def trace_body(*, spans: int = 1, invalid: int = 0, name: str = "charge", session_id: str = "") -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for index in range(spans + invalid):
        span = scope.spans.add(trace_id=TRACE_ID, span_id=SPAN_ID if index < spans else b"", name=name)
        if session_id:
            span.attributes.add(key="session.id").value.string_value = session_id
    return request.SerializeToString()


def pipeline_to(*exporters: Exporter, counters: Counters | None = None) -> Pipeline:
    return Pipeline([SessionProcessor(SessionSettings())], exporters, counters or Counters())


@pytest.mark.anyio
async def test_records_are_cut_correlated_and_exported() -> None:
    sink = Sink()
    outcome = await pipeline_to(sink).consume(Telemetry(Signal.TRACES, trace_body(spans=2, session_id="s-1")))
    assert outcome == Outcome(2)
    (telemetry,) = sink.taken
    assert telemetry.correlated is not None
    assert [record.session_id for record in telemetry.correlated.records] == ["s-1", "s-1"]


@pytest.mark.anyio
async def test_spans_without_ids_are_rejected_counted_and_told() -> None:
    counters = Counters()
    outcome = await pipeline_to(Sink(), counters=counters).consume(
        Telemetry(Signal.TRACES, trace_body(spans=2, invalid=3))
    )
    assert (outcome.accepted, outcome.rejected) == (2, 3)
    assert outcome.message == (
        "3 spans have no valid trace id (16 bytes, not all zero) or span id (8 bytes, not all zero); "
        "the others were stored"
    )
    assert counters.dropped == {"invalid_ids": 3}


@pytest.mark.anyio
async def test_a_session_id_over_its_limit_is_counted_apart_for_its_record_is_kept() -> None:
    counters = Counters()
    sink = Sink()
    body = trace_body(session_id="s" * 257)
    assert await pipeline_to(sink, counters=counters).consume(Telemetry(Signal.TRACES, body)) == Outcome(1)
    assert len(sink.taken) == 1
    assert (counters.dropped, counters.session_ids_too_long) == ({}, 1)


@pytest.mark.anyio
async def test_what_is_no_request_is_refused_before_any_exporter_sees_it() -> None:
    sink = Sink()
    with pytest.raises(InvalidDataError):
        await pipeline_to(sink).consume(Telemetry(Signal.TRACES, b"\xff\xff"))
    assert sink.taken == []


@pytest.mark.anyio
@pytest.mark.parametrize(("extra", "on_loop"), [(0, True), (1, False)])
async def test_a_body_over_the_limit_is_decoded_in_a_thread(extra: int, on_loop: bool) -> None:
    threads: list[bool] = []

    class Spy:
        def process(self, telemetry: Telemetry) -> None:
            threads.append(threading.current_thread() is threading.main_thread())

    body = trace_body(name="")
    body = trace_body(name="x" * (DECODE_ON_LOOP_BYTES_MAX - len(trace_body(name="x" * 1_000_000)) + 1_000_000 + extra))
    assert len(body) == DECODE_ON_LOOP_BYTES_MAX + extra
    await Pipeline([Spy()], [Sink()], Counters()).consume(Telemetry(Signal.TRACES, body))
    assert threads == [on_loop]


@pytest.mark.anyio
async def test_every_exporter_delivers_even_when_one_refuses_and_the_sender_hears_of_it() -> None:
    before, after = Sink(), Sink()
    with pytest.raises(BusyError):
        await pipeline_to(before, Sink(BusyError("full")), after).consume(Telemetry(Signal.TRACES, trace_body()))
    assert (len(before.taken), len(after.taken)) == (1, 1)


def metrics_body() -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    for value in range(3):
        metric.sum.data_points.add(as_int=value)
    return request.SerializeToString()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("signal", "make", "dropped"),
    [
        (Signal.METRICS, metrics_body, {"metrics_without_exporter": 3}),
        (Signal.TRACES, trace_body, {"traces_without_exporter": 1}),
    ],
)
async def test_a_signal_that_no_pipeline_takes_is_accepted_and_counted_as_dropped(
    signal: Signal, make: Callable[[], bytes], dropped: dict[str, int]
) -> None:
    counters = Counters()
    outcome = await Router({}, counters).consume(Telemetry(signal, make()))
    assert outcome == Outcome(sum(dropped.values()))
    assert counters.dropped == dropped


@pytest.mark.anyio
async def test_metrics_that_are_none_are_refused_also_where_they_would_be_dropped() -> None:
    with pytest.raises(InvalidDataError):
        await Router({}, Counters()).consume(Telemetry(Signal.METRICS, b"\xff"))


@pytest.mark.anyio
async def test_an_exporter_that_takes_metrics_gets_them() -> None:
    sink, counters = Sink(), Counters()
    outcome = await Router({Signal.METRICS: [Pipeline([], [sink], counters)]}, counters).consume(
        Telemetry(Signal.METRICS, metrics_body())
    )
    assert (outcome, len(sink.taken), counters.dropped) == (Outcome(3), 1, {})


@pytest.mark.anyio
async def test_two_pipelines_of_one_signal_do_not_see_each_others_work() -> None:
    counters, plain, correlated = Counters(), Sink(), Sink()
    pipelines = [Pipeline([], [plain], counters), pipeline_to(correlated, counters=counters)]
    outcome = await Router({Signal.TRACES: pipelines}, counters).consume(
        Telemetry(Signal.TRACES, trace_body(spans=1, invalid=1))
    )
    assert (outcome.accepted, outcome.rejected) == (1, 1)
    assert plain.taken[0].correlated is None
    assert correlated.taken[0].correlated is not None


@pytest.mark.anyio
async def test_who_has_room_gets_nothing_as_long_as_another_has_none() -> None:
    well, other, full, store = Sink(), BoundedSink(), BoundedSink(BusyError("full")), KnowingSink()
    pipeline, telemetry = pipeline_to(well, other, full, store), Telemetry(Signal.TRACES, trace_body())
    for _ in range(3):
        with pytest.raises(BusyError, match="full"):
            await pipeline.consume(telemetry)
    assert (well.taken, other.taken, len(store.taken)) == ([], [], 3)
    full.error = None
    await pipeline.consume(telemetry)
    assert [len(sink.taken) for sink in (well, other, full, store)] == [1, 1, 1, 4]
