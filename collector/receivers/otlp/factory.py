"""The OTLP receivers by name: what the composition root needs of this package."""

from collector.bounded_queue import InFlight
from collector.component import Consumer
from collector.receivers.otlp.grpc import OtlpGrpcReceiver
from collector.receivers.otlp.http import OtlpHttpReceiver
from collector.receivers.otlp.settings import OtlpGrpcSettings, OtlpHttpSettings, OtlpSettings
from collector.receivers.otlp.telemetry import ReceiverTelemetry

__all__ = ["OtlpGrpcSettings", "OtlpHttpSettings", "OtlpSettings", "create_grpc", "create_http"]


def create_grpc(
    settings: OtlpGrpcSettings,
    consumer: Consumer,
    in_flight: InFlight,
    *,
    token: str | None = None,
    telemetry: ReceiverTelemetry | None = None,
) -> OtlpGrpcReceiver:
    """Return the gRPC receiver, not yet started; raises ConfigError if its endpoint is open and unguarded."""
    return OtlpGrpcReceiver(settings, consumer, in_flight, token=token, telemetry=telemetry)


def create_http(
    settings: OtlpHttpSettings,
    consumer: Consumer,
    in_flight: InFlight,
    *,
    token: str | None = None,
    telemetry: ReceiverTelemetry | None = None,
) -> OtlpHttpReceiver:
    """Return the HTTP receiver, not yet started; raises ConfigError if its endpoint is open and unguarded."""
    return OtlpHttpReceiver(settings, consumer, in_flight, token=token, telemetry=telemetry)
