"""`gasoline doctor`: what is reachable, who has sent what lately, what is lost on the way, and what to change.

Works on a running collector, whose ports it tries as an SDK would, and on a folder whose collector has ended.
"""

import http.client
import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from collector.config.endpoint import join_endpoint, reachable_host, split_endpoint
from collector.encoding.answers import read_status
from collector.errors import QueryError
from collector.left_queues import QUEUE_FOLDER_NAME, LeftQueue, left_queues
from collector.query.diagnosis import Diagnosis, diagnose
from collector.query.findings import Finding, Port, PortProblem, findings_of
from collector.query.status import LiveStatus
from collector.query.times import rfc3339, time_unix_nano_of
from collector.remote import live_status
from collector.rendezvous import RunningCollector, running_collector
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import has_store

PORT_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 64 * 1024
PROTOBUF = "application/x-protobuf"
_TELLING = ("reason", "message", "error")
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"


@dataclass(frozen=True, slots=True)
class Examination:
    """All that the doctor saw of a data folder."""

    data_dir: Path
    running: RunningCollector | None
    ports: Sequence[Port]
    diagnosis: Diagnosis | None
    findings: Sequence[Finding]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found that loses anything; hints may be there."""
        return all(finding.level != "problem" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        diagnosis = self.diagnosis
        answer: dict[str, Any] = {
            "healthy": self.is_healthy,
            "data": str(self.data_dir),
            "pid": self.running.pid if self.running else None,
            "ports": [port._asdict() for port in self.ports],
            "findings": [finding.as_json() for finding in self.findings],
        }
        if diagnosis is None:
            return {**answer, "services": [], "silent": [], "lost_propagation": [], "notes": []}
        return {
            **answer,
            "since": rfc3339(diagnosis.since_unix_nano),
            "until": rfc3339(diagnosis.until_unix_nano),
            "sessions": diagnosis.sessions,
            "requests": diagnosis.requests,
            "services": [service.as_json() for service in diagnosis.services],
            "silent": [activity.service for activity in diagnosis.silent],
            "lost_propagation": [lost.as_json() for lost in diagnosis.lost],
            "notes": list(diagnosis.notes),
        }


def examine(data_dir: Path, token: str | None, since: str) -> Examination:
    """Look at the folder, and at its collector if one runs; `since` is RFC 3339, or an age such as `-15m`.

    Raises QueryError for another `since`, StoreError if the store cannot be read.
    """
    now = time.time_ns()
    try:
        window_nano = now - time_unix_nano_of(since, now)
    except ValueError as error:
        raise QueryError(f"--since: {error}") from error
    running = running_collector(data_dir)
    live = live_status(data_dir, token) if running else None
    ports = try_ports(running, token) if running else []
    diagnosis = None
    if has_store(data_dir):
        with closing(SqliteReader(data_dir)) as reader:
            diagnosis = diagnose(reader, window_nano, now if running else None)
    examination = examination_of(data_dir, running, live, ports, diagnosis, now - window_nano)
    folders = dict.fromkeys([data_dir / QUEUE_FOLDER_NAME, *map(Path, live.queue_folders if live else ())])
    left = [_of_left_queue(queue) for queue in left_queues(folders)] if running else []
    return replace(examination, findings=[*left, *examination.findings])


def _of_left_queue(queue: LeftQueue) -> Finding:
    message = f"{queue.size_bytes} bytes wait in {queue.folder} for the exporter {queue.exporter}, which does not run"
    change = f"exporters.{queue.exporter} back into a pipeline until it has sent them, or delete the folder"
    return Finding("problem", "queue_without_exporter", "", message, [change])


def examination_of(
    data_dir: Path,
    running: RunningCollector | None,
    live: LiveStatus | None,
    ports: Sequence[Port],
    diagnosis: Diagnosis | None,
    since_unix_nano: int = 0,
) -> Examination:
    """Judge what was seen; see findings_of."""
    found = findings_of(diagnosis, live, ports, f"gasoline serve --data-dir {data_dir}", since_unix_nano)
    return Examination(data_dir, running, ports, diagnosis, found)


def try_ports(running: RunningCollector, token: str | None) -> list[Port]:
    """Knock at each port that the collector names: the health service over gRPC, an empty export, `/healthz`.

    None of it is counted by the collector.
    """
    ports = [Port("grpc", running.grpc, *_grpc_problem(running.grpc))] if running.grpc else []
    if running.http:
        headers = {"Content-Type": PROTOBUF} | _bearer(token)
        ports.append(Port("http", running.http, *_http_problem(running.http, "POST", "/v1/traces", headers)))
    if running.query:
        ports.append(Port("query", running.query, *_http_problem(running.query, "GET", "/healthz", {})))
    return ports


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _grpc_problem(endpoint: str) -> tuple[PortProblem, str]:
    host, port = split_endpoint(endpoint)
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(join_endpoint(reachable_host(host), port), options) as channel:
        check = channel.unary_unary(_HEALTH_CHECK, _as_it_is, _as_it_is)
        try:
            answer = check(HealthCheckRequest().SerializeToString(), timeout=PORT_TIMEOUT_S)
        except grpc.RpcError as error:
            return "unreachable", (error.details() if isinstance(error, grpc.Call) else "") or str(error)
    serving = HealthCheckResponse(status=HealthCheckResponse.SERVING).SerializeToString()
    return ("", "") if answer == serving else ("unreachable", "its health is not SERVING")


def _as_it_is(message: bytes) -> bytes:
    return message


def _http_problem(endpoint: str, method: str, path: str, headers: dict[str, str]) -> tuple[PortProblem, str]:
    host, port = split_endpoint(endpoint)
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=PORT_TIMEOUT_S)
    try:
        connection.request(method, path, b"" if method == "POST" else None, headers)
        response = connection.getresponse()
        body = response.read(ANSWER_BYTES_MAX)
    except (OSError, http.client.HTTPException) as error:
        return "unreachable", str(error) or type(error).__name__
    finally:
        connection.close()
    if response.status == http.client.OK:
        return "", ""
    told = _told(response.getheader("Content-Type", ""), body) or response.reason
    if response.status == http.client.SERVICE_UNAVAILABLE and response.getheader("Retry-After") is not None:
        return "busy", told
    if response.status == http.client.UNAUTHORIZED:
        return "token_refused", told
    return "unreachable", f"{response.status} {told}"


def _told(content_type: str, body: bytes) -> str:
    """Return what the body of a refusal says: a google.rpc.Status, one of our JSON objects, or plain text."""
    if content_type == PROTOBUF:
        return read_status(body)[0]
    try:
        answer: object = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace").strip()
    fields = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
    return next((text for name in _TELLING if isinstance(text := fields.get(name), str)), "")
