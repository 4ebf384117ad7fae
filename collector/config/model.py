"""The configuration in the OpenTelemetry Collector's shape, validated.

https://opentelemetry.io/docs/collector/configuration/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from collector.bounded_queue import IN_FLIGHT_BYTES_MAX, IN_FLIGHT_REQUESTS_MAX
from collector.telemetry.logging import LogEncoding, LogLevel

PIPELINE_SIGNALS = ("traces", "logs", "metrics")
LOG_LEVEL_PATH: tuple[str, ...] = ("service", "telemetry", "logs", "level")
LOG_ENCODING_PATH: tuple[str, ...] = ("service", "telemetry", "logs", "encoding")


class Settings(BaseModel):
    """Base of every settings model: unknown keys are errors, numbers are finite, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ComponentId(NamedTuple):
    """`type` or `type/name`: several components of one type tell each other apart by name."""

    type: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "ComponentId":
        """Read `type` or `type/name`; the parts are trimmed."""
        kind, _, name = text.partition("/")
        return cls(kind.strip(), name.strip())

    def __str__(self) -> str:
        return f"{self.type}/{self.name}" if self.name else self.type


class PipelineSettings(Settings):
    """`service.pipelines.<signal>`: which components a signal goes through, by id, in order."""

    receivers: Annotated[tuple[str, ...], Field(min_length=1)]
    processors: tuple[str, ...] = ()
    exporters: Annotated[tuple[str, ...], Field(min_length=1)]


class LogsTelemetrySettings(Settings):
    """`service.telemetry.logs`: the collector's own log lines."""

    level: LogLevel = "info"
    encoding: LogEncoding = "console"


class TelemetrySettings(Settings):
    """`service.telemetry`: what the collector says about itself."""

    logs: LogsTelemetrySettings = LogsTelemetrySettings()


class InFlightSettings(Settings):
    """`service.in_flight`: what may be between receipt and answer, over all receivers; beyond, senders wait."""

    bytes_max: Annotated[int, Field(ge=1)] = IN_FLIGHT_BYTES_MAX
    requests_max: Annotated[int, Field(ge=1)] = IN_FLIGHT_REQUESTS_MAX


class ServiceSettings(Settings):
    """`service`: what of the configured components runs."""

    pipelines: Annotated[dict[str, PipelineSettings], Field(min_length=1)]
    extensions: tuple[str, ...] = ()
    in_flight: InFlightSettings = InFlightSettings()
    telemetry: TelemetrySettings = TelemetrySettings()


@dataclass(frozen=True, slots=True)
class KnownComponents:
    """The settings model of every component type there is."""

    receivers: Mapping[str, type[BaseModel]]
    processors: Mapping[str, type[BaseModel]]
    exporters: Mapping[str, type[BaseModel]]
    extensions: Mapping[str, type[BaseModel]]


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """A whole configuration. Every id that `service` names is in the mapping of its kind."""

    receivers: Mapping[ComponentId, BaseModel]
    processors: Mapping[ComponentId, BaseModel]
    exporters: Mapping[ComponentId, BaseModel]
    extensions: Mapping[ComponentId, BaseModel]
    service: ServiceSettings
