"""A real collector process, and a way to read its answers whole."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import httpx
import pytest
import yaml

PAGE_SIZE = 37
PAGES_MAX = 200
STOP_TIMEOUT_S = 20

Observe = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ReadPages(Protocol):
    """See read_pages."""

    def __call__(
        self, observe: Observe, question: Mapping[str, Any], field: str, page_size: int = PAGE_SIZE
    ) -> list[Any]: ...


def read_pages(observe: Observe, question: Mapping[str, Any], field: str, page_size: int = PAGE_SIZE) -> list[Any]:
    """Ask page by page and return all items; holds every page to the total of the first."""
    items: list[Any] = []
    total = None
    cursor: dict[str, Any] = {}
    for _ in range(PAGES_MAX):
        answer = observe({**question, "format": "json", "limit": page_size, **cursor})
        total = answer["total"] if total is None else total
        assert answer["total"] == total
        items.extend(answer[field])
        if "next_cursor" not in answer:
            assert len(items) == total
            return items
        assert len(answer[field]) == page_size
        cursor = {"cursor": answer["next_cursor"]}
    raise AssertionError(f"{question} has more than {PAGES_MAX} pages")


@pytest.fixture(scope="session")
def pages() -> ReadPages:
    """`pages(observe, question, field)`: all items of an answer, read page by page."""
    return read_pages


class CollectorProcess:
    """A running `python -m collector serve` on free ports; with `token` nobody may send or ask without it."""

    def __init__(self, data_dir: Path, *arguments: str, token: str | None = None) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GASOLINE_"))}
        ports = [part for port in ("grpc", "http", "query") for part in (f"--{port}-endpoint", "127.0.0.1:0")]
        self.data_dir = data_dir
        self._process = subprocess.Popen(
            [sys.executable, "-m", "collector", "serve", "--data-dir", str(data_dir), *ports, *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**inherited, **({"GASOLINE_TOKEN": token} if token else {})},
        )
        assert self._process.stderr is not None
        self.lines: list[str] = []
        for line in self._process.stderr:
            self.lines.append(line)
            ready = re.match(r"ready grpc=(\S+) http=(\S+) query=(\S+) data=.* pid=([0-9]+)$", line)
            if ready:
                break
        else:
            self._process.communicate(timeout=STOP_TIMEOUT_S)
            raise AssertionError(f"the collector ended before it was ready: {self.lines}")
        self.grpc, self.http, self.query, pid = ready.groups()
        self.pid = int(pid)
        self._drain = threading.Thread(target=self._read, daemon=True)
        self._drain.start()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=f"http://{self.query}", timeout=60, trust_env=False, headers=headers)

    def observe(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask over HTTP; the JSON answer."""
        answer = self._client.post("/api/observe", json={**question, "format": "json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stop(self) -> int:
        """Ask it to end; return its status."""
        self._client.close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        finally:
            self._process.kill()
            self._drain.join(STOP_TIMEOUT_S)

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            self.lines.extend(stream)


StartCollector = Callable[..., AbstractContextManager[CollectorProcess]]
_KINDS = {"grpc": "otlp", "http": "otlphttp"}


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens yet."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class WriteForwarding(Protocol):
    """See write_forwarding."""

    def __call__(
        self,
        path: Path,
        transport: str,
        endpoint: str,
        others: Mapping[str, str] = ...,
        processors: Sequence[str] = ...,
        **settings: Any,
    ) -> Path: ...


@pytest.fixture(scope="session")
def write_forwarding() -> WriteForwarding:
    """`write_forwarding(path, transport, endpoint, **settings)`: the configuration of a collector that stores, and
    forwards everything to `endpoint`; to `others`, endpoint -> transport, with the same settings.
    """

    def write(
        path: Path,
        transport: str,
        endpoint: str,
        others: Mapping[str, str] = MappingProxyType({}),
        processors: Sequence[str] = ("session",),
        **settings: Any,
    ) -> Path:
        exporters = {
            f"{_KINDS[way]}/backend{number}": {
                "endpoint": target if way == "grpc" else f"http://{target}",
                **settings,
            }
            for number, (target, way) in enumerate({endpoint: transport, **others}.items())
        }
        stored = {"receivers": ["otlp"], "processors": [*processors], "exporters": ["index", *exporters]}
        config = {
            "receivers": {"otlp": {"protocols": {"grpc": None, "http": None}}},
            "processors": dict.fromkeys(processors),
            "exporters": {"index": None, **exporters},
            "extensions": {"query": None},
            "service": {
                "extensions": ["query"],
                "pipelines": {
                    "traces": stored,
                    "logs": stored,
                    "metrics": {"receivers": ["otlp"], "exporters": [*exporters]},
                },
            },
        }
        path.write_text(yaml.dump(config, Dumper=_NoAliases))
        return path

    return write


class _NoAliases(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.fixture(scope="session")
def start_collector() -> StartCollector:
    """Return a context: `with start_collector(data_dir, *arguments, token=None) as collector`."""

    @contextmanager
    def start(data_dir: Path, *arguments: str, token: str | None = None) -> Generator[CollectorProcess]:
        collector = CollectorProcess(data_dir, *arguments, token=token)
        try:
            yield collector
        finally:
            collector.stop()

    return start
