"""What the collector counts about itself; the one place where counter names are decided.

The names are those of the OpenTelemetry Collector's own telemetry, so that its dashboards read ours:
https://opentelemetry.io/docs/collector/internal-telemetry/
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

ACCEPTED_METRICS: Mapping[str, str] = MappingProxyType(
    {
        "traces": "otelcol_receiver_accepted_spans",
        "logs": "otelcol_receiver_accepted_log_records",
        "metrics": "otelcol_receiver_accepted_metric_points",
    }
)
REFUSED_METRIC = "otelcol_receiver_refused_requests"
DROPPED_METRIC = "otelcol_processor_dropped_items"


class Counters:
    """Counts since the start of the process. One event loop owns it.

    `accepted` holds records by signal, `refused` export requests by reason (sent back to the sender),
    `dropped` records by reason (lost).
    """

    def __init__(self) -> None:
        self._accepted: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    def accept(self, signal: str, records: int) -> None:
        """Count records that were taken."""
        self._accepted[signal] += records

    def refuse(self, reason: str) -> None:
        """Count one export request that was answered with an error."""
        self._refused[reason] += 1

    def drop(self, reason: str, records: int) -> None:
        """Count records that no answer will ever show."""
        if records:
            self._dropped[reason] += records

    @property
    def accepted(self) -> Mapping[str, int]:
        """Records by signal."""
        return dict(self._accepted)

    @property
    def accepted_total(self) -> int:
        """Records of all signals."""
        return self._accepted.total()

    @property
    def refused(self) -> Mapping[str, int]:
        """Export requests by reason."""
        return dict(self._refused)

    @property
    def dropped(self) -> Mapping[str, int]:
        """Records by reason."""
        return dict(self._dropped)

    def by_metric_name(self) -> dict[str, int]:
        """Return every counter under the name that it has in OpenTelemetry; reasons stand in braces."""
        named = {name: self._accepted[signal] for signal, name in ACCEPTED_METRICS.items()}
        named |= {f'{REFUSED_METRIC}{{reason="{reason}"}}': count for reason, count in self._refused.items()}
        named |= {f'{DROPPED_METRIC}{{reason="{reason}"}}': count for reason, count in self._dropped.items()}
        return named
