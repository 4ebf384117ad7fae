"""A store with one story in it, the server over it, and clients of both protocol eras."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

import anyio
import pytest
import uvicorn
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client
from mcp.types import ResourceUpdatedNotification
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.types import ASGIApp

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.query.service import QueryService
from collector.store.api import Batch
from collector.store.memory import MemoryStore
from mcp_server.answers import Answers, serve_answers
from mcp_server.server import McpServer

NOW_UNIX_NANO = 1_795_000_000_000_000_000
SESSION_ID = "session-0123456789abcdef0123456789abcdef"
UPDATES_BUFFERED_MAX = 100
REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736"

Era = Literal["auto", "legacy"]
Connect = Callable[[McpServer], AbstractAsyncContextManager[Client]]


class Story:
    """Writes what one person did: a checkout whose payment is declined."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.session_id = SESSION_ID
        self.request_id = REQUEST_ID

    async def declined_checkout(self) -> None:
        """One request: the frontend answers 502, the payments service says why, in a span and a log."""
        await self._spans(
            "frontend",
            Span(
                trace_id=bytes.fromhex(REQUEST_ID),
                span_id=b"frontend",
                name="POST /checkout",
                kind=Span.SPAN_KIND_SERVER,
                start_time_unix_nano=NOW_UNIX_NANO,
                end_time_unix_nano=NOW_UNIX_NANO + 400_000_000,
                status=Status(code=Status.STATUS_CODE_ERROR),
                attributes=[
                    _text("session.id", SESSION_ID),
                    _text("http.request.method", "POST"),
                    _text("url.full", "http://shop.test/checkout"),
                    KeyValue(key="http.response.status_code", value=AnyValue(int_value=502)),
                ],
            ),
        )
        await self._spans(
            "payments",
            Span(
                trace_id=bytes.fromhex(REQUEST_ID),
                span_id=b"payments",
                parent_span_id=b"frontend",
                name="POST /charge",
                kind=Span.SPAN_KIND_SERVER,
                start_time_unix_nano=NOW_UNIX_NANO + 100_000_000,
                end_time_unix_nano=NOW_UNIX_NANO + 200_000_000,
                status=Status(code=Status.STATUS_CODE_ERROR, message="card declined"),
                attributes=[_text("http.request.method", "POST")],
            ),
        )

    async def late_log(self, body: str = "card declined: insufficient funds") -> None:
        """A log of the payments service in the same request; it names no session."""
        request = ExportLogsServiceRequest()
        logs = request.resource_logs.add()
        logs.resource.attributes.append(_text("service.name", "payments"))
        record = logs.scope_logs.add().log_records.add()
        record.trace_id = bytes.fromhex(REQUEST_ID)
        record.span_id = b"payments"
        record.time_unix_nano = NOW_UNIX_NANO + 150_000_000
        record.severity_number = SeverityNumber.SEVERITY_NUMBER_ERROR
        record.body.string_value = body
        await self._write(Signal.LOGS, request.SerializeToString())

    async def another_session(self, session_id: str) -> None:
        """One span of somebody else."""
        span = Span(
            trace_id=hashlib.md5(session_id.encode(), usedforsecurity=False).digest(),
            span_id=b"othersid",
            name="GET /",
            start_time_unix_nano=NOW_UNIX_NANO,
            end_time_unix_nano=NOW_UNIX_NANO + 1,
            attributes=[_text("session.id", session_id)],
        )
        await self._spans("frontend", span)

    async def _spans(self, service: str, *spans: Span) -> None:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.append(_text("service.name", service))
        resource_spans.scope_spans.add(spans=spans)
        await self._write(Signal.TRACES, request.SerializeToString())

    async def _write(self, signal: Signal, body: bytes) -> None:
        records = correlate(signal, cut_request(signal, body), SessionKeys()).records
        await self._store.write(Batch(signal, hashlib.sha256(body).digest(), records))


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


@pytest.fixture
def store() -> MemoryStore:
    """An empty store."""
    return MemoryStore()


@pytest.fixture
def story(store: MemoryStore) -> Story:
    """Fills the store."""
    return Story(store)


@pytest.fixture
def story_in() -> Callable[[MemoryStore], Story]:
    """Fills another store."""
    return Story


@pytest.fixture
def query(store: MemoryStore) -> QueryService:
    """Questions to the store."""
    return QueryService(store, clock_unix_nano=lambda: NOW_UNIX_NANO + 1_000_000_000)


@pytest.fixture
def server(query: QueryService) -> McpServer:
    """The real server over that store."""
    return serve_answers(Answers(query))


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> Era:
    """Both protocol eras: 2026-07-28, and 2025-11-25 with its handshake."""
    return request.param


@pytest.fixture
def connect(era: Era) -> Connect:
    """Open the real client, in memory, in one era."""
    return lambda server: Client(server, mode=era)


class LegacySubscriber:
    """A client of 2025-11-25 that subscribes; `updated` receives the URIs of the updates that it is sent."""

    def __init__(self, client: Client, updated: MemoryObjectReceiveStream[str]) -> None:
        self._client = client
        self.updated = updated

    async def subscribe(self, uri: str) -> None:
        """Ask for news of `uri`."""
        await self._client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]  # gone after this era

    async def unsubscribe(self, uri: str) -> None:
        """Ask for no more news of `uri`."""
        await self._client.unsubscribe_resource(uri)  # pyright: ignore[reportDeprecated]  # gone after this era


@pytest.fixture
def legacy_subscriber() -> Callable[[McpServer | str], AbstractAsyncContextManager[LegacySubscriber]]:
    """Open a LegacySubscriber to a server in memory, or to a URL."""

    @asynccontextmanager
    async def open_subscriber(server: McpServer | str) -> AsyncGenerator[LegacySubscriber]:
        send, updated = anyio.create_memory_object_stream[str](UPDATES_BUFFERED_MAX)

        async def on_message(message: object) -> None:
            if isinstance(message, ResourceUpdatedNotification):
                send.send_nowait(message.params.uri)

        with send, updated:
            async with Client(server, mode="legacy", message_handler=on_message) as client:
                yield LegacySubscriber(client, updated)

    return open_subscriber


Serve = Callable[[ASGIApp], AbstractAsyncContextManager[str]]


@pytest.fixture
def serve() -> Serve:
    """Run an app under uvicorn on a free port of 127.0.0.1, and give its URL."""

    @asynccontextmanager
    async def run(app: ASGIApp) -> AsyncGenerator[str]:
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            # uvicorn answers once its lifespan has started; until then the connection waits in the backlog.
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            listening.close()

    return run
