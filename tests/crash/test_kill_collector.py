"""Kill -9 of the real collector while several clients send to it: nothing that it answered is lost."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.pdata.envelope import Signal
from collector.store.sqlite.reader import SqliteReader

KILLS = 5
CLIENTS = 4
SEED = 20_261_123
REQUESTS_PER_CLIENT_MAX = 2_000
ANSWERS_BEFORE_KILL_MAX = 120
WAIT_S_MAX = 60.0
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def one_request(rng: random.Random, service: str) -> bytes:
    request = ExportTraceServiceRequest()
    outer = request.resource_spans.add()
    attribute = outer.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    spans = outer.scope_spans.add().spans
    for _ in range(rng.randrange(1, 20)):
        spans.add(trace_id=rng.randbytes(16), span_id=rng.randbytes(8), name="work", start_time_unix_nano=1)
    return request.SerializeToString()


def start(data_dir: Path) -> tuple[subprocess.Popen[str], str]:
    ports = [part for port in ("grpc", "http", "query") for part in (f"--{port}-endpoint", "127.0.0.1:0")]
    process = subprocess.Popen(
        [sys.executable, "-m", "collector", "serve", "--data-dir", str(data_dir), *ports],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        ready = re.match(r"ready grpc=(\S+) ", line)
        if ready:
            return process, ready.group(1)
    raise AssertionError("the collector did not start")


def send_and_kill(data_dir: Path, seed: int) -> list[bytes]:
    """Send from several clients, kill the collector after a random number of answers; return what was answered."""
    rng = random.Random(seed)
    enough = rng.randrange(1, ANSWERS_BEFORE_KILL_MAX)
    process, endpoint = start(data_dir)
    answered: list[bytes] = []
    reached = threading.Event()

    def send(client: int) -> None:
        bodies = random.Random(seed * 100 + client)
        with grpc.insecure_channel(endpoint) as channel:
            export: grpc.UnaryUnaryMultiCallable[bytes, ExportTraceServiceResponse] = channel.unary_unary(
                METHOD, response_deserializer=ExportTraceServiceResponse.FromString
            )
            for _ in range(REQUESTS_PER_CLIENT_MAX):
                body = one_request(bodies, f"service-{client}")
                try:
                    answer = export(body, timeout=WAIT_S_MAX)
                except grpc.RpcError:
                    return
                assert answer == ExportTraceServiceResponse()
                answered.append(body)
                if len(answered) >= enough:
                    reached.set()

    clients = [threading.Thread(target=send, args=(client,)) for client in range(CLIENTS)]
    try:
        for client in clients:
            client.start()
        assert reached.wait(WAIT_S_MAX)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=WAIT_S_MAX)
    for client in clients:
        client.join(WAIT_S_MAX)
    return answered


@pytest.mark.timeout(300)
def test_what_the_collector_answered_is_there_after_each_kill(
    tmp_path: Path, new_audit: Callable[[], Any], new_sent: Callable[[Signal, bytes], Any]
) -> None:
    audit = new_audit()
    expected: set[tuple[str, bytes, bytes]] = set()
    for kill in range(KILLS):
        for body in send_and_kill(tmp_path, SEED + kill):
            expected.update(new_sent(Signal.TRACES, body).contents())
        reader = SqliteReader(tmp_path)
        audit.read(reader)
        reader.close()
        assert expected <= set(audit.records)
        assert set(audit.records.values()) == {1}
