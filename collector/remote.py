"""Asking a running collector, over HTTP on its query port."""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from collector.config.endpoint import reachable_host, split_endpoint
from collector.errors import GasolineError
from collector.rendezvous import RunningCollector, running_collector

if TYPE_CHECKING:
    from collector.query.status import LiveStatus
    from collector.telemetry.metrics import ExporterTrouble

STATUS_TIMEOUT_S = 2.0
CLEAR_TIMEOUT_S = 60.0
ANSWER_BYTES_MAX = 1024 * 1024
_TOKEN_HINT = "export GASOLINE_TOKEN=<the value that the collector was started with>"  # noqa: S105 -- names no token


class CollectorUnreachableError(GasolineError):
    """The running collector did not answer, or not as expected; the text says how."""


def fetch_status(running: RunningCollector, token: str | None) -> Mapping[str, object]:
    """Return the JSON of `/api/status`. Raises CollectorUnreachableError."""
    return _ask(running, "GET", "/api/status", None, token, STATUS_TIMEOUT_S)


def live_status(data_dir: Path, token: str | None) -> "LiveStatus | None":
    """Return what the collector of `data_dir` says of itself; None if none runs."""
    from collector.query.status import LiveStatus

    running = running_collector(data_dir)
    if running is None:
        return None
    try:
        told = fetch_status(running, token)
    except CollectorUnreachableError as error:
        # Its ports are known from the data folder all the same.
        return LiveStatus(endpoints=running.endpoints, counters_unknown=str(error))
    too_long = told.get("session_ids_too_long")
    return LiveStatus(
        endpoints=running.endpoints,
        refused=_counts(told, "refused"),
        dropped=_counts(told, "dropped"),
        session_ids_too_long=too_long if isinstance(too_long, int) else 0,
        failing_exporters=_texts(told, "failing_exporters"),
        exporter_troubles={
            name: _trouble(cast("dict[str, object]", one))
            for name, one in _mapping(told, "exporter_troubles").items()
            if isinstance(one, dict)
        },
        queue_folders=_texts(told, "queue_folders"),
        refused_last_unix_nano=_counts(told, "refused_last_unix_nano"),
        dropped_last_unix_nano=_counts(told, "dropped_last_unix_nano"),
    )


def _trouble(told: Mapping[str, object]) -> "ExporterTrouble":
    from collector.telemetry.metrics import ExporterTrouble

    turned_away = told.get("turned_away")
    return ExporterTrouble(
        _counts(told, "dropped"),
        turned_away if isinstance(turned_away, int) else 0,
        str(told.get("last_failure", "")),
        str(told.get("failing", "")),
    )


def _counts(told: Mapping[str, object], name: str) -> dict[str, int]:
    return {reason: count for reason, count in _mapping(told, name).items() if isinstance(count, int)}


def _mapping(told: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = told.get(name)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _texts(told: Mapping[str, object], name: str) -> list[str]:
    value = told.get(name)
    return list(map(str, cast("list[object]", value))) if isinstance(value, list) else []


def request_clear(running: RunningCollector, session_id: str | None, token: str | None) -> int:
    """Let the collector clear one session, or everything; return the records deleted.

    Raises CollectorUnreachableError.
    """
    body = {} if session_id is None else {"session_id": session_id}
    deleted = _ask(running, "POST", "/api/clear", body, token, CLEAR_TIMEOUT_S).get("deleted")
    if not isinstance(deleted, int):
        raise CollectorUnreachableError(f"the collector at {running.query} did not say what it deleted")
    return deleted


def _ask(
    running: RunningCollector, method: str, path: str, body: object, token: str | None, timeout_s: float
) -> Mapping[str, object]:
    if not running.query:
        raise CollectorUnreachableError("the running collector has no query port; its configuration leaves it out")
    host, port = split_endpoint(running.query)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    payload = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        payload = json.dumps(body)
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=timeout_s)
    try:
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        raw = response.read(ANSWER_BYTES_MAX)
        answer: object = json.loads(raw)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CollectorUnreachableError(
            f"the collector at {running.query} (process {running.pid}) does not answer: {error}"
        ) from error
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise CollectorUnreachableError(f"the collector at {running.query} answered no JSON object")
    fields = cast("dict[str, object]", answer)
    if response.status != http.client.OK:
        reason = fields.get("error", response.reason)
        hint = f"; {_TOKEN_HINT}" if response.status == http.client.UNAUTHORIZED else ""
        raise CollectorUnreachableError(f"the collector at {running.query} answered {response.status}: {reason}{hint}")
    return fields
