"""Secrets that the official SDK sends are nowhere: not in a file of the data folder, not in an answer or a log line."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import grpc
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AnyValue

from collector.store.sqlite.codec import Decompressor

if TYPE_CHECKING:
    from conftest import CollectorProcess, ReadPages, StartCollector, WriteForwarding

SECRETS_MIN = 200
# More traces than a dictionary is trained on.
ROUNDS = 6
MARK = "harmless-marker"
ARRIVAL_TIMEOUT_S = 60
SESSION_ID = "session-sk_live_0a1b2c3d4e5f6071"
NAMES = """password db.password userPassword passwd api_key x-api-key http.request.header.authorization
    http.request.header.cookie http.response.header.set-cookie client_secret aws.secret_access_key refresh_token
    csrfToken auth.credentials private_key card.number cvv otp jwt http.request.header.proxy-authorization
    pass auth userPin db.pwd connectionString app.dsn creds verificationCode mfa_code passwords.0
    http.request.header.authorization.0""".split()
TEXTS = [
    "login with password={} failed",
    '{{"user": "bob", "secret": "{}"}}',
    '{{\\"token\\": \\"{}\\"}}',
    "Authorization: Bearer {}",
    "Cookie: theme=dark; sid={}",
    "curl -H 'X-Api-Key: {}' http://shop.test",
    "postgres://shop:{}@db:5432/shop",
    "GET /cart?access_token={}&x=1",
    "https://bucket.test/a?X-Amz-Credential=a&X-Amz-Signature={}",
    "tool --api-key {} --verbose",
    "SET PASSWORD = '{}'",
    "Server=db;Pwd={};",
    "<client_secret>{}</client_secret>",
    "{{'authorization': ['Basic {}']}}",
    "clone https://x-access-token:{}@git.test/a.git",
    "GET /callback?state=x&code={}",
    "curl -u bob:{} http://shop.test",
    '{{"url":"https://a.test/c?sv=1\\\\u0026sig={}"}}',
    '<a href="/c?sv=1&amp;access_token={}">',
    '{{"dsn":"postgres:\\\\/\\\\/shop:{}@db\\\\/shop"}}',
    'Set-Cookie: theme="dark"; sid="{}"; Path=/',
    "Authorization: Custom {}",
    "GET /a?authorization=Bearer%20{}",
    '{{"password": {{"value": "{}"}}}}',
    '{{"cookies":[{{"name":"sid","value":"{}"}}]}}',
    "password:\n  {}\nuser: bob",
    "tokens: 3\npasswords:\n  - {}\n",
    '"secret":\n  "{}"',
    'password := "{}"',
    "password[0]={}",
    "Server=db;Password=a;{};Port=1",
    "GET /a;sig={};x=1",
    "GET /login?to=%2Fa%3Fx%3D1%26sig%3D{}%26y%3D2",
    "curl -b 'a=b; sid={}' http://shop.test",
    "curl --cookie sid={} http://shop.test",
    "auth: {} of bob",
    "pass={}",
    "dsn=bob:{}@tcp(db:3306)/shop",
    "UPDATE a SET password = N'{}'",
    "WHERE password = crypt('{}', password)",
    'Login {{ password: Some("{}") }}',
    "setPassword('bob', '{}')",
    "WHERE `token` IN ('{}')",
    "\x1b[36mtoken=\x1b[0m{}",
    "Authorization: SharedKey shop:{}",
    '<wsse:Password Type="x#PasswordText">{}</wsse:Password>',
    'form-data; name="password"\r\n\r\n{}\r\n--b',
    "\\u0022password\\u0022:\\u0022{}\\u0022",
    "user=bob&smtp_password={}",
    "/edit?reset_password_token={}",
    '{{"apiKeys":["{}"]}}',
    "[('password', '{}')]",
    '["Host","shop","Authorization","{}"]',
    '["curl","-u","bob:{}","http://shop.test"]',
    "CREATE USER bob IDENTIFIED WITH mysql_native_password BY '{}'",
    "SET PASSWORD FOR 'bob'@'%' = '{}'",
    "INSERT INTO users (email, password) VALUES ('a@b.c', '{}')",
    "CONFIG SET requirepass {}",
    '["password"]=> string(42) "{}"',
    "- name: DB_PASSWORD\n  value: {}",
    "postgres://app:a/b{}@db:5432/x",
    "amqp://app:{}#a@mq",
    "open app:{}@tcp(db:3306)/shop",
    "Invalid token: {}",
]
ISSUED = [
    "ghp_{}",
    "glpat-{}",
    "sk_live_{}",
    "xoxb-1234-{}",
    "AIza{}",
    "sk-ant-{}",
    "hvs.{}",
    "gsk_{}",
    "eyJ{}.eyJ{}.x",
    "hf_{}",
]


class Secret(NamedTuple):
    """What must be nowhere, and the text or the attribute that holds it."""

    value: str
    key: str
    text: str


def make_secrets() -> list[Secret]:
    rng = random.Random(5)

    def value() -> str:
        return "Zq" + "".join(rng.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNP0123456789", k=40))

    found = [Secret(one, key, one) for key in NAMES for _ in range(4) if (one := value())]
    found += [Secret(one, "app.note", text.format(one)) for text in TEXTS for _ in range(6) if (one := value())]
    issued = [template.format(*[value()] * 2) for template in ISSUED for _ in range(5)]
    found += [Secret(one, "app.note", f"got {one} back") for one in issued]
    cards = ["4111111111111111", "5555-5555-5555-4444", "3782 822463 10005", "6011111111111117"]
    cards += [gap.join(("4000", "0566", "5566", "5556")) for gap in ("\u00a0", "\u2011", ".", "  ", "%20")]
    return found + [Secret(one, "app.note", f"paid with {one}.") for one in cards]


def exporters(collector: CollectorProcess, way: str) -> tuple[SpanExporter, LogRecordExporter]:
    if way == "grpc":
        return (
            GrpcSpanExporter(collector.grpc, True, compression=grpc.Compression.Gzip),
            GrpcLogExporter(collector.grpc, True, compression=grpc.Compression.Gzip),
        )
    return (
        HttpSpanExporter(f"http://{collector.http}/v1/traces", compression=Compression.Gzip),
        HttpLogExporter(f"http://{collector.http}/v1/logs", compression=Compression.Gzip),
    )


def in_structures(secret: Secret) -> AnyValue:
    """Return a value in which the secret is in every place that a name has for it."""
    return {
        "user": "bob",
        "nested": [{secret.key: secret.text}],
        "headers": [[secret.key, secret.text], {"name": secret.key, "value": secret.text}],
        "arguments": ["shop", f"--{secret.key}", secret.text],
        secret.key: {"inner": [secret.text, {"value": secret.text}]},
    }


def send(collector: CollectorProcess, way: str, secrets: Sequence[Secret]) -> None:
    """Send each secret in every place that a span and a log record have, and beside it what is none."""
    spans, logs = exporters(collector, way)
    resource = Resource({"service.name": way, "process.command_line": TEXTS[9].format(secrets[0].value)})
    tracers, loggers = TracerProvider(resource=resource), LoggerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(spans))
    loggers.add_log_record_processor(BatchLogRecordProcessor(logs))
    logger = loggers.get_logger("shop")
    other = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=True)
    for number, secret in enumerate(secrets):
        attributes = {"session.id": SESSION_ID, "app.marker": f"{MARK}-{number}", secret.key: secret.text}
        is_text = secret.key == "app.note"
        own = {secret.key: secret.text}
        tracer = tracers.get_tracer("shop", attributes=own)
        with tracer.start_as_current_span(
            f"GET {secret.text}" if is_text else "GET /",
            kind=SpanKind.SERVER,
            attributes={**attributes, "app.header": [secret.key, secret.text]},
            links=[Link(other, own)],
        ) as span:
            span.add_event("exception", {secret.key: [secret.text, "none"]})
            if is_text:
                span.set_status(Status(StatusCode.ERROR, secret.text))
            body = secret.text if is_text else in_structures(secret)
            raw = {**own, "app.raw": {secret.key: secret.text.encode()}}
            logger.emit(body=body, severity_number=SeverityNumber.WARN, attributes=raw)
    assert tracers.force_flush()
    assert loggers.force_flush()
    tracers.shutdown()
    loggers.shutdown()


def stored_bytes(data_dir: Path) -> Iterator[bytes]:
    """Yield every file of a data folder, then each chunk decompressed."""
    yield from (path.read_bytes() for path in sorted(data_dir.rglob("*")) if path.is_file())
    with closing(sqlite3.connect(data_dir / "store.sqlite3")) as connection:
        decompressor = Decompressor(connection)
        for number, compressed in connection.execute("SELECT dictionary, bytes FROM body"):
            yield decompressor.decompress(number, compressed)


def found_in(texts: Iterator[bytes], wanted: Sequence[str]) -> set[str]:
    everything = b"\n".join(texts)
    return {one for one in wanted if one.encode() in everything}


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_secrets_are_nowhere(pages: ReadPages, start_collector: StartCollector, tmp_path: Path, way: str) -> None:
    secrets = make_secrets()
    values = [secret.value for secret in secrets]
    marks = [f"{MARK}-{number}" for number in range(len(secrets))]
    assert len(set(values)) == len(secrets) >= SECRETS_MIN
    with start_collector(tmp_path / "data") as collector:
        for _ in range(ROUNDS):
            send(collector, way, secrets)
        shutil.copytree(collector.data_dir, tmp_path / "while-it-runs")
        question = {"what": "session-trace", "session_id": SESSION_ID}
        events = pages(collector.observe, question, "events", 1_000)
        answers = (str(event).encode() for event in events)
        log_lines = collector.lines
    assert len(events) == ROUNDS * len(secrets) * 3
    assert found_in(answers, values) == set()
    for folder in (tmp_path / "while-it-runs", tmp_path / "data"):
        assert found_in(stored_bytes(folder), values) == set()
        assert found_in(stored_bytes(folder), [*marks, SESSION_ID]) == {*marks, SESSION_ID}
    assert found_in((line.encode() for line in log_lines), values) == set()


class Backend(grpc.GenericRpcHandler):
    """Takes every export request over gRPC as it is."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._news = threading.Condition()

    def wait_for(self, wanted: Sequence[str]) -> None:
        """Return when all of these have come, or after ARRIVAL_TIMEOUT_S."""
        with self._news:
            self._news.wait_for(lambda: found_in(iter(self.bodies), wanted) == set(wanted), ARRIVAL_TIMEOUT_S)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """See GenericRpcHandler."""
        return grpc.unary_unary_rpc_method_handler(self._take)

    def _take(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        with self._news:
            self.bodies.append(body)
            self._news.notify_all()
        return b""


@contextmanager
def backend_on(port: int) -> Generator[Backend]:
    """Run a backend on this port."""
    backend = Backend()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[backend])
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    try:
        yield backend
    finally:
        server.stop(None).wait()


def test_what_is_forwarded_holds_none_on_the_way_nor_in_the_queue(
    start_collector: StartCollector, write_forwarding: WriteForwarding, free_port: int, tmp_path: Path
) -> None:
    secrets = make_secrets()
    values = [secret.value for secret in secrets]
    marks = [f"{MARK}-{number}" for number in range(len(secrets))]
    config = write_forwarding(
        tmp_path / "front.yaml",
        "grpc",
        f"127.0.0.1:{free_port}",
        processors=("redaction", "session"),
        compression="none",
        retry_on_failure={"initial_interval": "100ms", "max_interval": "100ms"},
    )
    with start_collector(tmp_path / "front", "--config", str(config)) as front:
        for way in ("grpc", "http"):
            send(front, way, secrets)
        # Nobody has taken anything yet: all of it is in the queue.
        queue = [path.read_bytes() for path in (tmp_path / "front").rglob("*.segment")]
        assert found_in(iter(queue), [*values, *marks, SESSION_ID]) == {*marks, SESSION_ID}
        with backend_on(free_port) as backend:
            backend.wait_for([*marks, SESSION_ID])
            assert front.stop() == 0
    assert found_in(iter(backend.bodies), [*values, *marks, SESSION_ID]) == {*marks, SESSION_ID}
