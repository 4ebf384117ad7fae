"""The composition root: which component types exist, and how a configuration becomes a collector.

The only importer of `exporters`.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel

from collector.bounded_queue import InFlight
from collector.component import Consumer, Exporter, Outcome, Processor, Telemetry
from collector.config.endpoint import is_same_port, reaches
from collector.config.model import CollectorConfig, ComponentId, KnownComponents, PipelineSettings
from collector.errors import ConfigError
from collector.pdata.envelope import Signal
from collector.pipeline import Pipeline, Router
from collector.processors.memory_limiter import MemoryLimiter, MemoryLimiterSettings
from collector.processors.redaction.processor import RedactionProcessor
from collector.processors.redaction.settings import RedactionSettings
from collector.processors.session import SessionProcessor, SessionSettings
from collector.query_port import QueryPort, QuerySettings
from collector.receivers.otlp.factory import OtlpSettings, create_grpc, create_http
from collector.receivers.otlp.telemetry import ReceiverCounters
from collector.rendezvous import RunningCollector
from collector.service import REFUSAL_SHOWN_S, Collector, ListeningReceiver, Parts
from collector.store.api import Reader, Writer
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.retention import RetentionSettings
from collector.store.sqlite.writer import SqliteWriter
from collector.telemetry.metrics import IN_FLIGHT_BYTES, IN_FLIGHT_BYTES_CAPACITY, Counters, ExporterCounters
from collector.telemetry.process import watch_process
from exporters.debug import DebugExporter, DebugSettings
from exporters.file import FileExporter, FileSettings
from exporters.index import IndexExporter, IndexSettings
from exporters.otlp_settings import OtlpExporterSettings, OtlpHttpExporterSettings, queue_folders

if TYPE_CHECKING:
    from exporters.direct import DirectSender

KNOWN_COMPONENTS = KnownComponents(
    receivers=MappingProxyType({"otlp": OtlpSettings}),
    processors=MappingProxyType(
        {"memory_limiter": MemoryLimiterSettings, "redaction": RedactionSettings, "session": SessionSettings}
    ),
    exporters=MappingProxyType(
        {
            "index": IndexSettings,
            "otlp": OtlpExporterSettings,
            "otlphttp": OtlpHttpExporterSettings,
            "file": FileSettings,
            "debug": DebugSettings,
        }
    ),
    extensions=MappingProxyType({"query": QuerySettings}),
)

GRPC_ENDPOINT_PATH: tuple[str, ...] = ("receivers", "otlp", "protocols", "grpc", "endpoint")
HTTP_ENDPOINT_PATH: tuple[str, ...] = ("receivers", "otlp", "protocols", "http", "endpoint")
QUERY_ENDPOINT_PATH: tuple[str, ...] = ("extensions", "query", "endpoint")


async def build_collector(
    config: CollectorConfig,
    data_dir: Path,
    *,
    token: str | None = None,
    open_writer: Callable[[Path, RetentionSettings], Writer] = SqliteWriter.open,
    open_reader: Callable[[Path], Reader] = SqliteReader,
) -> Collector:
    """Build what `config.service` names; the store of `data_dir` is open afterwards, the ports are not.

    Raises ConfigError, and StoreError from opening the store.
    """
    for error in composition_errors(config):
        raise error
    writer = open_writer(data_dir, _retention(config))
    try:
        return Collector(_make_parts(config, writer, open_reader(data_dir), data_dir, token), data_dir)
    except BaseException:
        await writer.shutdown()
        raise


def configured_endpoints(config: CollectorConfig) -> Mapping[tuple[str, ...], str]:
    """Return the endpoints that a flag can change, by key path, as far as they are configured."""
    found: dict[tuple[str, ...], str] = {}
    otlp = config.receivers.get(ComponentId("otlp"))
    if isinstance(otlp, OtlpSettings):
        if otlp.protocols.grpc is not None:
            found[GRPC_ENDPOINT_PATH] = otlp.protocols.grpc.endpoint
        if otlp.protocols.http is not None:
            found[HTTP_ENDPOINT_PATH] = otlp.protocols.http.endpoint
    query = config.extensions.get(ComponentId("query"))
    if isinstance(query, QuerySettings):
        found[QUERY_ENDPOINT_PATH] = query.endpoint
    return found


def listening_endpoints(config: CollectorConfig) -> Mapping[tuple[str, ...], str]:
    """Return the endpoints that a collector of this configuration listens on, by key path."""
    found: dict[tuple[str, ...], str] = {}
    for component_id in _used(config, "receivers"):
        settings = config.receivers[component_id]
        if isinstance(settings, OtlpSettings):
            for name, protocol in (("grpc", settings.protocols.grpc), ("http", settings.protocols.http)):
                if protocol is not None:
                    found["receivers", str(component_id), "protocols", name, "endpoint"] = protocol.endpoint
    for text in config.service.extensions:
        extension = config.extensions.get(ComponentId.parse(text))
        if isinstance(extension, QuerySettings):
            found["extensions", text, "endpoint"] = extension.endpoint
    return found


class Pipelines:
    """All pipelines of a configuration without its receivers: a Consumer that takes what is handed to it."""

    def __init__(self, router: Router, exporters: Iterable[Exporter], writer: Writer, counters: Counters) -> None:
        self._router = router
        self._exporters = tuple(exporters)
        self._writer = writer
        self._counters = counters

    @property
    def dropped(self) -> Mapping[str, int]:
        """Records that were taken and lost, by reason."""
        return self._counters.dropped

    async def start(self) -> None:
        """See Exporter.start."""
        for exporter in self._exporters:
            await exporter.start()

    async def consume(self, telemetry: Telemetry) -> Outcome:
        """See Consumer."""
        return await self._router.consume(telemetry)

    async def shutdown(self) -> None:
        """Deliver what was taken, then close the store. May be called twice."""
        await asyncio.gather(*(exporter.shutdown() for exporter in self._exporters))
        await self._writer.shutdown()


async def open_pipelines(config: CollectorConfig, data_dir: Path) -> Pipelines:
    """Open the store of `data_dir` and the exporters of `config`, and no port.

    Raises ConfigError, and StoreError from opening the store.
    """
    for error in composition_errors(config):
        raise error
    writer = SqliteWriter.open(data_dir, _retention(config))
    try:
        limits = config.service.in_flight
        made = _make_exporters(config, writer, InFlight(limits.bytes_max, limits.requests_max), Counters(), data_dir)
        by_signal: dict[Signal, list[Pipeline]] = {}
        for name, pipeline in made.pipelines.items():
            by_signal.setdefault(Signal(ComponentId.parse(name).type), []).append(pipeline)
        pipelines = Pipelines(Router(by_signal, made.counters), made.exporters.values(), writer, made.counters)
        await pipelines.start()
    except BaseException:
        await writer.shutdown()
        raise
    return pipelines


def connect_to_collector(running: RunningCollector, token: str | None) -> "DirectSender":
    """Return a Consumer that hands what it is given to a running collector."""
    from exporters.direct import connect

    return connect(running.grpc, running.http, token)


class _Exporters(NamedTuple):
    exporters: Mapping[ComponentId, Exporter]
    delivered: Mapping[ComponentId, ExporterCounters]
    pipelines: Mapping[str, Pipeline]
    counters: Counters


def _make_exporters(
    config: CollectorConfig, writer: Writer, in_flight: InFlight, counters: Counters, data_dir: Path
) -> _Exporters:
    """Make everything between receivers and store."""
    delivered = {
        component_id: ExporterCounters(counters, str(component_id)) for component_id in _used(config, "exporters")
    }
    exporters: dict[ComponentId, Exporter] = {}
    for component_id, of_exporter in delivered.items():
        settings = config.exporters[component_id]
        if isinstance(settings, OtlpExporterSettings | OtlpHttpExporterSettings):
            from exporters.forwarding import create_forwarder  # most collectors forward nothing

            made: Exporter = create_forwarder(str(component_id), settings, data_dir, of_exporter)
        else:
            made = _make_exporter(settings, writer, in_flight, of_exporter)
        exporters[component_id] = made
    pipelines = {
        name: _make_pipeline(config, settings, exporters, counters)
        for name, settings in config.service.pipelines.items()
    }
    return _Exporters(exporters, delivered, pipelines, counters)


def _make_parts(config: CollectorConfig, writer: Writer, reader: Reader, data_dir: Path, token: str | None) -> Parts:
    limits = config.service.in_flight
    counters, in_flight = Counters(), InFlight(limits.bytes_max, limits.requests_max)
    watch_process(counters)
    counters.watch(IN_FLIGHT_BYTES, (), lambda: in_flight.bytes)
    counters.watch(IN_FLIGHT_BYTES_CAPACITY, (), lambda: in_flight.bytes_max)
    exporters, delivered, pipelines, _ = _make_exporters(config, writer, in_flight, counters, data_dir)
    receivers: dict[str, ListeningReceiver] = {}
    for component_id in _used(config, "receivers"):
        router = Router(_pipelines_by_signal(config, component_id, pipelines), counters)
        telemetry = ReceiverCounters(counters, str(component_id))
        made = _make_receivers(config.receivers[component_id], router, in_flight, telemetry, token)
        suffix = f"/{component_id.name}" if component_id.name else ""
        receivers |= {f"{name}{suffix}": receiver for name, receiver in made.items()}
    settings = _query_settings(config)
    query_port = QueryPort(settings, reader, token) if settings else None
    refusing_part = _refusing_part(config, delivered)
    folders = queue_folders(config.exporters.values(), data_dir)
    return Parts(writer, reader, receivers, list(exporters.values()), query_port, counters, refusing_part, folders)


def _refusing_part(config: CollectorConfig, delivered: Mapping[ComponentId, ExporterCounters]) -> Callable[[], str]:
    """Return what tells which part does not take what is sent, "" if all do: it makes every sender come back."""

    fails_within = {
        each: counters.has_turned_away_within
        if isinstance(config.exporters[each], OtlpExporterSettings | OtlpHttpExporterSettings)
        else counters.has_failed_within
        for each, counters in delivered.items()
    }
    text = "the exporter {} does not take what is sent; the log or `gasoline doctor` tells why"
    return lambda: next((text.format(each) for each, fails in fails_within.items() if fails(REFUSAL_SHOWN_S)), "")


def composition_errors(config: CollectorConfig) -> Iterator[ConfigError]:
    """Yield why `build_collector` would refuse a configuration; what it names and does not hold is passed by."""
    yield from _misplaced_components(config)
    yield from _misused_exporters(config)
    yield from _shared_ports(config)
    yield from _shared_files(config)


def _shared_ports(config: CollectorConfig) -> Iterator[ConfigError]:
    """Yield an error for each endpoint that an earlier one takes already."""
    listening = list(listening_endpoints(config).items())
    for number, (path, endpoint) in enumerate(listening):
        for other_path, other in listening[:number]:
            if is_same_port(endpoint, other):
                where = ".".join(other_path[:-1])
                yield ConfigError(
                    f"{'.'.join(path)}: {endpoint} is taken by {where}; set another port (0 takes a free one)"
                )
                break


def _shared_files(config: CollectorConfig) -> Iterator[ConfigError]:
    """Yield an error for each exporter whose file an earlier one writes."""
    writers: dict[Path, ComponentId] = {}
    for component_id in _used(config, "exporters"):
        settings = config.exporters[component_id]
        if isinstance(settings, FileSettings):
            writer = writers.setdefault(Path(settings.path).resolve(), component_id)
            if writer != component_id:
                yield ConfigError(
                    f"exporters.{component_id}.path: {settings.path} is written by exporters.{writer}; set another"
                )


def _misplaced_components(config: CollectorConfig) -> Iterator[ConfigError]:
    for name, pipeline in config.service.pipelines.items():
        path = f"service.pipelines.{name}"
        processors = [ComponentId.parse(text).type for text in pipeline.processors]
        if "session" in processors and "redaction" in processors[processors.index("session") :]:
            yield ConfigError(f"{path}.processors: redaction has to come before session, which cuts the request")
        if "index" not in {ComponentId.parse(text).type for text in pipeline.exporters}:
            continue
        if ComponentId.parse(name).type == Signal.METRICS:
            yield ConfigError(f"{path}.exporters: index takes traces and logs, no metrics; leave it out here")
        elif "session" not in processors:
            yield ConfigError(f"{path}.processors: index needs the processor session before it; add it")


def _misused_exporters(config: CollectorConfig) -> Iterator[ConfigError]:
    own = listening_endpoints(config).values()
    for component_id in _used(config, "exporters"):
        settings = config.exporters[component_id]
        if isinstance(settings, FileSettings) and settings.format == "proto":
            signals = {
                ComponentId.parse(name).type
                for name, pipeline in config.service.pipelines.items()
                if component_id in map(ComponentId.parse, pipeline.exporters)
            }
            if len(signals) > 1:
                yield ConfigError(
                    f"exporters.{component_id}: a file in the format proto does not say which signal is in it; "
                    f"configure one such exporter for each of {', '.join(sorted(signals))}"
                )
        if isinstance(settings, OtlpExporterSettings | OtlpHttpExporterSettings) and any(
            reaches(settings.target, endpoint) for endpoint in own
        ):
            yield ConfigError(
                f"exporters.{component_id}.endpoint: {settings.endpoint} is a port of this collector itself"
            )


def _used(config: CollectorConfig, section: str) -> Iterable[ComponentId]:
    """Return the ids of what there is and pipelines name, each once, in their order."""
    pipelines = config.service.pipelines.values()
    named = (ComponentId.parse(text) for pipeline in pipelines for text in getattr(pipeline, section))
    return dict.fromkeys(component_id for component_id in named if component_id in getattr(config, section))


def _make_receivers(
    settings: BaseModel, consumer: Consumer, in_flight: InFlight, telemetry: ReceiverCounters, token: str | None
) -> Mapping[str, ListeningReceiver]:
    if not isinstance(settings, OtlpSettings):
        raise TypeError(f"no receiver takes {type(settings).__name__}")
    made: dict[str, ListeningReceiver] = {}
    if settings.protocols.grpc is not None:
        made["grpc"] = create_grpc(settings.protocols.grpc, consumer, in_flight, token=token, telemetry=telemetry)
    if settings.protocols.http is not None:
        made["http"] = create_http(settings.protocols.http, consumer, in_flight, token=token, telemetry=telemetry)
    return made


def _make_exporter(settings: BaseModel, writer: Writer, in_flight: InFlight, counters: ExporterCounters) -> Exporter:
    match settings:
        case IndexSettings():
            # What waits for the store has room in flight, and no other queue.
            counters.watch_queue(lambda: in_flight.requests, lambda: in_flight.requests_max)
            return IndexExporter(writer, counters)
        case FileSettings():
            return FileExporter(settings, counters)
        case DebugSettings():
            return DebugExporter(settings, counters)
        case _:
            raise TypeError(f"no exporter takes {type(settings).__name__}")


def _make_processor(settings: BaseModel, session_keys: Collection[str]) -> Processor:
    match settings:
        case MemoryLimiterSettings():
            return MemoryLimiter(settings)
        case RedactionSettings():
            return RedactionProcessor(settings, session_keys)
        case SessionSettings():
            return SessionProcessor(settings)
        case _:
            raise TypeError(f"no processor takes {type(settings).__name__}")


def _make_pipeline(
    config: CollectorConfig,
    settings: PipelineSettings,
    exporters: Mapping[ComponentId, Exporter],
    counters: Counters,
) -> Pipeline:
    used = [config.processors[ComponentId.parse(text)] for text in settings.processors]
    session_keys = {key for one in config.processors.values() if isinstance(one, SessionSettings) for key in one.keys}
    return Pipeline(
        [_make_processor(one, session_keys) for one in used],
        [exporters[ComponentId.parse(text)] for text in settings.exporters],
        counters,
    )


def _pipelines_by_signal(
    config: CollectorConfig, receiver: ComponentId, pipelines: Mapping[str, Pipeline]
) -> Mapping[Signal, list[Pipeline]]:
    found: dict[Signal, list[Pipeline]] = {}
    for name, settings in config.service.pipelines.items():
        if receiver in map(ComponentId.parse, settings.receivers):
            found.setdefault(Signal(ComponentId.parse(name).type), []).append(pipelines[name])
    return found


def _query_settings(config: CollectorConfig) -> QuerySettings | None:
    for text in config.service.extensions:
        settings = config.extensions[ComponentId.parse(text)]
        if isinstance(settings, QuerySettings):
            return settings
    return None


def _retention(config: CollectorConfig) -> RetentionSettings:
    for component_id in _used(config, "exporters"):
        settings = config.exporters[component_id]
        if isinstance(settings, IndexSettings):
            return RetentionSettings(
                disk_bytes_max=settings.retention.disk_bytes_max, age_s_max=settings.retention.age_hours_max * 3600
            )
    return RetentionSettings()
