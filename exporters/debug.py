"""The exporter `debug`: what flows, in the collector's own log lines."""

import logging
from typing import Literal

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.component import Telemetry
from collector.config.model import Settings
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import ExporterCounters

DETAILED_RECORDS_MAX = 100

_logger = logging.getLogger("gasoline.debug")


class DebugSettings(Settings):
    """`exporters.debug`. `verbosity`: `basic` logs one line a request, `detailed` one more for each record."""

    verbosity: Literal["basic", "detailed"] = "basic"


class DebugExporter:
    """Logs each request; of one request at most DETAILED_RECORDS_MAX records."""

    def __init__(self, settings: DebugSettings, counters: ExporterCounters) -> None:
        self._detailed = settings.verbosity == "detailed"
        self._counters = counters

    async def start(self) -> None:
        """See Exporter; nothing goes on beside."""

    async def export(self, telemetry: Telemetry) -> None:
        """See Exporter."""
        groups = () if telemetry.signal is Signal.METRICS else telemetry.groups()
        count = sum(len(group.records) for group in groups)
        _logger.info("%s: %d records, %d bytes", telemetry.signal, count, len(telemetry.body))
        self._counters.sent(telemetry.signal, count)
        if not self._detailed:
            return
        records: list[Span | LogRecord] = [record for group in groups for record in group.records]
        for record in records[:DETAILED_RECORDS_MAX]:
            _logger.info("%s", MessageToJson(record, indent=None))
        if count > DETAILED_RECORDS_MAX:
            _logger.info("%d more records not shown", count - DETAILED_RECORDS_MAX)

    async def shutdown(self) -> None:
        """See Exporter; nothing is held."""
