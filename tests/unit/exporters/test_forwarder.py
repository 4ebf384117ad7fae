"""From the queue to a backend that answers as it likes: what is delivered, tried again, given up, and counted."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.component import Telemetry
from collector.errors import BusyError
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import Counters, ExporterCounters
from exporters.delivery import forwarder as forwarder_module
from exporters.delivery.forwarder import Delivered, Forwarder
from exporters.delivery.retry import NotDeliveredError, RetrySettings
from exporters.delivery.segment import Frame
from exporters.delivery.sending_queue import SendingQueue

QUICK = RetrySettings(initial_interval="100ms", max_interval="100ms")
BUSY = NotDeliveredError("busy", retryable=True)
REFUSED = NotDeliveredError("refused", retryable=False)
FAILED = NotDeliveredError("failed", retryable=False, is_fault=True)
PATIENT_S = 10


class ScriptedSender:
    """Answers in turn what it was given, then takes everything; `gate` holds all answers back until it is set."""

    def __init__(self, *answers: Delivered | Exception) -> None:
        self.answers = list(answers)
        self.taken: list[bytes] = []
        self.attempts = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.attempted = asyncio.Event()
        self.closed = False

    async def send(self, signal: Signal, body: bytes) -> Delivered:
        self.attempts += 1
        self.attempted.set()
        await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else Delivered()
        if isinstance(answer, Exception):
            raise answer
        self.taken.append(body)
        return answer

    async def close(self) -> None:
        self.closed = True


def logs(*bodies: str) -> Telemetry:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for body in bodies:
        scope.log_records.add().body.string_value = body
    return Telemetry(Signal.LOGS, request.SerializeToString())


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def forwarding(tmp_path: Path, counters: Counters) -> Callable[..., object]:
    """`forwarding(sender)`: a context with a started Forwarder on the queue of this test."""

    @asynccontextmanager
    async def start(
        sender: ScriptedSender, retry: RetrySettings = QUICK, bytes_max: int = 100_000, consumers: int = 2
    ) -> AsyncGenerator[Forwarder]:
        queue = SendingQueue(tmp_path / "queue", bytes_max, counters.drop)
        of_exporter = ExporterCounters(counters, "otlp")
        forwarder = Forwarder("otlp", sender, queue, retry, of_exporter, consumers=consumers)
        await forwarder.start()
        try:
            yield forwarder
        finally:
            await forwarder.shutdown()
            await forwarder.shutdown()

    return start


def metrics_of(counters: Counters) -> dict[str, float]:
    """Everything counted but the queue's gauges."""
    return {name: value for name, value in counters.by_metric_name().items() if value and "exporter_queue" not in name}


@pytest.mark.anyio
async def test_what_is_exported_is_delivered_and_counted(forwarding: ..., counters: Counters) -> None:
    sender = ScriptedSender()
    sent = [logs("a", "b"), logs("c")]
    async with forwarding(sender) as forwarder:
        for telemetry in sent:
            await forwarder.export(telemetry)
    assert sorted(sender.taken) == sorted(telemetry.body for telemetry in sent)
    assert metrics_of(counters) == {'otelcol_exporter_sent_log_records{exporter="otlp"}': 3}
    assert sender.closed


@pytest.mark.anyio
async def test_what_was_not_taken_is_sent_again_until_it_is(
    forwarding: ..., counters: Counters, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sender = ScriptedSender(BUSY, FAILED, RuntimeError("unforeseen"))
    telemetry = logs("a")
    async with forwarding(sender, consumers=1) as forwarder:
        await forwarder.export(telemetry)
        async with asyncio.timeout(PATIENT_S):
            while not sender.taken:
                sender.attempted.clear()
                await sender.attempted.wait()
    assert (sender.attempts, sender.taken) == (4, [telemetry.body])
    assert metrics_of(counters) == {
        'otelcol_exporter_sent_log_records{exporter="otlp"}': 1,
        'otelcol_exporter_send_failed_log_records{exporter="otlp"}': 3,
    }
    told = [record.message for record in caplog.records if record.exc_info is None]
    assert told == ["otlp: not delivered, trying again: busy", "otlp: delivering again"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "retry", "reason"),
    [
        (REFUSED, QUICK, "refused_by_backend"),
        (BUSY, RetrySettings(initial_interval="1s", max_elapsed_time="1ms"), "gave_up_retrying"),
        (FAILED, RetrySettings(initial_interval="1s", max_elapsed_time_on_fault="1ms"), "gave_up_retrying"),
    ],
)
async def test_what_will_never_be_delivered_is_counted_under_its_reason(
    forwarding: ..., counters: Counters, failure: Exception, retry: RetrySettings, reason: str
) -> None:
    sender = ScriptedSender(failure)
    async with forwarding(sender, retry, consumers=1) as forwarder:
        await forwarder.export(logs("a", "b"))
        await forwarder.export(logs("c"))
    assert (sender.attempts, len(sender.taken)) == (2, 1)
    assert counters.dropped == {reason: 2}


@pytest.mark.anyio
async def test_what_a_backend_rejects_of_a_request_is_counted_and_not_sent_again(
    forwarding: ..., counters: Counters, caplog: pytest.LogCaptureFixture
) -> None:
    sender = ScriptedSender(Delivered(2, "too old"))
    async with forwarding(sender) as forwarder:
        await forwarder.export(logs("a", "b", "c"))
    assert sender.attempts == 1
    assert metrics_of(counters) == {
        'otelcol_processor_dropped_items{reason="rejected_by_backend",exporter="otlp"}': 2,
        'otelcol_exporter_sent_log_records{exporter="otlp"}': 1,
    }
    assert "otlp: the backend says: too old" in caplog.messages


@pytest.mark.anyio
async def test_exporting_does_not_wait_for_a_slow_backend_until_the_queue_is_full(
    forwarding: ..., counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "DRAIN_S", 0.01)
    sender = ScriptedSender()
    sender.gate.clear()
    body = "x" * 900
    async with forwarding(sender, bytes_max=10_000) as forwarder:
        async with asyncio.timeout(PATIENT_S):
            for _ in range(10):
                await forwarder.export(logs(body))
        with pytest.raises(BusyError, match="is full"):
            await forwarder.export(logs(body))
        with pytest.raises(BusyError, match="is full"):
            forwarder.check_room(logs(body))
        assert metrics_of(counters) == {'otelcol_exporter_enqueue_failed_log_records{exporter="otlp"}': 2}
        gauges = counters.by_metric_name()
        assert gauges['otelcol_exporter_queue_capacity{exporter="otlp"}'] == 10_000
        assert 9_000 < gauges['otelcol_exporter_queue_size{exporter="otlp"}'] <= 10_000


@pytest.mark.anyio
async def test_what_is_left_at_the_end_is_delivered_by_the_next_process(
    forwarding: ..., monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "DRAIN_S", 0.01)
    away = ScriptedSender(*[BUSY] * 1000)
    sent = [logs(str(number)) for number in range(20)]
    async with forwarding(away, RetrySettings(initial_interval="1h")) as forwarder:
        for telemetry in sent:
            await forwarder.export(telemetry)
    monkeypatch.setattr(forwarder_module, "DRAIN_S", PATIENT_S)
    back = ScriptedSender()
    async with forwarding(back):
        pass
    assert sorted(back.taken) == sorted(telemetry.body for telemetry in sent)


@pytest.mark.anyio
async def test_an_end_does_not_wait_for_a_backend_that_is_away(forwarding: ...) -> None:
    sender = ScriptedSender(*[BUSY] * 1000)
    async with asyncio.timeout(PATIENT_S):
        async with forwarding(sender, RetrySettings(initial_interval="1h", max_interval="1h")) as forwarder:
            await forwarder.export(logs("a"))
            await sender.attempted.wait()
    assert sender.taken == []


@pytest.mark.anyio
async def test_a_queue_that_cannot_be_read_for_a_while_is_read_again(
    forwarding: ..., monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(forwarder_module, "QUEUE_PAUSE_S", 0.001)
    take = SendingQueue.take
    failures = iter([OSError(5, "Input/output error")] * 3)

    async def failing(queue: SendingQueue) -> Frame:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return await take(queue)

    monkeypatch.setattr(SendingQueue, "take", failing)
    sender = ScriptedSender()
    telemetry = logs("a")
    async with forwarding(sender) as forwarder:
        await forwarder.export(telemetry)
        await asyncio.wait_for(sender.attempted.wait(), PATIENT_S)
    assert sender.taken == [telemetry.body]
    assert "otlp: the queue cannot be read just now" in caplog.messages


@pytest.mark.anyio
async def test_an_end_does_not_wait_for_a_queue_that_cannot_be_read(
    forwarding: ..., monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "QUEUE_PAUSE_S", PATIENT_S)
    asked = asyncio.Event()

    async def failing(queue: SendingQueue) -> Frame:
        asked.set()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(SendingQueue, "take", failing)
    async with asyncio.timeout(PATIENT_S / 2):
        async with forwarding(ScriptedSender()):
            await asked.wait()
