"""The collector of an agent's data folder, as `gasoline mcp` sees it: coming, running, or gone.

It is started once. One that a person has stopped stays stopped; the agent is told that nothing new arrives.
"""

import logging
import shlex
from pathlib import Path

from collector.errors import GasolineError
from collector.launch import POLL_INTERVAL_S, ensure_collector
from collector.rendezvous import running_collector
from collector.store.sqlite.lock import is_locked

FOUND_WITHIN_S = 20.0
STARTING_NOTE = 'a collector is being started on this data folder; observe(what="status") tells its ports'

_logger = logging.getLogger(__name__)


class AgentCollector:
    """Starts the collector of `data_dir`, waits for it, and tells of it. Safe to use from several threads."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._was_started = False

    def start(self) -> None:
        """Start it unless one runs. If that fails the log says why; the agent is served from what is stored."""
        try:
            ensure_collector(self._data_dir)
        except (GasolineError, OSError) as error:
            _logger.error("the collector could not be started: %s", error)
        finally:
            self._was_started = True

    async def wait_until_found(self, limit_s: float = FOUND_WITHIN_S) -> None:
        """Return when its ports are known, when none is coming, or after `limit_s`."""
        import anyio

        with anyio.move_on_after(limit_s):
            while running_collector(self._data_dir) is None and self._is_coming():  # noqa: ASYNC110 -- another process
                await anyio.sleep(POLL_INTERVAL_S)

    def ports_note(self) -> str:
        """Return where it listens, if that is not where everybody looks; "" if it is, or if none runs."""
        from collector.default_ports import other_ports_note

        running = running_collector(self._data_dir)
        return other_ports_note(running.endpoints) if running else ""

    def page_url(self) -> str:
        """Return where its timeline page is; "" if none runs."""
        running = running_collector(self._data_dir)
        return running.page_url if running else ""

    def absence_note(self) -> str:
        """Return that none runs, and what to do about it; "" while one does."""
        if running_collector(self._data_dir) is not None:
            return ""
        if self._is_coming():
            return STARTING_NOTE
        return (
            "no collector runs on this data folder, nothing new arrives; start one with "
            f"`gasoline serve --data-dir {shlex.quote(str(self._data_dir))}`"
        )

    def _is_coming(self) -> bool:
        return not self._was_started or is_locked(self._data_dir)
