"""Routes on the query port for other processes of the same person: `gasoline status`, `gasoline clear`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collector.errors import GasolineError
from collector.rendezvous import RunningCollector
from collector.store.api import Writer
from collector.telemetry.metrics import Counters

CLEAR_BODY_BYTES_MAX = 4096
STATUS_PATH = "/api/status"
CLEAR_PATH = "/api/clear"


def admin_routes(
    running: Callable[[], RunningCollector], counters: Counters, writer: Writer, queue_folders: Sequence[Path]
) -> Sequence[Route]:
    """Return the routes; the query port checks Host, Origin and token before they are reached."""

    async def status(_: Request) -> Response:
        return JSONResponse(
            {
                **asdict(running()),
                "accepted": counters.accepted,
                "refused": counters.refused,
                "refused_last_unix_nano": counters.refused_last_unix_nano,
                "dropped": counters.dropped,
                "dropped_last_unix_nano": counters.dropped_last_unix_nano,
                "session_ids_too_long": counters.session_ids_too_long,
                "failing_exporters": counters.failing_exporters,
                "exporter_troubles": {name: each._asdict() for name, each in counters.exporter_troubles.items()},
                "queue_folders": list(map(str, queue_folders)),
                "metrics": counters.by_metric_name(),
            }
        )

    async def clear(request: Request) -> Response:
        try:
            session_id = await _session_to_clear(request)
            return JSONResponse({"deleted": await writer.clear(session_id)})
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except GasolineError as error:
            return JSONResponse({"error": str(error)}, status_code=503)

    return [Route(STATUS_PATH, status, methods=["GET"]), Route(CLEAR_PATH, clear, methods=["POST"])]


async def _session_to_clear(request: Request) -> str | None:
    """Return the `session_id` of the JSON body; None means everything. Raises ValueError for any other body.

    Only `application/json` is read: a page of a foreign origin cannot send that without asking first.
    """
    hint = 'send application/json: {} clears everything, {"session_id": "..."} one session'
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ValueError(hint)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > CLEAR_BODY_BYTES_MAX:
            raise ValueError(f"the body is longer than {CLEAR_BODY_BYTES_MAX} bytes; {hint}")
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise ValueError(f"the body is not JSON; {hint}") from error
    if not isinstance(value, dict):
        raise ValueError(f"the body is not a JSON object; {hint}")
    fields = cast("dict[str, object]", value)
    session_id = fields.pop("session_id", None)
    if fields or not (session_id is None or (isinstance(session_id, str) and session_id)):
        raise ValueError(hint)
    return session_id
