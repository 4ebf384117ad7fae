"""What watches a collector: `/healthz` for whoever restarts or routes to it, `/metrics` for Prometheus.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

import asyncio
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from collector.telemetry.metrics import Counters

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from collector.telemetry.exposition import Exposition

HEALTH_PATH = "/healthz"
METRICS_PATH = "/metrics"
HEALTH_RETRY_AFTER_S = 1


class Probes:
    """ASGI applications for both paths. `problem` says why the collector is not fit to be sent to, "" if it is."""

    def __init__(self, problem: Callable[[], str], counters: Counters) -> None:
        self._problem = problem
        self._counters = counters
        self._loading = asyncio.Lock()
        self._exposition: Exposition | None = None

    async def health(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer 200, or 503 with the reason. It tells no more than that, so it needs no token."""
        from starlette.responses import JSONResponse

        problem = self._problem()
        if problem:
            retry = {"Retry-After": str(HEALTH_RETRY_AFTER_S)}
            response = JSONResponse({"status": "unavailable", "reason": problem}, 503, retry)
        else:
            response = JSONResponse({"status": "ok"})
        await response(scope, receive, send)

    async def metrics(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer with all metrics. The first time loads the SDK, in a thread: nothing else needs it."""
        from starlette.responses import Response

        async with self._loading:
            if self._exposition is None:
                await asyncio.to_thread(_load_exposition)
                from collector.telemetry.exposition import Exposition

                self._exposition = Exposition(self._counters, version("gasoline-otel"))
        from collector.telemetry.exposition import CONTENT_TYPE

        await Response(self._exposition.render(), media_type=CONTENT_TYPE)(scope, receive, send)

    def close(self) -> None:
        """Release what the SDK holds. May be called twice."""
        exposition, self._exposition = self._exposition, None
        if exposition is not None:
            exposition.close()


def _load_exposition() -> None:
    import_module("collector.telemetry.exposition")
