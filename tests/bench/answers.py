"""How long acknowledgements take while requests come at a given rate, and what `wait_for` adds to its quiet second."""

import asyncio
import http.client
import json
import time
from pathlib import Path
from statistics import quantiles

import grpc
from ingest import gasoline
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from steady import METHOD, SPANS_PER_REQUEST, send_evenly
from traffic import requests

from collector.query.waiting import QUIET_S

LATENCY_REQUESTS = 3_000
WAITS = 10
WAIT_FOR_S = 20


def acknowledged_ms_p99(work_dir: Path, requests_per_s: float) -> float:
    """Return the 99th percentile of the time from the moment a request was due until it is answered.

    Requests are due at even distances, whether or not the earlier ones are answered.
    """
    bodies = list(requests(SPANS_PER_REQUEST, LATENCY_REQUESTS, seed=11_000))
    with gasoline(work_dir / "latency") as (port, _):
        taken_ms = asyncio.run(send_evenly(port, bodies, 1 / requests_per_s))
    return quantiles(taken_ms, n=100)[98]


def added_by_wait_for_ms(work_dir: Path) -> float:
    """Return the longest of WAITS: from the answer to a request, less its quiet second, to that of a waiting question.

    Each question is asked when its spans have just been acknowledged.
    """
    data_dir = work_dir / "wait-for"
    with gasoline(data_dir) as (port, _), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)
        host, query_port = json.loads((data_dir / "endpoints.json").read_text())["query"].rsplit(":", 1)
        client = http.client.HTTPConnection(host, int(query_port))
        return max(_added_ms(export, client, body) for body in requests(SPANS_PER_REQUEST, WAITS, seed=12_000))


def _added_ms(
    export: "grpc.UnaryUnaryMultiCallable[bytes, bytes]", client: http.client.HTTPConnection, body: bytes
) -> float:
    trace_id = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
    export(body, timeout=30)
    start_s = time.perf_counter()
    client.request("GET", f"/api/observe?what=request-trace&request_id={trace_id}&wait_for={WAIT_FOR_S}")
    answer = json.loads(client.getresponse().read())
    if answer["request"]["request_id"] != trace_id:
        raise AssertionError(f"asked for {trace_id}, answered {answer['request']}")
    return (time.perf_counter() - start_s - QUIET_S) * 1e3
