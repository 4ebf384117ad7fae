"""`gasoline serve`: one collector in this process, until it is told to stop or nobody uses it."""

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from collector.components import KNOWN_COMPONENTS, build_collector, configured_endpoints
from collector.config.endpoint import join_endpoint, split_endpoint
from collector.config.loader import load_config, read_config
from collector.config.model import CollectorConfig
from collector.errors import ConfigError
from collector.garbage import young_garbage_only
from collector.receivers.otlp.endpoint import listen
from collector.rendezvous import RunningCollector
from collector.telemetry.logging import configure_logging

STDIN = 0
STDIN_READ_BYTES_MAX = 4096

_logger = logging.getLogger("gasoline")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the flags of `gasoline serve` say. `overrides` holds settings by key path in the configuration."""

    config_file: Path | None
    data_dir: Path
    overrides: Mapping[tuple[str, ...], str]
    token: str | None
    free_ports: bool
    idle_shutdown_s: float
    until_stdin_closes: bool


def serve(options: ServeOptions, environ: Mapping[str, str]) -> bool:
    """Run a collector to its end; return whether it drained in time. Raises ConfigError and StoreError."""
    config, notes = _configured(options, environ)
    logs = config.service.telemetry.logs
    configure_logging(logs.level, logs.encoding)
    for note in notes:
        _logger.warning("%s", note)

    async def run() -> bool:
        collector = await build_collector(config, options.data_dir, token=options.token)
        if options.until_stdin_closes:
            _call_when_stdin_closes(asyncio.get_running_loop(), collector.stop)
        return await collector.run(idle_s=options.idle_shutdown_s, on_ready=_say_ready)

    runner = asyncio.Runner(loop_factory=_loop_factory())
    try:
        with young_garbage_only():
            drained = runner.run(run())
    except BaseException:
        runner.close()
        raise
    if drained:
        runner.close()
    return drained


def _call_when_stdin_closes(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Whatever ends the process at the other end closes the pipe; a signal to it could not be passed on."""

    def watch() -> None:
        while os.read(STDIN, STDIN_READ_BYTES_MAX):
            pass
        with contextlib.suppress(RuntimeError):  # the loop has closed: the collector has ended already
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def _say_ready(running: RunningCollector) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever started it does not read it any more
        print(running.ready_line(), file=sys.stderr, flush=True)  # noqa: T201 -- the line that starters wait for


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _configured(options: ServeOptions, environ: Mapping[str, str]) -> tuple[CollectorConfig, list[str]]:
    """Return the configuration, and what to tell about ports that were taken and replaced."""
    text, source = read_config(options.config_file)

    def load(overrides: Mapping[tuple[str, ...], str]) -> CollectorConfig:
        return load_config(text, KNOWN_COMPONENTS, source=source, environ=environ, overrides=overrides)

    config = load(options.overrides)
    if not options.free_ports:
        return config, []
    replaced: dict[tuple[str, ...], str] = {}
    notes: list[str] = []
    for path, endpoint in configured_endpoints(config).items():
        host, port = split_endpoint(endpoint)
        if port and _is_taken(endpoint):
            replaced[path] = join_endpoint(host, 0)
            notes.append(f"{endpoint} is taken by another program; taking a free port for {path[-2]} instead")
    return (load({**options.overrides, **replaced}) if replaced else config), notes


def _is_taken(endpoint: str) -> bool:
    """Tell whether the port cannot be listened on; another program may still take it a moment later."""
    try:
        listen("", endpoint, backlog=1).close()
    except ConfigError:
        return True
    return False
