"""What the collector counts about itself; the one place where its metrics are named and kept.

Counting is adding to plain numbers, so that it costs a request next to nothing; `exposition` makes metrics of
OpenTelemetry's SDK from them when somebody asks. Names are those of the OpenTelemetry Collector where it has one:
https://opentelemetry.io/docs/collector/internal-telemetry/
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]


class Metric(NamedTuple):
    """A metric: a counter, which only grows, or else a gauge."""

    name: str
    description: str
    is_counter: bool = True


class Reading(NamedTuple):
    """The value of a metric for one set of labels, in the order of the metric's own."""

    metric: Metric
    labels: Labels
    value: float


ACCEPTED: Mapping[str, Metric] = MappingProxyType(
    {
        "traces": Metric("otelcol_receiver_accepted_spans", "Spans taken."),
        "logs": Metric("otelcol_receiver_accepted_log_records", "Log records taken."),
        "metrics": Metric("otelcol_receiver_accepted_metric_points", "Metric points taken."),
    }
)
REJECTED: Mapping[str, Metric] = MappingProxyType(
    {
        "traces": Metric("otelcol_receiver_refused_spans", "Spans named in a partial success."),
        "logs": Metric("otelcol_receiver_refused_log_records", "Log records named in a partial success."),
        "metrics": Metric("otelcol_receiver_refused_metric_points", "Metric points named in a partial success."),
    }
)
REFUSED = Metric("otelcol_receiver_refused_requests", "Export requests answered with an error.")
DROPPED = Metric("otelcol_processor_dropped_items", "Records that are lost, to answers or to a backend.")
SESSION_IDS_TOO_LONG = Metric(
    "otelcol_processor_session_ids_too_long", "Records kept without the session they name: its id is over the limit."
)
REDACTED = Metric("otelcol_processor_redacted_values", "Secrets that were replaced.")
SENT: Mapping[str, Metric] = MappingProxyType(
    {
        "traces": Metric("otelcol_exporter_sent_spans", "Spans delivered."),
        "logs": Metric("otelcol_exporter_sent_log_records", "Log records delivered."),
        "metrics": Metric("otelcol_exporter_sent_metric_points", "Metric points delivered."),
    }
)
SEND_FAILED: Mapping[str, Metric] = MappingProxyType(
    {
        "traces": Metric("otelcol_exporter_send_failed_spans", "Spans in attempts to deliver that failed."),
        "logs": Metric("otelcol_exporter_send_failed_log_records", "Log records in attempts that failed."),
        "metrics": Metric("otelcol_exporter_send_failed_metric_points", "Metric points in attempts that failed."),
    }
)
ENQUEUE_FAILED: Mapping[str, Metric] = MappingProxyType(
    {
        "traces": Metric("otelcol_exporter_enqueue_failed_spans", "Spans for which the queue had no room."),
        "logs": Metric("otelcol_exporter_enqueue_failed_log_records", "Log records for which it had none."),
        "metrics": Metric("otelcol_exporter_enqueue_failed_metric_points", "Metric points for which it had none."),
    }
)
QUEUE_SIZE = Metric(
    "otelcol_exporter_queue_size", "What waits for delivery: requests, or bytes of a queue on disk.", is_counter=False
)
QUEUE_CAPACITY = Metric("otelcol_exporter_queue_capacity", "What may wait, in the same unit.", is_counter=False)
IN_FLIGHT_BYTES = Metric(
    "otelcol_receiver_in_flight_bytes", "Bytes of export requests between receipt and answer.", is_counter=False
)
IN_FLIGHT_BYTES_CAPACITY = Metric(
    "otelcol_receiver_in_flight_bytes_capacity", "Bytes that may be; beyond, senders wait.", is_counter=False
)
PROCESS_MEMORY_RSS = Metric("otelcol_process_memory_rss", "Resident memory in bytes.", is_counter=False)
PROCESS_CPU_SECONDS = Metric("otelcol_process_cpu_seconds", "CPU time of the process, user and system.")
PROCESS_UPTIME = Metric("otelcol_process_uptime", "Seconds since the start of the process.")

METRICS: tuple[Metric, ...] = (
    *ACCEPTED.values(),
    *REJECTED.values(),
    REFUSED,
    DROPPED,
    SESSION_IDS_TOO_LONG,
    REDACTED,
    *SENT.values(),
    *SEND_FAILED.values(),
    *ENQUEUE_FAILED.values(),
    QUEUE_SIZE,
    QUEUE_CAPACITY,
    IN_FLIGHT_BYTES,
    IN_FLIGHT_BYTES_CAPACITY,
    PROCESS_MEMORY_RSS,
    PROCESS_CPU_SECONDS,
    PROCESS_UPTIME,
)


class ExporterTrouble(NamedTuple):
    """What one exporter could not deliver: records lost by reason, and turned away at its queue.

    `last_failure` is what it was told when it last lost some, `failing` how its last attempt failed, if it did.
    """

    dropped: Mapping[str, int]
    turned_away: int
    last_failure: str
    failing: str = ""


class Count:
    """One plain number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, more: int) -> None:
        """Make it larger by `more`."""
        self.value += more


class Counters:
    """Counts since the start of the process. One event loop owns it.

    `accepted` holds records by signal, `refused` export requests by reason (sent back to the sender),
    `dropped` records by reason (lost), `session_ids_too_long` records that were kept without their session.
    `refused_last_unix_nano` and `dropped_last_unix_nano` tell, by reason, when it was the last time.
    """

    def __init__(self, now_unix_nano: Callable[[], int] = time.time_ns) -> None:
        self._now_unix_nano = now_unix_nano
        self.refused_last_unix_nano: dict[str, int] = {}
        self.dropped_last_unix_nano: dict[str, int] = {}
        self._counts: dict[tuple[Metric, Labels], Count] = {}
        self._watched: dict[tuple[Metric, Labels], Callable[[], float]] = {}
        self._failing_exporters: dict[str, str] = {}
        self._last_failures: dict[str, str] = {}

    def count(self, metric: Metric, labels: Labels = ()) -> Count:
        """Return the number behind a counter and one set of labels; who counts often keeps it."""
        found = self._counts.get((metric, labels))
        if found is None:
            found = self._counts[metric, labels] = Count()
        return found

    def watch(self, metric: Metric, labels: Labels, read: Callable[[], float]) -> None:
        """Ask `read` for the value whenever the metric is read."""
        self._watched[metric, labels] = read

    def refuse(self, reason: str, labels: Labels = ()) -> None:
        """Count one export request that was answered with an error."""
        self.count(REFUSED, (("reason", reason), *labels)).add(1)
        self.refused_last_unix_nano[reason] = self._now_unix_nano()

    def drop(self, reason: str, records: int, labels: Labels = ()) -> None:
        """Count records that no answer will ever show."""
        if records:
            self.count(DROPPED, (("reason", reason), *labels)).add(records)
            self.dropped_last_unix_nano[reason] = self._now_unix_nano()

    @property
    def accepted(self) -> Mapping[str, int]:
        """Records by signal, as far as there were any."""
        sums = {signal: sum(self._by_first_label(metric).values()) for signal, metric in ACCEPTED.items()}
        return {signal: count for signal, count in sums.items() if count}

    @property
    def accepted_total(self) -> int:
        """Records of all signals."""
        return sum(self.accepted.values())

    @property
    def refused(self) -> Mapping[str, int]:
        """Export requests by reason."""
        return self._by_first_label(REFUSED)

    @property
    def dropped(self) -> Mapping[str, int]:
        """Records by reason."""
        return self._by_first_label(DROPPED)

    @property
    def session_ids_too_long(self) -> int:
        """Records whose session id was over the limit."""
        return self.count(SESSION_IDS_TOO_LONG).value

    @property
    def failing_exporters(self) -> list[str]:
        """Ids of the exporters whose last attempt to deliver failed, unless it was refused for good."""
        return sorted(self._failing_exporters)

    @property
    def exporter_troubles(self) -> Mapping[str, ExporterTrouble]:
        """By the exporter's id, what it lost or turned away, and how it fails; only those that did."""
        dropped: dict[str, dict[str, int]] = {}
        turned_away: dict[str, int] = {}
        for (metric, labels), count in self._counts.items():
            exporter = dict(labels).get("exporter", "")
            if exporter and metric is DROPPED:
                dropped.setdefault(exporter, {})[labels[0][1]] = count.value
            elif metric in ENQUEUE_FAILED.values():
                turned_away[exporter] = turned_away.get(exporter, 0) + count.value
        return {
            exporter: ExporterTrouble(
                dropped.get(exporter, {}),
                turned_away.get(exporter, 0),
                self._last_failures.get(exporter, ""),
                self._failing_exporters.get(exporter, ""),
            )
            for exporter in sorted({*dropped, *turned_away, *self._failing_exporters})
        }

    def note_failure(self, exporter: str, text: str) -> None:
        """Keep what an exporter was told last when it failed."""
        self._last_failures[exporter] = text

    def set_failing(self, exporter: str, told: str | None) -> None:
        """Note how the last attempt of an exporter failed; None if it did not, or was refused for good."""
        if told is None:
            self._failing_exporters.pop(exporter, None)
        else:
            self._failing_exporters[exporter] = told

    def _by_first_label(self, wanted: Metric) -> dict[str, int]:
        found: dict[str, int] = {}
        for (metric, labels), count in self._counts.items():
            if metric is wanted:
                value = labels[0][1]
                found[value] = found.get(value, 0) + count.value
        return found

    def readings(self) -> list[Reading]:
        """Return every value there is, by metric in the order of METRICS, then by labels."""
        place = {metric: number for number, metric in enumerate(METRICS)}
        found = [Reading(metric, labels, count.value) for (metric, labels), count in self._counts.items()]
        found += [Reading(metric, labels, read()) for (metric, labels), read in self._watched.items()]
        return sorted(found, key=lambda reading: (place[reading.metric], reading.labels))

    def by_metric_name(self) -> dict[str, float]:
        """Return every value under the name of its metric; labels stand in braces."""
        return {_named(reading): reading.value for reading in self.readings()}


def _named(reading: Reading) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in reading.labels)
    return f"{reading.metric.name}{{{labels}}}" if labels else reading.metric.name


class ExporterCounters:
    """What one exporter delivers, by its own word: only it knows when that is."""

    def __init__(self, counters: Counters, exporter: str, clock_s: Callable[[], float] = time.monotonic) -> None:
        """`exporter` is the component's id."""
        self._counters = counters
        self._exporter = exporter
        self._labels: Labels = (("exporter", exporter),)
        self._clock_s = clock_s
        self._sent = {signal: counters.count(metric, self._labels) for signal, metric in SENT.items()}
        self._failed_at_s: float | None = None
        self._turned_away_at_s: float | None = None

    def sent(self, signal: str, records: int) -> None:
        """Count records that were delivered."""
        if self._failed_at_s is not None:
            self._failed_at_s = None
            self._counters.set_failing(self._exporter, None)
        self._sent[signal].value += records

    def send_failed(self, signal: str, records: int, *, told: str = "", is_refused: bool = False) -> None:
        """Count records of an attempt that failed, which was `told` why.

        `is_refused`: the backend is there, and will never take them.
        """
        self._failed_at_s = self._clock_s()
        self._counters.set_failing(self._exporter, None if is_refused else told)
        self._counters.count(SEND_FAILED[signal], self._labels).add(records)

    def drop(self, reason: str, records: int, told: str = "") -> None:
        """Count records that will never be delivered; `told` is what the backend said."""
        self._counters.drop(reason, records, self._labels)
        if told:
            self._counters.note_failure(self._exporter, told)

    def enqueue_failed(self, signal: str, records: int) -> None:
        """Count records for which the exporter's queue had no room."""
        self._turned_away_at_s = self._clock_s()
        self._counters.count(ENQUEUE_FAILED[signal], self._labels).add(records)

    def enqueued(self) -> None:
        """Note that the exporter's queue took something."""
        self._turned_away_at_s = None

    def watch_queue(self, size: Callable[[], float], capacity: Callable[[], float]) -> None:
        """Show the exporter's queue: how many export requests wait in it, and how many may."""
        self._counters.watch(QUEUE_SIZE, self._labels, size)
        self._counters.watch(QUEUE_CAPACITY, self._labels, capacity)

    def has_failed_within(self, seconds: float) -> bool:
        """Tell whether the last attempt failed, and that not longer than so ago."""
        return self._is_within(seconds, self._failed_at_s)

    def has_turned_away_within(self, seconds: float) -> bool:
        """Tell whether the queue had no room when it was last asked, and that not longer than so ago."""
        return self._is_within(seconds, self._turned_away_at_s)

    def _is_within(self, seconds: float, at_s: float | None) -> bool:
        return at_s is not None and self._clock_s() - at_s <= seconds
