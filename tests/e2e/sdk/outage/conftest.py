"""A collector that restarts, and gates before it, through which the services send."""

import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

CHUNK_BYTES = 65_536
REFUSAL_TIMEOUT_S = 60


class Gasoline(Protocol):
    """A running collector."""

    grpc: str
    http: str

    def observe(self, question: Mapping[str, Any]) -> Mapping[str, Any]: ...


StartCollector = Callable[[Path], AbstractContextManager[Gasoline]]


class Gate:
    """A door before an address, shut until it is opened: shut, it ends every connection that there is or comes.

    With `is_gone_when_shut` nobody listens then, as between the end of a process and the start of the next.
    """

    def __init__(self, *, is_gone_when_shut: bool = False) -> None:
        self._target = ("", 0)
        self._is_gone_when_shut = is_gone_when_shut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._host_and_port = self._listener.getsockname()
        self.address = "{}:{}".format(*self._host_and_port)
        self._news = threading.Condition()
        self._is_open = False
        self._refused = 0
        self._passing: set[socket.socket] = set()
        self._accepting = self._start_to_accept()
        if is_gone_when_shut:
            self._stop_listening()

    def shut(self) -> None:
        """Cut every connection and refuse those that come."""
        with self._news:
            self._is_open = False
            self._refused = 0
            for connection in self._passing:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self._is_gone_when_shut:
            self._stop_listening()

    def open(self, target: str) -> None:
        """Let connections pass to this address."""
        host, _, port = target.rpartition(":")
        with self._news:
            self._target = (host, int(port))
            self._is_open = True
        if self._is_gone_when_shut and not self._accepting.is_alive():
            self._listener = socket.create_server(self._host_and_port)
            self._accepting = self._start_to_accept()

    def wait_until_refused(self) -> None:
        """Return when a connection has been refused since the gate was shut. Raises AssertionError if none comes."""
        with self._news:
            assert self._news.wait_for(lambda: self._refused > 0, REFUSAL_TIMEOUT_S), "nobody came"

    def close(self) -> None:
        """Shut it for good."""
        self.shut()
        self._stop_listening()

    def _start_to_accept(self) -> threading.Thread:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        return thread

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()

    def _accept(self) -> None:
        with self._listener, contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._news:
                    if not self._is_open:
                        connection.close()
                        self._refused += 1
                        self._news.notify_all()
                        continue
                    beyond = socket.create_connection(self._target)
                    self._passing |= {connection, beyond}
                for source, sink in ((connection, beyond), (beyond, connection)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        with self._news:
            self._passing.discard(source)
        source.close()


class RestartingCollector:
    """One data folder, and the process that is its collector now."""

    def __init__(self, start: StartCollector, data_dir: Path) -> None:
        self._start = start
        self._data_dir = data_dir
        self._stack = contextlib.ExitStack()
        self._running = self._stack.enter_context(start(data_dir))
        self.grpc, self.http = self._running.grpc, self._running.http

    def observe(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the one that runs now."""
        return self._running.observe(question)

    def restart(self) -> None:
        """End it, and start another one on other ports."""
        self.stop()
        self._running = self._stack.enter_context(self._start(self._data_dir))
        self.grpc, self.http = self._running.grpc, self._running.http

    def stop(self) -> None:
        """End it."""
        self._stack.close()


@dataclass(frozen=True)
class Stage:
    """The shop and a service beside it, which send through gates of their own, to `collector` once these are open."""

    shop: Any
    pricing: Any
    collector: RestartingCollector
    gates: Mapping[str, tuple[Gate, str]]

    def open(self, targets: Mapping[str, str] | None = None) -> None:
        """Let every service through, over new connections, to the collector of now or an address by its language."""
        for language, (gate, protocol) in self.gates.items():
            gate.shut()
            straight = self.collector.grpc if protocol == "grpc" else self.collector.http
            gate.open(targets[language] if targets else straight)


@pytest.fixture(scope="package")
def stage(
    start_collector: StartCollector,
    start_shop: Callable[[Gasoline, Callable[[str], Mapping[str, str]]], AbstractContextManager[Any]],
    start_service: Callable[[str, Mapping[str, str]], AbstractContextManager[Any]],
    sdk_settings: Callable[[str, Gasoline], Mapping[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Stage]:
    """One for all outages: the services take longer to start than to be tested."""
    with contextlib.ExitStack() as stack:
        collector = RestartingCollector(start_collector, tmp_path_factory.mktemp("outage") / "data")
        stack.callback(collector.stop)
        gates: dict[str, tuple[Gate, str]] = {}

        def environment(language: str) -> Mapping[str, str]:
            found = sdk_settings(language, collector)
            # Rust sends nothing again after a connection that was made and cut.
            gate = Gate(is_gone_when_shut=language == "rust")
            stack.callback(gate.close)
            gates[language] = (gate, found.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"))
            return {**found, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{gate.address}"}

        shop = stack.enter_context(start_shop(collector, environment))
        yield Stage(shop, stack.enter_context(start_service("rust", environment("rust"))), collector, gates)
