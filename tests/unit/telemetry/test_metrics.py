"""What the collector counts, and how Prometheus gets to read it."""

import re
from pathlib import Path

import pytest

from collector.component import Outcome
from collector.errors import BusyError, UnsupportedMediaError
from collector.pdata.envelope import Signal
from collector.receivers.otlp.telemetry import ReceiverCounters, Transport
from collector.telemetry.exposition import Exposition
from collector.telemetry.metrics import (
    ACCEPTED,
    METRICS,
    QUEUE_CAPACITY,
    QUEUE_SIZE,
    SESSION_IDS_TOO_LONG,
    Counters,
    ExporterCounters,
    ExporterTrouble,
)
from collector.telemetry.process import watch_process


@pytest.fixture
def counters() -> Counters:
    """Counters of a collector in which everything has happened once or more."""
    counters = Counters()
    receiver = ReceiverCounters(counters, "otlp")
    receiver.on_accepted(Transport.GRPC, Signal.TRACES, Outcome(3, 2, "bad ids"))
    receiver.on_accepted(Transport.HTTP, Signal.TRACES, Outcome(4))
    receiver.on_accepted(Transport.HTTP, Signal.LOGS, Outcome(2))
    receiver.on_refused(Transport.HTTP, None, UnsupportedMediaError("text/plain"))
    receiver.on_refused(Transport.GRPC, Signal.LOGS, BusyError("full"))
    receiver.on_refused(Transport.HTTP, Signal.LOGS, BusyError("full"))
    counters.drop("invalid_ids", 2)
    counters.drop("metrics_without_exporter", 0)
    counters.count(SESSION_IDS_TOO_LONG).add(1)
    exporter = ExporterCounters(counters, "index/a", lambda: 0.0)
    exporter.sent("traces", 7)
    exporter.send_failed("logs", 2)
    exporter.enqueue_failed("logs", 1)
    exporter.watch_queue(lambda: 5, lambda: 10_000)
    return counters


def test_counters_are_read_by_kind(counters: Counters) -> None:
    assert (counters.accepted, counters.accepted_total) == ({"traces": 7, "logs": 2}, 9)
    assert (counters.refused, counters.dropped) == ({"unsupported_media": 1, "busy": 2}, {"invalid_ids": 2})
    assert counters.session_ids_too_long == 1


def test_the_last_time_is_kept_by_reason() -> None:
    times = iter((1, 2, 3, 4))
    counters = Counters(lambda: next(times))
    counters.refuse("busy")
    counters.refuse("busy", (("transport", "grpc"),))
    counters.refuse("not_found")
    counters.drop("invalid_ids", 0)
    counters.drop("invalid_ids", 1, (("exporter", "otlp"),))
    assert counters.refused_last_unix_nano == {"busy": 2, "not_found": 3}
    assert counters.dropped_last_unix_nano == {"invalid_ids": 4}


def test_counters_are_read_under_the_names_of_the_collector(counters: Counters) -> None:
    told = {name: value for name, value in counters.by_metric_name().items() if value}
    assert told == {
        'otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"}': 3,
        'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"}': 4,
        'otelcol_receiver_accepted_log_records{receiver="otlp",transport="http"}': 2,
        'otelcol_receiver_refused_spans{receiver="otlp",transport="grpc"}': 2,
        'otelcol_receiver_refused_requests{reason="busy",receiver="otlp",transport="grpc"}': 1,
        'otelcol_receiver_refused_requests{reason="busy",receiver="otlp",transport="http"}': 1,
        'otelcol_receiver_refused_requests{reason="unsupported_media",receiver="otlp",transport="http"}': 1,
        'otelcol_processor_dropped_items{reason="invalid_ids"}': 2,
        "otelcol_processor_session_ids_too_long": 1,
        'otelcol_exporter_sent_spans{exporter="index/a"}': 7,
        'otelcol_exporter_send_failed_log_records{exporter="index/a"}': 2,
        'otelcol_exporter_enqueue_failed_log_records{exporter="index/a"}': 1,
        'otelcol_exporter_queue_size{exporter="index/a"}': 5,
        'otelcol_exporter_queue_capacity{exporter="index/a"}': 10_000,
    }


def test_prometheus_reads_the_same_and_reads_what_has_come_since(counters: Counters) -> None:
    exposition = Exposition(counters, "1.2.3")
    samples = samples_in(exposition.render())
    assert samples.pop('target_info{service_name="gasoline",service_version="1.2.3"}') == 1
    counter_names = {metric.name for metric in METRICS if metric.is_counter}
    assert samples == {
        name.replace(base, f"{base}_total") if (base := name.split("{")[0]) in counter_names else name: value
        for name, value in counters.by_metric_name().items()
    }
    counters.count(ACCEPTED["logs"], (("receiver", "otlp"), ("transport", "grpc"))).add(9)
    name = 'otelcol_receiver_accepted_log_records_total{receiver="otlp",transport="grpc"}'
    assert samples_in(exposition.render())[name] == 9
    exposition.close()


def test_two_collectors_of_one_process_have_metrics_of_their_own(counters: Counters) -> None:
    first, second = Exposition(counters, "1"), Exposition(Counters(), "1")
    assert (len(samples_in(first.render())) > 1, samples_in(second.render())) == (True, {})
    first.close()
    second.close()


def test_the_types_of_metrics_are_told(counters: Counters) -> None:
    exposition = Exposition(counters, "1")
    types = dict(re.findall(r"^# TYPE (otelcol_\w+) (\w+)$", exposition.render().decode(), re.MULTILINE))
    exposition.close()
    shown = {reading.metric for reading in counters.readings()}
    assert types == {
        metric.name + ("_total" if metric.is_counter else ""): "counter" if metric.is_counter else "gauge"
        for metric in shown
    }
    assert types[QUEUE_SIZE.name] == types[QUEUE_CAPACITY.name] == "gauge"


def samples_in(text: bytes) -> dict[str, float]:
    """Every sample of an exposition by its name and labels."""
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_every_metric_has_a_name_of_its_own_and_a_sentence() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(re.fullmatch(r"otelcol_[a-z_]+", metric.name) for metric in METRICS)
    assert all(metric.description.endswith(".") for metric in METRICS)


def test_the_process_shows_its_memory_its_time_and_its_age() -> None:
    counters = Counters()
    watch_process(counters)
    values = counters.by_metric_name()
    assert values["otelcol_process_cpu_seconds"] > 0
    assert values["otelcol_process_uptime"] >= 0
    if Path("/proc/self/statm").exists():
        assert 1_000_000 < values["otelcol_process_memory_rss"] < 100_000_000_000


def test_an_exporter_fails_from_a_failed_attempt_to_the_next_success() -> None:
    counters = Counters()
    first, second = ExporterCounters(counters, "otlp"), ExporterCounters(counters, "file")
    seen = [counters.failing_exporters]
    for attempt in (second.send_failed, first.send_failed, first.send_failed, first.sent, second.sent, second.sent):
        attempt("traces", 1)
        seen.append(counters.failing_exporters)
    assert seen == [[], ["file"], ["file", "otlp"], ["file", "otlp"], ["file"], [], []]
    first.send_failed("traces", 1, told="503")
    first.send_failed("traces", 1, told="504")
    assert counters.exporter_troubles == {"otlp": ExporterTrouble({}, 0, "", "504")}
    first.send_failed("traces", 1, told="404", is_refused=True)
    assert (counters.failing_exporters, counters.exporter_troubles) == ([], {})


def test_what_is_lost_is_told_by_exporter_and_counted_once() -> None:
    counters = Counters()
    first, second, third = (ExporterCounters(counters, name) for name in ("otlp", "otlp/two", "otlp/well"))
    first.drop("gave_up_retrying", 2, "away")
    first.drop("gave_up_retrying", 3, "still away")
    first.drop("unreadable_in_queue", 1)
    second.enqueue_failed("traces", 4)
    second.enqueue_failed("logs", 1)
    third.sent("traces", 1)
    third.drop("rejected_by_backend", 0)
    counters.drop("invalid_ids", 7)
    assert counters.exporter_troubles == {
        "otlp": ExporterTrouble({"gave_up_retrying": 5, "unreadable_in_queue": 1}, 0, "still away"),
        "otlp/two": ExporterTrouble({}, 5, ""),
    }
    assert counters.dropped == {"gave_up_retrying": 5, "unreadable_in_queue": 1, "invalid_ids": 7}
    named = counters.by_metric_name()
    assert named['otelcol_processor_dropped_items{reason="gave_up_retrying",exporter="otlp"}'] == 5


def test_a_failure_is_remembered_until_the_next_success_or_the_end_of_its_time() -> None:
    now_s = 100.0
    exporter = ExporterCounters(Counters(), "index", lambda: now_s)
    assert not exporter.has_failed_within(30)
    exporter.send_failed("traces", 1)
    now_s = 130.0
    assert exporter.has_failed_within(30)
    now_s = 130.1
    assert not exporter.has_failed_within(30)
    exporter.send_failed("traces", 1)
    exporter.sent("traces", 1)
    assert not exporter.has_failed_within(30)
