"""The metrics for Prometheus: OpenTelemetry's SDK reads the counters, its Prometheus exporter writes them.

Importing this costs what the SDK costs, so it is imported when somebody asks for the first time.
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
"""

from collections.abc import Callable, Iterable

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from collector.telemetry.metrics import METRICS, Counters, Metric, Reading

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Exposition:
    """Counters as metrics of the SDK, in a registry of their own. Belongs to the event loop that counts."""

    def __init__(self, counters: Counters, version: str) -> None:
        """`version` is told as `service.version`."""
        self._counters = counters
        self._readings: dict[Metric, list[Reading]] = {}
        self._registry = CollectorRegistry()
        self._provider = MeterProvider(
            metric_readers=[PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)],
            resource=Resource({"service.name": "gasoline", "service.version": version}),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("gasoline")
        for metric in METRICS:
            make = meter.create_observable_counter if metric.is_counter else meter.create_observable_gauge
            make(metric.name, callbacks=[self._observations_of(metric)], description=metric.description)

    def _observations_of(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(reading.value, dict(reading.labels)) for reading in self._readings.get(metric, ())]

        return observe

    def render(self) -> bytes:
        """Return all metrics as they are now, in Prometheus' text format."""
        self._readings.clear()
        for reading in self._counters.readings():
            self._readings.setdefault(reading.metric, []).append(reading)
        return generate_latest(self._registry)

    def close(self) -> None:
        """Release what the SDK holds."""
        self._provider.shutdown()
