"""Asking a collector that answers badly, or not at all."""

import socket
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from collector.query.status import LiveStatus
from collector.remote import CollectorUnreachableError, fetch_status, live_status, request_clear
from collector.rendezvous import RunningCollector, publish
from collector.store.sqlite.lock import DataFolderLock
from collector.telemetry.metrics import ExporterTrouble

AnswerWith = Callable[[bytes], RunningCollector]


@pytest.fixture
def answer_with(tmp_path: Path) -> Generator[AnswerWith]:
    """Return `answer_with(bytes)`: a collector whose query port answers one request with exactly that."""
    threads: list[threading.Thread] = []
    servers: list[socket.socket] = []

    def start(answer: bytes) -> RunningCollector:
        server = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        threads.append(threading.Thread(target=serve))
        servers.append(server)
        threads[-1].start()
        return RunningCollector("", "", f"127.0.0.1:{server.getsockname()[1]}", str(tmp_path), 42)

    yield start
    for thread in threads:
        thread.join(10)
    for server in servers:
        server.close()


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (http("200 OK", b"nonsense"), "does not answer"),
        (http("200 OK", b"[]"), "answered no JSON object"),
        (http("401 Unauthorized", b'{"error": "the token is missing"}'), "answered 401: the token is missing"),
        (http("503 Busy", b"{}"), "answered 503: Busy"),
        (b"SSH-2.0\r\n", "does not answer"),
        (b"", "does not answer"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_so(answer_with: AnswerWith, answer: bytes, message: str) -> None:
    with pytest.raises(CollectorUnreachableError, match=message):
        fetch_status(answer_with(answer), None)


def test_clear_needs_to_hear_how_much_went(answer_with: AnswerWith) -> None:
    with pytest.raises(CollectorUnreachableError, match="did not say what it deleted"):
        request_clear(answer_with(http("200 OK", b"{}")), None, "secret")


def test_a_collector_without_a_query_port_cannot_be_asked() -> None:
    with pytest.raises(CollectorUnreachableError, match="has no query port"):
        fetch_status(RunningCollector("127.0.0.1:1", "", "", "", 42), None)


def test_live_status_is_what_the_collector_tells_or_at_least_where_it_is(
    tmp_path: Path, answer_with: AnswerWith
) -> None:
    assert live_status(tmp_path, None) is None
    lock = DataFolderLock(tmp_path)
    told = b'{"refused_last_unix_nano": {"busy": 7, "odd": "x"}, "dropped_last_unix_nano": 1, '
    told += b'"refused": {"busy": 2, "odd": "x"}, "dropped": 1, "session_ids_too_long": 4, "new": true, '
    told += b'"failing_exporters": ["otlp"], "queue_folders": ["/a", "/b"], "exporter_troubles": {"otlp": '
    told += (
        b'{"dropped": {"gave_up_retrying": 3, "odd": ""}, "turned_away": 5, "last_failure": "404", "failing": "503"}, '
    )
    told += b'"otlp/new": {"turned_away": []}, "odd": 1}}'
    running = answer_with(http("200 OK", told))
    publish(running)
    endpoints = {"query": running.query}
    assert live_status(tmp_path, None) == LiveStatus(
        endpoints,
        {"busy": 2},
        {},
        4,
        ["otlp"],
        {
            "otlp": ExporterTrouble({"gave_up_retrying": 3}, 5, "404", "503"),
            "otlp/new": ExporterTrouble({}, 0, ""),
        },
        ["/a", "/b"],
        refused_last_unix_nano={"busy": 7},
    )
    running = answer_with(http("401 Unauthorized", b'{"error": "the token is missing"}'))
    publish(running)
    unknown = (
        f"the collector at {running.query} answered 401: the token is missing;"
        " export GASOLINE_TOKEN=<the value that the collector was started with>"
    )
    assert live_status(tmp_path, None) == LiveStatus({"query": running.query}, counters_unknown=unknown)
    lock.release()
