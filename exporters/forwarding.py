"""The exporters `otlp` and `otlphttp` made whole: a sender, its queue in the data folder, and what delivers."""

from pathlib import Path
from urllib.parse import quote

from collector.telemetry.metrics import ExporterCounters
from exporters.delivery.forwarder import Forwarder, Sender
from exporters.delivery.sending_queue import SendingQueue
from exporters.otlp_grpc import OtlpGrpcSender
from exporters.otlp_settings import OtlpExporterSettings, OtlpHttpExporterSettings, queue_folder


def create_forwarder(
    component_id: str,
    settings: OtlpExporterSettings | OtlpHttpExporterSettings,
    data_dir: Path,
    counters: ExporterCounters,
) -> Forwarder:
    """Return the exporter, not yet started; its queue is open and holds what an earlier process left.

    Raises ConfigError for TLS files that cannot be used, StoreError if the queue's folder cannot be used or another
    process has it.
    """
    sender = _sender(settings)
    queue = settings.sending_queue
    folder = queue_folder(settings, data_dir) / quote(component_id, safe="")
    return Forwarder(
        component_id,
        sender,
        SendingQueue(folder, queue.queue_size, counters.drop),
        settings.retry_on_failure,
        counters,
        consumers=queue.num_consumers,
    )


def _sender(settings: OtlpExporterSettings | OtlpHttpExporterSettings) -> Sender:
    if isinstance(settings, OtlpExporterSettings):
        return OtlpGrpcSender(settings)
    from exporters.otlp_http import OtlpHttpSender  # an HTTP client takes a quarter of a second to load

    return OtlpHttpSender(settings)
