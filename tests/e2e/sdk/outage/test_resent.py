"""Answers that get lost on their way: what five SDKs send again because of that is there once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest

if TYPE_CHECKING:
    from conftest import Gasoline, Stage

pytestmark = pytest.mark.timeout(1200)

SESSION_ID = "session-of-lost-answers"
REQUESTS = 2
SEND_TIMEOUT_S = 30


class Copies:
    """What has passed: each export request is answered as if it had got lost the first time, though it had not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: Counter[bytes] = Counter()

    def is_first(self, body: bytes) -> bool:
        with self._lock:
            self._seen[body] += 1
            return self._seen[body] == 1

    def all_came_again(self) -> bool:
        """Tell whether there was something, and all of it came more than once."""
        with self._lock:
            return min(self._seen.values(), default=0) > 1


@contextmanager
def http_proxy(collector: Gasoline, copies: Copies) -> Generator[str]:
    """A proxy that says 503 after it has passed on what is new. Yields its address."""
    client = httpx.Client(trust_env=False, timeout=SEND_TIMEOUT_S)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = b"".join(self._chunks())
            headers = {name: self.headers[name] for name in ("content-type", "content-encoding") if self.headers[name]}
            answer = client.post(f"http://{collector.http}{self.path}", content=body, headers=headers)
            assert answer.status_code == 200
            is_lost = copies.is_first(body)
            self.send_response(503 if is_lost else 200)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(0 if is_lost else len(answer.content)))
            self.end_headers()
            self.wfile.write(b"" if is_lost else answer.content)

        def _chunks(self) -> Iterator[bytes]:
            if "content-length" in self.headers:
                yield self.rfile.read(int(self.headers["content-length"]))
                return
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        client.close()


@contextmanager
def grpc_proxy(collector: Gasoline, copies: Copies) -> Generator[str]:
    """The same over gRPC, with UNAVAILABLE."""
    with grpc.insecure_channel(collector.grpc) as channel:

        class Handler(grpc.GenericRpcHandler):
            def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler[bytes, bytes]:
                export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(handler_call_details.method)

                def handle(body: bytes, context: grpc.ServicerContext) -> bytes:
                    answer = export(body, timeout=SEND_TIMEOUT_S)
                    if copies.is_first(body):
                        context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
                    return answer

                return grpc.unary_unary_rpc_method_handler(handle)

        server = grpc.server(ThreadPoolExecutor(8), handlers=[Handler()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


@pytest.mark.requirement("backend:outage")
def test_what_is_sent_again_for_a_lost_answer_is_there_once(
    stage: Stage, new_trace: Callable[[], tuple[str, dict[str, str]]], records: Any
) -> None:
    once = {**records.outcomes["ok"], "pricing": (1, 0, 1)}
    copies = {language: Copies() for language in stage.gates}
    with ExitStack() as stack:
        proxies = {
            language: (grpc_proxy if protocol == "grpc" else http_proxy)(stage.collector, copies[language])
            for language, (_, protocol) in stage.gates.items()
        }
        stage.open({language: stack.enter_context(proxy) for language, proxy in proxies.items()})
        for _ in range(REQUESTS):
            _, headers = new_trace()
            named = {**headers, "tracestate": f"gasoline={SESSION_ID}"}
            assert stage.shop.request("node", "/checkout?outcome=ok", named).status_code == 200
            assert stage.shop.client.post(f"{stage.pricing.url}/price", headers=named).status_code == 200
        stage.shop.wait_until(lambda: all(own.all_came_again() for own in copies.values()))
        assert {language: own.all_came_again() for language, own in copies.items()} == dict.fromkeys(copies, True)
        question = {"what": "session-trace", "session_id": SESSION_ID}
        events = stage.shop.events(question, "events", REQUESTS * sum(map(sum, once.values())))
    assert len(copies) == 5
    assert records.count(events) == {name: tuple(REQUESTS * count for count in own) for name, own in once.items()}
